/**
 * What goes into the next batch, in order: queue items of the contract first, as it demands of every settlement, then
 * confirmed transfers by their promised number. A pair, and the transfers under one proof, go in together or wait together.
 */
import type { SealRow, SlotRow, TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import type { Field } from '../protocol/flavor.js';
import { decodeRecord } from '../protocol/record.js';
import { queueSlots } from '../protocol/slots.js';
import { sealOfRoot } from './anchors.js';
import { isKnownRoot, type ViewQueueItem, waitingForced, waitingItems } from './chainView.js';
import type { NodeContext } from './context.js';
import { fieldHex, fieldOf } from './hex.js';

export interface Batch {
  readonly circuit: CircuitName;
  readonly slots: readonly SlotRow[];
  readonly transfers: readonly TransferRow[];
  /** When the member that has waited longest became ready. */
  readonly waitingSinceMs: number;
  readonly full: boolean;
}

interface Candidate {
  readonly slots: readonly SlotRow[];
  readonly transfers: readonly TransferRow[];
  readonly sinceMs: number;
}

const ZERO = fieldHex(0n);
/** Slots of the largest candidate that is no group. */
const PAIR = 2;

/** Undefined where nothing waits that could be sealed. */
export function nextBatch(ctx: NodeContext): Batch | undefined {
  const circuits = ctx.policy.updateCircuits;
  const largest = Math.max(...circuits.map((name) => CIRCUITS[name].size));
  const waiting = chooseUpTo(ctx, largest);
  const circuit = circuitFor(circuits, slotCount(waiting));
  if (circuit === undefined) return undefined;
  // Where too few wait for a large circuit, a smaller one takes the first of them.
  const { size } = CIRCUITS[circuit];
  const chosen = slotCount(waiting) > size ? chooseUpTo(ctx, size) : waiting;
  if (chosen.length === 0) return undefined;
  const slots = chosen.flatMap(({ slots: own }) => own);
  // A deposit alone in the last slot may be joined by the next one, for nothing: that is waited for like an empty slot.
  const joinable = slots[slots.length - 1]?.source.kind === 'deposit';
  return {
    circuit,
    slots,
    transfers: chosen.flatMap(({ transfers }) => transfers),
    waitingSinceMs: Math.min(...chosen.map(({ sinceMs }) => sinceMs)),
    full: slots.length >= size && !joinable && (size === largest || chosen !== waiting),
  };
}

/** The first that can go together into `capacity` slots. */
function chooseUpTo(ctx: NodeContext, capacity: number): Candidate[] {
  const taken = new Set<Field>();
  const chosen: Candidate[] = [];
  let queueBlocked = false;
  for (const candidate of inTurn(ctx, queueCandidates(ctx), transferCandidates(ctx), capacity)) {
    const fromQueue = candidate.transfers.length === 0;
    // The queue is first in, first out; and once its head is overdue the contract takes no transfers before it.
    if (queueBlocked && (fromQueue || isQueueOverdue(ctx))) continue;
    // What does not fit waits for the next batch; smaller ones behind it may fill this one.
    if (slotCount(chosen) + candidate.slots.length > capacity) continue;
    if (claim(ctx, taken, candidate.slots)) chosen.push(candidate);
    else queueBlocked ||= fromQueue;
  }
  return chosen;
}

/**
 * The queue's items, then transfers. A group that leaves no room for queue items would wait for ever behind a steady flow of
 * them: it takes a batch of its own when it has waited longer than they, and the contract does not demand them yet.
 */
function inTurn(ctx: NodeContext, queue: readonly Candidate[], transfers: readonly Candidate[], capacity: number): Candidate[] {
  const [item, first] = [queue[0], transfers[0]];
  const crowded = item !== undefined && first !== undefined && slotCount(queue) + first.slots.length > capacity;
  if (crowded && first.slots.length > PAIR && first.sinceMs < item.sinceMs && !isQueueOverdue(ctx)) return [...transfers];
  return [...queue, ...transfers];
}

function slotCount(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { slots }) => sum + slots.length, 0);
}

/** Queue items that no standing seal holds, from the first on. */
export function unsealedItems(ctx: Pick<NodeContext, 'view' | 'seals'>): ViewQueueItem[] {
  const sealed = ctx.seals.flatMap(itemsOf);
  const first = Math.max(ctx.view.queueHead, ...sealed.map((item) => item + 1));
  return [...waitingItems(ctx.view, first)];
}

/** Queue items that a seal's slots hold. */
export function itemsOf(seal: Pick<SealRow, 'slots'>): number[] {
  return seal.slots.flatMap(({ source }) =>
    source.kind === 'transfer' ? [] : source.kind === 'deposits' ? [...source.items] : [source.item],
  );
}

/** Transfers that a seal's slots hold. */
export function transfersOf(seal: Pick<SealRow, 'slots'>): string[] {
  return seal.slots.flatMap(({ source }): string[] => (source.kind === 'transfer' ? [source.id] : []));
}

/** The smallest circuit that takes `count` slots, else the largest that may be used with so few. */
export function circuitFor(circuits: readonly CircuitName[], count: number): CircuitName | undefined {
  const usable = circuits.filter((name) => CIRCUITS[name].minSlots <= count).sort((a, b) => CIRCUITS[a].size - CIRCUITS[b].size);
  return count === 0 ? undefined : (usable.find((name) => CIRCUITS[name].size >= count) ?? usable[usable.length - 1]);
}

/** Judged as the contract does, by the time of the last block. */
export function isQueueOverdue({ view, queueDelaySeconds }: Pick<NodeContext, 'view' | 'queueDelaySeconds'>): boolean {
  const [head] = view.waiting;
  return head !== undefined && view.headSeconds > head.queuedAtSeconds + queueDelaySeconds;
}

/** The later of our clock and the chain's: an item is never taken too late because one of them is slow. */
function latestMs(ctx: NodeContext): number {
  return Math.max(ctx.nowMs(), ctx.view.headSeconds * 1_000);
}

function queueCandidates(ctx: NodeContext): Candidate[] {
  const ready: ViewQueueItem[] = [];
  for (const item of unsealedItems(ctx)) {
    const dueMs = (item.queuedAtSeconds + ctx.queueDelaySeconds * ctx.policy.queueDelayFraction) * 1000;
    if (ctx.policy.queueDelayFraction > 0 && latestMs(ctx) < dueMs) break;
    ready.push(item);
  }
  return queueSlots(ready.map(({ kind }) => kind)).map(({ kind, items }) => {
    const [first, second] = items.map((i) => ready[i] as ViewQueueItem);
    return {
      slots: [queueSlot(kind, first as ViewQueueItem, second)],
      transfers: [],
      sinceMs: ctx.seenMs.get((first as ViewQueueItem).item) ?? ctx.nowMs(),
    };
  });
}

function queueSlot(kind: 'deposit' | 'forced', first: ViewQueueItem, second: ViewQueueItem | undefined): SlotRow {
  if (kind === 'forced')
    return { source: { kind, item: first.item }, ...slotHex(first.record as { nf1: Field; nf2: Field; cm1: Field; cm2: Field }) };
  const source =
    second === undefined ? ({ kind, item: first.item } as const) : ({ kind: 'deposits', items: [first.item, second.item] } as const);
  return { source, nf1: ZERO, nf2: ZERO, cm1: fieldHex(first.commitment as Field), cm2: fieldHex(second?.commitment ?? 0n) };
}

function transferCandidates(ctx: NodeContext): Candidate[] {
  const waiting = new Map(
    [...ctx.live.values()]
      .filter(({ state, seal }) => state === 'confirmed' && seal === undefined)
      .sort((a, b) => (a.sequence as number) - (b.sequence as number))
      .map((row) => [row.id, row] as const),
  );
  const forced = new Set(waitingForced(ctx.view).flatMap(({ record }) => (record === undefined ? [] : [record.nf1, record.nf2])));
  const placed = new Set<string>();
  const candidates: Candidate[] = [];
  for (const row of waiting.values()) {
    if (placed.has(row.id)) continue;
    const members = companions(ctx, waiting, row);
    if (members === undefined) continue;
    const records = members.map(({ record }) => decodeRecord(hexToBytes(record)));
    for (const { id } of members) placed.add(id);
    // Of a pair the one that pays pays for both; where nobody pays, nobody is served.
    if (ctx.policy.fees.required && records.every(({ fee }) => fee === 0n)) continue;
    // A forced transfer of the same note stands in the contract's queue and will come first.
    if (records.some(({ nf1, nf2 }) => forced.has(nf1) || forced.has(nf2)) || members.some((member) => !hasAnchor(ctx, member))) continue;
    const slots = members.map(
      (member, i): SlotRow => ({ source: { kind: 'transfer', id: member.id }, ...slotHex(records[i] as (typeof records)[0]) }),
    );
    candidates.push({ slots, transfers: members, sinceMs: row.times.confirmed ?? ctx.nowMs() });
  }
  return candidates;
}

/**
 * Everything that must go with a transfer: the others under its proof, in the order of the proof, and the other half of each
 * pair. Undefined where one of them does not wait.
 */
function companions(ctx: NodeContext, waiting: ReadonlyMap<string, TransferRow>, row: TransferRow): TransferRow[] | undefined {
  const members = new Map<string, TransferRow>();
  const wanted = [row.id as string];
  for (let id = wanted.shift(); id !== undefined; id = wanted.shift()) {
    if (members.has(id)) continue;
    const proof = ctx.journal.read.proofs.get(waiting.get(id)?.proofId ?? '');
    const together = (proof?.transfers ?? [id]).map((member) => waiting.get(member));
    for (const member of together) {
      if (member === undefined) return undefined;
      members.set(member.id, member);
      if (member.pairedWith === undefined) continue;
      if (waiting.get(member.pairedWith)?.pairedWith !== member.id) return undefined;
      wanted.push(member.pairedWith);
    }
  }
  return [...members.values()];
}

/** True where the contract knows the root that the transfer's proof is anchored to, or a standing seal makes it. */
export function hasAnchor(ctx: Pick<NodeContext, 'journal' | 'view' | 'seals'>, { proofId }: TransferRow): boolean {
  const proof = proofId === undefined ? undefined : ctx.journal.read.proofs.get(proofId);
  return proof !== undefined && (isKnownRoot(ctx.view, fieldOf(proof.anchor)) || sealOfRoot(ctx, proof.anchor) !== undefined);
}

/** Marks the slots' nullifiers as taken; false where one is taken or will be. */
function claim(ctx: NodeContext, taken: Set<Field>, slots: readonly SlotRow[]): boolean {
  const nullifiers = slots.flatMap(({ nf1, nf2 }) => [fieldOf(nf1), fieldOf(nf2)]).filter((nf) => nf !== 0n);
  if (nullifiers.some((nf) => taken.has(nf) || ctx.tip.nullifiers.has(nf))) return false;
  for (const nf of nullifiers) taken.add(nf);
  return true;
}

function slotHex({ nf1, nf2, cm1, cm2 }: { nf1: Field; nf2: Field; cm1: Field; cm2: Field }): Pick<SlotRow, 'nf1' | 'nf2' | 'cm1' | 'cm2'> {
  return { nf1: fieldHex(nf1), nf2: fieldHex(nf2), cm1: fieldHex(cm1), cm2: fieldHex(cm2) };
}
