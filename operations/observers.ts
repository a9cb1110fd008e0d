/** Several observers as one. */
import { describeSums, usedGpu } from '../prover/backends/gpuReport.js';
import type { WorkerObserver } from '../prover/observer.js';
import type { ProcessLog } from './logger.js';

export function allOf(...observers: readonly WorkerObserver[]): WorkerObserver {
  return {
    taken: (job) => {
      for (const observer of observers) observer.taken(job);
    },
    ended: (job) => {
      for (const observer of observers) observer.ended(job);
    },
    proved: (proof) => {
      for (const observer of observers) observer.proved?.(proof);
    },
  };
}

/** One line for every job that ends; with the payment where it proves a single one. What a GPU did, or failed at, before it. */
export function logJobs(log: ProcessLog): WorkerObserver {
  return {
    taken: () => {},
    ended: ({ job, circuit, payments, takenMs, endedMs, outcome, code }) =>
      log.event(`${outcome} ${job} in ${endedMs - takenMs} ms${code === undefined ? '' : `: ${code}`}`, {
        job,
        circuit,
        outcome,
        ms: endedMs - takenMs,
        ...(code === undefined ? {} : { code }),
        ...(payments.length === 1 ? { payment: payments[0] as string } : payments.length > 1 ? { payments } : {}),
      }),
    proved: ({ circuit, sums, gpuFailures }) => {
      for (const { code, message } of gpuFailures) {
        log.event(`the GPU failed; ${circuit} was proved without it: ${message}`, { circuit, gpuFailure: code });
      }
      if (usedGpu(sums)) {
        const text = describeSums(sums);
        log.event(`sums of ${circuit}: ${text}`, { circuit, sums: text });
      }
    },
  };
}
