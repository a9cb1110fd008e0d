/**
 * One window of Pippenger's method: Σ digit_i·P_i for the c-bit digits of one position.
 *
 * Steps:
 *   1. for each half of the scalars: digits and counts of all scalars, then a counting sort of the bases by |digit| (their
 *      bucket);
 *   2. rounds: neighbours within a bucket are added in pairs, all pairs of a round in batches that share an
 *      inversion, until every bucket holds one point (the loop itself is in `bucketKernels.ts`); buckets go through
 *      the rounds in groups, and a bucket too large for a group goes in pieces;
 *   3. the endomorphism takes the second half's buckets to multiples by λ, and they join the first half's: the bases are
 *      never doubled in memory, only the buckets are;
 *   4. Σ v·B_v over the buckets: running sums in segments of L buckets, all segments side by side in batches;
 *   5. the segments are joined by complete projective additions: Σ T_s + L·Σ s·S_s.
 * Source: Pippenger (1976); batched affine addition in rounds as in the write-ups of the ZPrize 2022 entries.
 */
import { writeInteger } from '../groth16/container.js';
import { type Instance, kernel } from '../instance.js';
import type { CurveName } from '../kernels.js';
import { ACTIVE_BYTES, HALF_BYTES, POINTER_BYTES } from '../sizes.js';
import { digitOffset, GROUP_POINTS, HALF_BITS, segmentCount, type WindowMemory, windowMemory } from './plan.js';

/** Bases that go with scalars of one array. */
export interface WindowPart {
  /** Affine bases, none of them infinity. */
  readonly bases: number;
  /** For each base the index of its scalar, 32-bit. */
  readonly indices: number;
  readonly count: number;
  /** Split scalars, 32 bytes each. */
  readonly scalars: number;
}

export interface WindowTask {
  readonly curve: CurveName;
  readonly parts: readonly WindowPart[];
  readonly bits: number;
  readonly window: number;
  /** Where the projective result goes. */
  readonly result: number;
}

/** Runs one window in the given work area. */
export function runWindow(instance: Instance, task: WindowTask, work: number): void {
  const sizes = instance.info.curves[task.curve];
  const count = task.parts.reduce((sum, part) => sum + part.count, 0);
  const memory = at(windowMemory(sizes, count, task.bits), work);
  const buckets = 2 ** (task.bits - 1);
  instance.bytes.set(writeInteger(digitOffset(task.bits)).subarray(0, HALF_BYTES), memory.offset);
  const filled = memory.buckets.map((places, half) => {
    instance.bytes.fill(0, places, places + sizes.affineBytes * buckets);
    return fillBuckets(instance, task, memory, buckets, half);
  });
  if (!filled.includes(true)) {
    writeInfinity(instance, task);
    return;
  }
  const [first, second] = memory.buckets;
  if (filled[1]) {
    kernel(instance, `${task.curve}_endomorphismMany`)(second, buckets);
    kernel(instance, `${task.curve}_joinHalves`)(first, second, buckets, memory.list, memory.scratch);
  }
  joinBuckets(instance, task, memory, buckets);
}

/** Steps 1 and 2 for one half; @returns whether any bucket is not empty */
function fillBuckets(instance: Instance, task: WindowTask, memory: WindowMemory, buckets: number, half: number): boolean {
  instance.bytes.fill(0, memory.counts, memory.counts + 4 * (buckets + 1));
  const { active, pieceOwners } = sortByBucket(instance, task, memory, buckets, half);
  const places = memory.buckets[half] as number;
  sumBuckets(instance, task, memory, active, places);
  for (const [piece, owner] of pieceOwners.entries()) addPiece(instance, task, memory, places, buckets + piece, owner);
  return active > 0;
}

function at(memory: WindowMemory, work: number): WindowMemory {
  const entries = Object.entries(memory).map(([key, value]: [string, number | readonly number[]]) => [
    key,
    typeof value === 'number' ? value + work : value.map((address) => address + work),
  ]);
  return Object.fromEntries(entries) as unknown as WindowMemory;
}

function writeInfinity(instance: Instance, task: WindowTask): void {
  const { affineBytes } = instance.info.curves[task.curve];
  instance.bytes.fill(0, task.result, task.result + affineBytes);
  kernel(instance, `${task.curve}_lift`)(task.result, task.result);
}

interface Sorted {
  /** Entries in `active`. */
  readonly active: number;
  /** The buckets that pieces were cut from; the i-th piece has the place behind the buckets and i other pieces. */
  readonly pieceOwners: readonly number[];
}

/** Fills `order` and `active` (bucket, count): buckets that are not empty, in pieces of at most `GROUP_POINTS`. */
function sortByBucket(instance: Instance, task: WindowTask, memory: WindowMemory, buckets: number, half: number): Sorted {
  const { words } = instance;
  const position = task.bits * task.window;
  const width = Math.min(task.bits, HALF_BITS - position);
  let digits = memory.digits;
  for (const { scalars, indices, count } of task.parts) {
    const halves = scalars + HALF_BYTES * half;
    const [mask, bias] = [2 ** width - 1, 2 ** (width - 1)];
    kernel(instance, 'msm_count')(halves, indices, count, memory.offset, position, mask, bias, digits, memory.counts);
    digits += 4 * count;
  }
  let start = 0;
  let active = memory.active / 4;
  const pieceOwners: number[] = [];
  const counts = memory.counts / 4;
  for (let bucket = 1; bucket <= buckets; bucket++) {
    const count = words[counts + bucket] as number;
    if (count === 0) continue;
    words[counts + bucket] = start;
    start += count;
    let rest = count;
    for (; rest > GROUP_POINTS; rest -= GROUP_POINTS) {
      words[active++] = buckets + pieceOwners.push(bucket - 1) - 1;
      words[active++] = GROUP_POINTS;
    }
    words[active++] = bucket - 1;
    words[active++] = rest;
  }
  const { affineBytes } = instance.info.curves[task.curve];
  digits = memory.digits;
  for (const { bases, count } of task.parts) {
    kernel(instance, 'msm_place')(digits, count, memory.counts, memory.order, bases, affineBytes);
    digits += 4 * count;
  }
  return { active: (active - memory.active / 4) / 2, pieceOwners };
}

/** Adds the points of every bucket, pair by pair, round by round, until each bucket holds one; a group at a time. */
function sumBuckets(instance: Instance, task: WindowTask, memory: WindowMemory, active: number, places: number): void {
  const { words } = instance;
  const count = (entry: number): number => words[memory.active / 4 + 2 * entry + 1] as number;
  let order = memory.order;
  for (let entry = 0; entry < active; ) {
    let points = count(entry);
    let end = entry + 1;
    while (end < active && points + count(end) <= GROUP_POINTS) points += count(end++);
    sumGroup(instance, task, memory, places, order, memory.active + ACTIVE_BYTES * entry, end - entry);
    order += POINTER_BYTES * points;
    entry = end;
  }
}

function sumGroup(
  instance: Instance,
  task: WindowTask,
  memory: WindowMemory,
  places: number,
  order: number,
  active: number,
  entries: number,
): void {
  const round = (name: string, from: number, target: number, remaining: number): number =>
    kernel(instance, `${task.curve}_${name}`)(from, target, active, remaining, places, memory.list, memory.scratch);
  let [from, target] = memory.partials;
  let remaining = round('firstRound', order, from, entries);
  while (remaining > 0) {
    remaining = round('laterRound', from, target, remaining);
    [from, target] = [target, from];
  }
}

/** Adds the sum of a piece to the bucket that it was cut from. */
function addPiece(instance: Instance, task: WindowTask, memory: WindowMemory, places: number, piece: number, owner: number): void {
  const { affineBytes } = instance.info.curves[task.curve];
  const bucket = places + affineBytes * owner;
  instance.words.set([bucket, places + affineBytes * piece, bucket], memory.list / 4);
  kernel(instance, `${task.curve}_batchAdd`)(memory.list, 1, memory.scratch);
}

/** Σ v·B_v: running sums of all segments side by side, then one weighted sum of the segments. */
function joinBuckets(instance: Instance, task: WindowTask, memory: WindowMemory, buckets: number): void {
  const segments = segmentCount(buckets);
  const length = buckets / segments;
  const runningSums = kernel(instance, `${task.curve}_runningSums`);
  const [sums, others] = memory.sums;
  const end = runningSums(memory.buckets[0], length, segments, sums, others, memory.totals, memory.list, memory.scratch);
  joinSegments(instance, task, memory, segments, length, end);
}

function joinSegments(instance: Instance, task: WindowTask, memory: WindowMemory, segments: number, length: number, sums: number): void {
  const { affineBytes, projectiveBytes } = instance.info.curves[task.curve];
  const add = kernel(instance, `${task.curve}_add`);
  const lift = kernel(instance, `${task.curve}_lift`);
  const [running, weighted, point] = [0, 1, 2].map((i) => memory.variables + i * projectiveBytes) as [number, number, number];
  writeInfinity(instance, { ...task, result: running });
  writeInfinity(instance, { ...task, result: weighted });
  for (let s = segments - 1; s > 0; s--) {
    lift(point, sums + affineBytes * s);
    add(running, running, point, memory.scratch);
    add(weighted, weighted, running, memory.scratch);
  }
  for (let doubled = 1; doubled < length; doubled *= 2) add(weighted, weighted, weighted, memory.scratch);
  for (let s = 0; s < segments; s++) {
    lift(point, memory.totals + affineBytes * s);
    add(weighted, weighted, point, memory.scratch);
  }
  instance.bytes.copyWithin(task.result, weighted, weighted + projectiveBytes);
}
