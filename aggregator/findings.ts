/** What a node finds when it starts: its journal, what the queue still knows of it, where the chain is. */
import type { QueueOutcome } from '../ledger/effects.js';
import type { NodeContext } from './context.js';
import { isSuccessor, maySettle } from './succession.js';

/** One line. Asked before anything is put back into the queue. */
export async function sayWhatWasFound(ctx: NodeContext): Promise<void> {
  const { view, seals, tasks, live } = ctx;
  // A queue that does not answer is no reason not to start: what it knows is asked again later.
  const ask = (id: string) =>
    ctx.effects.queue.outcome(id).then(
      ({ state }): QueueOutcome['state'] | 'unknown' => state,
      () => 'unknown' as const,
    );
  const outcomes = await Promise.all([...tasks.keys()].map(ask));
  const journal = `${counted([...live.values()].map(({ state }) => state))} transfers under way, ${seals.length} standing seals`;
  const chain = `block ${view.head.number}, ${view.settled.count} settlements, ${view.waiting.length} queue items waiting`;
  if (isSuccessor(ctx))
    ctx.log(
      `successor of ${ctx.aggregator}: settles while the contract's queue is overdue, ${maySettle(ctx) ? 'as it is' : 'which it is not'} now`,
    );
  ctx.log(`found: journal ${journal}; queue ${counted(outcomes)} of ${tasks.size} tasks; chain ${chain}`);
}

function counted(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(' + ') || '0';
}
