/**
 * A settlement's way to the chain, one at a time, every step journaled before it is taken:
 *
 *   planned   bytes fixed                     → sent      signed with the next nonce, transaction journaled, then broadcast
 *   sent      receipt → mined or abandoned    ┊ too long: signed again with the same nonce and a higher fee
 *   mined     seen in the contract's history at depth → final
 *
 * The nonce ledger remembers every transaction of a nonce, so that after a crash, or when fees were bumped, whichever was
 * mined is found. Two settlements of the same seals cannot both succeed: the contract's roots have moved on.
 */

import type { TransactionReceipt } from '../ledger/effects.js';
import type { SettlementRow, TransactionRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { isTacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { rollupData } from '../verifier-contract/rollup.js';
import type { NodeContext } from './context.js';
import { advanceDrop, isDropping } from './drop.js';
import { overdueItemsMissed, planSettlement } from './plan.js';
import { mostPushGas } from './pushes.js';
import { maySettle } from './succession.js';
import { bidsPlenty, broadcast, signTransaction, transactionsOf } from './transactions.js';
import { withdrawSeals } from './withdraw.js';

/** After a refusal the next try waits: state or clock have to move first. */
const RETRY_AFTER_MS = 2_000;
/** More than one reorg takes back. */
const REORG_SETTLEMENTS = 64;
/** What a chain's node may say of bytes that pay too little: another of this nonce pays more, or the base fee has risen. */
const PRICE_REFUSALS: ReadonlySet<string> = new Set(['TRANSACTION_REPLACED', 'RPC_FAILED']);

/** One step of the settlement under way, or the start of the next. */
export async function advanceSettlement(ctx: NodeContext): Promise<void> {
  const current = underWay(ctx);
  if (current === undefined) {
    await finalise(ctx);
    return startNext(ctx);
  }
  if (current.state === 'planned') return send(ctx, current);
  if (current.state === 'sent') return follow(ctx, current);
  return recheckUnseen(ctx, current);
}

/**
 * Mined, as its receipt said, and the history up to that block does not have it: the block was taken back before the watcher had seen
 * it, so that no reorg was noticed. Where the receipt is gone too, it is sent again.
 */
async function recheckUnseen(ctx: NodeContext, { block }: SettlementRow): Promise<void> {
  if (block !== undefined && ctx.view.head.number >= block.number) await recheckMined(ctx);
}

/**
 * One transaction of the account at a time, drops and settlements by turns: whoever keeps queueing forced transfers that have
 * to be dropped holds no settlement up.
 */
async function startNext(ctx: NodeContext): Promise<void> {
  if (ctx.hasDropped && !isDropping(ctx)) {
    ctx.hasDropped = false;
    if (await startSettlement(ctx)) return;
  }
  if (await advanceDrop(ctx)) ctx.hasDropped = true;
  else await startSettlement(ctx);
}

/** The last settlement, unless it is over: final, abandoned, or mined and seen. */
export function underWay(ctx: NodeContext): SettlementRow | undefined {
  const row = lastSettlement(ctx);
  if (row === undefined || row.state === 'abandoned' || row.state === 'final') return undefined;
  if (row.state === 'mined' && row.settledTx !== undefined && ctx.view.settled.holds(row.settledTx)) return undefined;
  return row;
}

/**
 * Mined settlements whose receipts a reorg has taken away. One alone is sent again as it was. Of several the earlier ones
 * would have to be mined first, at nonces that are free again: all are given up, and their seals planned anew.
 */
export async function recheckMined(ctx: NodeContext): Promise<void> {
  const gone: SettlementRow[] = [];
  for (const row of ctx.journal.read.settlements.rows({ reverse: true, limit: REORG_SETTLEMENTS })) {
    if (row.state === 'final') break;
    if (row.state !== 'mined' || row.settledTx === undefined) continue;
    if ((await ctx.effects.chain.receipt(row.settledTx)) === undefined) gone.push(row);
  }
  const [only, ...more] = gone;
  if (only === undefined) return;
  ctx.log(`settlements ${gone.map(({ index }) => index).join(', ')} were taken back by the chain; they are made again`);
  if (more.length === 0 && only.index === lastSettlement(ctx)?.index) return sendAgain(ctx, only);
  for (const row of gone) {
    await ctx.journal.transaction((tables) =>
      tables.transactions.update(row.settledTx as Hex, (entry) => ({ ...entry, state: 'dropped' })),
    );
    await abandon(ctx, row, 'taken back by the chain');
  }
}

async function sendAgain(ctx: NodeContext, row: SettlementRow): Promise<void> {
  await ctx.journal.transaction((tables) => {
    tables.settlements.put(row.index, { ...row, state: 'sent' });
    // To be broadcast again: the nodes may have dropped it with its block.
    tables.transactions.update(row.settledTx as Hex, (entry) => ({ ...entry, state: 'signed' }));
  });
}

/** Mined long ago: nothing more is to be done for it. */
async function finalise(ctx: NodeContext): Promise<void> {
  const row = lastSettlement(ctx);
  if (row?.state === 'mined' && row.block !== undefined && ctx.view.head.number - row.block.number >= ctx.policy.confirmationDepth)
    await putSettlement(ctx, { ...row, state: 'final' });
}

function lastSettlement(ctx: NodeContext): SettlementRow | undefined {
  const index = ctx.journal.read.settlements.lastKey();
  return index === undefined ? undefined : ctx.journal.read.settlements.get(index);
}

/** @returns whether one was begun, or seals withdrawn */
async function startSettlement(ctx: NodeContext): Promise<boolean> {
  const first = ctx.seals[0];
  if (first !== undefined && overdueItemsMissed(ctx) > 0) {
    // The contract takes overdue items first: these seals cannot be settled as they are.
    await withdrawSeals(ctx, first.index, 'the contract’s queue became overdue');
    return true;
  }
  if (!maySettle(ctx)) return false;
  const last = lastSettlement(ctx);
  if (last?.state === 'abandoned' && ctx.nowMs() - last.createdMs < RETRY_AFTER_MS) return false;
  const plan = planSettlement(ctx);
  if (plan === undefined) return false;
  const row = await ctx.journal.transaction((tables) => {
    const settlement: SettlementRow = { index: tables.next('settlement'), ...plan, state: 'planned', createdMs: ctx.nowMs() };
    tables.settlements.add(settlement.index, settlement);
    for (const seal of plan.seals) tables.seals.update(seal, (entry) => ({ ...entry, state: 'settling' }));
    return settlement;
  });
  ctx.seals = ctx.seals.map((seal) => (plan.seals.includes(seal.index) ? { ...seal, state: 'settling' } : seal));
  await send(ctx, row);
  return true;
}

async function send(ctx: NodeContext, row: SettlementRow): Promise<void> {
  const data = rollupData.settle(hexToBytes(row.bytes));
  const gas = await estimate(ctx, row, data);
  if (gas === undefined) return;
  const nonce = await ctx.effects.chain.minedNonce();
  const transaction = await sign(ctx, row, nonce, gas);
  await broadcast(ctx, transaction);
}

/**
 * What the chain estimates, and on top what its withdrawals may take without having taken it in the estimate. Undefined where
 * the contract refuses: then the settlement is abandoned, and its seals are planned anew.
 */
async function estimate(ctx: NodeContext, row: SettlementRow, data: Hex): Promise<bigint | undefined> {
  try {
    const seals = row.seals.flatMap((index) => ctx.journal.read.seals.get(index) ?? []);
    const pushes = seals.reduce((sum, seal) => sum + mostPushGas(ctx, seal), 0);
    return (await ctx.effects.chain.estimateGas(data)) + BigInt(pushes);
  } catch (error) {
    if (isTacitError(error) && error.code.startsWith('CONTRACT_')) {
      await abandon(ctx, row, `${error.code}: ${error.got ?? ''}`);
      return undefined;
    }
    throw error;
  }
}

function sign(ctx: NodeContext, row: SettlementRow, nonce: number, gas: bigint): Promise<TransactionRow> {
  const intent = { purpose: 'settle', data: rollupData.settle(hexToBytes(row.bytes)), nonce, gas, settlement: row.index } as const;
  return signTransaction(ctx, intent, (tables) => tables.settlements.put(row.index, { ...row, state: 'sent', nonce }));
}

/** Looks for the receipt of any transaction of the nonce; sends again what may have been lost, pays more for what is stuck. */
async function follow(ctx: NodeContext, row: SettlementRow): Promise<void> {
  const nonce = row.nonce as number;
  // Asked before the receipts: what is mined between the two questions is ours, and not another's.
  const isTaken = (await ctx.effects.chain.minedNonce()) > nonce;
  const transactions = transactionsOf(ctx, nonce);
  for (const { hash } of transactions) {
    const receipt = await ctx.effects.chain.receipt(hash);
    if (receipt !== undefined) return concluded(ctx, row, receipt);
  }
  const latest = transactions[transactions.length - 1];
  if (isTaken) return abandon(ctx, row, 'another transaction of this account took the nonce');
  if (latest === undefined || latest.settlement !== row.index) return putSettlement(ctx, { ...row, state: 'planned' });
  const isLate = ctx.nowMs() - latest.signedMs >= ctx.policy.bumpAfterMs;
  if (latest.state === 'signed' && !(await isOutbid(ctx, latest, isLate))) return;
  if (!isLate) return;
  // Already far above what the chain asks: not the fee keeps it out, but perhaps nobody has it any more.
  if (await bidsPlenty(ctx, latest)) return broadcast(ctx, latest);
  const gas = await estimate(ctx, row, rollupData.settle(hexToBytes(row.bytes)));
  if (gas !== undefined) await broadcast(ctx, await sign(ctx, row, nonce, gas));
}

/** Sends it. True where it was refused for its price and has waited: then a higher bid is the only way. */
async function isOutbid(ctx: NodeContext, transaction: TransactionRow, isLate: boolean): Promise<boolean> {
  try {
    await broadcast(ctx, transaction);
    return false;
  } catch (error) {
    if (!isLate || !isTacitError(error) || !PRICE_REFUSALS.has(error.code)) throw error;
    ctx.log(`transaction ${transaction.hash} is not taken, ${error.code}; the fee goes up`);
    return true;
  }
}

async function concluded(ctx: NodeContext, row: SettlementRow, { hash, succeeded, block }: TransactionReceipt): Promise<void> {
  const mine = ctx.journal.read.transactions.get(hash)?.settlement === row.index;
  await ctx.journal.transaction((tables) =>
    tables.transactions.update(hash, (entry) => ({ ...entry, state: succeeded ? 'mined' : 'reverted', block })),
  );
  if (!mine) return abandon(ctx, row, `transaction ${hash} of an earlier settlement took the nonce`);
  if (!succeeded) return abandon(ctx, row, `transaction ${hash} was reverted`);
  await putSettlement(ctx, { ...row, state: 'mined', settledTx: hash, block });
}

/** Its seals go back to waiting; whether they still fit is for reconcile.ts to say. */
async function abandon(ctx: NodeContext, row: SettlementRow, reason: string): Promise<void> {
  ctx.log(`settlement ${row.index} abandoned: ${reason}`);
  await ctx.journal.transaction((tables) => {
    tables.settlements.put(row.index, { ...row, state: 'abandoned', reason });
    for (const seal of row.seals)
      if (tables.seals.get(seal)?.state === 'settling') tables.seals.update(seal, (entry) => ({ ...entry, state: 'proven' }));
  });
  ctx.seals = ctx.seals.map((seal) => (row.seals.includes(seal.index) && seal.state === 'settling' ? { ...seal, state: 'proven' } : seal));
}

async function putSettlement(ctx: NodeContext, row: SettlementRow): Promise<void> {
  await ctx.journal.transaction((tables) => tables.settlements.put(row.index, row));
}
