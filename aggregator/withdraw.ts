/**
 * The journaled unseal: seals that cannot be settled any more give their places back. Transfers keep their proofs and
 * their number, and get a new promise without a seal; queue items wait again.
 */
import type { SealRow, TransferRow } from '../ledger/schema.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { transfersOf } from './order.js';
import { replaySeals } from './seal.js';

/** Withdraws the standing seal `first` and all after it: each rests on the one before. */
export async function withdrawSeals(ctx: NodeContext, first: number, reason: string): Promise<void> {
  const gone = ctx.seals.filter(({ index }) => index >= first);
  if (gone.length === 0) return;
  ctx.log(`seals ${gone.map(({ index }) => index).join(', ')} withdrawn: ${reason}`);
  await commitTransfers(ctx, (tables) => {
    for (const seal of gone) tables.seals.put(seal.index, { ...seal, state: 'withdrawn', reason });
    return unsealedRows(ctx, gone);
  });
  ctx.seals = ctx.seals.filter(({ index }) => index < first);
  replaySeals(ctx);
}

/** The transfers of withdrawn seals as they are afterwards: proven, numbered, to be confirmed again. */
export function unsealedRows(ctx: NodeContext, seals: readonly SealRow[]): TransferRow[] {
  return seals.flatMap(transfersOf).flatMap((id) => {
    const row = ctx.live.get(id);
    return row === undefined ? [] : [unsealed(row, ctx.nowMs())];
  });
}

/** Back before the seal: proof and number stay, times and promises of the seal go. */
export function unsealed(row: TransferRow, nowMs: number): TransferRow {
  const { sealed: _, settled: __, confirmed: ___, ...times } = row.times;
  return moved({ ...row, times }, row.proofId === undefined ? 'queued' : 'proven', row.times.proven ?? nowMs, {
    seal: undefined,
    confirmation: undefined,
    settlementTx: undefined,
  });
}
