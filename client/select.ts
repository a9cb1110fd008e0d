/**
 * Which notes a payment spends. A transfer has two inputs, so one note or two.
 *
 * In this order: the one note of exactly the amount (no change, nothing tied up), the smallest single note that is
 * enough, the pair with the least excess. Notes that an open transfer holds are not touched.
 *
 * A transfer that a node refused is signed and may be out there. So a note of such a transfer goes first wherever one
 * can take part: once it is spent, the refused transfer can never be settled beside its replacement.
 */
import type { Amount, AssetId } from '../protocol/flavor.js';
import { FundsError } from './fundsError.js';
import { reservedNotes, type StoredNote, type StoredTransfer, type WalletState } from './state.js';

/** Unspent, and in no open transfer. Ascending by value. */
export function freeNotes(state: WalletState, asset: AssetId): StoredNote[] {
  const reserved = reservedNotes(state);
  return state.notes
    .filter((note) => note.asset === asset && note.spent === undefined && !reserved.has(note.nf))
    .sort((a, b) => compare(BigInt(a.value), BigInt(b.value)));
}

/**
 * @param need above 0
 * @returns one or two notes worth at least `need`
 * @throws FundsError INSUFFICIENT_FUNDS, NOTES_PENDING (retryable: change or receipts are on their way), NOTES_FRAGMENTED
 */
export function selectNotes(state: WalletState, asset: AssetId, need: Amount): [StoredNote] | [StoredNote, StoredNote] {
  const free = freeNotes(state, asset);
  const chosen = replacing(state, free, need) ?? leanest(free, need);
  if (chosen !== undefined) return chosen;
  throw refusal(state, asset, need, free);
}

export function sumOf(notes: readonly { readonly value: string }[]): Amount {
  return notes.reduce((sum, { value }) => sum + BigInt(value), 0n);
}

/** A choice with a note of a refused transfer in it, if there is one. */
function replacing(state: WalletState, free: readonly StoredNote[], need: Amount): [StoredNote] | [StoredNote, StoredNote] | undefined {
  const refused = new Set(state.transfers.filter(isReplaceable).flatMap(({ inputs }) => inputs));
  const firsts = free.filter(({ nf }) => refused.has(nf));
  const single = firsts.find((note) => BigInt(note.value) >= need);
  if (single !== undefined) return [single];
  for (const first of firsts) {
    const second = free.find((note) => note !== first && BigInt(note.value) + BigInt(first.value) >= need);
    if (second !== undefined) return [first, second];
  }
  return undefined;
}

/** Refused for another reason than that its notes are gone, and possibly seen by a node. */
function isReplaceable({ status, reason }: StoredTransfer): boolean {
  return status === 'rejected' && reason?.startsWith('NULLIFIER_') !== true;
}

function leanest(free: readonly StoredNote[], need: Amount): [StoredNote] | [StoredNote, StoredNote] | undefined {
  const single = free.find((note) => BigInt(note.value) >= need);
  return single === undefined ? leanestPair(free, need) : [single];
}

/** The pair with the smallest sum that is enough: one walk from both ends of the ascending list. */
function leanestPair(ascending: readonly StoredNote[], need: Amount): [StoredNote, StoredNote] | undefined {
  let best: { pair: [StoredNote, StoredNote]; sum: Amount } | undefined;
  for (let low = 0, high = ascending.length - 1; low < high; ) {
    const pair: [StoredNote, StoredNote] = [ascending[low] as StoredNote, ascending[high] as StoredNote];
    const sum = sumOf(pair);
    if (sum < need) {
      low++;
      continue;
    }
    if (best === undefined || sum < best.sum) best = { pair, sum };
    high--;
  }
  return best?.pair;
}

function refusal(state: WalletState, asset: AssetId, need: Amount, free: readonly StoredNote[]): FundsError {
  const unspent = sumOf(state.notes.filter((note) => note.asset === asset && note.spent === undefined));
  const available = sumOf(free);
  const shortage = { asset, need, available, hint: ', fee included' };
  if (unspent < need) return new FundsError('INSUFFICIENT_FUNDS', 'not enough money', shortage);
  if (available < need) return new FundsError('NOTES_PENDING', 'part of the money is tied up in open transfers', shortage);
  const hint = ' in two notes: merge some first (tacit wallet merge)';
  return new FundsError('NOTES_FRAGMENTED', 'the money lies in too many notes', { ...shortage, hint });
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
