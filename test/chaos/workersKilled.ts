/**
 * kill −9 of the worker that has the job, in every phase of a proof, of a transfer's and of an update's. Another worker has
 * the job again within the promised time, and nothing has failed.
 */
import { openJournal } from '../../ledger/journal.js';
import { MAX_STALLS } from '../../queue/farmOptions.js';
import type { WorkerPhase } from '../aggregator/simulatedFarm.js';
import { until } from '../aggregator/world.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import type { NodeChild } from './nodeChild.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import type { PhaseNote, WorkerChild } from './workerChild.js';
import { Workload } from './workload.js';

/** Where BullMQ counts in a job's hash. */
const STALL_COUNTER = 'stc';
const PHASES: readonly WorkerPhase[] = ['taken', 'checked', 'proving', 'result'];
/** The promise: lock 3 s, and two looks for lost locks of a second each (queue/farmOptions.ts). */
const RESUMED_WITHIN_MS = 5_000;
const TAKEN_LIMIT_MS = 120_000;

export const workersKilled = defineScenario(
  'workers-killed',
  'kill −9 of the proving worker in every phase: another has the job within 5 s, no job fails',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const node = await scene.node();
  const workloads: Workload[] = [];
  const cases = PHASES.flatMap((phase) => (['t', 'u'] as const).map((kind) => ({ phase, kind })));
  const chosen = report.scale === 'full' ? cases : [cases[report.random.int(cases.length)] as (typeof cases)[0]];
  for (const [round, { phase, kind }] of chosen.entries()) {
    const workload = new Workload(scene.world, node.url, 1 + 10 * round);
    workloads.push(workload);
    // Whoever takes the job hangs in the phase: it is killed there, the other one is the heir.
    const pair = await Promise.all([1, 2].map(() => scene.worker({ misdeed: { kind: 'hang', at: phase } })));
    if (kind === 'u') await workload.act(['proven']);
    else await workload.act(['sealed']);
    const { victim, heir, job } = await taken(pair, phase, kind);
    await victim.kill();
    const killedMs = Date.now();
    const again = await until(
      () => heir.phases.find((note) => note.job === job && note.phase === 'taken'),
      (note) => note !== undefined,
      'taken by another worker',
      TAKEN_LIMIT_MS,
    );
    // Another may have had it before the victim was dead: it had been silent for too long.
    const resumedMs = Math.max(0, (again?.atMs ?? Number.NaN) - killedMs);
    report.measure('resumedMs', resumedMs);
    // A busy machine is no broken promise; the long run is for a quiet one.
    report.expect(
      report.scale === 'smoke' || resumedMs <= RESUMED_WITHIN_MS,
      `${job}, killed in phase ${phase}, was taken again after ${resumedMs} ms`,
    );
    heir.behave();
    await workload.settled();
    report.did(`a worker was killed with ${job} in phase ${phase}; another had it ${resumedMs} ms later`);
    await auditNode(node, report, [workload]);
    await heir.kill();
  }
  report.expect(!scene.lines.some((line) => /failed at attempt/.test(line)), 'a job failed because a worker died');
  const doomed = report.scale === 'full' ? await dieTooOften(scene, report, node, 1 + 10 * chosen.length) : undefined;
  if (doomed !== undefined) workloads.push(doomed.workload);
  await auditChain(scene.world, report, workloads);
  await node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
  if (doomed !== undefined) await expectStalled(scene, report, doomed.job);
}

/**
 * As many workers have died over a job as the queue puts up with: it fails the job with the next. The payment does not: the
 * journal counts one attempt and gives the work out again.
 */
async function dieTooOften(scene: Scene, report: Report, node: NodeChild, first: number): Promise<{ workload: Workload; job: string }> {
  const workload = new Workload(scene.world, node.url, first);
  const pair = await Promise.all([1, 2].map(() => scene.worker({ misdeed: { kind: 'hang', at: 'proving' } })));
  await workload.act(['sealed']);
  const { victim, heir, job } = await taken(pair, 'proving', 't');
  await scene.redis.ask(async (client) => {
    const keys = await client.keys(`*:${job}`);
    for (const key of keys) await client.hset(key, STALL_COUNTER, MAX_STALLS);
    report.expect(keys.length === 1, `${keys.length} jobs are called ${job}`);
  });
  heir.behave();
  await victim.kill();
  await workload.settled();
  report.did(`${job} had outlived ${MAX_STALLS} workers and lost another: the queue failed it, the payment settled`);
  await auditNode(node, report, [workload]);
  await heir.kill();
  return { workload, job };
}

async function expectStalled({ world, journalDir }: Scene, report: Report, job: string): Promise<void> {
  const journal = openJournal(journalDir, world.domain);
  const task = journal.read.tasks.get(job);
  const attempts = task?.transfers?.map((id) => journal.read.transfers.get(id)?.attempts);
  await journal.close();
  report.expect(task?.reason?.startsWith('JOB_STALLED') === true, `the queue ended ${job} with ${task?.reason}`);
  report.expect(attempts?.every((count) => count === 1) === true, `the journal counts ${attempts} attempts`);
}

async function taken(pair: readonly WorkerChild[], phase: WorkerPhase, kind: 't' | 'u') {
  const find = (): { victim: WorkerChild; heir: WorkerChild; job: string } | undefined => {
    for (const [i, victim] of pair.entries()) {
      const note: PhaseNote | undefined = victim.phases.find((entry) => entry.phase === phase && entry.job.startsWith(kind));
      if (note !== undefined) return { victim, heir: pair[1 - i] as WorkerChild, job: note.job };
    }
    return undefined;
  };
  const found = await until(find, (answer) => answer !== undefined, `taken, a job of ${kind}`, TAKEN_LIMIT_MS);
  return found as NonNullable<typeof found>;
}
