/**
 * The operator disappears with everything it had. After the delay a second node, started from the RPC's address and the
 * contract's alone, rebuilds the state, takes in the waiting deposits and forced transfers, and settles; then it serves the
 * payments that had been promised by the first and never reached the chain, which their wallets bring to it again.
 */
import { auditChain, auditJournal, auditNode } from './audit.js';
import { freePort } from './redisServer.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { EVERY_ACT, Workload } from './workload.js';

const DELAY_PASSED_SECONDS = 700;

export const takeover = defineScenario(
  'takeover',
  'the operator is gone for good; a node with nothing but RPC and contract goes on, waiting deposits and forced transfers first',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const { world } = scene;
  const worker = await scene.worker();
  const first = await scene.node();
  const before = new Workload(world, first.url);
  await before.act(EVERY_ACT);
  await before.settled();
  await worker.kill();
  // Accepted and promised by the first node, and then it is gone, journal, Redis and all.
  const orphaned = new Workload(world, first.url, 50);
  await orphaned.act(['proven', 'withdrawal']);
  await first.kill();
  await scene.redis.kill({ loseDisk: true });
  await scene.redis.launch();
  const waiting = new Workload(world, first.url, 80);
  await waiting.act(['deposit', 'forced', 'deposit']);
  await world.provider.send('evm_increaseTime', [DELAY_PASSED_SECONDS]);
  await world.provider.send('anvil_mine', ['0x1']);
  report.did('the operator was killed with two promised payments; two deposits and a forced transfer wait past the delay');

  const startedMs = Date.now();
  const journalDir = await scene.folder();
  const second = await scene.node({ journalDir, port: await freePort() });
  report.measure('rebuiltMs', Date.now() - startedMs);
  await scene.worker();
  await waiting.settled();
  report.measure('queueServedMs', Date.now() - startedMs);
  const moved = new Workload(world, second.url, 100);
  for (const submission of orphaned.transfers.values()) await moved.submit(submission);
  for (const [recipient, wei] of orphaned.recipients) moved.recipients.set(recipient, wei);
  await moved.act(EVERY_ACT);
  await moved.settled();
  report.did('the second node served the queue, the payments that had been promised by the first, and new ones');
  await auditNode(second, report, [moved]);
  await auditChain(world, report, [before, waiting, moved]);
  await second.stop();
  await auditJournal(world, journalDir, report);
}
