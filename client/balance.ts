/** What a wallet owns, as of its last sync. */
import type { Amount, AssetId } from '../protocol/flavor.js';
import { reservedNotes, type StoredDeposit } from './state.js';
import type { Wallet } from './wallet.js';

export interface AssetBalance {
  readonly asset: AssetId;
  /** Free to spend. */
  readonly available: Amount;
  /** In notes that open transfers hold; their change comes back. */
  readonly reserved: Amount;
  /** Deposits of this wallet to itself that no settlement has taken in yet. */
  readonly incoming: Amount;
  /** Count of free notes. A payment spends at most two. */
  readonly notes: number;
}

interface Sums {
  available: Amount;
  reserved: Amount;
  incoming: Amount;
  notes: number;
}

/** One entry for each asset that the wallet has or awaits something in, and always for the native coin. Ascending by asset. */
export function balance(wallet: Wallet): AssetBalance[] {
  const reserved = reservedNotes(wallet.state);
  const byAsset = new Map<AssetId, Sums>();
  const sums = (asset: AssetId): Sums => {
    const entry = byAsset.get(asset) ?? { available: 0n, reserved: 0n, incoming: 0n, notes: 0 };
    byAsset.set(asset, entry);
    return entry;
  };
  sums(0);
  for (const note of wallet.state.notes) {
    if (note.spent !== undefined) continue;
    const entry = sums(note.asset);
    if (reserved.has(note.nf)) entry.reserved += BigInt(note.value);
    else {
      entry.available += BigInt(note.value);
      entry.notes++;
    }
  }
  for (const { asset, value } of waitingDeposits(wallet)) sums(asset).incoming += BigInt(value);
  return [...byAsset].sort(([a], [b]) => a - b).map(([asset, entry]) => ({ asset, ...entry }));
}

function waitingDeposits(wallet: Wallet): StoredDeposit[] {
  const { deposits, notes, addresses } = wallet.state;
  const own = new Set(Array.from({ length: addresses }, (_, index) => wallet.address(index)));
  const found = new Set(notes.map(({ cm }) => cm));
  return deposits.filter(({ cm, to, mined }) => mined !== undefined && own.has(to) && !found.has(cm));
}
