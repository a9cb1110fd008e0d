/**
 * The proving port: key and witness in, proof and public signals out, in snarkjs' JSON shapes.
 *
 * `prove` serves one proof. A `Prover` serves many: its backends keep the last keys they were given by path, so
 * that a second proof of the same circuit does not read and prepare them again. Both run where they are called: to keep an event
 * loop free, use `ProvingHost` (thread.ts), which runs this in a process of its own.
 */
import type { BackendOptions, KeyMaterial, ProveResult, ProvingBackend } from './backend.js';
import type { GpuReport } from './backends/gpuReport.js';
import type { GpuSupply } from './backends/gpuSupply.js';
import { type ByteSource, cancelled, localPath, readSource } from './source.js';

/** wasm: our own engine. webgpu: the same, all sums of G1 on a GPU. auto: on a GPU what was measured to be faster there. */
export type BackendName = 'auto' | 'wasm' | 'webgpu' | 'snarkjs';

export interface ProveOptions extends BackendOptions {
  backend?: BackendName | undefined;
}

export const BACKEND_NAMES: readonly BackendName[] = ['auto', 'wasm', 'webgpu', 'snarkjs'];

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
    const existing = this.#backends.get(name);
    if (existing !== undefined) return existing;
    const loading = loadBackend(name);
    this.#backends.set(name, loading);
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

async function loadBackend(name: BackendName): Promise<ProvingBackend> {
  switch (name) {
    case 'wasm': {
      const { WasmBackend } = await import('./backends/wasm.js');
      return new WasmBackend();
    }
    case 'auto':
    case 'webgpu': {
      const { WasmBackend } = await import('./backends/wasm.js');
      return new WasmBackend(name, await gpuSupply(name));
    }
    case 'snarkjs': {
      const { SnarkjsBackend } = await import('./backends/snarkjs.js');
      return new SnarkjsBackend();
    }
  }
}

async function gpuSupply(mode: 'auto' | 'webgpu'): Promise<GpuSupply> {
  const { GpuSupply } = await import('./backends/gpuSupply.js');
  const { anyCalibration, storeCalibration, storedCalibration } = await import('./backends/calibrationStore.js');
  return new GpuSupply(mode, { read: storedCalibration, promising: anyCalibration, write: storeCalibration });
}

/**
 * What there is of a GPU, and from how many bases on it is faster.
 * @param options.measure measures where nobody has: some seconds on a machine with a GPU, nothing on one without
 */
export async function reportGpu({ threads, measure }: { threads?: number | undefined; measure: boolean }): Promise<GpuReport> {
  const supply = await gpuSupply('auto');
  return supply.report(threads, { measure });
}
