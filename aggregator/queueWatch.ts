/**
 * Is the farm's Redis fit to be worked with? Asked beside the node's turns, so that a Redis that does not answer holds
 * nothing up. While it is not (away, full, evicting), nothing new is taken in, with that reason told; what was taken in is
 * journaled and goes on as far as it can without the farm. When it is fit again, every task is looked at at once: what
 * Redis has lost is put there anew.
 */
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { NodeContext } from './context.js';

export const QUEUE_CHECK_MS = 500;

/** @returns whether the queue has just become fit again */
export async function watchQueue(ctx: NodeContext): Promise<boolean> {
  const before = ctx.queueTrouble;
  ctx.queueTrouble = await troubleOf(ctx);
  if (ctx.queueTrouble !== undefined) {
    if (before?.code !== ctx.queueTrouble.code) ctx.log(`queue: intake pauses, ${ctx.queueTrouble.code}: ${ctx.queueTrouble.message}`);
    return false;
  }
  if (before === undefined) return false;
  for (const id of ctx.tasks.keys()) ctx.dirtyTasks.add(id);
  ctx.log(`queue: fit again after ${before.code}; intake resumes, ${ctx.tasks.size} tasks are looked at again`);
  return true;
}

/** @throws TacitError the queue's trouble, retryable, for a transfer that the node does not know yet */
export function assertTakingIn(ctx: NodeContext, id: string): void {
  const { queueTrouble } = ctx;
  if (queueTrouble === undefined || ctx.journal.read.transfers.has(id)) return;
  throw new TacitError(queueTrouble.code, 'the node takes nothing new in until its queue is fit again', {
    retryable: true,
    cause: queueTrouble,
  });
}

/** A check that ran out of time is made once more: our own event loop may have been busy for so long, and not Redis. */
async function troubleOf(ctx: NodeContext): Promise<TacitError | undefined> {
  const trouble = await check(ctx);
  return trouble?.code === 'QUEUE_TIMEOUT' ? check(ctx) : trouble;
}

async function check(ctx: NodeContext): Promise<TacitError | undefined> {
  try {
    await ctx.effects.queue.check();
    return undefined;
  } catch (error) {
    if (isTacitError(error)) return error;
    return new TacitError('QUEUE_FAILED', 'the queue fails', { retryable: true, cause: error });
  }
}
