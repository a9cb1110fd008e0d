/** What came in and what went out, newest last; what is still open stands at the end. */
import { hexToBytes } from '../protocol/bytes.js';
import { decodeMemo } from '../protocol/encryption.js';
import type { Amount, AssetId, Hex } from '../protocol/flavor.js';
import type { StoredNote, StoredTransfer, TransferProgress } from './state.js';
import type { Wallet } from './wallet.js';

export interface HistoryEntry {
  readonly kind: 'received' | 'deposit' | 'payment' | 'withdrawal' | 'fee';
  /** What came in is `settled`; a deposit waits as `submitted` until a settlement takes it in. */
  readonly status: TransferProgress;
  readonly asset: AssetId;
  readonly value: Amount;
  /** Outgoing only. */
  readonly fee?: { readonly asset: AssetId; readonly value: Amount };
  readonly to?: string;
  readonly memo: string;
  /** Record hash. Deposits have none. */
  readonly id?: Hex;
  readonly block?: number;
  readonly tx?: Hex;
  readonly reason?: string;
}

export function history(wallet: Wallet): HistoryEntry[] {
  const { notes, transfers } = wallet.state;
  const own = new Set(transfers.map(({ id }) => id));
  // After a restore the own transfers are forgotten: change is known by the spends that its record made.
  const spending = new Set(notes.flatMap(({ spent }) => (spent === undefined ? [] : [spent.by])));
  const incoming = notes.filter(({ from }) => from === undefined || !(own.has(from) || spending.has(from))).map(fromNote);
  return [...incoming, ...otherDeposits(wallet), ...transfers.map(fromTransfer), ...forgottenSpends(notes, own)].sort(
    (a, b) => blockOf(a) - blockOf(b),
  );
}

/** What has no block yet comes last. */
function blockOf({ block }: HistoryEntry): number {
  return block ?? Number.MAX_SAFE_INTEGER;
}

/** Deposits that are not among the wallet's notes: still waiting in the contract's queue, or made for somebody else. */
function otherDeposits(wallet: Wallet): HistoryEntry[] {
  const { deposits, notes } = wallet.state;
  const found = new Set(notes.map(({ cm }) => cm));
  return deposits
    .filter(({ cm }) => !found.has(cm))
    .map(({ asset, value, memo, to, mined }) => ({
      kind: 'deposit',
      status: mined === undefined ? 'reserved' : mined.queueIndex < wallet.chain.queueHead ? 'settled' : 'submitted',
      asset,
      value: BigInt(value),
      memo,
      to,
      ...(mined === undefined ? {} : { block: mined.block, tx: mined.tx }),
    }));
}

/** Transfers that this file knows nothing of, made before a restore or by a twin: what they took, less what came back. */
function forgottenSpends(notes: readonly StoredNote[], own: ReadonlySet<Hex>): HistoryEntry[] {
  const spends = new Map<string, { spent: NonNullable<StoredNote['spent']>; asset: AssetId; value: Amount }>();
  for (const { spent, asset, value } of notes) {
    if (spent === undefined || own.has(spent.by)) continue;
    const key = `${spent.by}/${asset}`;
    spends.set(key, { spent, asset, value: (spends.get(key)?.value ?? 0n) + BigInt(value) });
  }
  return [...spends.values()].flatMap(({ spent, asset, value }): HistoryEntry[] => {
    const back = notes.filter((note) => note.from === spent.by && note.asset === asset).reduce((sum, note) => sum + BigInt(note.value), 0n);
    return value === back
      ? []
      : [{ kind: 'payment', status: 'settled', asset, value: value - back, memo: '', id: spent.by, block: spent.block, tx: spent.tx }];
  });
}

function fromNote(note: StoredNote): HistoryEntry {
  return {
    kind: note.from === undefined ? 'deposit' : 'received',
    status: 'settled',
    asset: note.asset,
    value: BigInt(note.value),
    memo: decodeMemo(hexToBytes(note.memo)),
    block: note.block,
    tx: note.tx,
    ...(note.from === undefined ? {} : { id: note.from }),
  };
}

function fromTransfer(transfer: StoredTransfer): HistoryEntry {
  return {
    kind: transfer.kind,
    status: transfer.status,
    asset: transfer.asset,
    value: BigInt(transfer.value),
    fee: { asset: transfer.feeAsset, value: BigInt(transfer.fee) },
    to: transfer.to,
    memo: transfer.memo,
    id: transfer.id,
    ...transfer.settled,
    ...(transfer.reason === undefined ? {} : { reason: transfer.reason }),
  };
}
