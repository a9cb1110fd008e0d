/**
 * Load under kills: transfers with prepared, simulated proofs (verified like any others; nobody proves transfers here, and
 * updates are proven by simulation) are submitted as fast as the gateway takes them, while node and workers are killed at
 * random. Measured: throughput from the first submission to the last settlement, the soft confirmation's latency as a
 * wallet sees it (repetitions and downtime included), Redis' memory, the node's memory, and what a status costs.
 */
import type { Submission } from '../../queue/service.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import type { NodeChild } from './nodeChild.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import type { WorkerChild } from './workerChild.js';
import { Workload } from './workload.js';

const TRANSFERS = { smoke: 40, full: 2_000 } as const;
const KILLS = { smoke: 1, full: 8 } as const;
/** Submissions under way at one time; a gateway takes 64. */
const SUBMITTERS = 24;
/** The calm and the polled flood are a part of the one under kills. */
const SHARE = 8;
const POLLERS = { smoke: 50, full: 1_000 } as const;
const POLL_EVERY_MS = 2_000;
const SAMPLE_EVERY_MS = 1_000;
/** Nothing settled for so long: that is stuck. */
const STUCK_MS = 180_000;
/** Number of the first record of those that settle before the rest. */
const FIRST_OF_FEW = 10_000;
/** Statuses of which the median is taken. */
const STATUSES = 200;
/** What a node may keep in memory of a settled transfer: its leaves in both trees, its place in the history. */
const MEMORY_KEPT_BYTES_A_TRANSFER = 40_000;
const POLICY = {
  updateCircuits: ['update_8'],
  sealAfterMs: 300,
  settleAfterMs: 1_000,
  queueTimeoutMs: 5_000,
  bumpAfterMs: 10_000,
} as const;

export const load = defineScenario(
  'load',
  '2,000 transfers with simulated proofs as fast as the gateway takes them, under random kills; then 1,000 pollers',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const count = TRANSFERS[report.scale];
  const crew: Crew = { node: await scene.node({ policy: POLICY }), workers: [await scene.worker(), await scene.worker()] };
  const few = await someSettled(scene, crew);
  const fewMs = await statusMs(crew, few);
  const killed = await flood(scene, report, crew, { count, first: 1, kills: KILLS[report.scale], name: 'underKills' });
  const workloads = [few, killed];
  report.measure('statusAmongFewMs', fewMs);
  report.measure('statusAmongAllMs', await statusMs(crew, killed));
  // Without kills, for comparison.
  if (report.scale === 'full')
    workloads.push(await flood(scene, report, crew, { count: count / SHARE, first: count + 1, kills: 0, name: 'calm' }));
  const pollers = startPollers(crew.node.url, [...killed.transfers.keys()], POLLERS[report.scale]);
  const polled = await flood(scene, report, crew, { count: count / SHARE, first: 2 * count, kills: 0, name: 'polled' });
  const { polls, p99Ms } = await pollers.stop();
  report.measure('polls', polls);
  report.measure('pollP99Ms', p99Ms);
  report.did(`${polls} polls by ${POLLERS[report.scale]} pollers while the last quarter settled`);
  workloads.push(polled);
  await auditNode(crew.node, report, workloads);
  await auditChain(scene.world, report, workloads);
  await crew.node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
}

interface Crew {
  node: NodeChild;
  workers: WorkerChild[];
}

interface Flood {
  readonly count: number;
  readonly first: number;
  readonly kills: number;
  readonly name: string;
}

async function flood(scene: Scene, report: Report, crew: Crew, { count, first, kills, name }: Flood): Promise<Workload> {
  const workload = new Workload(scene.world, crew.node.url, first);
  const prepared: Submission[] = [];
  while (prepared.length < count) prepared.push(await workload.make('proven'));
  const redisBefore = await redisBytes(scene);
  const memoryBefore = await memoryOf(crew.node);
  const startedMs = Date.now();
  const sampling = sample(scene, report, crew, name, startedMs);
  const latenciesMs: number[] = [];
  const before = new Set(Array.from({ length: kills }, () => report.random.int(count)));
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
  report.measure(`${name}AcceptedPerSecond`, (1_000 * count) / (Date.now() - startedMs));
  await allSettled(crew);
  report.measure(`${name}SettledPerSecond`, (1_000 * count) / (Date.now() - startedMs));
  await sampling.stop();
  latenciesMs.sort((a, b) => a - b);
  report.measure(`${name}ConfirmedP50Ms`, quantile(latenciesMs, 0.5));
  report.measure(`${name}ConfirmedP99Ms`, quantile(latenciesMs, 0.99));
  report.measure(`${name}RedisBytesPerTransfer`, ((await redisBytes(scene)) - redisBefore) / count);
  if (kills === 0) {
    const kept = ((await memoryOf(crew.node)) - memoryBefore) / count;
    report.measure(`${name}MemoryKeptBytesPerTransfer`, kept);
    report.expect(
      report.scale === 'smoke' || kept < MEMORY_KEPT_BYTES_A_TRANSFER,
      `the node keeps ${Math.round(kept)} bytes a settled transfer`,
    );
  }
  report.did(`${name}: ${count} transfers with simulated proofs, ${kills} kills`);
  return workload;
}

/** Asked seldom: the node has better things to do. */
async function allSettled(crew: Crew): Promise<void> {
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

function startPollers(url: string, ids: readonly string[], count: number): { stop(): Promise<{ polls: number; p99Ms: number }> } {
  let running = true;
  const latenciesMs: number[] = [];
  const poller = async (index: number) => {
    await new Promise((resolve) => setTimeout(resolve, (index * POLL_EVERY_MS) / count));
    for (let at = index; running; at++) {
      const askedMs = Date.now();
      const response = await fetch(`${url}/v1/transfers/${ids[at % ids.length]}`).catch(() => undefined);
      await response?.arrayBuffer();
      latenciesMs.push(Date.now() - askedMs);
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
    }
  };
  const all = Promise.all(Array.from({ length: count }, (_, index) => poller(index)));
  return {
    stop: async () => {
      running = false;
      await all;
      return {
        polls: latenciesMs.length,
        p99Ms: quantile(
          latenciesMs.sort((a, b) => a - b),
          0.99,
        ),
      };
    },
  };
}

/** A few transfers, before there are many: what a status costs then. */
async function someSettled(scene: Scene, crew: Crew): Promise<Workload> {
  const workload = new Workload(scene.world, crew.node.url, FIRST_OF_FEW);
  await workload.act(['proven', 'proven']);
  await allSettled(crew);
  return workload;
}

/** Median of a status, asked for one after the other. */
async function statusMs(crew: Crew, { transfers }: Workload): Promise<number> {
  const ids = [...transfers.keys()];
  const timesMs: number[] = [];
  for (let i = 0; i < STATUSES; i++) {
    const askedMs = performance.now();
    await crew.node.client.status(ids[i % ids.length] as string);
    timesMs.push(performance.now() - askedMs);
  }
  return quantile(
    timesMs.sort((a, b) => a - b),
    0.5,
  );
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

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
