/**
 * Bringing money together: a transfer spends two notes at most, so an amount that lies in more of them is merged by paying
 * oneself, pair by pair, until two notes hold it. All pairs of a round go side by side; m notes take ⌈log2 m⌉ − 1 rounds,
 * each as long as a settlement.
 */
import { MEMO_BYTES } from '../protocol/encryption.js';
import type { Amount, AssetId, Hex } from '../protocol/flavor.js';
import { type AwaitOptions, awaitSettled } from './awaitSettled.js';
import type { Money } from './build.js';
import { assertHome, type WalletEnvironment } from './environment.js';
import { FundsError } from './fundsError.js';
import { freeNotes, sumOf } from './select.js';
import type { StoredNote } from './state.js';
import { sync } from './sync.js';
import { chooseFee, type SendOptions, send } from './transfer.js';
import type { Wallet } from './wallet.js';

export interface MergeParameters extends SendOptions {
  readonly asset: AssetId;
  /** What two notes shall hold afterwards, the fee of the payment itself left out; above 0. */
  readonly value: Amount;
  readonly waiting?: AwaitOptions;
  /** Called before each round with its count of transfers. */
  readonly onRound?: (round: number, transfers: number) => void;
}

/** Notes, each pair of which becomes one. */
export type NotePair = readonly [StoredNote, StoredNote];

/**
 * The wallet must have been synced.
 * @returns the transfers that were made, none where two notes hold the amount already
 * @throws TacitError INSUFFICIENT_FUNDS; as `pay` and `awaitSettled`
 */
export async function mergeNotes(wallet: Wallet, environment: WalletEnvironment, parameters: MergeParameters): Promise<Hex[]> {
  const { asset, value, waiting, onRound, ...options } = parameters;
  assertHome(wallet.state, environment);
  const made: Hex[] = [];
  for (let round = 1; ; round++) {
    const fee = await chooseFee(environment, asset, options.fee ?? 'quote', options.prove ?? 'home');
    const pairs = pairsToMerge(freeNotes(wallet.state, asset), { asset, value }, fee.asset === asset ? fee.value : 0n);
    if (pairs.length === 0) return made;
    onRound?.(round, pairs.length);
    const sent: Hex[] = [];
    for (const pair of pairs) sent.push(await mergePair(wallet, environment, pair, fee, options));
    for (const id of sent) await awaitSettled(wallet, environment, id, waiting);
    await sync(wallet, environment);
    made.push(...sent);
  }
}

/**
 * The fewest notes that hold the money and the fees of merging them, in pairs; none where two do.
 * @param ascending free notes of one asset
 * @param fee that a transfer takes out of this asset
 * @throws FundsError INSUFFICIENT_FUNDS
 */
export function pairsToMerge(ascending: readonly StoredNote[], { asset, value }: Money, fee: Amount): NotePair[] {
  const chosen: StoredNote[] = [];
  // A note that is worth no more than a fee costs more to merge than it brings.
  for (const note of ascending.filter((candidate) => BigInt(candidate.value) > fee).reverse()) {
    if (sumOf(chosen) >= value + mergingFees(chosen.length, fee)) break;
    chosen.push(note);
  }
  const expected = value + mergingFees(chosen.length, fee);
  const available = sumOf(chosen);
  if (available < expected) {
    throw new FundsError('INSUFFICIENT_FUNDS', 'not enough money that is free', {
      asset,
      need: expected,
      available,
      hint: ', fees included',
    });
  }
  if (chosen.length <= 2) return [];
  // Two notes must be left: they are the payment's inputs.
  return Array.from({ length: Math.min(Math.floor(chosen.length / 2), chosen.length - 2) }, (_, i) => {
    const [a, b] = chosen.slice(chosen.length - 2 * (i + 1), chosen.length - 2 * i);
    return [a, b] as NotePair;
  });
}

/** m notes become two by m − 2 merges; the payment's own fee comes on top. */
function mergingFees(notes: number, fee: Amount): Amount {
  return fee * BigInt(Math.max(0, notes - 2) + 1);
}

async function mergePair(wallet: Wallet, environment: WalletEnvironment, pair: NotePair, fee: Money, options: SendOptions): Promise<Hex> {
  const asset = pair[0].asset;
  const value = sumOf(pair) - (fee.asset === asset ? fee.value : 0n);
  const to = wallet.account(pair[0].account).address;
  const intention = { kind: 'payment' as const, to, memo: new Uint8Array(MEMO_BYTES), money: { asset, value }, from: pair };
  const { id } = await send(
    wallet,
    environment,
    intention,
    { kind: 'payment', to: wallet.address(pair[0].account), memo: '' },
    { ...options, fee },
  );
  return id;
}
