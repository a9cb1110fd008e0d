/** The chain's RPC goes away, hangs, crawls, forgets transactions, refuses them, or lies about the head. */
import { auditChain, auditJournal, auditNode } from './audit.js';
import { type Mood, RpcProxy } from './rpcProxy.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { Workload } from './workload.js';

const TROUBLE_MS = { smoke: 1_000, full: 4_000 } as const;
const NUMBERS_A_ROUND = 10;
const MOODS: readonly Mood[] = [
  { kind: 'down' },
  { kind: 'slow', ms: 150 },
  { kind: 'head', by: 1_000 },
  { kind: 'head', by: -2 },
  { kind: 'head', by: -1_000 },
  { kind: 'swallow' },
  { kind: 'underpriced' },
  { kind: 'silent' },
];
const SMOKE_MOODS: readonly Mood[] = [{ kind: 'head', by: -2 }];

export const rpcTrouble = defineScenario(
  'rpc-trouble',
  'the RPC is down, silent or slow, lies about the head, forgets or refuses transactions',
  (report) =>
    withScene(async (scene) => {
      const proxy = await RpcProxy.start(scene.world.anvil.rpcUrl);
      try {
        await play(scene, proxy, report);
      } finally {
        await proxy.stop();
      }
    }),
);

async function play(scene: Scene, proxy: RpcProxy, report: Report): Promise<void> {
  await scene.worker();
  const node = await scene.node({ rpcUrl: proxy.url });
  const workloads: Workload[] = [];
  for (const [round, mood] of (report.scale === 'smoke' ? SMOKE_MOODS : MOODS).entries()) {
    const workload = new Workload(scene.world, node.url, 1 + NUMBERS_A_ROUND * round);
    workloads.push(workload);
    const name = mood.kind === 'head' ? `head ${mood.by > 0 ? '+' : ''}${mood.by}` : mood.kind;
    await workload.act(['deposit', 'proven']);
    proxy.mood = mood;
    const acting = workload.act(['proven', 'sealed', 'deposit']);
    await new Promise((resolve) => setTimeout(resolve, TROUBLE_MS[report.scale]));
    proxy.mood = { kind: 'honest' };
    const honestMs = Date.now();
    await acting;
    await workload.settled();
    report.measure('recoveryMs', Date.now() - honestMs);
    report.did(`${name} for ${TROUBLE_MS[report.scale]} ms: everything settled ${Date.now() - honestMs} ms after it was over`);
    await auditNode(node, report, [workload]);
  }
  await auditChain(scene.world, report, workloads);
  await node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
}
