/**
 * Workers that live and do not do their work: one that hangs, one that blocks its event loop past its lease and hands over
 * late, one that returns noise, one that returns another job's proof; and a job that chokes every worker while the others
 * flow. Beside each there is one honest worker.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { recordHash } from '../../protocol/record.js';
import { recordOf, until } from '../aggregator/world.js';
import { auditChain, auditNode } from './audit.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import type { Misdeed } from './workerMessages.js';
import { Workload } from './workload.js';

/** Past the lock's 3 s and the looks for lost locks. */
const PEG_MS = 7_000;
const PROOF_LIMIT_MS = 3_000;
const MISDEEDS: readonly Misdeed[] = [
  { kind: 'garbage' },
  { kind: 'other' },
  { kind: 'peg', forMs: PEG_MS },
  { kind: 'hang', at: 'proving' },
];
const BATCH = 4;
const POISONED = 221;
/** Digits of the hash of a job's members that name it (aggregator/tasks.ts). */
const NAMING_DIGITS = 24;

export const workersLie = defineScenario(
  'workers-lie',
  'a worker hangs, pegs the CPU past its lease, returns garbage, another job’s proof or a late one; a poison job is set aside',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  const limits = { transfer_1: PROOF_LIMIT_MS, transfer_8: PROOF_LIMIT_MS, update_2: PROOF_LIMIT_MS, update_8: PROOF_LIMIT_MS };
  const node = await scene.node({ policy: { proofLimitMs: { ...limits, update_32: PROOF_LIMIT_MS } } });
  const workloads: Workload[] = [];
  const honest = await scene.worker();
  const misdeeds = report.scale === 'full' ? MISDEEDS : [MISDEEDS[report.random.int(2)] as Misdeed];
  for (const [round, misdeed] of misdeeds.entries()) {
    const workload = new Workload(scene.world, node.url, 1 + 20 * round);
    workloads.push(workload);
    const liar = await scene.worker({ misdeed, honestJobs: misdeed.kind === 'other' ? 1 : 0 });
    const startedMs = Date.now();
    await workload.act([...Array.from({ length: BATCH }, () => 'sealed' as const), 'proven', 'proven']);
    await workload.settled(120_000);
    report.measure('settledBesideLiarMs', Date.now() - startedMs);
    report.did(
      `${misdeed.kind}: ${BATCH} sealed and 2 proven payments settled after ${Date.now() - startedMs} ms; it took ${liar.phases.filter(({ phase }) => phase === 'taken').length} jobs`,
    );
    await auditNode(node, report, [workload]);
    await liar.kill();
  }
  await honest.kill();
  await poison(scene, report, node, workloads);
}

/** One payment that every worker chokes on, among others. */
async function poison(scene: Scene, report: Report, node: Awaited<ReturnType<Scene['node']>>, workloads: Workload[]): Promise<void> {
  const flowing = new Workload(scene.world, node.url, 201);
  const poisoned = new Workload(scene.world, node.url, POISONED);
  workloads.push(flowing);
  // Its hash, and so the name of its job, is known before it is sealed.
  const id = recordHash(recordOf(POISONED), scene.world.domain);
  const on = bytesToHex(keccak_256(hexToBytes(id))).slice(2, 2 + NAMING_DIGITS);
  await Promise.all([1, 2].map(() => scene.worker({ misdeed: { kind: 'choke', on } })));
  const bad = await poisoned.make('sealed');
  await poisoned.submit(bad);
  const startedMs = Date.now();
  await flowing.act(['sealed', 'proven', 'sealed']);
  await flowing.settled();
  report.measure('othersFlowMs', Date.now() - startedMs);
  const status = await until(
    () => node.client.status(bad.id),
    (answer) => answer?.reason !== undefined,
    'set aside with its reason',
    120_000,
  );
  report.measure('setAsideMs', Date.now() - startedMs);
  report.expect(status?.status !== 'settled', 'the poison job settled');
  report.did(`a poison job was set aside as ${status?.status}, ${status?.reason}, while others settled`);
  await auditChain(scene.world, report, workloads);
}
