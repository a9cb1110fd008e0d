/**
 * A wallet is killed in the middle of paying, depositing, withdrawing and scanning: before and after each time that it
 * touches its file, the node or the chain. Started again it knows what it holds, and finishes or releases what it had
 * reserved; nothing is paid twice and nothing is lost. Once as a program that uses client/, once as `bin/tacit wallet …`,
 * made whole by `bin/tacit wallet resume`. At the end a wallet restored from the words alone, on an empty
 * disk, finds the same notes, the spent ones too.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { balance } from '../../client/balance.js';
import { createWallet } from '../../client/createWallet.js';
import { connect, type WalletEnvironment } from '../../client/environment.js';
import { openWallet } from '../../client/openWallet.js';
import { restoreWallet } from '../../client/restoreWallet.js';
import { resume } from '../../client/resume.js';
import { isOpen } from '../../client/state.js';
import { sync } from '../../client/sync.js';
import type { Wallet } from '../../client/wallet.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { fieldToBytes } from '../../protocol/field.js';
import { readHistory } from '../../verifier-contract/history.js';
import { TestNode } from '../client/testNode.js';
import { World } from '../verifier-contract/world.js';
import { defineScenario, type Report } from './scenario.js';
import { withFolder } from './scene.js';
import { walletAct } from './walletChild.js';
import { walletCommand } from './walletCommand.js';
import type { WalletAct, WalletOrder, WalletPoint, WalletReport } from './walletMessages.js';

const ACTS: readonly WalletAct[] = ['pay', 'deposit', 'withdraw', 'scan'];
const CHEAP = { N: 2 ** 10, r: 8, p: 1 };
const PASSPHRASE = 'correct horse';
const FARM = { prove: 'farm', receivedNotesToo: true } as const;
const NOTE_WEI = 1_000_000n;
const PAID_WEI = 1_000n;
const FUNDING = 4;
const SMOKE_DEATHS = 2;
const RECIPIENT = `0x${'ab'.repeat(20)}`;

/** How the wallet is used: by a program, or on the command line. */
type Way = 'client' | 'command';

interface Stage {
  readonly way: Way;
  readonly world: World;
  readonly node: TestNode;
  readonly environment: WalletEnvironment;
  readonly order: Omit<WalletOrder, 'act'>;
  readonly bob: Wallet;
  readonly words: string;
  readonly folder: string;
  /** Deposits of the chain that the node has been told of. */
  seen: number;
}

export const walletKilled = defineScenario(
  'wallet-killed',
  'a wallet is killed −9 at every touch of disk, node and chain while it pays, deposits, withdraws, scans; then restored from its words',
  (report) => withStage('client', report),
);

export const walletCommandKilled = defineScenario(
  'wallet-command-killed',
  'the same with `tacit wallet pay|deposit|withdraw|balance`, made whole by `tacit wallet resume`',
  (report) => withStage('command', report),
);

function withStage(way: Way, report: Report): Promise<void> {
  return withFolder(async (folder) => {
    const stage = await prepare(folder, way);
    try {
      await play(stage, report);
    } finally {
      await stage.bob.close();
      stage.environment.close();
      await stage.node.stop();
      await stage.world.stop();
    }
  });
}

async function prepare(folder: string, way: Way): Promise<Stage> {
  const world = await World.start();
  const node = new TestNode(world);
  const nodeUrl = await node.start();
  const [rpcUrl, contract] = [world.anvil.rpcUrl, world.rollup.address];
  const environment = await connect({ rpcUrl, contract, nodeUrl });
  const create = (name: string) =>
    createWallet({ path: join(folder, name), passphrase: PASSPHRASE, home: environment.home, kdfCost: CHEAP });
  const [alice, bob] = [await create('alice'), await create('bob')];
  await alice.wallet.close();
  const depositor = world.anvil.accounts[1]?.privateKey as string;
  const payee = bob.wallet.address();
  const order = {
    path: join(folder, 'alice'),
    passphrase: PASSPHRASE,
    rpcUrl,
    contract,
    nodeUrl,
    payee,
    recipient: RECIPIENT,
    depositor,
    valueWei: String(PAID_WEI),
  };
  return { way, world, node, environment, order, bob: bob.wallet, words: alice.mnemonic, folder, seen: 0 };
}

async function play(stage: Stage, report: Report): Promise<void> {
  for (let i = 0; i < FUNDING; i++) await act(stage, 'deposit', undefined, NOTE_WEI);
  await settle(stage);
  const deaths: { act: WalletAct; point: WalletPoint; passage: number }[] = [];
  for (const name of ACTS) {
    const passages = await act(stage, name);
    await settle(stage);
    for (const [point, count] of Object.entries(passages ?? {}))
      for (const passage of new Set([1, Math.ceil(count / 2), count])) deaths.push({ act: name, point: point as WalletPoint, passage });
  }
  report.did(`${deaths.length} places to die in ${ACTS.join(', ')}`);
  const chosen =
    report.scale === 'full'
      ? deaths
      : Array.from({ length: SMOKE_DEATHS }, () => deaths[report.random.int(deaths.length)] as (typeof deaths)[0]);
  let died = 0;
  for (const { act: name, ...death } of chosen) {
    const survived = await act(stage, name, death);
    if (survived === undefined) died++;
    report.log(`${name} ${death.point} passage ${death.passage}: ${survived === undefined ? 'killed' : 'ended before'}`);
    await recover(stage, report, `${name} ${death.point} ${death.passage}`);
  }
  report.did(`${died} wallets killed, each opened again and made whole`);
  await compareRestored(stage, report);
}

/** @returns how often each point was passed; undefined where the wallet was killed */
async function act(
  stage: Stage,
  name: WalletAct,
  death?: WalletOrder['death'],
  value = PAID_WEI,
): Promise<WalletReport['passages'] | undefined> {
  if (stage.way === 'command') return (await walletCommand(name, { ...stage.order, valueWei: String(value) }, death)).passages;
  return walletAct({ ...stage.order, act: name, valueWei: String(value), ...(death === undefined ? {} : { death }) });
}

/** Opened again: the killed wallet finishes what it began, and everybody's money is where it should be. */
async function recover(stage: Stage, report: Report, where: string): Promise<void> {
  const { environment, bob } = stage;
  const beganMs = Date.now();
  if (stage.way === 'command') await walletCommand('resume', stage.order);
  const alice = await openWallet({ path: stage.order.path, passphrase: PASSPHRASE });
  try {
    if (stage.way === 'client') await resume(alice, environment, FARM);
    await settle(stage);
    await sync(alice, environment);
    await sync(bob, environment);
    report.measure('wholeAgainMs', Date.now() - beganMs);
    report.expect(
      alice.state.transfers.every((transfer) => !isOpen(transfer)),
      `${where}: a transfer is still open`,
    );
    const [mine, theirs] = [balance(alice), balance(bob)].map((entries) => entries.find(({ asset }) => asset === 0));
    report.expect(mine?.reserved === 0n, `${where}: ${mine?.reserved} wei stay reserved`);
    const [held, withdrawn, inside] = [
      (mine?.available ?? 0n) + (theirs?.available ?? 0n),
      await stage.world.provider.getBalance(RECIPIENT),
      await deposited(stage),
    ];
    report.expect(held + withdrawn === inside, `${where}: ${held} held and ${withdrawn} withdrawn of ${inside} deposited`);
  } finally {
    await alice.close();
  }
}

/** The node takes in what the chain's queue has, and settles. */
async function settle(stage: Stage): Promise<void> {
  const commitments = (await deposits(stage)).map(({ commitment }) => bytesToHex(fieldToBytes(commitment)));
  stage.node.deposited(...commitments.slice(stage.seen));
  const waiting = [...stage.node.transfers.values()].some(({ status }) => status.status === 'confirmed');
  if (waiting || commitments.length > stage.seen) await stage.node.settle();
  stage.seen = commitments.length;
  // One block on top, so that a cautious reader counts it too.
  await stage.world.passSeconds(1);
}

async function deposits({ world }: Stage) {
  const { events } = await readHistory(world.provider, world.rollup.address, 0);
  return events.filter((event) => event.kind === 'deposit');
}

async function deposited(stage: Stage): Promise<bigint> {
  return (await deposits(stage)).reduce((sum, { value }) => sum + value, 0n);
}

/** From the words alone: the same notes, spent and unspent. */
async function compareRestored({ environment, order, words, folder }: Stage, report: Report): Promise<void> {
  const alice = await openWallet({ path: order.path, passphrase: PASSPHRASE });
  const beganMs = Date.now();
  const restored = await restoreWallet({
    path: join(folder, 'restored'),
    passphrase: PASSPHRASE,
    home: environment.home,
    mnemonic: words,
    kdfCost: CHEAP,
  });
  try {
    await sync(alice, environment);
    await sync(restored, environment);
    report.measure('restoredMs', Date.now() - beganMs);
    const notes = (wallet: Wallet) => wallet.state.notes.map(({ nf, value, spent }) => `${nf} ${value} ${spent?.by ?? 'free'}`).sort();
    const [mine, theirs] = [notes(alice), notes(restored)];
    report.expect(mine.join() === theirs.join(), `restored: ${theirs.length} notes, the wallet has ${mine.length}`);
    const litter = (await readdir(folder)).filter((name) => /^\.(alice|bob)/.test(name));
    report.expect(litter.length === 0, `killed wallets left files behind: ${litter.join(', ')}`);
    report.did(`restored from words: ${theirs.length} notes, ${theirs.filter((line) => !line.endsWith('free')).length} of them spent`);
  } finally {
    await alice.close();
    await restored.close();
  }
}
