/**
 * The proving port: key and witness in, proof and public signals out, in snarkjs' JSON shapes.
 *
 * `prove` serves one proof. A `Prover` serves many: it keeps the last keys it was given by path, so that a second
 * proof of the same circuit does not read and prepare them again. Both run where they are called: to keep an event
 * loop free, use `ProvingHost` (thread.ts), which runs this in a process of its own.
 */
import { TacitError } from '../protocol/errors.js';
import type { BackendOptions, KeyMaterial, ProveResult, ProvingBackend } from './backend.js';
import { assertMatching } from './fileFormat.js';
import { type ByteSource, cancelled, localPath, readSource } from './source.js';

export type BackendName = 'auto' | 'wasm' | 'snarkjs';

export interface ProveOptions extends BackendOptions {
  backend?: BackendName | undefined;
}

export const BACKEND_NAMES: readonly BackendName[] = ['auto', 'wasm', 'snarkjs'];

/** A worker proves transfers and updates by turns: two keys resident cover it. */
const RESIDENT_KEYS = 2;

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

type ClosableBackend = ProvingBackend & { close?(): Promise<void> };

export class Prover {
  readonly #keys = new Map<string, Uint8Array>();
  readonly #backends = new Map<string, Promise<ClosableBackend>>();

  async prove(key: ByteSource, witness: ByteSource, options: ProveOptions = {}): Promise<ProveResult> {
    const { signal } = options;
    if (signal?.aborted) throw cancelled();
    const [material, witnessBytes] = await Promise.all([this.#keyMaterial(key, signal), readSource(witness, 'witness', signal)]);
    assertMatching(material.bytes, witnessBytes);
    const backend = await this.#backend(options.backend ?? 'auto');
    return backend.prove(material, witnessBytes, options);
  }

  /** Frees what is resident and ends the backends' threads. The prover may be used again afterwards. */
  async close(): Promise<void> {
    this.#keys.clear();
    const backends = [...this.#backends.values()];
    this.#backends.clear();
    for (const pending of backends) await (await pending.catch(() => undefined))?.close?.();
  }

  async #keyMaterial(key: ByteSource, signal: AbortSignal | undefined): Promise<KeyMaterial> {
    const path = await localPath(key);
    if (path === undefined) return { bytes: await readSource(key, 'proving key', signal) };
    const residentAs = await fingerprintOf(path);
    const known = residentAs === undefined ? undefined : this.#keys.get(residentAs);
    const bytes = known ?? (await readSource(path, 'proving key', signal));
    if (residentAs === undefined) return { bytes };
    this.#keys.delete(residentAs); // re-inserted as the newest
    this.#keys.set(residentAs, bytes);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= RESIDENT_KEYS) break;
      this.#keys.delete(oldest);
    }
    return { bytes, residentAs };
  }

  #backend(name: BackendName): Promise<ClosableBackend> {
    const existing = this.#backends.get(name);
    if (existing !== undefined) return existing;
    const loading = loadBackend(name);
    this.#backends.set(name, loading);
    return loading;
  }
}

/** A file that was replaced has another size or time, so a stale resident key is never used. */
async function fingerprintOf(path: string): Promise<string | undefined> {
  const { stat } = await import('node:fs/promises');
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : `${path}:${found.size}:${found.mtimeMs}`;
}

async function loadBackend(name: BackendName): Promise<ClosableBackend> {
  switch (name) {
    case 'auto':
    case 'snarkjs': {
      const { SnarkjsBackend } = await import('./backends/snarkjs.js');
      return new SnarkjsBackend();
    }
    case 'wasm':
      throw new TacitError('BACKEND_MISSING', 'this build has no engine of its own', { expected: 'snarkjs', got: name });
  }
}
