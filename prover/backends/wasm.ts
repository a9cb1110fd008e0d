/**
 * Proofs by our own WebAssembly engine, the backend of choice.
 *
 * A key read from a file stays prepared in the engine's memory with its threads, so the second proof of a circuit begins at
 * once. A key given as bytes has no name to find it again by: it is prepared, used and freed.
 */
import type { BackendOptions, KeyMaterial, ProveProgress, ProveResult, ProvingBackend } from '../backend.js';
import { loadProvingKey, type ProvingKey, proveWithKey } from '../engine/prove.js';
import { Residents } from '../residents.js';

/** A worker proves transfers and updates by turns: two keys resident cover it. */
const RESIDENT_KEYS = 2;
/** Preparing a key is reported as a stage that has not begun proving. */
const LOADING: ProveProgress = { stage: 'key', fraction: 0 };

export class WasmBackend implements ProvingBackend {
  readonly name = 'wasm';
  readonly #keys = new Residents<ProvingKey>(RESIDENT_KEYS, (key) => key.close());

  async prove(material: KeyMaterial, witness: Uint8Array, options: BackendOptions): Promise<ProveResult> {
    options.onProgress?.(LOADING);
    if (material.residentAs !== undefined) return proveOn(await this.#resident(material.residentAs, material, options), witness, options);
    const key = await load(material, options);
    try {
      return await proveOn(key, witness, options);
    } finally {
      await key.close();
    }
  }

  async prepare(material: KeyMaterial, options: Pick<BackendOptions, 'threads'>): Promise<void> {
    if (material.residentAs !== undefined) await this.#resident(material.residentAs, material, options);
  }

  #resident(name: string, material: KeyMaterial, options: Pick<BackendOptions, 'threads'>): Promise<ProvingKey> {
    return this.#keys.take(`${name}:${options.threads ?? 'all'}`, () => load(material, options));
  }

  close(): Promise<void> {
    return this.#keys.clear();
  }
}

function load({ source }: KeyMaterial, { threads }: Pick<BackendOptions, 'threads'>): Promise<ProvingKey> {
  return loadProvingKey(source, threads === undefined ? {} : { threads });
}

async function proveOn(key: ProvingKey, witness: Uint8Array, { signal, onProgress }: BackendOptions): Promise<ProveResult> {
  let reached = 0;
  const result = await proveWithKey(key, witness, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ phase, fraction }) => {
      // The end is told once, below: after the last step the proof is still to be put together.
      if (fraction >= 1) return;
      reached = Math.max(reached, fraction);
      onProgress?.({ stage: phase, fraction: reached });
    },
  });
  onProgress?.({ stage: 'done', fraction: 1 });
  return result;
}
