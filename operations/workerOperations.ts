/**
 * Everything that watches a worker: job log, traces, and the operator's server with metrics and health. What was not asked for
 * is not loaded: the exporter of traces alone would take a tenth of a worker's start.
 */
import type { WorkerObserver } from '../prover/observer.js';
import type { Lane } from '../queue/farmOptions.js';
import type { LeasePort } from '../queue/lease.js';
import type { ProcessLog } from './logger.js';
import { allOf, logJobs } from './observers.js';
import { closeInTurn, type Watching, type WatchingOptions } from './watching.js';
import { workerMetrics } from './workerMetrics.js';

export interface WorkerWatching extends Watching {
  /** For `startWorker`. */
  readonly observer: WorkerObserver;
}

/** @throws TacitError OPERATIONS_PORT */
export async function watchWorker(
  { leases, lanes }: { readonly leases: Pick<LeasePort, 'check'>; readonly lanes: readonly Lane[] },
  { port, host, collectorUrl }: WatchingOptions,
  log: ProcessLog,
): Promise<WorkerWatching> {
  const stops: (() => unknown)[] = [];
  const metrics = workerMetrics(lanes);
  const observers: WorkerObserver[] = [metrics, logJobs(log)];
  if (collectorUrl !== undefined) {
    const { startTraces } = await import('./paymentTraces.js');
    const traces = startTraces('worker', collectorUrl);
    observers.push(traces.observer);
    stops.push(() => traces.close().catch((error: Error) => log.line(`traces: ${error.message}`)));
  }
  const observer = allOf(...observers);
  if (port === undefined) return { observer, close: () => closeInTurn(stops) };
  const { startOperations } = await import('./server.js');
  const server = await startOperations({
    host,
    port,
    metrics,
    readiness: async () => ({ queue: await queueState(leases) }),
    status: async () => ({ lanes, inHand: metrics.inHand() }),
  });
  stops.push(() => server.close());
  return { observer, url: server.url, close: () => closeInTurn(stops) };
}

async function queueState(leases: Pick<LeasePort, 'check'>): Promise<string> {
  return leases.check().then(
    () => 'ok',
    (error: Error) => error.message,
  );
}
