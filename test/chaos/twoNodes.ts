/** Two nodes are started with one key by mistake, each with a folder of its own; a third with a folder that is in use is refused. */
import { isTacitError } from '../../protocol/errors.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import { freePort } from './redisServer.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { EVERY_ACT, Workload } from './workload.js';

const ROUNDS = { smoke: 1, full: 5 } as const;
const NUMBERS_A_ROUND = 20;

export const twoNodes = defineScenario(
  'two-nodes-one-key',
  'two nodes settle with the same key: every payment still settles once',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  await scene.worker();
  const first = await scene.node();
  const refusal = await scene.node({ port: await freePort() }).catch((error: unknown) => error);
  report.expect(isTacitError(refusal) && refusal.code === 'JOURNAL_LOCKED', 'a second node on the same folder was not refused');
  const otherDir = await scene.folder();
  const second = await scene.node({ journalDir: otherDir, port: await freePort() });
  const workloads: Workload[] = [];
  for (let round = 0; round < ROUNDS[report.scale]; round++) {
    const pair = [first, second].map((node, i) => new Workload(scene.world, node.url, 1 + NUMBERS_A_ROUND * (2 * round + i)));
    workloads.push(...pair);
    const startedMs = Date.now();
    // L1 acts of one account cannot run side by side; payments can.
    await pair[0]?.act(EVERY_ACT);
    await Promise.all(pair.map((workload) => workload.act(['proven', 'sealed', 'proven'])));
    for (const workload of pair) await workload.settled();
    report.measure('roundMs', Date.now() - startedMs);
  }
  report.did(`${ROUNDS[report.scale]} rounds of payments to both at once`);
  for (const [i, node] of [first, second].entries())
    await auditNode(
      node,
      report,
      workloads.filter((_, at) => at % 2 === i),
    );
  await auditChain(scene.world, report, workloads);
  await first.stop();
  await second.stop();
  for (const dir of [scene.journalDir, otherDir]) await auditJournal(scene.world, dir, report);
}
