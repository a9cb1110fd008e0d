/**
 * One flood of prepared transfers, as fast as the gateway takes them, with kills: what load.ts is made of. Measured under the flood's
 * name: rates, the soft confirmation's latency as a wallet sees it (repetitions and downtime included), what Redis and the node
 * hold, and, where nobody is killed, what the node has used of a processor.
 */
import type { Submission } from '../../queue/service.js';
import type { NodeChild } from './nodeChild.js';
import type { NodeChildConfig } from './nodeMessages.js';
import { quantile } from './quantile.js';
import type { Report } from './scenario.js';
import type { Scene } from './scene.js';
import type { WorkerChild } from './workerChild.js';
import { Workload } from './workload.js';

/** Submissions under way at one time; a gateway takes 64. */
const SUBMITTERS = 24;
const SAMPLE_EVERY_MS = 1_000;
/** Nothing settled for so long: that is stuck. */
const STUCK_MS = 180_000;
/** What a node may keep in memory of a settled transfer: its leaves in both trees, its place in the history. */
const MEMORY_KEPT_BYTES_A_TRANSFER = 40_000;
export const POLICY: NodeChildConfig['policy'] = {
  updateCircuits: ['update_8'],
  sealAfterMs: 300,
  settleAfterMs: 1_000,
  queueTimeoutMs: 5_000,
  bumpAfterMs: 10_000,
};

export interface Crew {
  node: NodeChild;
  workers: WorkerChild[];
}

export interface Flood {
  readonly count: number;
  /** Number of its first record. */
  readonly first: number;
  readonly kills: number;
  readonly name: string;
}

/** Resolves when all is settled. `settledMs`: from the first submission on. */
export async function flood(
  scene: Scene,
  report: Report,
  crew: Crew,
  { count, first, kills, name }: Flood,
): Promise<{ workload: Workload; settledMs: number }> {
  const workload = new Workload(scene.world, crew.node.url, first);
  const prepared: Submission[] = [];
  while (prepared.length < count) prepared.push(await workload.make('proven'));
  const redisBefore = await redisBytes(scene);
  const memoryBefore = await memoryOf(crew.node);
  await crew.node.meter();
  const startedMs = Date.now();
  const sampling = sample(scene, report, crew, name, startedMs);
  const latenciesMs = await submitAll(scene, report, crew, { workload, prepared, kills });
  report.measure(`${name}AcceptedPerSecond`, (1_000 * count) / (Date.now() - startedMs));
  await allSettled(crew);
  const settledMs = Date.now() - startedMs;
  report.measure(`${name}SettledPerSecond`, (1_000 * count) / settledMs);
  await sampling.stop();
  report.measure(`${name}ConfirmedP50Ms`, quantile(latenciesMs, 0.5));
  report.measure(`${name}ConfirmedP99Ms`, quantile(latenciesMs, 0.99));
  report.measure(`${name}RedisBytesPerTransfer`, ((await redisBytes(scene)) - redisBefore) / count);
  if (kills === 0) {
    const { cpuMs, loopDelayP99Ms } = await crew.node.meter();
    report.measure(`${name}NodeCpuMsPerTransfer`, cpuMs / count);
    report.measure(`${name}NodeLoopDelayP99Ms`, loopDelayP99Ms);
    const kept = ((await memoryOf(crew.node)) - memoryBefore) / count;
    report.measure(`${name}MemoryKeptBytesPerTransfer`, kept);
    report.expect(
      report.scale === 'smoke' || kept < MEMORY_KEPT_BYTES_A_TRANSFER,
      `the node keeps ${Math.round(kept)} bytes a settled transfer`,
    );
  }
  report.did(`${name}: ${count} transfers with simulated proofs, ${kills} kills`);
  return { workload, settledMs };
}

interface Submitting {
  readonly workload: Workload;
  readonly prepared: readonly Submission[];
  readonly kills: number;
}

/** @returns what each submission took, ascending */
async function submitAll(scene: Scene, report: Report, crew: Crew, { workload, prepared, kills }: Submitting): Promise<number[]> {
  const latenciesMs: number[] = [];
  const before = new Set(Array.from({ length: kills }, () => report.random.int(prepared.length)));
  const waiting = [...prepared];
  let killing = Promise.resolve();
  const submitter = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (before.delete(waiting.length)) killing = killing.then(() => kill(scene, report, crew));
      const askedMs = Date.now();
      await workload.submit(next);
      latenciesMs.push(Date.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter));
  await killing;
  return latenciesMs.sort((a, b) => a - b);
}

/** Asked seldom: the node has better things to do. */
export async function allSettled(crew: Crew): Promise<void> {
  let [open, movedMs] = [Number.POSITIVE_INFINITY, Date.now()];
  for (;;) {
    const stats = await crew.node.look().then(
      (look) => look.stats,
      () => undefined,
    );
    if (stats?.pending === 0) return;
    if (stats !== undefined && stats.pending < open) [open, movedMs] = [stats.pending, Date.now()];
    if (Date.now() - movedMs > STUCK_MS) throw new Error(`still not settled: ${JSON.stringify(stats)}`);
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
  }
}

/** The node or a worker, by the seed; another takes its place at once, as a supervisor would do it. */
async function kill(scene: Scene, report: Report, crew: Crew): Promise<void> {
  const diedMs = Date.now();
  if (report.random.int(2) === 0) {
    await crew.node.kill();
    crew.node = await scene.node({ policy: POLICY });
    report.measure('nodeBackMs', Date.now() - diedMs);
    return;
  }
  const [victim, ...others] = crew.workers;
  await victim?.kill();
  crew.workers = [...others, await scene.worker()];
  report.measure('workerBackMs', Date.now() - diedMs);
}

/** Settled so far by the contract's leaf count, and what node and Redis hold, once a second. */
function sample(scene: Scene, report: Report, crew: Crew, name: string, startedMs: number): { stop(): Promise<void> } {
  let running = true;
  const loop = (async () => {
    while (running) {
      const { leafCount } = await scene.world.rollup.state();
      const seconds = (Date.now() - startedMs) / 1_000;
      report.plot(`${name}Leaves`, seconds, Number(leafCount));
      report.plot(`${name}RedisBytes`, seconds, await redisBytes(scene));
      const rssBytes = await crew.node.look().then(
        (look) => look.rssBytes,
        () => undefined,
      );
      if (rssBytes !== undefined) report.plot(`${name}NodeRssBytes`, seconds, rssBytes);
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
    }
  })();
  return {
    stop: async () => {
      running = false;
      await loop;
    },
  };
}

/** After a collection: what is reachable. */
async function memoryOf(node: NodeChild): Promise<number> {
  return node.look(true).then(
    ({ heapBytes }) => heapBytes,
    () => 0,
  );
}

async function redisBytes(scene: Scene): Promise<number> {
  const info = await scene.redis.ask((client) => client.info('memory'));
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0);
}
