/**
 * Transactions that do not get in: the base fee rises over what was bid, between signing and mining and again and again,
 * and a stranger's view of the pool makes ours look underpriced. One nonce, higher bids, one settlement.
 */
import { auditChain, auditJournal, auditNode } from './audit.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { Workload } from './workload.js';

const GWEI = 1_000_000_000n;
const RISES = [20n, 100n, 400n] as const;
const STUCK_MS = 2_500;

export const fees = defineScenario(
  'rising-fees',
  'the base fee rises over every bid: the same nonce, higher fees, one settlement',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const { world } = scene;
  const rpc = (method: string, params: unknown[]) => world.provider.send(method, params) as Promise<unknown>;
  const settler = world.anvil.accounts[0]?.address as string;
  await scene.worker();
  const node = await scene.node({ policy: { bumpAfterMs: 500 } });
  const workloads: Workload[] = [];
  for (const [round, rise] of RISES.slice(0, report.scale === 'smoke' ? 1 : RISES.length).entries()) {
    const workload = new Workload(world, node.url, 1 + 10 * round);
    workloads.push(workload);
    const nonce = await world.provider.getTransactionCount(settler);
    await rpc('evm_setAutomine', [false]);
    await workload.act(['proven']);
    // Signed and sent by now at the old price, or about to be.
    await new Promise((resolve) => setTimeout(resolve, STUCK_MS));
    await rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(rise * GWEI).toString(16)}`]);
    await rpc('anvil_mine', ['0x1']);
    const risenMs = Date.now();
    await rpc('evm_setAutomine', [true]);
    const mining = setInterval(() => void rpc('anvil_mine', ['0x1']).catch(() => {}), 500);
    try {
      await workload.settled();
    } finally {
      clearInterval(mining);
    }
    report.measure('settledAfterRiseMs', Date.now() - risenMs);
    const taken = (await world.provider.getTransactionCount(settler)) - nonce;
    report.expect(taken === 1, `${taken} nonces were used for one settlement`);
    report.did(`base fee up to ${rise} gwei while a settlement waited: mined with ${taken} nonce`);
    await auditNode(node, report, [workload]);
  }
  await auditChain(world, report, workloads);
  await node.stop();
  await auditJournal(world, scene.journalDir, report);
}
