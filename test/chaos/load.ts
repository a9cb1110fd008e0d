/**
 * Load under kills: transfers with prepared, simulated proofs (verified like any others; nobody proves transfers here, and
 * updates are proven by simulation) are submitted as fast as the gateway takes them, while node and workers are killed at
 * random (flood.ts).
 *
 * Then 1,000 wallets that wait: each asks for a status every five seconds, as often as a wallet does that waits long (client/pace.ts).
 * They take a processor themselves, which on a small machine the farm then lacks whatever the node does. So each such flood has a twin
 * in which the same pollers ask a bare server for a constant of the same size; what differs is the node's own. And the node's own
 * processor time for a status is measured alone, with few transfers in its journal and with all of them.
 */
import { auditChain, auditJournal, auditNode } from './audit.js';
import { allSettled, type Crew, flood, POLICY } from './flood.js';
import { startBareServer, startPollers } from './pollers.js';
import { quantile } from './quantile.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { Workload } from './workload.js';

const TRANSFERS = { smoke: 40, full: 2_000 } as const;
const KILLS = { smoke: 1, full: 8 } as const;
/** The calm floods are a part of the one under kills. */
const SHARE = 8;
const POLLERS = { smoke: 50, full: 1_000 } as const;
const POLL_EVERY_MS = 5_000;
/** Each with its twin, taking turns. */
const POLLED_FLOODS = { smoke: 1, full: 2 } as const;
/** More of one processor than this for all the pollers' statuses is a failure. */
const POLLS_PERCENT_MAX = 15;
/** Number of the first record of those that settle before the rest. */
const FIRST_OF_FEW = 10_000;
/** Statuses that are asked for to find what one costs. */
const STATUSES = { smoke: 100, full: 2_000 } as const;
/** A status among thousands may cost so many times one among a few: what is measured, noise included. */
const STATUS_GROWTH_MAX = 1.5;

export const load = defineScenario(
  'load',
  '2,000 transfers with simulated proofs as fast as the gateway takes them, under random kills; then beside 1,000 pollers',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const count = TRANSFERS[report.scale];
  const crew: Crew = { node: await scene.node({ policy: POLICY }), workers: [await scene.worker(), await scene.worker()] };
  const few = await someSettled(scene, crew);
  const costOfFew = await statusCost(report, crew, few, 'statusAmongFew');
  const { workload: killed } = await flood(scene, report, crew, { count, first: 1, kills: KILLS[report.scale], name: 'underKills' });
  const costOfAll = await statusCost(report, crew, killed, 'statusAmongAll');
  report.expect(
    report.scale === 'smoke' || costOfAll < STATUS_GROWTH_MAX * costOfFew,
    `a status costs ${Math.round(costOfAll)} µs among ${count} transfers, ${Math.round(costOfFew)} among two`,
  );
  const workloads = [few, killed];
  const part = count / SHARE;
  // Without kills, for comparison.
  workloads.push((await flood(scene, report, crew, { count: part, first: count + 1, kills: 0, name: 'calm' })).workload);
  workloads.push(...(await besidePollers(scene, report, crew, killed, part)));
  // Judged by processor time, which other programs on the machine do not change; how much slower it went is told besides.
  const pollsPercent = (100 * costOfAll * POLLERS[report.scale]) / (1_000 * POLL_EVERY_MS);
  report.measure('pollsOfNodesProcessorPercent', pollsPercent);
  report.expect(pollsPercent < POLLS_PERCENT_MAX, `statuses take ${Math.round(pollsPercent)} % of the node's processor`);
  await auditNode(crew.node, report, workloads);
  await auditChain(scene.world, report, workloads);
  await crew.node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
}

async function besidePollers(scene: Scene, report: Report, crew: Crew, known: Workload, count: number): Promise<Workload[]> {
  const statuses = [...known.transfers.keys()].map((id) => `${crew.node.url}/v1/transfers/${id}`);
  const bare = await startBareServer(await (await fetch(statuses[0] as string)).text());
  const asked = { bare: [bare.url], polled: statuses } as const;
  const settledMs = { bare: 0, polled: 0 };
  const workloads: Workload[] = [];
  let first = 2 * TRANSFERS[report.scale];
  for (let round = 0; round < POLLED_FLOODS[report.scale]; round++) {
    for (const name of ['bare', 'polled'] as const) {
      const stop = await startPollers({ urls: asked[name], count: POLLERS[report.scale], everyMs: POLL_EVERY_MS });
      const played = await flood(scene, report, crew, { count, first, kills: 0, name });
      const { pollsPerSecond, failed, p50Ms, p99Ms, cpuPercent } = await stop();
      first += count;
      workloads.push(played.workload);
      settledMs[name] += played.settledMs;
      report.measure(`${name}PollsPerSecond`, pollsPerSecond);
      report.measure(`${name}PollP50Ms`, p50Ms);
      report.measure(`${name}PollP99Ms`, p99Ms);
      report.measure(`${name}PollersCpuPercent`, cpuPercent);
      report.expect(failed === 0, `${failed} polls failed`);
    }
  }
  bare.stop();
  report.measure('slowedByPollsPercent', 100 * (1 - settledMs.bare / settledMs.polled));
  report.did(
    `${POLLERS[report.scale]} pollers, one status each every ${POLL_EVERY_MS / 1_000} s, beside ${count} transfers, asking node or bare server`,
  );
  return workloads;
}

/** A few transfers, before there are many: what a status costs then. */
async function someSettled(scene: Scene, crew: Crew): Promise<Workload> {
  const workload = new Workload(scene.world, crew.node.url, FIRST_OF_FEW);
  await workload.act(['proven', 'proven']);
  await allSettled(crew);
  return workload;
}

/** Microseconds of the node's processor that a status takes, without what the node does anyway; asked for one after the other. */
async function statusCost(report: Report, crew: Crew, { transfers }: Workload, name: string): Promise<number> {
  const ids = [...transfers.keys()];
  const count = STATUSES[report.scale];
  const timesMs: number[] = [];
  // A program that has just started is slower than one that has answered for a while.
  for (let i = 0; i < count; i++) await crew.node.client.status(ids[i % ids.length] as string);
  await crew.node.meter();
  const beganMs = Date.now();
  for (let i = 0; i < count; i++) {
    const askedMs = performance.now();
    await crew.node.client.status(ids[i % ids.length] as string);
    timesMs.push(performance.now() - askedMs);
  }
  const tookMs = Date.now() - beganMs;
  const { cpuMs } = await crew.node.meter();
  await new Promise((resolve) => setTimeout(resolve, tookMs));
  const idle = await crew.node.meter();
  const costMicroseconds = (1_000 * (cpuMs - idle.cpuMs)) / count;
  report.measure(`${name}CpuMicroseconds`, costMicroseconds);
  report.measure(
    `${name}Ms`,
    quantile(
      timesMs.sort((a, b) => a - b),
      0.5,
    ),
  );
  return costMicroseconds;
}
