/**
 * The proving port: key and witness in, proof and public signals out, in snarkjs' JSON shapes.
 *
 * `prove` serves one proof. A `Prover` serves many: its backends keep the last keys they were given by path, so
 * that a second proof of the same circuit does not read and prepare them again. Both run where they are called: to keep an event
 * loop free, use `ProvingHost` (thread.ts), which runs this in a process of its own.
 */
import type { BackendOptions, KeyMaterial, ProveResult, ProvingBackend } from './backend.js';
import { type ByteSource, cancelled, localPath, readSource } from './source.js';

export type BackendName = 'auto' | 'wasm' | 'snarkjs';

export interface ProveOptions extends BackendOptions {
  backend?: BackendName | undefined;
}

export const BACKEND_NAMES: readonly BackendName[] = ['auto', 'wasm', 'snarkjs'];

/** What 'auto' means: our own engine, which runs wherever WebAssembly does and needs no foreign code. */
const PREFERRED = 'wasm';

/**
 * @throws TacitError ARTIFACT_MISSING, ZKEY_FORMAT, WTNS_FORMAT, WITNESS_MISMATCH, PROVE_CANCELLED, PROVE_FAILED, BACKEND_MISSING
 */
export async function prove(key: ByteSource, witness: ByteSource, options: ProveOptions = {}): Promise<ProveResult> {
  const prover = new Prover();
  try {
    return await prover.prove(key, witness, options);
  } finally {
    await prover.close();
  }
}

export class Prover {
  readonly #backends = new Map<BackendName, Promise<ProvingBackend>>();

  async prove(key: ByteSource, witness: ByteSource, options: ProveOptions = {}): Promise<ProveResult> {
    const { signal } = options;
    if (signal?.aborted) throw cancelled();
    const [material, bytes] = await Promise.all([materialOf(key, signal), readSource(witness, 'witness', signal)]);
    const backend = await this.#backend(options.backend ?? 'auto');
    return backend.prove(material, bytes, options);
  }

  /** Reads a key from a file and keeps it, so that the first proof with it begins at once. */
  async prepare(key: ByteSource, { threads, backend: name = 'auto' }: Pick<ProveOptions, 'threads' | 'backend'> = {}): Promise<void> {
    const backend = await this.#backend(name);
    await backend.prepare?.(await materialOf(key, undefined), { threads });
  }

  /** Frees what is resident and ends the backends' threads. The prover may be used again afterwards. */
  async close(): Promise<void> {
    const backends = [...this.#backends.values()];
    this.#backends.clear();
    for (const pending of backends) await (await pending.catch(() => undefined))?.close();
  }

  #backend(name: BackendName): Promise<ProvingBackend> {
    const wanted = name === 'auto' ? PREFERRED : name;
    const existing = this.#backends.get(wanted);
    if (existing !== undefined) return existing;
    const loading = loadBackend(wanted);
    this.#backends.set(wanted, loading);
    return loading;
  }
}

/** A local file is left to the backend to read; anything else is brought here first. */
async function materialOf(key: ByteSource, signal: AbortSignal | undefined): Promise<KeyMaterial> {
  const path = await localPath(key);
  if (path === undefined) return { source: await readSource(key, 'proving key', signal) };
  return { source: path, residentAs: await fingerprintOf(path) };
}

/** A file that was replaced has another size or time, so a stale resident key is never used. */
async function fingerprintOf(path: string): Promise<string | undefined> {
  const { stat } = await import('node:fs/promises');
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : `${path}:${found.size}:${found.mtimeMs}`;
}

async function loadBackend(name: Exclude<BackendName, 'auto'>): Promise<ProvingBackend> {
  switch (name) {
    case 'wasm': {
      const { WasmBackend } = await import('./backends/wasm.js');
      return new WasmBackend();
    }
    case 'snarkjs': {
      const { SnarkjsBackend } = await import('./backends/snarkjs.js');
      return new SnarkjsBackend();
    }
  }
}
