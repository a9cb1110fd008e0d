/**
 * From "pay so much" to one transfer, or two.
 *
 * The fee comes out of the same transfer where that shows nothing: when it is in the asset that is paid, or when one
 * note covers the payment without change, so that the second output is free for the fee's change. Otherwise a second
 * transfer to oneself pays the fee for both, and the two are admitted together. Such a pair is recognisable as one
 * payer's, and a dishonest aggregator could take the second alone: docs/threat-model.md.
 */
import { MEMO_BYTES } from '../protocol/encryption.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId, EvmAddress } from '../protocol/flavor.js';
import type { Address } from '../protocol/keys.js';
import type { PlannedOutput } from '../protocol/onetime.js';
import type { Money, TransferPlan } from './build.js';
import { freeNotes, selectNotes, sumOf } from './select.js';
import type { StoredNote } from './state.js';
import type { Wallet } from './wallet.js';

/** Either a payment inside the rollup or a withdrawal to L1. */
export type Intention =
  | {
      readonly kind: 'payment';
      readonly to: Address;
      readonly memo: Uint8Array;
      readonly money: Money;
      /** Spend these notes and no others; chosen by amount where absent. */
      readonly from?: readonly [StoredNote, StoredNote];
    }
  | { readonly kind: 'withdrawal'; readonly recipient: EvmAddress; readonly money: Money };

export interface PlannedTransfers {
  readonly main: TransferPlan;
  /** The fee of both, when it could not come out of `main`. */
  readonly feeTransfer?: TransferPlan;
}

const NO_MEMO = new Uint8Array(MEMO_BYTES);

/**
 * @param each the fee of one transfer; a pair pays it twice
 * @param surcharge on top, once: for a withdrawal, in the fee's asset
 * @throws TacitError AMOUNT_RANGE, ASSET_UNKNOWN, INSUFFICIENT_FUNDS, NOTES_PENDING, NOTES_FRAGMENTED
 */
export function planTransfers(wallet: Wallet, intention: Intention, each: Money, surcharge: Amount = 0n): PlannedTransfers {
  const fee = { asset: each.asset, value: each.value + surcharge };
  const { asset, value } = intention.money;
  if (value <= 0n || value >= 2n ** 128n)
    throw new TacitError('AMOUNT_RANGE', 'nothing can be paid with this amount', {
      expected: '1 to 2^128 − 1 of the smallest unit',
      got: value <= 0n ? 'zero or less' : '2^128 or more',
    });
  for (const id of [asset, fee.asset]) assertAsset(wallet, id);
  if (fee.value === 0n || fee.asset === asset) {
    const inputs = inputsFor(wallet, intention, value + (fee.asset === asset ? fee.value : 0n));
    const change = sumOf(inputs) - value - (fee.asset === asset ? fee.value : 0n);
    return { main: complete(wallet, intention, inputs, { asset, value: change }, { asset, value: 0n }, fee) };
  }
  return planTwoAssets(wallet, intention, fee, 2n * each.value + surcharge);
}

/** @throws TacitError NOTE_TAKEN (retryable) when a note that was to be spent is not free any more */
function inputsFor(wallet: Wallet, intention: Intention, need: Amount): readonly StoredNote[] {
  const { asset } = intention.money;
  const from = intention.kind === 'payment' ? intention.from : undefined;
  if (from === undefined) return selectNotes(wallet.state, asset, need);
  const free = new Set(freeNotes(wallet.state, asset).map(({ nf }) => nf));
  if (from.every(({ nf }) => free.has(nf))) return from;
  throw new TacitError('NOTE_TAKEN', 'another transfer has taken a note meanwhile', { retryable: true });
}

/** @param forPair what a pair pays in place of `fee` */
function planTwoAssets(wallet: Wallet, intention: Intention, fee: Money, forPair: Amount): PlannedTransfers {
  const { asset, value } = intention.money;
  const free = freeNotes(wallet.state, asset);
  const covers = (note: StoredNote) => (intention.kind === 'payment' ? BigInt(note.value) === value : BigInt(note.value) >= value);
  const note = intention.kind === 'payment' && intention.from !== undefined ? undefined : free.find(covers);
  const feeNote = freeNotes(wallet.state, fee.asset).find((candidate) => BigInt(candidate.value) >= fee.value);
  if (note !== undefined && feeNote !== undefined) {
    const change = { asset, value: BigInt(note.value) - value };
    const feeChange = { asset: fee.asset, value: BigInt(feeNote.value) - fee.value };
    return { main: complete(wallet, intention, [note, feeNote], change, feeChange, fee) };
  }
  const inputs = inputsFor(wallet, intention, value);
  const none = { asset: 0, value: 0n };
  const main = complete(wallet, intention, inputs, { asset, value: sumOf(inputs) - value }, { asset, value: 0n }, none);
  const both = { asset: fee.asset, value: forPair };
  const feeInputs = selectNotes(wallet.state, fee.asset, both.value);
  const back = (money: Money) => toSelf(wallet, feeInputs, money);
  return {
    main,
    feeTransfer: {
      inputs: feeInputs,
      outputs: [back({ asset: fee.asset, value: sumOf(feeInputs) - both.value }), back({ asset: fee.asset, value: 0n })],
      fee: both,
    },
  };
}

/**
 * Outputs: a payment has the payee's and one for change, whichever of the two changes is not zero; a withdrawal has
 * both changes. What is left over is worth 0 and goes to oneself.
 */
function complete(
  wallet: Wallet,
  intention: Intention,
  inputs: readonly StoredNote[],
  change: Money,
  feeChange: Money,
  fee: Money,
): TransferPlan {
  if (intention.kind === 'withdrawal') {
    return {
      inputs,
      outputs: [toSelf(wallet, inputs, change), toSelf(wallet, inputs, feeChange)],
      withdrawal: { ...intention.money, recipient: intention.recipient },
      fee,
    };
  }
  const paid: PlannedOutput = { address: intention.to, ...intention.money, memo: intention.memo };
  return { inputs, outputs: [paid, toSelf(wallet, inputs, change.value === 0n ? feeChange : change)], fee };
}

/** Change goes back to the address that the first note came to. */
function toSelf(wallet: Wallet, inputs: readonly StoredNote[], { asset, value }: Money): PlannedOutput {
  return { address: wallet.account((inputs[0] as StoredNote).account).address, asset, value, memo: NO_MEMO };
}

function assertAsset(wallet: Wallet, asset: AssetId): void {
  const { assetCount } = wallet.chain;
  if (!Number.isInteger(asset) || asset < 0 || asset > assetCount)
    throw new TacitError('ASSET_UNKNOWN', 'the rollup has no such asset', { expected: `0 to ${assetCount}`, got: String(asset) });
}
