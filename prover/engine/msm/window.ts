/**
 * One window of Pippenger's method: Σ digit_i·P_i for the c-bit digits of one position.
 *
 * Steps:
 *   1. digits and counts of all scalars, then a counting sort of the bases by |digit| (their bucket);
 *   2. rounds: neighbours within a bucket are added in pairs, all pairs of a round in batches that share an
 *      inversion, until every bucket holds one point;
 *   3. Σ v·B_v over the buckets: running sums in segments of L buckets, all segments side by side in batches;
 *   4. the segments are joined by complete projective additions: Σ T_s + L·Σ s·S_s.
 * Source: Pippenger (1976); batched affine addition in rounds as in the write-ups of the ZPrize 2022 entries.
 */
import { ENTRY_BYTES } from '../curve/batchAdd.js';
import { type Instance, kernel } from '../instance.js';
import type { CurveName } from '../kernels.js';
import { LIST_CAPACITY, segmentCount, type WindowMemory, windowCount, windowMemory } from './plan.js';

export interface WindowTask {
  readonly curve: CurveName;
  /** Affine bases, none of them infinity. */
  readonly bases: number;
  /** For each base the index of its scalar, 32-bit. */
  readonly indices: number;
  readonly count: number;
  /** Scalars with the digit offset added, 32 bytes each. */
  readonly scalars: number;
  readonly bits: number;
  readonly window: number;
  /** Where the projective result goes. */
  readonly result: number;
}

/** Runs one window in the given work area. */
export function runWindow(instance: Instance, task: WindowTask, work: number): void {
  const memory = at(windowMemory(instance.info.curves[task.curve], task.count, task.bits), work);
  const buckets = 2 ** (task.bits - 1);
  instance.bytes.fill(0, memory.counts, memory.counts + 4 * (buckets + 1));
  instance.bytes.fill(0, memory.buckets, memory.buckets + instance.info.curves[task.curve].affineBytes * buckets);
  const active = sortByBucket(instance, task, memory, buckets);
  if (active === 0) {
    writeInfinity(instance, task);
    return;
  }
  sumBuckets(instance, task, memory, active);
  joinBuckets(instance, task, memory, buckets);
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

/** Fills `order` and `active` (bucket, count); returns how many buckets are not empty. */
function sortByBucket(instance: Instance, task: WindowTask, memory: WindowMemory, buckets: number): number {
  const { words } = instance;
  const position = task.bits * task.window;
  const last = task.window === windowCount(task.bits) - 1;
  const mask = last ? 2 ** Math.min(31, 8 * 32 - position) - 1 : 2 ** task.bits - 1;
  const bias = last ? 0 : buckets;
  kernel(instance, 'msm_count')(
    task.scalars,
    task.indices,
    task.count,
    position >>> 3,
    position & 7,
    mask,
    bias,
    memory.digits,
    memory.counts,
  );
  let start = 0;
  let active = memory.active / 4;
  const counts = memory.counts / 4;
  for (let bucket = 1; bucket <= buckets; bucket++) {
    const count = words[counts + bucket] as number;
    if (count === 0) continue;
    words[counts + bucket] = start;
    words[active++] = bucket - 1;
    words[active++] = count;
    start += count;
  }
  const { affineBytes } = instance.info.curves[task.curve];
  kernel(instance, 'msm_place')(memory.digits, task.count, memory.counts, memory.order, task.bases, affineBytes);
  return (active - memory.active / 4) / 2;
}

/** Collects additions and runs them in batches. */
class WorkList {
  private readonly words: Uint32Array;
  private readonly start: number;
  private readonly limit: number;
  private readonly batchAdd: (...args: number[]) => number;
  private next: number;

  constructor(
    instance: Instance,
    curve: CurveName,
    private readonly memory: WindowMemory,
  ) {
    this.words = instance.words;
    this.start = memory.list / 4;
    this.next = this.start;
    this.limit = this.start + (LIST_CAPACITY * ENTRY_BYTES) / 4;
    this.batchAdd = kernel(instance, `${curve}_batchAdd`);
  }

  add(first: number, second: number, result: number): void {
    const { words, next } = this;
    words[next] = first;
    words[next + 1] = second;
    words[next + 2] = result;
    this.next = next + 3;
    if (this.next === this.limit) this.flush();
  }

  flush(): void {
    const entries = ((this.next - this.start) * 4) / ENTRY_BYTES;
    if (entries > 0) this.batchAdd(this.memory.list, entries, this.memory.scratch);
    this.next = this.start;
  }
}

/** Adds the points of every bucket, pair by pair, round by round. */
function sumBuckets(instance: Instance, task: WindowTask, memory: WindowMemory, nonEmpty: number): void {
  const { words } = instance;
  const { affineBytes } = instance.info.curves[task.curve];
  const copy = kernel(instance, `${task.curve}_copy`);
  const list = new WorkList(instance, task.curve, memory);
  const active = memory.active / 4;
  const order = memory.order / 4;
  let remaining = nonEmpty;
  for (let round = 0; remaining > 0; round++) {
    const source = memory.partials[(round + 1) & 1] as number;
    const target = memory.partials[round & 1] as number;
    let read = 0;
    let written = 0;
    let kept = 0;
    const next = (): number => (round === 0 ? (words[order + read++] as number) : source + affineBytes * read++);
    for (let i = 0; i < remaining; i++) {
      const bucket = words[active + 2 * i] as number;
      const count = words[active + 2 * i + 1] as number;
      const home = memory.buckets + affineBytes * bucket;
      for (let pair = count >> 1; pair > 0; pair--) {
        const first = next();
        list.add(first, next(), count === 2 ? home : target + affineBytes * written++);
      }
      if (count & 1) copy(count === 1 ? home : target + affineBytes * written++, next());
      if (count <= 2) continue;
      words[active + 2 * kept] = bucket;
      words[active + 2 * kept + 1] = (count + 1) >> 1;
      kept++;
    }
    list.flush();
    remaining = kept;
  }
}

/** Σ v·B_v: running sums of all segments side by side, then one weighted sum of the segments. */
function joinBuckets(instance: Instance, task: WindowTask, memory: WindowMemory, buckets: number): void {
  const { affineBytes } = instance.info.curves[task.curve];
  const segments = segmentCount(buckets);
  const length = buckets / segments;
  const list = new WorkList(instance, task.curve, memory);
  let [current, other] = memory.sums;
  instance.bytes.fill(0, current, current + affineBytes * segments);
  instance.bytes.fill(0, memory.totals, memory.totals + affineBytes * segments);
  for (let step = length - 1; step >= -1; step--) {
    for (let s = 0; s < segments; s++) {
      const offset = affineBytes * s;
      const total = memory.totals + offset;
      if (step < length - 1) list.add(total, current + offset, total);
      if (step >= 0) list.add(current + offset, memory.buckets + affineBytes * (s * length + step), other + offset);
    }
    list.flush();
    [current, other] = [other, current];
  }
  // The last turn only added to the totals: the running sums stand where they stood before it.
  joinSegments(instance, task, memory, segments, length, other);
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
