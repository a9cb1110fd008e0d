/**
 * A node in a container is killed and the container restarted on the same volume: its process ids begin at 1 again, and the
 * dead node had 1 too. The journal must open, and the payments go on.
 */
import { spawnSync } from 'node:child_process';
import { isTacitError } from '../../protocol/errors.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import { freePort } from './redisServer.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { EVERY_ACT, Workload } from './workload.js';

const RESTARTS = { smoke: 1, full: 4 } as const;
const NUMBERS_A_ROUND = 20;

export const containerRestart = defineScenario(
  'container-restart',
  'a node that is process 1 is killed −9 and started again as process 1: the journal opens, a second one at a time is refused',
  async (report) => {
    if (spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status !== 0) {
      report.did('not played: this machine gives no namespaces of process ids (root and Linux are needed)');
      return;
    }
    await withScene((scene) => play(scene, report));
  },
);

async function play(scene: Scene, report: Report): Promise<void> {
  await scene.worker();
  let node = await scene.node({}, true);
  const workloads: Workload[] = [];
  for (let round = 0; round < RESTARTS[report.scale]; round++) {
    const workload = new Workload(scene.world, node.url, 1 + NUMBERS_A_ROUND * round);
    workloads.push(workload);
    await workload.act(EVERY_ACT);
    const port = await freePort();
    const refusal = await scene.node({ port }, true).catch((error: unknown) => error);
    report.expect(isTacitError(refusal) && refusal.code === 'JOURNAL_LOCKED', 'a second container on the same journal was not refused');
    await node.kill();
    const killedMs = Date.now();
    node = await scene.node({}, true);
    report.measure('restartedMs', Date.now() - killedMs);
    await workload.settled();
    await auditNode(node, report, [workload]);
  }
  report.did(`${RESTARTS[report.scale]} kills and restarts in fresh namespaces of process ids`);
  await auditChain(scene.world, report, workloads);
  await node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
}
