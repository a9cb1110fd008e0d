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
  const { rows, before } = await ctx.journal.transaction((tables) => {
    const changed = body(tables);
    const states = new Map(changed.map(({ id }) => [id, tables.transfers.get(id)?.state]));
    for (const row of changed) tables.transfers.put(row.id, row);
    return { rows: changed, before: states };
  });
  for (const row of rows) {
    if (row.padding !== true) {
      recount(ctx, before.get(row.id), -1);
      recount(ctx, row.state, 1);
    }
    if (FINISHED.has(row.state)) ctx.live.delete(row.id);
    else ctx.live.set(row.id, row);
    ctx.events.tell({ type: 'transfer', transfer: statusOf(ctx, row) });
  }
  return rows;
}

function recount({ finished }: NodeContext, state: TransferRow['state'] | undefined, by: 1 | -1): void {
  if (state === 'settled' || state === 'failed') finished[state] += by;
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
