/** What a proving backend takes and gives. Every backend behind `prove` has this one shape. */
import type { SnarkjsProof } from '../protocol/proof.js';

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
  /** Wall-clock milliseconds by stage; `total` is always there. */
  timesMs: Record<string, number>;
}

/** Bytes of a proving key, and a name under which what was prepared from them may be kept for the next proof. */
export interface KeyMaterial {
  bytes: Uint8Array;
  /** Same text, same bytes; undefined where the caller's bytes have no name worth keeping. */
  residentAs?: string | undefined;
}

export interface ProvingBackend {
  readonly name: string;
  /** @throws TacitError PROVE_CANCELLED, WITNESS_INVALID, PROVE_FAILED */
  prove(key: KeyMaterial, witness: Uint8Array, options: BackendOptions): Promise<ProveResult>;
}
