/**
 * Proven transfers that cannot be settled as they are go back to their wallets, which prove or seal them again: nothing has
 * failed.
 *
 * The notes of a transfer that was promised stay with its record meanwhile, without an end: proven again it gets in, and a
 * rival, which would make the signed promise a broken one, does not, except by force through L1. Other notes are free.
 */
import type { WriteTables } from '../ledger/effects.js';
import type { TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { decodeRecord } from '../protocol/record.js';
import { release, reserve } from './admit.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { nullifierHex } from './hex.js';
import { hasAnchor } from './order.js';
import { isPromised, partnerOf } from './pairs.js';
import { RESEAL_PREFIX } from './status.js';

/** The number in the promised order stays: it may have been signed. */
const UNPROVEN = { proofId: undefined, confirmation: undefined };
const UNSEALED = { sealed: undefined, anchor: undefined, refusals: undefined };

/** A proof whose anchor is gone can never be settled: a new one is needed, under a root that stands. */
export async function returnAnchorless(ctx: NodeContext): Promise<void> {
  await giveBack(
    ctx,
    unsealedProven(ctx).filter((row) => !hasAnchor(ctx, row)),
    'ANCHOR_UNKNOWN',
  );
}

/**
 * A proof of several is void when one of them cannot settle any more. The others are proven anew from their seals, under a
 * lease that keeps their notes meanwhile; those whose seal is gone are sealed again by their wallets.
 */
export async function dissolveBroken(ctx: NodeContext): Promise<void> {
  const broken = unsealedProven(ctx).filter(({ proofId }) => {
    const members = ctx.journal.read.proofs.get(proofId as string)?.transfers ?? [];
    return members.length > 1 && members.some((id) => ctx.live.get(id)?.proofId !== proofId);
  });
  if (broken.length === 0) return;
  const nowMs = ctx.nowMs();
  await commitTransfers(ctx, (tables) =>
    broken.map((row) => {
      const record = decodeRecord(hexToBytes(row.record));
      if (!isPromised(row)) release(tables, row.id, record);
      if (row.sealed !== undefined) reserve(ctx, tables, row.id, record, { holder: 'lease', expiresMs: nowMs + ctx.policy.leaseMs });
      const reason = row.sealed === undefined ? `${RESEAL_PREFIX}: PROOF_VOID` : undefined;
      return moved(row, 'queued', row.times.queued ?? nowMs, { ...UNPROVEN, reason });
    }),
  );
}

/** A sealed transfer that the farm cannot prove: its wallet has to seal or prove it again, and its notes are free. */
export async function returnSealed(ctx: NodeContext, row: TransferRow, code: string): Promise<void> {
  await commitTransfers(ctx, (tables) => [returned(ctx, tables, row, code)]);
}

/** The same within a transaction of the caller: lets go of the lease, and answers the row as it is then. */
export function returned(ctx: NodeContext, tables: WriteTables, row: TransferRow, code: string): TransferRow {
  const { nf1, nf2 } = decodeRecord(hexToBytes(row.record));
  for (const nf of [nf1, nf2].map(nullifierHex)) {
    const holder = tables.nullifiers.get(nf);
    if (holder?.transfer === row.id && holder.holder === 'lease') tables.nullifiers.remove(nf);
  }
  return moved(row, 'queued', row.times.queued ?? ctx.nowMs(), { ...UNSEALED, reason: `${RESEAL_PREFIX}: ${code}` });
}

/** Half of a pair does not hold its notes for ever: it waits for the other half for a while. */
export async function returnHalfPairs(ctx: NodeContext): Promise<void> {
  const tooOld = ({ times }: TransferRow) => ctx.nowMs() - (times.proven ?? ctx.nowMs()) >= ctx.policy.pairWaitMs;
  const alone = unsealedProven(ctx).filter((row) => {
    return row.pairedWith !== undefined && tooOld(row) && partnerOf(ctx, row)?.proofId === undefined;
  });
  await giveBack(ctx, alone, 'PAIR_INCOMPLETE');
}

function unsealedProven(ctx: NodeContext): TransferRow[] {
  return [...ctx.live.values()].filter(({ proofId, seal }) => proofId !== undefined && seal === undefined);
}

async function giveBack(ctx: NodeContext, rows: readonly TransferRow[], code: string): Promise<void> {
  if (rows.length === 0) return;
  await commitTransfers(ctx, (tables) => {
    for (const row of rows) if (!isPromised(row)) release(tables, row.id, decodeRecord(hexToBytes(row.record)));
    const reason = `${RESEAL_PREFIX}: ${code}`;
    return rows.map((row) => moved(row, 'queued', row.times.queued ?? ctx.nowMs(), { ...UNPROVEN, ...UNSEALED, reason }));
  });
}
