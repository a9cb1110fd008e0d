/**
 * Blocks are taken back: at every depth up to the confirmation depth, with deposits, settlements, withdrawals and forced
 * transfers in them. What the people did on L1 themselves they do again (a wallet whose deposit was taken back sends it
 * again); the node redoes its own part and says so.
 */
import { auditChain, auditJournal, auditNode } from './audit.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { Workload } from './workload.js';

const CONFIRMATIONS = 4;
const NUMBERS_A_ROUND = 10;

export const reorgs = defineScenario(
  'reorgs',
  `reorganisations of every depth up to ${CONFIRMATIONS}, across deposit, settlement, withdrawal and forced transfer`,
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const { world } = scene;
  const rpc = (method: string, params: unknown[]) => world.provider.send(method, params) as Promise<unknown>;
  await scene.worker();
  const node = await scene.node({ policy: { confirmationDepth: CONFIRMATIONS } });
  const workloads: Workload[] = [];
  const depths = report.scale === 'smoke' ? [2] : Array.from({ length: CONFIRMATIONS }, (_, i) => i + 1);
  let round = 0;
  const begin = async (): Promise<Workload> => {
    const workload = new Workload(world, node.url, 1 + NUMBERS_A_ROUND * round++);
    workloads.push(workload);
    return workload;
  };
  // Something for withdrawals to be paid from, deep below every reorganisation.
  const ground = await begin();
  await ground.act(['deposit', 'deposit']);
  await ground.settled();

  for (const depth of depths) {
    // What stands on the chain already stays: only what people did last is taken back, and people would do that again.
    await rpc('anvil_mine', [`0x${CONFIRMATIONS.toString(16)}`]);
    const settling = await begin();
    await settling.act(['proven', 'withdrawal']);
    await settling.settled();
    const startedMs = Date.now();
    // The settlement's block and some before it are replaced by empty ones; the pool has forgotten its transaction.
    await rpc('anvil_reorg', [depth, []]);
    await rpc('anvil_mine', ['0x1']);
    await settling.settled();
    report.measure('settledAgainMs', Date.now() - startedMs);
    report.did(`depth ${depth}: a settlement with a withdrawal was taken back and made again`);
    await auditNode(node, report, [settling]);

    for (const act of ['deposit', 'forced'] as const) {
      // Stays above what the reorganisation takes, so that only this act falls out.
      if (depth > 1) await rpc('anvil_mine', [`0x${depth.toString(16)}`]);
      const lost = await begin();
      const snapshot = await rpc('evm_snapshot', []);
      await lost.act([act]);
      if (depth > 1) await rpc('anvil_mine', [`0x${(depth - 1).toString(16)}`]);
      await new Promise((resolve) => setTimeout(resolve, report.random.int(200)));
      await rpc('evm_revert', [snapshot]);
      await rpc('anvil_mine', [`0x${(depth + 1).toString(16)}`]);
      // The reverted chain may hold a settlement of it or not; either way it is gone, and its sender does it again.
      workloads.pop();
      const again = await begin();
      const redoneMs = Date.now();
      await again.act([act, 'proven']);
      await again.settled();
      report.measure('goesOnMs', Date.now() - redoneMs);
      report.did(`depth ${depth}: a ${act} was taken back; its sender made it again, and a payment after it`);
      await auditNode(node, report, [again]);
    }
  }
  report.expect(
    scene.lines.some((line) => /taken back/.test(line)),
    'the log does not say that blocks were taken back',
  );
  await auditChain(world, report, workloads);
  await node.stop();
  await auditJournal(world, scene.journalDir, report);
}
