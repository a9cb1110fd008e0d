/**
 * Bytes from wherever a caller has them: a path, an http(s) or file URL, or the bytes themselves.
 * The only place of the prover that reads files; `node:fs` is loaded when a path is met, so a browser may import this.
 */
import { TacitError } from '../protocol/errors.js';

/** A path, an `http:`, `https:` or `file:` URL (as text or object), or the bytes. */
export type ByteSource = string | URL | Uint8Array;

/**
 * @param what named in errors, for example `proving key`
 * @throws TacitError ARTIFACT_MISSING (no such file, or the server says no), PROVE_CANCELLED
 */
export async function readSource(source: ByteSource, what: string, signal?: AbortSignal): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const url = asUrl(source);
  try {
    if (url !== undefined && url.protocol !== 'file:') return await download(url, what, signal);
    const { readFile } = await import('node:fs/promises');
    return await readFile(url ?? source, signal === undefined ? {} : { signal });
  } catch (error) {
    if (error instanceof TacitError) throw error;
    if (signal?.aborted) throw cancelled();
    const code = (error as { code?: string }).code;
    throw new TacitError('ARTIFACT_MISSING', `cannot read the ${what}`, {
      expected: 'a readable file',
      got: `${String(source)} (${code ?? 'unreadable'})`,
      retryable: url !== undefined,
      cause: error,
    });
  }
}

/** The path of a local source; undefined for bytes and for remote URLs. */
export async function localPath(source: ByteSource): Promise<string | undefined> {
  if (source instanceof Uint8Array) return undefined;
  const url = asUrl(source);
  if (url === undefined) return source as string;
  if (url.protocol !== 'file:') return undefined;
  const { fileURLToPath } = await import('node:url');
  return fileURLToPath(url);
}

export function cancelled(): TacitError {
  return new TacitError('PROVE_CANCELLED', 'the proof was cancelled', { retryable: true });
}

function asUrl(source: string | URL): URL | undefined {
  if (source instanceof URL) return source;
  return /^(https?|file):\/\//.test(source) ? new URL(source) : undefined;
}

async function download(url: URL, what: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (!response.ok) {
    throw new TacitError('ARTIFACT_MISSING', `cannot fetch the ${what}`, {
      expected: 'status 200',
      got: `${response.status} from ${url}`,
      retryable: response.status >= 500,
    });
  }
  return new Uint8Array(await response.arrayBuffer());
}
