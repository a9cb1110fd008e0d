/** What a proving backend takes and gives. Every backend behind `prove` has this one shape. */
import type { SnarkjsProof } from '../protocol/proof.js';
import type { GpuFailure } from './backends/gpuReport.js';

/** Where a proof stands. `fraction` never falls and is 1 exactly at the end. */
export interface ProveProgress {
  stage: string;
  fraction: number;
}

export interface BackendOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ProveProgress) => void) | undefined;
  /** Threads to use, at least 1; the backend's own choice where absent. */
  threads?: number | undefined;
}

export interface ProveResult {
  proof: SnarkjsProof;
  /** Public inputs in the circuit's order, decimal, without the constant 1. */
  publicSignals: string[];
  /** Milliseconds by stage; `total` is always there and is the time that passed; `cpu`, where a proving process tells it, is what all cores spent. */
  timesMs: Record<string, number>;
  /** Where each of the five sums of the proof was computed ('wasm' or 'webgpu'), by backends that know. */
  sums?: Record<string, string>;
  /** What went wrong with the GPU since the last proof; this one was finished without it. */
  gpuFailures?: readonly GpuFailure[];
}

/** A proving key: a local file that may be read as the backend likes, or bytes. */
export interface KeyMaterial {
  source: string | Uint8Array;
  /** Same text, same bytes: what was prepared may be kept under it. Undefined for bytes without a name. */
  residentAs?: string | undefined;
}

export interface ProvingBackend {
  readonly name: string;
  /** @throws TacitError ARTIFACT_MISSING, ZKEY_FORMAT, WTNS_FORMAT, WITNESS_MISMATCH, PROVE_CANCELLED, PROVE_FAILED */
  prove(key: KeyMaterial, witness: Uint8Array, options: BackendOptions): Promise<ProveResult>;
  /** Makes a key ready and keeps it, where it can be kept: the next proof begins at once. Throws as `prove` does of a key. */
  prepare?(key: KeyMaterial, options: Pick<BackendOptions, 'threads'>): Promise<void>;
  /** Frees keys and threads; the next proof starts afresh. */
  close(): Promise<void>;
}
