/**
 * Which waiting transfers are proven together: the policy, and nothing else. Pure; groups.ts applies it.
 *
 *   1  Transfers can share a proof when they lean on one root and one worker at hand can read them all.
 *   2  As soon as as many wait as the large circuit takes, they are a group; those that wait longest go first.
 *   3  When the one that has waited longest has waited `waitMs`, what has gathered goes: filled up with padding where that
 *      costs less gas than a proof for each, else each alone.
 *   4  Alone and at once goes what nobody could prove in a group: no such worker, no root named, refused by a worker before.
 *   5  The halves of a pair go into one group or wait for each other; after `waitMs` half of one goes alone. (One whose other half
 *      is not here at all never comes so far.)
 *
 * docs/decisions/0007 says why.
 */
import type { RecordHash } from '../ledger/schema.js';
import { CIRCUITS } from '../protocol/circuit.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';

export const GROUP_CIRCUIT = 'transfer_8';
export const SINGLE_CIRCUIT = 'transfer_1';
export const GROUP_SIZE = CIRCUITS[GROUP_CIRCUIT].size;

/** A sealed transfer without a proof and without a task. */
export interface WaitingTransfer {
  readonly id: RecordHash;
  readonly sinceMs: number;
  /** Root that it leans on; absent where its wallet did not say. */
  readonly anchor: Hex | undefined;
  /** Workers that can read it. */
  readonly readers: readonly EvmAddress[];
  /** The other half of its pair. */
  readonly partner: RecordHash | undefined;
  /** A worker has refused it: a second opinion is asked for it alone. */
  readonly doubted: boolean;
}

export interface GroupingTerms {
  readonly nowMs: number;
  /** Longest wait for company. */
  readonly waitMs: number;
  /** Workers at hand that prove the large circuit. */
  readonly groupProvers: readonly EvmAddress[];
  /** Gas of a proof, and of a record with its place in an update. */
  readonly proofGas: number;
  readonly recordGas: number;
}

export interface Group {
  readonly circuit: typeof GROUP_CIRCUIT | typeof SINGLE_CIRCUIT;
  readonly members: readonly RecordHash[];
  /** Transfers to be made up, so that the circuit is full. */
  readonly padding: number;
  /** Workers that can read every member and prove the circuit; for a single, all its readers. */
  readonly provers: readonly EvmAddress[];
}

/** One transfer, or the two halves of a pair. */
type Unit = readonly WaitingTransfer[];

/** Groups to be proven now; whoever is in none goes on waiting. No transfer is in two. */
export function groupWaiting(waiting: readonly WaitingTransfer[], terms: GroupingTerms): Group[] {
  const { singles, byAnchor } = sortOut(waiting, terms);
  const groups = singles.map(single);
  for (const units of byAnchor.values()) groups.push(...groupsOf(units, terms));
  return groups;
}

/** True where `real` transfers are cheaper under one padded proof than under one each. */
export function isPaddingCheaper(real: number, { proofGas, recordGas }: Pick<GroupingTerms, 'proofGas' | 'recordGas'>): boolean {
  return proofGas + GROUP_SIZE * recordGas < real * (proofGas + recordGas);
}

function sortOut(waiting: readonly WaitingTransfer[], terms: GroupingTerms): { singles: WaitingTransfer[]; byAnchor: Map<Hex, Unit[]> } {
  const singles: WaitingTransfer[] = [];
  const byAnchor = new Map<Hex, Unit[]>();
  const byId = new Map(waiting.map((transfer) => [transfer.id, transfer]));
  const placed = new Set<RecordHash>();
  for (const transfer of [...waiting].sort(byAge)) {
    if (placed.has(transfer.id)) continue;
    const partner = partnerOf(transfer, byId);
    const unit = partner === undefined ? [transfer] : [transfer, partner];
    for (const { id } of unit) placed.add(id);
    const { anchor } = transfer;
    if (anchor === undefined || !canShare(unit, terms.groupProvers)) singles.push(...unit);
    else if (partner === undefined && transfer.partner !== undefined) {
      if (isOld(transfer, terms)) singles.push(transfer);
    } else byAnchor.set(anchor, [...(byAnchor.get(anchor) ?? []), unit]);
  }
  return { singles, byAnchor };
}

/** Full groups first: of those with the same readers, then across. What is left goes when its oldest member is old. */
function groupsOf(units: readonly Unit[], terms: GroupingTerms): Group[] {
  const groups: Group[] = [];
  const leftover = new Set(units);
  for (const alike of classes(units, terms.groupProvers)) takeFull(alike, leftover, terms.groupProvers, groups);
  takeFull(units, leftover, terms.groupProvers, groups);
  for (;;) {
    const left = units.filter((unit) => leftover.has(unit));
    const oldest = left.find((unit) => unit.some((transfer) => isOld(transfer, terms)));
    if (oldest === undefined) return groups;
    const { taken, provers } = fill([oldest, ...left.filter((unit) => unit !== oldest)], terms.groupProvers);
    const members = taken.flat();
    if (isPaddingCheaper(members.length, terms)) {
      for (const unit of taken) leftover.delete(unit);
      groups.push(grouped(members, provers));
    } else {
      leftover.delete(oldest);
      groups.push(...oldest.map(single));
    }
  }
}

function classes(units: readonly Unit[], groupProvers: readonly EvmAddress[]): Iterable<Unit[]> {
  const byReaders = new Map<string, Unit[]>();
  for (const unit of units) {
    const key = groupProvers.filter((worker) => canRead(unit, worker)).join();
    byReaders.set(key, [...(byReaders.get(key) ?? []), unit]);
  }
  return byReaders.values();
}

/** Moves full groups out of `leftover`, as long as the first of what is left finds enough company. */
function takeFull(units: readonly Unit[], leftover: Set<Unit>, groupProvers: readonly EvmAddress[], groups: Group[]): void {
  for (;;) {
    const { taken, provers } = fill(
      units.filter((unit) => leftover.has(unit)),
      groupProvers,
    );
    const members = taken.flat();
    if (members.length < GROUP_SIZE) return;
    for (const unit of taken) leftover.delete(unit);
    groups.push(grouped(members, provers));
  }
}

/** The first, and as many of the others as fit and as one worker can read together with it. */
function fill(units: readonly Unit[], groupProvers: readonly EvmAddress[]): { taken: Unit[]; provers: EvmAddress[] } {
  const taken: Unit[] = [];
  let provers = [...groupProvers];
  let count = 0;
  for (const unit of units) {
    const common = provers.filter((worker) => canRead(unit, worker));
    if (count + unit.length > GROUP_SIZE || common.length === 0) continue;
    taken.push(unit);
    provers = common;
    count += unit.length;
  }
  return { taken, provers };
}

function partnerOf(transfer: WaitingTransfer, byId: ReadonlyMap<RecordHash, WaitingTransfer>): WaitingTransfer | undefined {
  const partner = transfer.partner === undefined ? undefined : byId.get(transfer.partner);
  return partner !== transfer && partner?.partner === transfer.id && partner.anchor === transfer.anchor ? partner : undefined;
}

function canShare(unit: Unit, groupProvers: readonly EvmAddress[]): boolean {
  return unit.every(({ doubted }) => !doubted) && groupProvers.some((worker) => canRead(unit, worker));
}

function canRead(unit: Unit, worker: EvmAddress): boolean {
  return unit.every(({ readers }) => readers.includes(worker));
}

function isOld({ sinceMs }: WaitingTransfer, { nowMs, waitMs }: GroupingTerms): boolean {
  return nowMs - sinceMs >= waitMs;
}

function byAge(a: WaitingTransfer, b: WaitingTransfer): number {
  return a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : 1);
}

function grouped(members: readonly WaitingTransfer[], provers: readonly EvmAddress[]): Group {
  return { circuit: GROUP_CIRCUIT, members: members.map(({ id }) => id), padding: GROUP_SIZE - members.length, provers };
}

function single({ id, readers }: WaitingTransfer): Group {
  return { circuit: SINGLE_CIRCUIT, members: [id], padding: 0, provers: readers };
}
