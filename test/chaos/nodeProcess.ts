/**
 * A node in a process of its own, which can be killed at a chosen step. Configuration and orders come over IPC; the hook at
 * the node's outside effects counts every passage and, where it is told to, ends the process there with SIGKILL: no
 * handler runs, nothing is flushed, just as when the machine takes it away.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { NodePolicy } from '../../aggregator/config.js';
import { type RunningNode, startNode } from '../../aggregator/node.js';
import { TacitError } from '../../protocol/errors.js';
import { simulatedKeys } from '../aggregator/simulatedFarm.js';
import type { ChildReply, ChildRequest, DeathPoint, Meter, NodeChildConfig } from './nodeMessages.js';

const SAMPLED_EVERY_MS = 10;
const NANOSECONDS_A_MS = 1e6;

const loopDelay = monitorEventLoopDelay({ resolution: SAMPLED_EVERY_MS });
let used = process.cpuUsage();
const passages = new Map<string, number>();
let death: DeathPoint | undefined;
let node: RunningNode | undefined;

function hook(point: string): void {
  const passage = (passages.get(point) ?? 0) + 1;
  passages.set(point, passage);
  if (death?.point === point && death.passage === passage) process.kill(process.pid, 'SIGKILL');
}

/** Reads and resets. */
function meter(): Meter {
  const now = process.cpuUsage();
  const cpuMs = (now.user + now.system - used.user - used.system) / 1_000;
  const loopDelayP99Ms = loopDelay.percentile(99) / NANOSECONDS_A_MS - SAMPLED_EVERY_MS;
  used = now;
  loopDelay.reset();
  return { cpuMs, loopDelayP99Ms };
}

function reply(message: ChildReply): void {
  if (process.connected) process.send?.(message);
}

async function start(config: NodeChildConfig): Promise<void> {
  loopDelay.enable();
  death = config.death;
  const { chainId, contract } = config.domain;
  try {
    node = await startNode({
      domain: { chainId: BigInt(chainId), contract },
      network: 'dev',
      deploymentBlock: config.deploymentBlock,
      rpcUrl: config.rpcUrl,
      redisUrl: config.redisUrl,
      journalDir: config.journalDir,
      settlerKey: config.settlerKey,
      successor: config.successor === true,
      keys: simulatedKeys(),
      assets: config.assets,
      port: config.port,
      policy: config.policy as Partial<NodePolicy>,
      log: (line) => reply({ kind: 'line', line }),
      faultHook: hook,
    });
    reply({ kind: 'ready', url: node.url });
  } catch (error) {
    reply({ kind: 'refused', code: error instanceof TacitError ? error.code : String(error) });
    process.exit(1);
  }
}

async function serve(request: ChildRequest): Promise<void> {
  switch (request.kind) {
    case 'start':
      return start(request.config);
    case 'arm':
      passages.clear();
      death = request.death;
      return reply({ kind: 'armed' });
    case 'look':
      if (request.collect) globalThis.gc?.();
      return reply({
        kind: 'looked',
        stats: node?.stats(),
        passages: Object.fromEntries(passages),
        rssBytes: process.memoryUsage().rss,
        heapBytes: process.memoryUsage().heapUsed,
      });
    case 'meter':
      return reply({ kind: 'metered', ...meter() });
    case 'stop':
      await node?.stop();
      process.disconnect();
  }
}

process.on('message', (request: ChildRequest) => void serve(request));
process.once('disconnect', () => process.exit(0));
