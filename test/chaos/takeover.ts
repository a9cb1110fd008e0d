/**
 * The operator disappears with everything it had. After the delay a second node, started from the RPC's address and the
 * contract's alone, rebuilds the state, takes in the waiting deposits and forced transfers, and settles; then it serves the
 * payments that had been promised by the first and never reached the chain, which their wallets bring to it again.
 *
 * Played by a stranger with a key of his own, whom the contract lets settle while its queue is overdue; and by the operator, who
 * has its key left and nothing else.
 */
import { hexToBytes } from '../../protocol/bytes.js';
import { evmAddressOfKey } from '../../protocol/eip712.js';
import { auditedReplay } from '../aggregator/world.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import { Followers } from './followers.js';
import type { NodeChild } from './nodeChild.js';
import { freePort } from './redisServer.js';
import { defineScenario, type Report, type Scale } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { type Act, EVERY_ACT, Workload } from './workload.js';

const DELAY_PASSED_SECONDS = 700;
const SUCCESSOR_ACCOUNT = 2;

/** What simulated people do beside the real wallets: before the end, promised and unsettled at the end, on L1 after it, with the second node. */
interface Acts {
  readonly before: readonly Act[];
  readonly promised: readonly ('proven' | 'withdrawal')[];
  readonly waiting: readonly Act[];
  readonly moved: readonly Act[];
}

const ACTS: Readonly<Record<Scale, Acts>> = {
  smoke: { before: [], promised: ['proven'], waiting: ['deposit', 'forced'], moved: ['deposit'] },
  full: { before: EVERY_ACT, promised: ['proven', 'withdrawal'], waiting: ['deposit', 'forced', 'deposit'], moved: EVERY_ACT },
};

export const takeover = defineScenario(
  'takeover',
  'the operator is gone for good; a stranger’s node with nothing but RPC and contract goes on, and the wallets follow it',
  (report) => withScene((scene) => playStranger(scene, report)),
);

export const operatorReturns = defineScenario(
  'operator-returns',
  'the operator has lost all but its key, and starts again with nothing but RPC and contract',
  (report) => withScene((scene) => playReturn(scene, report)),
);

/** What the first node leaves behind. */
interface Estate {
  readonly before: Workload;
  /** Promised by it. */
  readonly orphaned: Workload;
  /** Deposits and forced transfers in the contract's queue. */
  readonly waiting: Workload;
}

async function playStranger(scene: Scene, report: Report): Promise<void> {
  const { world } = scene;
  const key = world.anvil.accounts[SUCCESSOR_ACCOUNT]?.privateKey as string;
  const operator = evmAddressOfKey(hexToBytes(key));
  const first = await scene.node();
  const worker = await scene.worker();
  const people = await Followers.start(scene, first.url);
  try {
    await people.begin();
    const estate = await lose(
      scene,
      report,
      first,
      () => worker.kill(),
      () => people.takePromises(report),
    );
    const journalDir = await scene.folder();
    const second = await takeOver(scene, report, estate, { journalDir, settlerKey: key, successor: true });
    const moved = await bringAgain(scene, report, estate, second.url);
    await people.follow(second.url, operator, report);
    // A payment waits for the next item of the contract's queue to be overdue; anybody's deposit will do.
    await passDelay(scene);
    const openedMs = Date.now();
    await moved.settled();
    await people.expectWhole(report);
    report.measure('paymentsServedMs', Date.now() - openedMs);
    report.did('when the next deposit was overdue, the second node settled it and everything that waited');
    await auditNode(second, report, [moved]);
    await auditChain(world, report, [estate.before, estate.waiting, moved, people]);
    await expectSettler(scene, operator, report);
    await second.stop();
    await auditJournal(world, journalDir, report);
  } finally {
    await people.close();
  }
}

async function playReturn(scene: Scene, report: Report): Promise<void> {
  const first = await scene.node();
  const worker = await scene.worker();
  const estate = await lose(scene, report, first, () => worker.kill());
  const journalDir = await scene.folder();
  const second = await takeOver(scene, report, estate, { journalDir });
  const moved = await bringAgain(scene, report, estate, second.url);
  await moved.settled();
  report.did('the second node served the queue, the payments that had been promised by the first, and new ones');
  await auditNode(second, report, [moved]);
  await auditChain(scene.world, report, [estate.before, estate.waiting, moved]);
  await second.stop();
  await auditJournal(scene.world, journalDir, report);
}

/** The first node works, gives its word, and is gone before any of that is mined; what people did on L1 then waits past the delay. */
async function lose(
  scene: Scene,
  report: Report,
  first: NodeChild,
  alsoKill: () => Promise<void>,
  morePromises: () => Promise<void> = async () => {},
): Promise<Estate> {
  const { world } = scene;
  const before = new Workload(world, first.url);
  await before.act(ACTS[report.scale].before);
  await before.settled();
  await world.provider.send('evm_setAutomine', [false]);
  const orphaned = new Workload(world, first.url, 50);
  await orphaned.act(ACTS[report.scale].promised);
  await morePromises();
  await alsoKill();
  await first.kill();
  await scene.redis.kill({ loseDisk: true });
  await scene.redis.launch();
  await world.provider.send('anvil_dropAllTransactions', []);
  await world.provider.send('evm_setAutomine', [true]);
  const waiting = new Workload(world, first.url, 80);
  await waiting.act(ACTS[report.scale].waiting);
  await passDelay(scene);
  report.did('the operator was killed, journal and Redis lost, promises unsettled; deposits and a forced transfer wait past the delay');
  return { before, orphaned, waiting };
}

async function takeOver(scene: Scene, report: Report, { waiting }: Estate, change: Parameters<Scene['node']>[0]): Promise<NodeChild> {
  const startedMs = Date.now();
  const second = await scene.node({ ...change, port: await freePort() });
  report.measure('rebuiltMs', Date.now() - startedMs);
  await scene.worker();
  await waiting.settled();
  report.measure('queueServedMs', Date.now() - startedMs);
  return second;
}

/** To the second node: what the first had promised, and new things. */
async function bringAgain({ world }: Scene, report: Report, { orphaned }: Estate, url: string): Promise<Workload> {
  const moved = new Workload(world, url, 100);
  for (const submission of orphaned.transfers.values()) await moved.submit(submission);
  for (const [recipient, wei] of orphaned.recipients) moved.recipients.set(recipient, wei);
  await moved.act(ACTS[report.scale].moved);
  return moved;
}

async function passDelay({ world: { provider } }: Scene): Promise<void> {
  await provider.send('evm_increaseTime', [DELAY_PASSED_SECONDS]);
  await provider.send('anvil_mine', ['0x1']);
}

/** The last settlement is the successor's own. */
async function expectSettler({ world }: Scene, operator: string, report: Report): Promise<void> {
  const { settlements } = await auditedReplay(world);
  const last = settlements[settlements.length - 1]?.event.transactionHash as string;
  const from = (await world.provider.getTransaction(last))?.from.toLowerCase();
  report.expect(from === operator, `the last settlement is ${from}'s`);
}
