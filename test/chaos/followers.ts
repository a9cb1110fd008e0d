/**
 * Two people with real wallets, whose operator goes away for good. Alice holds its word for a payment and a withdrawal that never
 * reached the chain, and a payment that she signed and never sent, for her wallet died with the operator. At the node that comes
 * after it they bring all of that again, as it was signed, pay on, and must end with what they should have.
 */
import { join } from 'node:path';
import { awaitConfirmed } from '../../client/awaitConfirmed.js';
import { balance } from '../../client/balance.js';
import { createWallet } from '../../client/createWallet.js';
import { connect, type WalletEnvironment } from '../../client/environment.js';
import { openWallet } from '../../client/openWallet.js';
import { pay } from '../../client/pay.js';
import { resume } from '../../client/resume.js';
import { isOpen } from '../../client/state.js';
import { sync } from '../../client/sync.js';
import type { Wallet } from '../../client/wallet.js';
import { codeOf, until, type World } from '../aggregator/world.js';
import type { Sent } from './audit.js';
import type { Report } from './scenario.js';
import type { Scene } from './scene.js';
import { walletAct } from './walletChild.js';
import type { WalletAct, WalletDeath, WalletOrder } from './walletMessages.js';

const CHEAP = { N: 2 ** 10, r: 8, p: 1 };
const PASSPHRASE = 'correct horse';
const FARM = { prove: 'farm', receivedNotesToo: true } as const;
const MILLI_ETHER = 10n ** 15n;
const NOTE_WEI = 1_000n * MILLI_ETHER;
const PAID_WEI = 100n * MILLI_ETHER;
const BACK_WEI = 10n * MILLI_ETHER;
/** One for each of Alice's acts: while nothing is mined no change comes back. */
const NOTES = 4;
/** A settled payment, a promised one, one that was never sent. */
const PAYMENTS = 3n;
const RECIPIENT = `0x${'ab'.repeat(20)}`;

export class Followers implements Sent {
  readonly forced: readonly string[] = [];
  readonly deposits = NOTES;
  readonly recipients = new Map([[RECIPIENT, PAID_WEI]]);
  readonly transfers = new Map<string, unknown>();
  readonly #world: World;
  readonly #paths: { readonly alice: string; readonly bob: string };
  readonly #order: Omit<WalletOrder, 'act'>;
  readonly #back: string;
  #environment: WalletEnvironment | undefined;
  #wallets: Wallet[] = [];

  private constructor(world: World, paths: { alice: string; bob: string }, order: Omit<WalletOrder, 'act'>, back: string) {
    this.#world = world;
    this.#paths = paths;
    this.#order = order;
    this.#back = back;
  }

  static async start({ world, folder }: Scene, nodeUrl: string): Promise<Followers> {
    const [dir, rpcUrl, contract] = [await folder(), world.anvil.rpcUrl, world.rollup.address];
    const environment = await connect({ rpcUrl, contract, nodeUrl });
    const paths = { alice: join(dir, 'alice'), bob: join(dir, 'bob') };
    const make = (path: string) => createWallet({ path, passphrase: PASSPHRASE, home: environment.home, kdfCost: CHEAP });
    const [alice, bob] = [(await make(paths.alice)).wallet, (await make(paths.bob)).wallet];
    const [payee, back] = [bob.address(), alice.address()];
    await alice.close();
    await bob.close();
    environment.close();
    const depositor = world.anvil.accounts[1]?.privateKey as string;
    const node = { path: paths.alice, passphrase: PASSPHRASE, rpcUrl, contract, nodeUrl };
    return new Followers(world, paths, { ...node, payee, recipient: RECIPIENT, depositor, valueWei: String(PAID_WEI) }, back);
  }

  /** Alice pays in, and pays Bob; all of it is settled. */
  async begin(): Promise<void> {
    for (let i = 0; i < NOTES; i++) await this.#act('deposit', undefined, NOTE_WEI);
    await this.#queueServed();
    const leaves = (await this.#world.rollup.state()).leafCount;
    await this.#act('pay');
    await until(
      () => this.#world.rollup.state(),
      ({ leafCount }) => leafCount > leaves,
      'settled, the first payment',
    );
    await this.#mine();
  }

  /** To be called while nothing is mined, right before the node dies. */
  async takePromises(report: Report): Promise<void> {
    const passages = await this.#act('pay');
    await this.#act('withdraw');
    // Its last word to the node is the submission.
    const survived = await this.#act('pay', { point: 'node:before', passage: passages?.['node:before'] ?? 0 });
    report.expect(survived === undefined, 'the wallet that was to die before it submitted did not die');
    const alice = await openWallet({ path: this.#paths.alice, passphrase: PASSPHRASE });
    const sent = alice.state.transfers.filter(({ status }) => status === 'submitted').map(({ id }) => id);
    await alice.close();
    const environment = await connect(this.#order);
    for (const id of sent) await awaitConfirmed(environment, id);
    environment.close();
  }

  /** @param operator account of the node at `nodeUrl`, which is not the contract's aggregator */
  async follow(nodeUrl: string, operator: string, report: Report): Promise<void> {
    const { rpcUrl, contract } = this.#order;
    const unasked = await codeOf(connect({ rpcUrl, contract, nodeUrl }));
    report.expect(unasked === 'NODE_MISMATCH', `a wallet took another operator's node unasked: ${unasked}`);
    const environment = await connect({ rpcUrl, contract, nodeUrl, operator });
    this.#environment = environment;
    const open = (path: string) => openWallet({ path, passphrase: PASSPHRASE });
    const [alice, bob] = [await open(this.#paths.alice), await open(this.#paths.bob)];
    this.#wallets = [alice, bob];
    const pending = alice.state.transfers.filter(isOpen).map(({ status }) => status);
    report.expect(pending.join() === 'submitted,submitted,reserved', `Alice's wallet remembers ${pending.join()}`);
    const resumed = await until(
      () => resume(alice, environment, FARM),
      (outcomes) => outcomes.every(({ outcome }) => outcome === outcome.toLowerCase()),
      'taken in by the second node',
    );
    report.expect(resumed.length === pending.length, `${resumed.length} of ${pending.length} pending transfers were brought again`);
    await sync(bob, environment);
    const { id } = await pay(bob, environment, { to: this.#back, asset: 0, value: BACK_WEI, ...FARM });
    for (const followed of [id, ...resumed.map((entry) => entry.id)]) await awaitConfirmed(environment, followed);
    report.did(
      `wallets followed: ${resumed.length} transfers of Alice's brought again as signed, a new one of Bob's, all promised by the second`,
    );
  }

  /** Everybody has what he should have, and nothing is held back. */
  async expectWhole(report: Report): Promise<void> {
    const environment = this.#environment as WalletEnvironment;
    const look = async () => {
      await this.#mine();
      for (const wallet of this.#wallets) await sync(wallet, environment);
      return this.#wallets.flatMap(({ state }) => state.transfers.map(({ status }) => status));
    };
    await until(look, (statuses) => statuses.every((status) => status === 'settled'), 'settled, what the wallets sent');
    for (const { id } of this.#wallets.flatMap(({ state }) => state.transfers)) this.transfers.set(id, undefined);
    const fees = this.#wallets.map(({ state }) => state.transfers.reduce((sum, { fee }) => sum + BigInt(fee), 0n));
    const [aliceFees = 0n, bobFees = 0n] = fees;
    const due = [
      BigInt(NOTES) * NOTE_WEI - PAYMENTS * PAID_WEI - PAID_WEI + BACK_WEI - aliceFees,
      PAYMENTS * PAID_WEI - BACK_WEI - bobFees,
    ];
    for (const [i, wallet] of this.#wallets.entries()) {
      const held = balance(wallet).find(({ asset }) => asset === 0);
      report.expect(held?.available === due[i], `${['Alice', 'Bob'][i]} has ${held?.available} wei, and should have ${due[i]}`);
      report.expect(held?.reserved === 0n, `${held?.reserved} wei stay reserved`);
    }
  }

  async close(): Promise<void> {
    for (const wallet of this.#wallets) await wallet.close();
    this.#environment?.close();
  }

  #act(act: WalletAct, death?: WalletDeath, valueWei = PAID_WEI): ReturnType<typeof walletAct> {
    return walletAct({ ...this.#order, act, valueWei: String(valueWei), ...(death === undefined ? {} : { death }) });
  }

  async #queueServed(): Promise<void> {
    await until(
      () => this.#world.rollup.state(),
      ({ queueHead, queueTail }) => queueHead === queueTail,
      'served, the queue',
    );
    await this.#mine();
  }

  /** One block on top, so that a cautious reader counts it too. */
  async #mine(): Promise<void> {
    await this.#world.provider.send('anvil_mine', ['0x1']);
  }
}
