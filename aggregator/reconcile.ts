/**
 * The journal follows the chain. Given the contract's state, every seal is settled, standing or void, and every transfer
 * settled, under way or beaten by a conflicting one. The same rule serves the ordinary case, a restart, a settlement by
 * somebody else, and blocks taken back: nothing is remembered that the chain does not say.
 *
 *   1. seals whose roots the contract's history has are settled
 *   2. the others stand as long as each continues the state before it with queue items that still wait; the first that
 *      does not, and all after it, are withdrawn
 *   3. transfers whose record the history has are settled; those that were and are not any more are under way again;
 *      those whose note somebody else has spent have failed
 */
import type { SealRow, SettledRow, TransferRow } from '../ledger/schema.js';
import type { LedgerState } from '../ledger/state.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { decodeRecord } from '../protocol/record.js';
import { alignedStart } from '../protocol/update.js';
import { release } from './admit.js';
import { type ChainView, waitingItem, waitingItems } from './chainView.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { returnAnchorless } from './giveBack.js';
import { fieldHex, fieldOf } from './hex.js';
import { itemsOf, transfersOf } from './order.js';
import { replaySeals } from './seal.js';
import { underWay } from './settle.js';
import type { ViewSettlement } from './settledLog.js';
import { unsealed } from './withdraw.js';

export const L1_CURSOR = 'l1';
/** Hashes of scanned blocks that are kept: more than a reorg takes back. */
const BLOCKS_KEPT = 256;

export interface Alignment {
  /** Settlements from this ordinal on are new: the journal and the listeners have not heard of them. */
  readonly since: number;
  /** Also look at what was settled before: after a restart or a reorg. */
  readonly everything: boolean;
}

/** Makes `view` the node's view. */
export async function alignWithChain(ctx: NodeContext, view: ChainView, alignment: Alignment): Promise<void> {
  const before = ctx.view;
  ctx.view = view;
  try {
    await align(ctx, view, alignment);
  } catch (error) {
    // Memory must not be ahead of the journal: the same step is taken again.
    ctx.view = before;
    throw error;
  }
}

async function align(ctx: NodeContext, view: ChainView, { since, everything }: Alignment): Promise<void> {
  const candidates = everything ? ctx.journal.read.seals.rows().filter(({ state }) => state !== 'withdrawn') : ctx.seals;
  const { settled, standing, withdrawn } = sortSeals(ctx, candidates);
  const newSettlements = view.settled.since(since);
  const changedRows = await commitTransfers(ctx, (tables) => {
    for (const seal of [...settled, ...standing, ...withdrawn]) tables.seals.put(seal.index, seal);
    for (const { ordinal } of tables.settled.rows({ from: view.settled.count })) tables.settled.remove(ordinal);
    for (const entry of newSettlements) tables.settled.put(entry.ordinal, settledRow(ctx, entry, view));
    tables.cursors.put(L1_CURSOR, view.head);
    tables.blocks.put(view.head.number, view.head.hash);
    for (const { key } of tables.blocks.range({ to: view.head.number - BLOCKS_KEPT })) tables.blocks.remove(key);
    const rows = everything ? tables.transfers.rows().filter(({ state }) => state !== 'failed') : [...ctx.live.values()];
    const changed = withPartners(rows, alignTransfers(ctx, rows, { standing, withdrawn }), ctx.nowMs());
    for (const { id, state, record } of changed) if (state === 'failed') release(tables, id, decodeRecord(hexToBytes(record)));
    return changed;
  });
  sayWhatChanged(ctx, changedRows, withdrawn, everything);
  ctx.seals = [...standing];
  replaySeals(ctx);
  noteQueue(ctx);
  await returnAnchorless(ctx);
  for (const entry of newSettlements) tellSettlement(ctx, entry);
}

/** What the chain has undone, and after a restart or a reorg what it has done meanwhile too. */
function sayWhatChanged(ctx: NodeContext, rows: readonly TransferRow[], withdrawn: readonly SealRow[], everything: boolean): void {
  if (withdrawn.length > 0)
    ctx.log(`seals ${withdrawn.map(({ index }) => index).join(', ')} withdrawn: the contract’s state has moved on without them`);
  const counts = new Map<string, number>();
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  const text = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
  if (everything && text !== '') ctx.log(`transfers brought in line with the chain: ${text}`);
}

interface SortedSeals {
  readonly settled: readonly SealRow[];
  readonly standing: readonly SealRow[];
  readonly withdrawn: readonly SealRow[];
}

function sortSeals(ctx: NodeContext, seals: readonly SealRow[]): SortedSeals {
  const { view } = ctx;
  const isSettled = ({ noteRootNew, nullRootNew }: SealRow) => view.settled.reached(fieldOf(noteRootNew), fieldOf(nullRootNew));
  const open = seals.filter((seal) => !isSettled(seal));
  const firstVoid = firstThatDoesNotFit(view, open);
  const settling = new Set(underWay(ctx)?.seals ?? []);
  return {
    settled: seals.filter(isSettled).map((seal) => ({ ...seal, state: 'settled' })),
    standing: open.slice(0, firstVoid).map((seal) => ({ ...seal, state: standingState(ctx, seal, settling) })),
    withdrawn: open
      .slice(firstVoid)
      .map((seal) => ({ ...seal, state: 'withdrawn', reason: 'the contract’s state has moved on without it' })),
  };
}

function standingState(ctx: NodeContext, { index }: SealRow, settling: ReadonlySet<number>): SealRow['state'] {
  if (!ctx.journal.read.updateProofs.has(index)) return 'sealed';
  return settling.has(index) ? 'settling' : 'proven';
}

/** Position of the first seal that does not continue the state before it, or the count where all do. */
function firstThatDoesNotFit(view: ChainView, seals: readonly SealRow[]): number {
  const { state, queueHead } = view;
  let [noteRoot, nullRoot, leafCount]: [string, string, bigint] = [...rootsOf(state), state.leafCount];
  let item = queueHead;
  for (const [position, seal] of seals.entries()) {
    const { size } = CIRCUITS[seal.circuit];
    const items = itemsOf(seal);
    const continues =
      seal.noteRootOld === noteRoot && seal.nullRootOld === nullRoot && BigInt(seal.startIndex) === alignedStart(leafCount, size);
    const inOrder = items.every(
      (entry, i) => entry >= (i === 0 ? item : (items[i - 1] as number) + 1) && (waitingItem(view, entry)?.kind ?? 'dropped') !== 'dropped',
    );
    const skipped =
      items.length > 0 &&
      waitingItems(view, item, items[items.length - 1]).some(({ item: index, kind }) => kind !== 'dropped' && !items.includes(index));
    const sameContent = seal.slots.every(
      ({ source, cm1 }) => source.kind === 'transfer' || matchesItem(view, source.kind === 'deposits' ? source.items[0] : source.item, cm1),
    );
    if (!continues || !inOrder || skipped || !sameContent) return position;
    [noteRoot, nullRoot, leafCount] = [seal.noteRootNew, seal.nullRootNew, BigInt(seal.startIndex + 2 * size)];
    if (items.length > 0) item = (items[items.length - 1] as number) + 1;
  }
  return seals.length;
}

function matchesItem(view: ChainView, item: number, cm1: string): boolean {
  const entry = waitingItem(view, item);
  const commitment = entry?.kind === 'deposit' ? entry.commitment : entry?.record?.cm1;
  return commitment !== undefined && fieldHex(commitment) === cm1;
}

function alignTransfers(
  ctx: NodeContext,
  rows: readonly TransferRow[],
  { standing, withdrawn }: Pick<SortedSeals, 'standing' | 'withdrawn'>,
): TransferRow[] {
  const nowMs = ctx.nowMs();
  const sealOf = new Map(standing.flatMap((seal) => transfersOf(seal).map((id) => [id, seal.index] as const)));
  const voided = new Set(withdrawn.flatMap(transfersOf));
  return rows.flatMap((row) => {
    const settlement = ctx.view.settled.ofRecord(row.id);
    if (settlement !== undefined)
      return row.state === 'settled' && row.settlementTx === settlement.tx
        ? []
        : [moved(row, 'settled', nowMs, { settlementTx: settlement.tx, sealed: undefined, reason: undefined })];
    if (isBeaten(ctx, row))
      return [moved(row, 'failed', nowMs, { reason: 'NULLIFIER_SPENT: another transfer of the same note has settled', sealed: undefined })];
    const seal = sealOf.get(row.id);
    if (seal !== undefined)
      return row.state === 'sealed' && row.seal === seal ? [] : [moved(row, 'sealed', nowMs, { seal, settlementTx: undefined })];
    if (row.state !== 'settled' && row.state !== 'sealed' && !voided.has(row.id)) return [];
    return [unsealed(row, nowMs)];
  });
}

/** Half of a pair does not go alone: when one has failed before the seal, the other is let go too. */
function withPartners(rows: readonly TransferRow[], changed: readonly TransferRow[], nowMs: number): TransferRow[] {
  const failed = new Set(changed.flatMap(({ id, state }) => (state === 'failed' ? [id] : [])));
  const touched = new Set(changed.map(({ id }) => id));
  const partners = rows.filter(
    ({ id, pairedWith, state }) =>
      pairedWith !== undefined && failed.has(pairedWith) && !touched.has(id) && state !== 'sealed' && state !== 'settled',
  );
  return [
    ...changed,
    ...partners.map((row) =>
      moved(row, 'failed', nowMs, { reason: 'PAIR_BROKEN: the other half of the pair cannot settle', sealed: undefined }),
    ),
  ];
}

function isBeaten(ctx: NodeContext, { record }: TransferRow): boolean {
  const { nf1, nf2 } = decodeRecord(hexToBytes(record));
  return ctx.view.state.nullifiers.has(nf1) || ctx.view.state.nullifiers.has(nf2);
}

function settledRow(ctx: NodeContext, { ordinal, tx, block, roots }: ViewSettlement, { state }: ChainView): SettledRow {
  const last = roots[roots.length - 1] as { noteRoot: bigint; nullRoot: bigint };
  const settlement = ctx.journal.read.transactions.get(tx)?.settlement;
  return {
    ordinal,
    tx,
    block,
    noteRoot: fieldHex(last.noteRoot),
    nullRoot: fieldHex(last.nullRoot),
    leafCount: Number(state.leafCount),
    ...(settlement === undefined ? {} : { settlement }),
  };
}

function noteQueue(ctx: NodeContext): void {
  for (const item of ctx.seenMs.keys()) if (item < ctx.view.queueHead) ctx.seenMs.delete(item);
  for (const { item } of ctx.view.waiting) if (!ctx.seenMs.has(item)) ctx.seenMs.set(item, ctx.nowMs());
}

function tellSettlement(ctx: NodeContext, { tx, block, roots, records, queueItems }: ViewSettlement): void {
  const last = roots[roots.length - 1] as { noteRoot: bigint; nullRoot: bigint };
  ctx.events.tell({
    type: 'settlement',
    settlement: {
      txHash: tx,
      block: block.number,
      noteRoot: fieldHex(last.noteRoot),
      nullifierRoot: fieldHex(last.nullRoot),
      transfers: [...records],
      queueItems,
    },
  });
}

function rootsOf({ noteRoot, nullifierRoot }: LedgerState): [string, string] {
  return [fieldHex(noteRoot), fieldHex(nullifierRoot)];
}
