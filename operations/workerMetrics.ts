/** A worker's metrics for Prometheus, and what its health endpoints say. Names as in nodeMetrics.ts. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EndedJob, JobFacts, WorkerObserver } from '../prover/observer.js';
import type { Lane } from '../queue/farmOptions.js';

export interface WorkerMetrics extends WorkerObserver {
  render(): Promise<string>;
  readonly contentType: string;
  readonly registry: Registry;
  /** The jobs in hand: none, or as many as it proves at a time. */
  inHand(): readonly JobFacts[];
}

/** A small circuit takes a second on two cores, the largest a minute. */
const PROVING_BUCKETS_SECONDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128];

/** @param lanes all that the worker serves, so that a lane without jobs is told as zero */
export function workerMetrics(lanes: readonly Lane[]): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'tacit_process_' });
  const registers = [registry];
  const jobs = new Counter({
    name: 'tacit_worker_jobs_total',
    help: 'Jobs ended, by circuit and outcome',
    labelNames: ['circuit', 'outcome'],
    registers,
  });
  const failures = new Counter({
    name: 'tacit_worker_failures_total',
    help: 'Jobs failed, by error code',
    labelNames: ['code'],
    registers,
  });
  const proving = new Histogram({
    name: 'tacit_worker_proving_seconds',
    help: 'Witness, proof and its verification, by circuit',
    labelNames: ['circuit'],
    buckets: PROVING_BUCKETS_SECONDS,
    registers,
  });
  const sums = new Counter({
    name: 'tacit_worker_sums_total',
    help: 'Multi-exponentiations of proofs, by sum (a, b1, b2, c, h) and where it was computed (wasm, webgpu)',
    labelNames: ['sum', 'backend'],
    registers,
  });
  const gpuFailures = new Counter({
    name: 'tacit_worker_gpu_failures_total',
    help: 'Failures of the GPU, by error code; the proofs were finished without it',
    labelNames: ['code'],
    registers,
  });
  const busy = new Gauge({ name: 'tacit_worker_busy', help: 'Jobs in hand', registers });
  for (const circuit of lanes) jobs.inc({ circuit, outcome: 'proved' }, 0);
  const current = new Map<string, JobFacts>();
  return {
    registry,
    contentType: registry.contentType,
    render: () => registry.metrics(),
    inHand: () => [...current.values()],
    taken: (job) => {
      current.set(job.job, job);
      busy.set(current.size);
    },
    ended: ({ job, circuit, outcome, code, takenMs, endedMs }: EndedJob) => {
      current.delete(job);
      busy.set(current.size);
      jobs.inc({ circuit, outcome });
      if (code !== undefined) failures.inc({ code });
      if (outcome === 'proved') proving.observe({ circuit }, (endedMs - takenMs) / 1000);
    },
    proved: (proof) => {
      for (const [sum, backend] of Object.entries(proof.sums)) sums.inc({ sum, backend });
      for (const { code } of proof.gpuFailures) gpuFailures.inc({ code });
    },
  };
}
