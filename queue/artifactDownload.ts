/**
 * A circuit's files from a node, for a machine that has not built them: resumed where a download broke off, and compared with the
 * hashes that this software pins (circuits/pins.json) before anything else looks at them. The node is believed nothing.
 *
 *   1 what lies in the folder with the right hash is used
 *   2 else `HASH.KIND.part` grows by ranges until it is as long as the node says
 *   3 the whole is hashed; a small form of a key is expanded first, and the key hashed
 *   4 right: renamed to `HASH.KIND` in one step; wrong: thrown away, with file, expected and got named
 *
 * Invariant: a file that has its final name was whole and right when it got it. Files are named by their hash, so that a folder
 * may be shared by versions and by workers; one process at a time downloads a file, the others wait for it.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadPins, type Pins } from '../circuits/artifacts.js';
import { sha256File } from '../circuits/hash.js';
import { circuitCache } from '../circuits/paths.js';
import { acquireLock } from '../ledger/lockFile.js';
import type { CircuitName } from '../protocol/circuit.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { expandKey } from '../prover/engine/groth16/compactReader.js';
import { etagOf, isSha256, type ShelfFile, type ShelfKind } from './artifactShelf.js';
import { errorFrom, parseBody } from './gatewayClient.js';

export interface DownloadOptions {
  readonly node: string;
  /** `fetched` beside the cache of built circuits where absent. */
  readonly dir?: string;
  readonly onProgress?: (progress: { readonly file: string; readonly fraction: number }) => void;
  readonly pins?: Pins;
  readonly fetch?: typeof fetch;
}

export interface DownloadedArtifacts {
  readonly wasmPath: string;
  readonly zkeyPath: string;
  /** verification_key.json, parsed. */
  readonly vkey: unknown;
}

type FileKind = 'wasm' | 'zkey' | 'vkey';

/** More is no circuit of this project (update(32)'s key has 1.2 GB), and would fill a disk. */
const MAX_BYTES = 4 * 2 ** 30;
/** Breaks without a byte of progress between them before the download is given up; what came stays for the next try. */
const MAX_BREAKS = 6;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 8_000;
const ANSWER_MS = 30_000;
const LOCK_POLL_MS = 200;
const PARTIAL = 206;
const UNSATISFIABLE = 416;

/**
 * @throws TacitError ARTIFACT_PIN (this software pins no such circuit), ARTIFACT_UNKNOWN (the node does not have it), ARTIFACT_HASH
 * (what came is not the pinned file), NODE_ANSWER, NODE_UNREACHABLE (retryable)
 */
export async function downloadArtifacts(circuit: CircuitName, options: DownloadOptions): Promise<DownloadedArtifacts> {
  const pinned = (options.pins ?? loadPins())[circuit]?.sha256;
  if (pinned === undefined) throw new TacitError('ARTIFACT_PIN', 'this software pins no such circuit', { got: circuit });
  const dir = options.dir ?? join(dirname(circuitCache()), 'fetched');
  await mkdir(dir, { recursive: true });
  let offered: Offer | undefined;
  const ensure = async (kind: FileKind): Promise<string> => {
    const target = join(dir, `${pinned[kind]}.${kind}`);
    if (await isRight(target, pinned[kind])) return target;
    offered ??= await offer(circuit, options);
    const release = await lockOf(target);
    try {
      // Somebody else may have brought it meanwhile.
      if (!(await isRight(target, pinned[kind]))) await bring(kind, offered, target, pinned[kind], options);
    } finally {
      release();
    }
    return target;
  };
  const [wasmPath, vkeyPath] = [await ensure('wasm'), await ensure('vkey')];
  return { wasmPath, zkeyPath: await ensure('zkey'), vkey: JSON.parse(await readFile(vkeyPath, 'utf8')) };
}

type Offer = Partial<Record<ShelfKind, ShelfFile>>;

async function offer(circuit: CircuitName, options: DownloadOptions): Promise<Offer> {
  const response = await request(`/v1/artifacts/${circuit}`, {}, options);
  const body = await parseBody(response);
  if (!response.ok) throw errorFrom(response.status, body);
  const { files } = (body ?? {}) as { files?: Record<string, Partial<ShelfFile>> };
  const fits = (entry: Partial<ShelfFile> | null): boolean => {
    const { file, sizeBytes, sha256 } = entry ?? {};
    return typeof file === 'string' && /^[a-z0-9_.-]{1,80}$/.test(file) && isSha256(sha256) && isSize(sizeBytes);
  };
  if (typeof files !== 'object' || files === null || !Object.values(files).every(fits))
    throw new TacitError('NODE_ANSWER', 'the node’s list of files is malformed', { expected: 'files with size and hash' });
  return files as Offer;
}

/** The file itself, or for a key the smaller form that makes it. */
async function bring(kind: FileKind, files: Offer, target: string, pin: string, options: DownloadOptions): Promise<void> {
  const small = kind === 'zkey' && files.compact !== undefined && files.compact.sizeBytes < (files.zkey?.sizeBytes ?? MAX_BYTES);
  const file = small ? files.compact : files[kind];
  if (file === undefined) throw new TacitError('ARTIFACT_UNKNOWN', 'the node does not have the file', { got: kind });
  if (file.sha256 !== pin) throw notPinned(file, file.sha256, pin, options);
  const part = `${target}${small ? '.tzkc' : ''}.part`;
  await complete(part, file, options);
  const whole = small ? await expanded(part, target, file, options) : part;
  const got = await sha256File(whole);
  if (got === pin) return rename(whole, target).then(() => rm(part, { force: true }));
  await Promise.all([rm(whole, { force: true }), rm(part, { force: true })]);
  throw notPinned(file, got, pin, options);
}

function notPinned({ file }: ShelfFile, got: string, pin: string, { node }: DownloadOptions): TacitError {
  return new TacitError('ARTIFACT_HASH', `${file} from ${node} is not the file that this software pins; it was not kept`, {
    expected: pin,
    got,
    docs: 'how-to/run-a-worker.md',
  });
}

async function expanded(part: string, target: string, { file }: ShelfFile, { node }: DownloadOptions): Promise<string> {
  const whole = `${target}.expanded`;
  try {
    await writeFile(whole, await expandKey(new Uint8Array(await readFile(part))));
    return whole;
  } catch (cause) {
    await rm(part, { force: true });
    throw new TacitError('ARTIFACT_HASH', `${file} from ${node} does not expand to a key; it was thrown away`, { cause });
  }
}

/** Grows the part until it is whole. */
async function complete(part: string, file: ShelfFile, options: DownloadOptions): Promise<void> {
  let breaks = 0;
  for (;;) {
    const have = await sizeOf(part);
    options.onProgress?.({ file: file.file, fraction: Math.min(1, have / file.sizeBytes) });
    if (have === file.sizeBytes) return;
    if (have > file.sizeBytes) await rm(part, { force: true });
    try {
      await grow(part, have > file.sizeBytes ? 0 : have, file, options);
      if ((await sizeOf(part)) > have) breaks = 0;
    } catch (error) {
      if (!isTacitError(error) || !error.retryable) throw error;
      breaks = (await sizeOf(part)) > have ? 1 : breaks + 1;
      if (breaks >= MAX_BREAKS) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_FIRST_MS * 2 ** breaks, RETRY_MAX_MS)));
    }
  }
}

async function grow(part: string, have: number, entry: ShelfFile, options: DownloadOptions): Promise<void> {
  const { file, sizeBytes } = entry;
  // Of a file that was changed meanwhile the rest is of no use: then the whole comes.
  const headers: Record<string, string> = have === 0 ? {} : { range: `bytes=${have}-`, 'if-range': etagOf(entry) };
  const response = await request(`/v1/artifacts/${file}`, headers, options);
  if (response.status === UNSATISFIABLE) return rm(part, { force: true });
  if (!response.ok || response.body === null) throw errorFrom(response.status, await parseBody(response));
  // What is not the rest that was asked for is the whole.
  const resumed = response.status === PARTIAL && response.headers.get('content-range')?.startsWith(`bytes ${have}-`) === true;
  const grown = await open(part, resumed ? 'a' : 'w');
  let room = sizeBytes - (resumed ? have : 0);
  try {
    for await (const chunk of response.body) {
      room -= chunk.length;
      if (room < 0) throw new TacitError('NODE_ANSWER', `${file} is longer than the node said`, { expected: `${sizeBytes} bytes` });
      // Each piece is written before the next is read, so that a break loses none.
      await grown.write(chunk);
      options.onProgress?.({ file, fraction: 1 - room / sizeBytes });
    }
  } catch (cause) {
    if (!isTacitError(cause)) throw new TacitError('NODE_UNREACHABLE', `the download of ${file} broke off`, { retryable: true, cause });
    await rm(part, { force: true });
    throw cause;
  } finally {
    await grown.close();
  }
}

async function request(path: string, headers: Record<string, string>, { node, fetch: given = fetch }: DownloadOptions): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), ANSWER_MS);
  try {
    return await given(`${node.replace(/\/+$/, '')}${path}`, { headers, signal: patience.signal });
  } catch (cause) {
    throw new TacitError('NODE_UNREACHABLE', `cannot reach the node at ${node}`, { retryable: true, cause });
  } finally {
    // The answer has begun: how long all of it takes is another matter.
    clearTimeout(timer);
  }
}

async function isRight(path: string, pin: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  if ((await sha256File(path)) === pin) return true;
  // Whole when it was put there, so the disk has changed it since.
  await rm(path, { force: true });
  return false;
}

async function lockOf(target: string): Promise<() => void> {
  for (;;) {
    try {
      return acquireLock(`${target}.lock`);
    } catch (error) {
      if (!isTacitError(error, 'JOURNAL_LOCKED')) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
  }
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_BYTES;
}
