/** What a worker tells whoever watches it: a job was taken, a job ended. Hashes and times only; a witness never passes here. */
import type { CircuitName } from '../protocol/circuit.js';
import { isTacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import type { FarmAnswer, FarmJob } from '../queue/contracts.js';
import { PassOn } from '../queue/farmWorker.js';
import type { GpuFailure } from './backends/gpuReport.js';

export interface JobFacts {
  readonly job: string;
  readonly circuit: CircuitName;
  /** Hashes of the records that the job proves; empty for an update. */
  readonly payments: readonly Hex[];
  /** Milliseconds since the epoch. */
  readonly takenMs: number;
}

/** `passed`: left to another worker. `refused`: opened, and some of its witnesses are false. */
export type JobOutcome = 'proved' | 'refused' | 'passed' | 'failed';

export interface EndedJob extends JobFacts {
  readonly endedMs: number;
  readonly outcome: JobOutcome;
  /** Why it failed. */
  readonly code?: string;
}

/** How a proof came about. */
export interface ProofFacts {
  readonly circuit: CircuitName;
  /** Where each of its sums was computed: 'wasm' or 'webgpu'. Empty where the backend does not say. */
  readonly sums: Readonly<Record<string, string>>;
  /** What went wrong with the GPU; the proof was finished without it. */
  readonly gpuFailures: readonly GpuFailure[];
}

/** Its methods must not throw. */
export interface WorkerObserver {
  taken(job: JobFacts): void;
  ended(job: EndedJob): void;
  proved?(proof: ProofFacts): void;
}

/** Does the work, telling the observer before and after; result and errors are the work's. */
export async function observed(job: FarmJob, observer: WorkerObserver | undefined, work: () => Promise<FarmAnswer>): Promise<FarmAnswer> {
  if (observer === undefined) return work();
  const payments = job.kind === 'transfer' ? job.sealed.map(({ recordHash }) => recordHash) : [];
  const facts: JobFacts = { job: job.id, circuit: job.circuit, payments, takenMs: Date.now() };
  observer.taken(facts);
  try {
    const answer = await work();
    observer.ended({ ...facts, endedMs: Date.now(), outcome: 'refused' in answer ? 'refused' : 'proved' });
    return answer;
  } catch (error) {
    const passed = error instanceof PassOn;
    const code = isTacitError(error) ? error.code : 'INTERNAL';
    observer.ended({ ...facts, endedMs: Date.now(), outcome: passed ? 'passed' : 'failed', ...(passed ? {} : { code }) });
    throw error;
  }
}
