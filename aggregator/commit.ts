/** The one way in which transfers change: journal first, then memory, then whoever listens. */
import type { WriteTables } from '../ledger/effects.js';
import type { TransferRow } from '../ledger/schema.js';
import type { NodeContext } from './context.js';
import { statusOf } from './status.js';

const FINISHED: ReadonlySet<TransferRow['state']> = new Set(['settled', 'failed']);

/**
 * One journal transaction that changes transfers: `body` answers the rows as they shall be. Afterwards memory follows, and
 * listeners hear of it.
 */
export async function commitTransfers(
  ctx: NodeContext,
  body: (tables: WriteTables) => readonly TransferRow[],
): Promise<readonly TransferRow[]> {
  const rows = await ctx.journal.transaction((tables) => {
    const changed = body(tables);
    for (const row of changed) tables.transfers.put(row.id, row);
    return changed;
  });
  for (const row of rows) {
    if (FINISHED.has(row.state)) ctx.live.delete(row.id);
    else ctx.live.set(row.id, row);
    ctx.events.tell({ type: 'transfer', transfer: statusOf(ctx, row) });
  }
  return rows;
}

/** The row in a later state, stamped with the time it got there. Optional members given as undefined are taken away. */
export function moved(
  row: TransferRow,
  state: TransferRow['state'],
  nowMs: number,
  change: { [K in keyof TransferRow]?: TransferRow[K] | undefined } = {},
): TransferRow {
  const merged = { ...row, ...change, state, times: { ...row.times, [state]: nowMs } };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as unknown as TransferRow;
}
