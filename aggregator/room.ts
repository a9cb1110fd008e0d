/**
 * How many transfers a node holds. A record costs nothing to make up, nor does a sealed job that nobody can open; a proof does not
 * come for nothing. So what has no proof never keeps out what brings one. And what went back to its wallet gives way to what is new,
 * the oldest first: nothing holds it, nothing was promised, and its wallet brings it again as to a node that never heard of it.
 */
import type { TransferRow } from '../ledger/schema.js';
import { TacitError } from '../protocol/errors.js';
import type { NodeContext } from './context.js';

/** For a new transfer that brings its proof. @throws TacitError NODE_BUSY (retryable) */
export function assertRoomForProven(ctx: Pick<NodeContext, 'live' | 'policy'>): void {
  if (ctx.live.size < ctx.policy.pendingTransfers) return;
  const proven = [...ctx.live.values()].filter(({ proofId }) => proofId !== undefined);
  if (proven.length >= ctx.policy.pendingTransfers) throw busy(ctx);
}

/** For a new transfer without one; within the turn that takes it in. @throws TacitError NODE_BUSY (retryable) */
export async function makeRoomForSealed(ctx: Pick<NodeContext, 'live' | 'policy' | 'journal'>): Promise<void> {
  const excess = ctx.live.size - ctx.policy.pendingTransfers + 1;
  if (excess <= 0) return;
  const idle = [...ctx.live.values()].filter(isGivenBack).sort((a, b) => (a.times.queued ?? 0) - (b.times.queued ?? 0));
  if (idle.length < excess) throw busy(ctx);
  const forgotten = idle.slice(0, excess);
  await ctx.journal.transaction((tables) => {
    for (const { id } of forgotten) tables.transfers.remove(id);
  });
  for (const { id } of forgotten) ctx.live.delete(id);
}

/** One that has its number in the promised order stays, whether that was signed or not. */
function isGivenBack({ state, sealed, proofId, sequence, padding }: TransferRow): boolean {
  return state === 'queued' && sealed === undefined && proofId === undefined && sequence === undefined && padding !== true;
}

function busy({ policy }: Pick<NodeContext, 'policy'>): TacitError {
  return new TacitError('NODE_BUSY', 'the node has as many transfers as it can hold', {
    expected: `fewer than ${policy.pendingTransfers}`,
    retryable: true,
  });
}
