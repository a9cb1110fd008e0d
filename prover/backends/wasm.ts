/**
 * Proofs by our own engine, the backend of choice: WebAssembly, and a GPU for some of the sums where one is given.
 *
 * A key read from a file stays prepared in the engine's memory with its threads, so the second proof of a circuit begins at
 * once. A key given as bytes has no name to find it again by: it is prepared, used and freed.
 */
import type { BackendOptions, KeyMaterial, ProveProgress, ProveResult, ProvingBackend } from '../backend.js';
import { loadProvingKey, type ProvingKey, proveWithKey } from '../engine/prove.js';
import { Residents } from '../residents.js';
import type { GpuOffer, GpuSupply } from './gpuSupply.js';

/** A worker proves transfers and updates by turns: two keys resident cover it. */
const RESIDENT_KEYS = 2;
/** Preparing a key is reported as a stage that has not begun proving. */
const LOADING: ProveProgress = { stage: 'key', fraction: 0 };

export class WasmBackend implements ProvingBackend {
  readonly name: string;
  readonly #gpu: GpuSupply | undefined;
  readonly #keys = new Residents<ProvingKey>(
    RESIDENT_KEYS,
    (key) => key.close(),
    (key) => key.usable,
  );

  /** @param gpu where devices come from; without one, everything is computed by WebAssembly */
  constructor(name = 'wasm', gpu?: GpuSupply) {
    this.name = name;
    this.#gpu = gpu;
  }

  async prove(material: KeyMaterial, witness: Uint8Array, options: BackendOptions): Promise<ProveResult> {
    options.onProgress?.(LOADING);
    const { gpuFailures = [], ...result } = await this.#prove(material, witness, options);
    return { ...result, gpuFailures: [...(this.#gpu?.takeFailures() ?? []), ...gpuFailures] };
  }

  async prepare(material: KeyMaterial, options: Pick<BackendOptions, 'threads'>): Promise<void> {
    if (material.residentAs !== undefined) await this.#withResident(material.residentAs, material, options, async () => {});
  }

  async #prove(material: KeyMaterial, witness: Uint8Array, options: BackendOptions): Promise<ProveResult> {
    if (material.residentAs !== undefined)
      return this.#withResident(material.residentAs, material, options, (key) => proveOn(key, witness, options));
    const key = await load(material, options, await this.#gpu?.offer(options.threads));
    try {
      return await proveOn(key, witness, options);
    } finally {
      await key.close();
    }
  }

  /** A key of an earlier device is loaded again; what it holds is freed with it. */
  async #withResident<R>(
    name: string,
    material: KeyMaterial,
    options: Pick<BackendOptions, 'threads'>,
    work: (key: ProvingKey) => Promise<R>,
  ): Promise<R> {
    const offer = await this.#gpu?.offer(options.threads);
    const place = `${name}:${options.threads ?? 'all'}:${offer ? `gpu ${offer.generation}` : ''}`;
    return this.#keys.use(place, () => load(material, options, offer), work);
  }

  async close(): Promise<void> {
    await this.#keys.clear();
    await this.#gpu?.close();
  }
}

function load({ source }: KeyMaterial, { threads }: Pick<BackendOptions, 'threads'>, offer: GpuOffer | undefined): Promise<ProvingKey> {
  return loadProvingKey(source, { ...(threads === undefined ? {} : { threads }), helper: offer?.helper });
}

async function proveOn(key: ProvingKey, witness: Uint8Array, { signal, onProgress }: BackendOptions): Promise<ProveResult> {
  let reached = 0;
  const { helperFailures, ...result } = await proveWithKey(key, witness, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ phase, fraction }) => {
      // The end is told once, below: after the last step the proof is still to be put together.
      if (fraction >= 1) return;
      reached = Math.max(reached, fraction);
      onProgress?.({ stage: phase, fraction: reached });
    },
  });
  onProgress?.({ stage: 'done', fraction: 1 });
  // Errors do not keep their fields between processes.
  return { ...result, gpuFailures: helperFailures.map(({ code, message }) => ({ code, message })) };
}
