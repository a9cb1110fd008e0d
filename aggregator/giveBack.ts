/**
 * Proven transfers that cannot be settled as they are go back to their wallets, which prove or seal them again: nothing has
 * failed, and the notes are free meanwhile.
 */
import type { TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { decodeRecord } from '../protocol/record.js';
import { release } from './admit.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { hasAnchor } from './order.js';
import { RESEAL_PREFIX } from './status.js';

/** A proof whose anchor is gone can never be settled: a new one is needed, under a root that stands. */
export async function returnAnchorless(ctx: NodeContext): Promise<void> {
  await giveBack(
    ctx,
    unsealedProven(ctx).filter((row) => !hasAnchor(ctx, row)),
    'ANCHOR_UNKNOWN',
  );
}

/** Half of a pair does not hold its notes for ever: it waits for the other half for a while. */
export async function returnHalfPairs(ctx: NodeContext): Promise<void> {
  const tooOld = ({ times }: TransferRow) => ctx.nowMs() - (times.proven ?? ctx.nowMs()) >= ctx.policy.pairWaitMs;
  const alone = unsealedProven(ctx).filter((row) => {
    const partner = row.pairedWith === undefined ? undefined : ctx.live.get(row.pairedWith);
    return row.pairedWith !== undefined && tooOld(row) && (partner?.pairedWith !== row.id || partner.proofId === undefined);
  });
  await giveBack(ctx, alone, 'PAIR_INCOMPLETE');
}

function unsealedProven(ctx: NodeContext): TransferRow[] {
  return [...ctx.live.values()].filter(({ proofId, seal }) => proofId !== undefined && seal === undefined);
}

async function giveBack(ctx: NodeContext, rows: readonly TransferRow[], code: string): Promise<void> {
  if (rows.length === 0) return;
  await commitTransfers(ctx, (tables) => {
    for (const { id, record } of rows) release(tables, id, decodeRecord(hexToBytes(record)));
    const nothing = { proofId: undefined, sequence: undefined, confirmation: undefined };
    return rows.map((row) => moved(row, 'queued', row.times.queued ?? ctx.nowMs(), { ...nothing, reason: `${RESEAL_PREFIX}: ${code}` }));
  });
}
