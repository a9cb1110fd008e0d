/** What a proving host is asked and what it says: messages between processes, by structured clone. */
import type { ProveProgress, ProveResult } from './backend.js';
import type { GpuReport } from './backends/gpuReport.js';
import type { BackendName } from './prove.js';

/** Where the witness comes from: ready, or computed in the host from a circuit's input. */
export type WitnessSource =
  | { kind: 'witness'; witness: string | Uint8Array }
  /** `wasmPath` is the circuit's witness calculator; `input` its signals by name. */
  | { kind: 'input'; wasmPath: string; input: Record<string, unknown> };

/** Where a circuit's files are, to be read before the first proof needs them. */
export interface CircuitFiles {
  zkeyPath: string;
  wasmPath: string;
}

/** With a key: a proof, or with `prepare` only the key and the witness calculator are read. */
export interface KeyRequest {
  key: string | Uint8Array;
  source: WitnessSource | { kind: 'prepare'; wasmPath: string };
  threads?: number | undefined;
  backend?: BackendName | undefined;
}

/** Without a key: what there is of a GPU. */
export interface GpuRequest {
  source: { kind: 'gpu'; measure: boolean };
  threads?: number | undefined;
}

export type HostRequest = (KeyRequest | GpuRequest) & { id: number };

/** An error that survives the way between processes. */
export interface HostError {
  code: string;
  message: string;
  expected?: string;
  got?: string;
  retryable: boolean;
}

export type HostReply =
  | { id: number; kind: 'progress'; progress: ProveProgress }
  /** `peakMemoryBytes`: the most that the proving process has held so far. */
  | { id: number; kind: 'result'; result: ProveResult; peakMemoryBytes: number }
  | { id: number; kind: 'prepared' }
  | { id: number; kind: 'gpu'; report: GpuReport }
  | { id: number; kind: 'error'; error: HostError };
