/** What a wallet owns, as of its last sync. */
import type { Amount, AssetId } from '../protocol/flavor.js';
import { reservedNotes } from './state.js';
import type { Wallet } from './wallet.js';

export interface AssetBalance {
  readonly asset: AssetId;
  /** Free to spend. */
  readonly available: Amount;
  /** In notes that open transfers hold; their change comes back. */
  readonly reserved: Amount;
  /** Count of free notes. A payment spends at most two. */
  readonly notes: number;
}

/** One entry for each asset that the wallet has notes in, and always for the native coin. Ascending by asset. */
export function balance(wallet: Wallet): AssetBalance[] {
  const reserved = reservedNotes(wallet.state);
  const byAsset = new Map<AssetId, { available: Amount; reserved: Amount; notes: number }>([[0, { available: 0n, reserved: 0n, notes: 0 }]]);
  for (const note of wallet.state.notes) {
    if (note.spent !== undefined) continue;
    const entry = byAsset.get(note.asset) ?? { available: 0n, reserved: 0n, notes: 0 };
    byAsset.set(note.asset, entry);
    if (reserved.has(note.nf)) entry.reserved += BigInt(note.value);
    else {
      entry.available += BigInt(note.value);
      entry.notes++;
    }
  }
  return [...byAsset].sort(([a], [b]) => a - b).map(([asset, sums]) => ({ asset, ...sums }));
}
