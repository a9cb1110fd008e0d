/**
 * What the contract knows, rebuilt from its history: trees, waiting queue, known roots, settled records. A view is never
 * changed: following the chain makes the next one, so that an earlier one is at hand when blocks are taken back. Two views
 * share all that they have in common; to extend one costs what is new, not what is old.
 */

import { EMPTY_ROOTS } from '../ledger/emptyRoots.js';
import type { BlockRef } from '../ledger/schema.js';
import { LedgerState } from '../ledger/state.js';
import { CIRCUITS, circuitById } from '../protocol/circuit.js';
import { TREE_DEPTH } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Field } from '../protocol/flavor.js';
import { type Domain, recordHash, type TransferRecord } from '../protocol/record.js';
import { decodeSettlement, kindsAfterDrops, type Settlement } from '../protocol/settlement.js';
import { type QueueItem, type QueueItemKind, settlementSlots } from '../protocol/slots.js';
import type { ChainEvent } from './chainPort.js';
import { SettledLog } from './settledLog.js';

const GENESIS_NOTE_ROOT = EMPTY_ROOTS[TREE_DEPTH];

/** An item of the contract's queue. A dropped forced item keeps its record. */
export interface ViewQueueItem {
  readonly item: number;
  readonly kind: QueueItemKind;
  readonly block: BlockRef;
  readonly queuedAtSeconds: number;
  readonly commitment?: Field;
  readonly record?: TransferRecord;
  readonly prover?: EvmAddress;
  readonly refund?: EvmAddress;
}

export interface ChainView {
  /** The last block looked at. */
  readonly head: BlockRef;
  readonly headSeconds: number;
  readonly state: LedgerState;
  /** Number of the first waiting item; those before it are in the rollup, or were dropped. */
  readonly queueHead: number;
  /** The items from `queueHead` on. */
  readonly waiting: readonly ViewQueueItem[];
  readonly settled: SettledLog;
}

/** The contract right after its creation, seen at the block before it. */
export function genesisView(head: BlockRef): ChainView {
  return { head, headSeconds: 0, state: LedgerState.genesis(), queueHead: 0, waiting: [], settled: SettledLog.of() };
}

/** Number that the next queue item will have. */
export function queueTail({ queueHead, waiting }: Pick<ChainView, 'queueHead' | 'waiting'>): number {
  return queueHead + waiting.length;
}

/** The waiting item of that number. */
export function waitingItem({ queueHead, waiting }: ChainView, item: number): ViewQueueItem | undefined {
  return waiting[item - queueHead];
}

/** Waiting items from number `from`, before number `to`. */
export function waitingItems({ queueHead, waiting }: ChainView, from: number, to = Number.POSITIVE_INFINITY): readonly ViewQueueItem[] {
  return waiting.slice(Math.max(0, from - queueHead), Math.max(0, to - queueHead));
}

/** Whether a transfer may be anchored to the root: the contract knows it. */
export function isKnownRoot({ settled }: ChainView, noteRoot: Field): boolean {
  return noteRoot === GENESIS_NOTE_ROOT || settled.keeps(noteRoot);
}

/**
 * The view after these events, which follow one another on the chain.
 * @throws TacitError HISTORY_INCONSISTENT when the events cannot come from the contract
 */
export function extendView(view: ChainView, events: readonly ChainEvent[], head: BlockRef, headSeconds: number, domain: Domain): ChainView {
  let next: ChainView = { ...view, head, headSeconds };
  for (const event of events) next = applyEvent(next, event, domain);
  const settlements = events.filter((event) => event.kind === 'settlement');
  const last = settlements[settlements.length - 1];
  // Hashing is delayed until a root is asked for. The last root depends on every slot before it, so it is enough to ask once.
  if (last !== undefined && (last.noteRoot !== next.state.noteRoot || last.nullRoot !== next.state.nullifierRoot)) {
    throw inconsistent('the roots that the settlements’ slots give', `other roots in ${last.tx}`);
  }
  return next;
}

/** Forced transfers that wait in the queue. */
export function waitingForced(view: ChainView): ViewQueueItem[] {
  return view.waiting.filter(({ kind }) => kind === 'forced');
}

function applyEvent(view: ChainView, event: ChainEvent, domain: Domain): ChainView {
  switch (event.kind) {
    case 'deposit':
    case 'forced': {
      if (event.item !== queueTail(view)) throw inconsistent(`queue item ${queueTail(view)}`, `${event.item}`);
      return { ...view, waiting: [...view.waiting, event] };
    }
    case 'dropped':
      return { ...view, waiting: withDropped(view.waiting, [event.item]) };
    case 'settlement':
      return applySettlement(view, event, domain);
  }
}

function applySettlement(view: ChainView, event: Extract<ChainEvent, { kind: 'settlement' }>, domain: Domain): ChainView {
  const items = view.waiting;
  // The events of in-settlement drops come with the settlement itself and are undone by the bytes below.
  const settlement = decodeSettlement(
    event.bytes,
    items.map(({ kind }) => kind),
  );
  const taken = items.slice(0, settlement.queueItems);
  const kinds = kindsAfterDrops(
    taken.map(({ kind }) => kind),
    settlement.drops,
  );
  const slots = settlementSlots(
    taken.map((item, i) => contentOf(item, kinds[i] as QueueItemKind)),
    settlement.transfers.flatMap(({ records }) => records),
  );
  const state = view.state.fork();
  const roots = applyUpdates(state, settlement, slots);
  const kept = settlement.updates.flatMap(({ keepRoot, noteRootNew }, i) =>
    keepRoot || i === settlement.updates.length - 1 ? [noteRootNew] : [],
  );
  const forced = taken.flatMap((item, i) => (kinds[i] === 'forced' && item.record !== undefined ? [item.record] : []));
  const records = [...forced, ...settlement.transfers.flatMap((entry) => entry.records)].map((record): string =>
    recordHash(record, domain),
  );
  const { queueItems, drops } = settlement;
  const settled = { ordinal: view.settled.count, tx: event.tx, block: event.block, roots, kept, records, queueItems };
  const dropped = withDropped(
    items,
    drops.map(({ item }) => view.queueHead + item),
  );
  return {
    ...view,
    state,
    queueHead: view.queueHead + queueItems,
    waiting: dropped.slice(queueItems),
    settled: view.settled.with(settled),
  };
}

function applyUpdates(
  state: LedgerState,
  settlement: Settlement,
  slots: ReturnType<typeof settlementSlots>,
): { noteRoot: Field; nullRoot: Field }[] {
  let at = 0;
  return settlement.updates.map(({ circuitId, used, noteRootNew, nullRootNew }) => {
    state.advance(CIRCUITS[circuitById(circuitId).name].size, slots.slice(at, at + used));
    at += used;
    return { noteRoot: noteRootNew, nullRoot: nullRootNew };
  });
}

function contentOf(item: ViewQueueItem, kind: QueueItemKind): QueueItem {
  if (kind === 'deposit') return { kind, commitment: item.commitment as Field };
  if (kind === 'forced') return { kind, record: item.record as TransferRecord };
  return { kind };
}

function withDropped(queue: readonly ViewQueueItem[], items: readonly number[]): readonly ViewQueueItem[] {
  const dropped = new Set(items);
  return dropped.size === 0 ? queue : queue.map((entry) => (dropped.has(entry.item) ? { ...entry, kind: 'dropped' as const } : entry));
}

function inconsistent(expected: string, got: string): TacitError {
  return new TacitError('HISTORY_INCONSISTENT', 'the chain’s history does not follow from itself', { expected, got });
}
