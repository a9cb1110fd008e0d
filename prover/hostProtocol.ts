/** What a proving host is asked and what it says: messages between processes, by structured clone. */
import type { ProveProgress, ProveResult } from './backend.js';
import type { BackendName } from './prove.js';

/** Where the witness comes from: ready, or computed in the host from a circuit's input. */
export type WitnessSource =
  | { kind: 'witness'; witness: string | Uint8Array }
  /** `wasmPath` is the circuit's witness calculator; `input` its signals by name. */
  | { kind: 'input'; wasmPath: string; input: Record<string, unknown> };

export interface HostRequest {
  id: number;
  key: string | Uint8Array;
  source: WitnessSource;
  threads?: number | undefined;
  backend?: BackendName | undefined;
}

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
  | { id: number; kind: 'result'; result: ProveResult }
  | { id: number; kind: 'error'; error: HostError };
