/**
 * What the contract knows, rebuilt from its history: trees, queue, known roots, settled records. A view is never changed:
 * following the chain makes the next one, so that an earlier one is at hand when blocks are taken back.
 */

import type { BlockRef, RecordHash } from '../ledger/schema.js';
import { LedgerState } from '../ledger/state.js';
import { CIRCUITS, circuitById } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import { type Domain, recordHash, type TransferRecord } from '../protocol/record.js';
import { decodeSettlement, kindsAfterDrops, type Settlement } from '../protocol/settlement.js';
import { type QueueItem, type QueueItemKind, settlementSlots } from '../protocol/slots.js';
import type { ChainEvent } from './chainPort.js';

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

export interface ViewSettlement {
  readonly ordinal: number;
  readonly tx: Hex;
  readonly block: BlockRef;
  /** Roots after each update, in order. */
  readonly roots: readonly { readonly noteRoot: Field; readonly nullRoot: Field }[];
  /** Records that it brought into the trees, forced ones included. */
  readonly records: readonly RecordHash[];
  readonly queueItems: number;
}

export interface ChainView {
  /** The last block looked at. */
  readonly head: BlockRef;
  readonly headSeconds: number;
  readonly state: LedgerState;
  readonly knownRoots: ReadonlySet<Field>;
  readonly queue: readonly ViewQueueItem[];
  /** Items below are in the rollup. */
  readonly queueHead: number;
  readonly settlements: readonly ViewSettlement[];
  readonly settledRecords: ReadonlyMap<RecordHash, ViewSettlement>;
}

/** The contract right after its creation, seen at the block before it. */
export function genesisView(head: BlockRef): ChainView {
  const state = LedgerState.genesis();
  return {
    head,
    headSeconds: 0,
    state,
    knownRoots: new Set([state.noteRoot]),
    queue: [],
    queueHead: 0,
    settlements: [],
    settledRecords: new Map(),
  };
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
  return view.queue.slice(view.queueHead).filter(({ kind }) => kind === 'forced');
}

function applyEvent(view: ChainView, event: ChainEvent, domain: Domain): ChainView {
  switch (event.kind) {
    case 'deposit':
    case 'forced': {
      if (event.item !== view.queue.length) throw inconsistent(`queue item ${view.queue.length}`, `${event.item}`);
      return { ...view, queue: [...view.queue, event] };
    }
    case 'dropped':
      return { ...view, queue: withDropped(view.queue, [event.item]) };
    case 'settlement':
      return applySettlement(view, event, domain);
  }
}

function applySettlement(view: ChainView, event: Extract<ChainEvent, { kind: 'settlement' }>, domain: Domain): ChainView {
  const items = view.queue.slice(view.queueHead);
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
  const settled: ViewSettlement = {
    ordinal: view.settlements.length,
    tx: event.tx,
    block: event.block,
    roots,
    records,
    queueItems: settlement.queueItems,
  };
  return {
    ...view,
    state,
    knownRoots: new Set([...view.knownRoots, ...kept]),
    queue: withDropped(
      view.queue,
      settlement.drops.map(({ item }) => view.queueHead + item),
    ),
    queueHead: view.queueHead + settlement.queueItems,
    settlements: [...view.settlements, settled],
    settledRecords: new Map([...view.settledRecords, ...records.map((id) => [id, settled] as const)]),
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
