/**
 * The signed soft confirmation: given as soon as the proof is verified and journaled, and again with the seal's number
 * once the seal is journaled. Signed text is journaled before it is told.
 */

import type { TransferRow } from '../ledger/schema.js';
import { signSoftConfirmation } from '../protocol/softConfirmation.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { partnerOf } from './pairs.js';
import { confirmationOf } from './status.js';

/**
 * Proven → confirmed. Safe to repeat: the number was fixed when the proof was admitted. Half of a pair is promised when the
 * other half is proven too: until then it may be given back, and its notes be spent by another transfer.
 */
export async function confirm(ctx: NodeContext, row: TransferRow): Promise<TransferRow> {
  if (row.state !== 'proven' || row.sequence === undefined || !isWhole(ctx, row)) return row;
  const { signature } = await signSoftConfirmation({ recordHash: row.id, sequence: row.sequence, sealedIndex: 0 }, ctx.domain, ctx.sign);
  const nowMs = ctx.nowMs();
  const [confirmed = row] = await commitTransfers(ctx, () => [
    moved(row, 'confirmed', nowMs, { confirmation: { sealedIndex: undefined, signature } }),
  ]);
  announce(ctx, confirmed);
  return confirmed;
}

/** The same promise with the seal in it, for every transfer of a seal that does not have it yet. */
export async function confirmSealed(ctx: NodeContext): Promise<void> {
  const stale = [...ctx.live.values()].filter(
    ({ state, seal, confirmation }) => state === 'sealed' && seal !== undefined && confirmation?.sealedIndex !== seal,
  );
  if (stale.length === 0) return;
  const signed: TransferRow[] = [];
  for (const row of stale) {
    const sealedIndex = row.seal as number;
    const { signature } = await signSoftConfirmation(
      { recordHash: row.id, sequence: row.sequence as number, sealedIndex: sealedIndex + 1 },
      ctx.domain,
      ctx.sign,
    );
    signed.push({ ...row, confirmation: { sealedIndex, signature } });
  }
  for (const row of await commitTransfers(ctx, () => signed)) announce(ctx, row);
}

function isWhole(ctx: NodeContext, row: TransferRow): boolean {
  return row.pairedWith === undefined || partnerOf(ctx, row)?.proofId !== undefined;
}

function announce(ctx: NodeContext, row: TransferRow): void {
  const confirmation = confirmationOf(row);
  if (confirmation !== undefined) ctx.events.tell({ type: 'confirmation', confirmation });
}
