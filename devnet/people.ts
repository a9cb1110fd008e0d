/**
 * The people of a payments file: a wallet each, funded from L1 with one note for every payment, so that all payments can
 * run side by side. Where the node asks fees, a payment in another asset gets a second, native note for its fee.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createWallet } from '../client/createWallet.js';
import { deposit } from '../client/deposit.js';
import { nodeOf, type WalletEnvironment } from '../client/environment.js';
import { sync } from '../client/sync.js';
import type { Wallet } from '../client/wallet.js';
import { NATIVE_ASSET } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId } from '../protocol/flavor.js';
import { mintTestToken, type RegisteredAsset } from '../verifier-contract/token.js';
import type { Devnet } from './network.js';
import { type Payment, people } from './payments.js';

export interface Person {
  readonly name: string;
  readonly wallet: Wallet;
  /** What the faucet gave, by asset. */
  readonly funded: Map<AssetId, Amount>;
}

/** Enough for one transfer's fee at any price that a devnet quotes; what is left comes back as change. */
const FEE_NOTE_WEI = 10n ** 16n;
/** L1 accounts that deposit; index 0 is the faucet, index 1 settles. Calls of one account must follow one another. */
const FIRST_DEPOSITOR = 2;
const RICH_WEI = `0x${(10n ** 30n).toString(16)}`;
/** 8 MiB of scrypt: the wallets of a devnet hold no real money and should open at once. */
const DEVNET_KDF = { N: 2 ** 13, r: 8, p: 1 };

const POLL_MS = 250;
const FUNDING_LIMIT_MS = 300_000;

/** A wallet for everyone in the file, in files below dir. */
export async function createPeople(
  payments: readonly Payment[],
  environment: WalletEnvironment,
  dir: string,
): Promise<Map<string, Person>> {
  mkdirSync(dir, { recursive: true });
  const created = new Map<string, Person>();
  for (const [index, name] of people(payments).entries()) {
    // Two names may differ in case only, which some file systems do not tell apart.
    const path = join(dir, `${index + 1}-${name}.wallet`);
    const { wallet } = await createWallet({
      path,
      passphrase: randomBytes(16).toString('hex'),
      home: environment.home,
      kdfCost: DEVNET_KDF,
    });
    created.set(name, { name, wallet, funded: new Map() });
  }
  return created;
}

/** Deposits the notes; resolves with their count when all are mined. */
export async function fundPeople(
  devnet: Devnet,
  environment: WalletEnvironment,
  folk: ReadonlyMap<string, Person>,
  payments: readonly Payment[],
): Promise<number> {
  const depositors = devnet.accounts.slice(FIRST_DEPOSITOR);
  const withFees = await feesAreAsked(environment);
  const queues = depositors.map((): (() => Promise<void>)[] => []);
  let count = 0;
  for (const payment of payments) {
    const person = personOf(folk, payment.payer);
    for (const { asset, value } of notesFor(payment, devnet.assets, withFees)) {
      const which = count++ % depositors.length;
      const account = depositors[which];
      if (account === undefined) throw new RangeError('the chain has no account that deposits');
      person.funded.set(asset.id, (person.funded.get(asset.id) ?? 0n) + value);
      queues[which]?.push(async () => {
        if (asset.id !== NATIVE_ASSET) await mintTestToken(devnet.faucet, asset.token, account.address, value);
        await deposit(person.wallet, environment, { privateKey: account.privateKey, asset: asset.id, value, memo: 'faucet' });
      });
    }
  }
  await Promise.all(depositors.map(({ address }) => devnet.setBalance(address, RICH_WEI)));
  await Promise.all(
    queues.map(async (queue) => {
      for (const step of queue) await step();
    }),
  );
  return count;
}

/** Waits until everyone's notes are in the rollup. @throws TacitError FUNDING_TIMEOUT */
export async function awaitFunded(
  environment: WalletEnvironment,
  folk: ReadonlyMap<string, Person>,
  deposits: number,
  onProgress: (fraction: number) => void,
): Promise<void> {
  const deadline = Date.now() + FUNDING_LIMIT_MS;
  for (;;) {
    const { queueHead } = await environment.rollup.state();
    onProgress(Math.min(1, queueHead / deposits));
    if (queueHead >= deposits) break;
    if (Date.now() > deadline)
      throw new TacitError('FUNDING_TIMEOUT', 'the deposits were not settled in time', {
        expected: `${deposits} settled`,
        got: String(queueHead),
      });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await syncPeople(environment, folk);
}

export async function syncPeople(environment: WalletEnvironment, folk: ReadonlyMap<string, Person>): Promise<void> {
  for (const { wallet } of folk.values()) await sync(wallet, environment);
}

export function personOf(folk: ReadonlyMap<string, Person>, name: string): Person {
  const person = folk.get(name);
  if (person === undefined) throw new RangeError(`nobody is called ${name}`);
  return person;
}

export function assetOf(payment: Payment, assets: readonly RegisteredAsset[]): RegisteredAsset {
  const asset = assets.find(({ symbol }) => symbol === payment.asset.symbol);
  if (asset === undefined) throw new TacitError('ASSET_UNKNOWN', 'the devnet has no such asset', { got: payment.asset.symbol });
  return asset;
}

/** A node that asks no fee needs no notes for it. */
async function feesAreAsked(environment: WalletEnvironment): Promise<boolean> {
  const quote = await nodeOf(environment).quote(NATIVE_ASSET);
  return BigInt(quote.feeProven) > 0n || BigInt(quote.feeSealed) > 0n;
}

function notesFor(payment: Payment, assets: readonly RegisteredAsset[], withFees: boolean): { asset: RegisteredAsset; value: Amount }[] {
  const asset = assetOf(payment, assets);
  if (!withFees) return [{ asset, value: payment.amount }];
  if (asset.id === NATIVE_ASSET) return [{ asset, value: payment.amount + FEE_NOTE_WEI }];
  const native = assets.find(({ id }) => id === NATIVE_ASSET) as RegisteredAsset;
  return [
    { asset, value: payment.amount },
    { asset: native, value: FEE_NOTE_WEI },
  ];
}
