/**
 * Forced transfers that can never enter the tree, because a note of theirs is spent, stand in the way of the queue. The
 * node takes such an item out with the contract's `drop()`, opening the spent nullifier, as soon as it is the next to go.
 */

import type { LowLeaf } from '../ledger/nullifierTree.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { rollupData } from '../verifier-contract/rollup.js';
import { type ViewQueueItem, waitingItem } from './chainView.js';
import type { NodeContext } from './context.js';
import { unsealedItems } from './order.js';
import { bidsPlenty, broadcast, signTransaction, transactionsOf } from './transactions.js';

const FACT = 'drop';

interface DropUnderWay {
  readonly item: number;
  readonly nonce: number;
}

/** True while a drop has the account's next nonce. */
export function isDropping({ journal }: Pick<NodeContext, 'journal'>): boolean {
  return journal.read.facts.has(FACT);
}

/** One step of a drop. @returns true while one is under way: the account's next nonce is taken */
export async function advanceDrop(ctx: NodeContext): Promise<boolean> {
  const fact = ctx.journal.read.facts.get(FACT);
  if (fact !== undefined) return follow(ctx, JSON.parse(fact) as DropUnderWay);
  const item = unsealedItems(ctx).find(({ kind }) => kind !== 'dropped');
  const spent = item === undefined ? undefined : spentLeaf(ctx, item);
  if (item === undefined || spent === undefined) return false;
  const nonce = await ctx.effects.chain.minedNonce();
  return send(ctx, item, spent, nonce);
}

interface SpentNote {
  readonly nullifier: 1 | 2;
  readonly leaf: LowLeaf;
}

function spentLeaf(ctx: NodeContext, { record }: ViewQueueItem): SpentNote | undefined {
  for (const nullifier of [1, 2] as const) {
    const nf = nullifier === 1 ? record?.nf1 : record?.nf2;
    const leaf = nf === undefined ? undefined : ctx.view.state.nullifiers.used(nf);
    if (leaf !== undefined) return { nullifier, leaf };
  }
  return undefined;
}

async function send(
  ctx: NodeContext,
  { item, record, prover, refund }: ViewQueueItem,
  { nullifier, leaf }: SpentNote,
  nonce: number,
): Promise<boolean> {
  if (record === undefined || prover === undefined || refund === undefined)
    throw new TacitError('PLAN_INCOMPLETE', 'a forced item has lost its record', { got: `${item}` });
  const siblings = ctx.view.state.nullifiers.path(leaf.index);
  const data = rollupData.drop({ queueIndex: item, record, prover, refund, nullifier, next: leaf.next, leafIndex: leaf.index, siblings });
  try {
    const gas = await ctx.effects.chain.estimateGas(data);
    const fact: DropUnderWay = { item, nonce };
    const transaction = await signTransaction(ctx, { purpose: 'drop', data, nonce, gas }, (tables) =>
      tables.facts.put(FACT, JSON.stringify(fact)),
    );
    ctx.log(`queue item ${item} is dropped: its note is spent`);
    await broadcast(ctx, transaction);
    return true;
  } catch (error) {
    // Somebody was faster, or the root has moved: the next look at the chain tells.
    if (isTacitError(error) && error.code.startsWith('CONTRACT_')) return false;
    throw error;
  }
}

async function follow(ctx: NodeContext, { item, nonce }: DropUnderWay): Promise<boolean> {
  const transactions = transactionsOf(ctx, nonce);
  const gone = waitingItem(ctx.view, item)?.kind !== 'forced';
  if (gone || (await ctx.effects.chain.minedNonce()) > nonce) {
    await ctx.journal.transaction((tables) => tables.facts.remove(FACT));
    return true;
  }
  const latest = transactions[transactions.length - 1];
  const isLate = latest !== undefined && ctx.nowMs() - latest.signedMs >= ctx.policy.bumpAfterMs;
  if (latest?.state === 'signed' && !isLate) await broadcast(ctx, latest);
  else if (isLate && (await bidsPlenty(ctx, latest))) await broadcast(ctx, latest);
  else if (isLate) {
    // Given up here, it is sent anew with the next step, at the same nonce and a higher fee.
    await ctx.journal.transaction((tables) => tables.facts.remove(FACT));
  }
  return true;
}
