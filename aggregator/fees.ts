/**
 * Whether a submission pays what was quoted: for itself, or together with the other half of its pair.
 *
 *   alone    its fee covers one transfer, by where that is proven
 *   a pair   the half that pays covers both, each by where it is proven; or each half covers itself
 *
 * A half that comes first is let in on its word, with nothing or with what covers itself: it is neither proven by the farm nor
 * sealed before the other is here, and that one is let in only where the two together pay. What the operator has promised in
 * writing is not asked for money again.
 */
import type { TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { decodeRecord, type TransferRecord } from '../protocol/record.js';
import type { NodeContext } from './context.js';
import { isPromised } from './pairs.js';
import type { ProvenWhere } from './quote.js';

/**
 * @param row as the journal has it, or as it would begin
 * @throws TacitError FEE_TOO_LOW, PAIR_UNDERPAID, FEE_ASSET, SUBMISSION_CONFLICT
 */
export function assertPaid(ctx: NodeContext, row: TransferRow, record: TransferRecord, where: ProvenWhere): void {
  if (isPromised(row)) return;
  const partner = otherHalf(ctx, row);
  if (partner?.quotedAs !== undefined) {
    const other = { record: decodeRecord(hexToBytes(partner.record)), where: partner.quotedAs };
    ctx.quotes.assertPairPays([{ record, where }, other], ctx.nowMs());
  } else if (row.pairedWith === undefined || record.fee !== 0n) ctx.quotes.assertPays(record, where, ctx.nowMs());
}

/** @throws TacitError SUBMISSION_CONFLICT where it is here and is another's */
function otherHalf(ctx: NodeContext, row: TransferRow): TransferRow | undefined {
  if (row.pairedWith === undefined) return undefined;
  const other = ctx.live.get(row.pairedWith);
  if (other !== undefined && other.pairedWith !== row.id)
    throw new TacitError('SUBMISSION_CONFLICT', 'the other half of this pair was submitted with another partner, or alone', {
      expected: row.id,
      got: other.pairedWith ?? 'none',
    });
  return other;
}
