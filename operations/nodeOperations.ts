/** Everything that watches a node: payment log, traces, and the operator's server with metrics, health and the queue's board. */
import type { RunningNode } from '../aggregator/node.js';
import type { Domain } from '../protocol/record.js';
import { openBoard } from '../queue/board.js';
import { farmStatusOf } from './farmStatus.js';
import type { ProcessLog } from './logger.js';
import { nodeMetrics } from './nodeMetrics.js';
import { logPayments } from './paymentLog.js';
import { startTraces } from './paymentTraces.js';
import { startOperations } from './server.js';
import { closeInTurn, type Watching, type WatchingOptions } from './watching.js';

/** @throws TacitError OPERATIONS_PORT */
export async function watchNode(
  node: Pick<RunningNode, 'inspect' | 'subscribe' | 'judge'>,
  { redisUrl, domain }: { readonly redisUrl: string; readonly domain: Domain },
  { port, host, boardPassword, collectorUrl }: WatchingOptions,
  log: ProcessLog,
): Promise<Watching> {
  const stops: (() => unknown)[] = [logPayments((listener) => node.subscribe(listener), log)];
  if (collectorUrl !== undefined) {
    const traces = startTraces('node', collectorUrl);
    const unfollow = traces.followPayments((listener) => node.subscribe(listener));
    stops.push(() => traces.close().catch((error: Error) => log.line(`traces: ${error.message}`)), unfollow);
  }
  if (port === undefined) return { close: () => closeInTurn(stops) };
  const metrics = nodeMetrics(node);
  stops.push(() => metrics.close());
  const board = boardPassword === undefined ? undefined : openBoard(redisUrl, domain, (line) => log.line(line));
  if (board !== undefined) stops.push(() => board.close());
  try {
    const server = await startOperations({
      host,
      port,
      metrics,
      readiness: () => readiness(node),
      status: async () => farmStatusOf(await node.inspect()),
      ...(board === undefined || boardPassword === undefined
        ? {}
        : {
            board: {
              password: boardPassword,
              register: (app, path) => board.register(app, path),
              judge: (worker, verdict) => node.judge(worker, verdict),
            },
          }),
    });
    stops.push(() => server.close());
    return { url: server.url, close: () => closeInTurn(stops) };
  } catch (error) {
    await closeInTurn(stops);
    throw error;
  }
}

/** Ready to take payments: chain and queue answer, and somebody proves. */
async function readiness(node: Pick<RunningNode, 'inspect'>): Promise<Record<string, string>> {
  const { problems, farm, money } = await node.inspect();
  return {
    ...problems,
    queue: farm === undefined ? 'Redis does not answer' : 'ok',
    chain: money === undefined ? 'the RPC does not answer' : (problems.chain ?? 'ok'),
    workers: farm !== undefined && farm.workers.length === 0 ? 'no worker has announced itself' : 'ok',
  };
}
