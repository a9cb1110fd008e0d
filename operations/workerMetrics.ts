/** A worker's metrics for Prometheus, and what its health endpoints say. Names as in nodeMetrics.ts. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EndedJob, JobFacts, WorkerObserver } from '../prover/observer.js';
import type { Lane } from '../queue/farmOptions.js';

export interface WorkerMetrics extends WorkerObserver {
  render(): Promise<string>;
  readonly contentType: string;
  readonly registry: Registry;
  /** The job in hand, if any. */
  inHand(): JobFacts | undefined;
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
  const busy = new Gauge({ name: 'tacit_worker_busy', help: '1 while a job is in hand', registers });
  for (const circuit of lanes) jobs.inc({ circuit, outcome: 'proved' }, 0);
  let current: JobFacts | undefined;
  return {
    registry,
    contentType: registry.contentType,
    render: () => registry.metrics(),
    inHand: () => current,
    taken: (job) => {
      current = job;
      busy.set(1);
    },
    ended: ({ circuit, outcome, code, takenMs, endedMs }: EndedJob) => {
      current = undefined;
      busy.set(0);
      jobs.inc({ circuit, outcome });
      if (code !== undefined) failures.inc({ code });
      if (outcome === 'proved') proving.observe({ circuit }, (endedMs - takenMs) / 1000);
    },
  };
}
