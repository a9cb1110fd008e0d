/**
 * The people of a payments file: a wallet each, funded from L1 with one note for every payment, so that all payments can
 * run side by side, each as soon as its own note is in the rollup. The node of a devnet asks no fees.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createWallet } from '../client/createWallet.js';
import { deposit } from '../client/deposit.js';
import type { WalletEnvironment } from '../client/environment.js';
import { sync } from '../client/sync.js';
import type { Wallet } from '../client/wallet.js';
import { NATIVE_ASSET } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId } from '../protocol/flavor.js';
import { mintTestToken, type RegisteredAsset } from '../verifier-contract/token.js';
import type { DevnetGround } from './network.js';
import { type Payment, people } from './payments.js';

export interface Person {
  readonly name: string;
  readonly wallet: Wallet;
  /** What the faucet gave, by asset. */
  readonly funded: Map<AssetId, Amount>;
}

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

/** Where each payment's note stands in the contract's queue. */
export type Deposits = ReadonlyMap<Payment, number>;

/** Deposits a note for every payment; resolves when all are mined. */
export async function fundPeople(
  ground: DevnetGround,
  environment: WalletEnvironment,
  folk: ReadonlyMap<string, Person>,
  payments: readonly Payment[],
): Promise<Deposits> {
  const depositors = ground.accounts.slice(FIRST_DEPOSITOR);
  const deposits = new Map<Payment, number>();
  await Promise.all(depositors.map(({ address }) => ground.setBalance(address, RICH_WEI)));
  await Promise.all(
    depositors.map(async ({ address, privateKey }, which) => {
      for (const payment of payments.filter((_, index) => index % depositors.length === which)) {
        const { wallet, funded } = personOf(folk, payment.payer);
        const { id: asset, token } = assetOf(payment, ground.assets);
        const value = payment.amount;
        if (asset !== NATIVE_ASSET) await mintTestToken(ground.faucet, token, address, value);
        const { queueIndex } = await deposit(wallet, environment, { privateKey, asset, value, memo: 'faucet' });
        funded.set(asset, (funded.get(asset) ?? 0n) + value);
        deposits.set(payment, queueIndex);
      }
    }),
  );
  return deposits;
}

/**
 * Waits until every note is in the rollup, and tells of each payment whose payer's wallet has seen its note.
 * @throws TacitError FUNDING_TIMEOUT
 */
export async function awaitFunded(
  environment: WalletEnvironment,
  folk: ReadonlyMap<string, Person>,
  deposits: Deposits,
  onFunded: (payment: Payment) => void,
  onProgress: (fraction: number) => void,
): Promise<void> {
  const waiting = new Map(deposits);
  const deadline = Date.now() + FUNDING_LIMIT_MS;
  for (;;) {
    const { queueHead } = await environment.rollup.state();
    const arrived = [...waiting].filter(([, queueIndex]) => queueIndex < queueHead).map(([payment]) => payment);
    for (const name of new Set(arrived.map(({ payer }) => payer))) await sync(personOf(folk, name).wallet, environment);
    for (const payment of arrived) {
      waiting.delete(payment);
      onFunded(payment);
    }
    onProgress(1 - waiting.size / Math.max(1, deposits.size));
    if (waiting.size === 0) return;
    if (Date.now() > deadline)
      throw new TacitError('FUNDING_TIMEOUT', 'the deposits were not settled in time', {
        expected: `${deposits.size} settled`,
        got: String(deposits.size - waiting.size),
      });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
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
