/**
 * Who may settle, and when: the contract's aggregator always, anybody else while the head of the contract's queue is
 * overdue (docs/spec/contract.md, C8). A node with another account than the aggregator's is a successor: it follows the chain, takes
 * payments in and confirms them under its own name, and seals and settles in the turns that an overdue queue gives it, overdue
 * items first, together with all the payments that wait. docs/decisions/0010 says why.
 */
import type { NodeContext } from './context.js';
import { isQueueOverdue } from './order.js';

export function isSuccessor({ aggregator, settler }: Pick<NodeContext, 'aggregator' | 'settler'>): boolean {
  return aggregator !== settler;
}

/** As of the last block. A successor seals nothing before either: what it sealed would have to give way to the overdue items. */
export function maySettle(ctx: Pick<NodeContext, 'aggregator' | 'settler' | 'view' | 'queueDelaySeconds'>): boolean {
  return !isSuccessor(ctx) || isQueueOverdue(ctx);
}
