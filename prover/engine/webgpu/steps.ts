/**
 * One multi-exponentiation of one part, from the scalars to the few points that the CPU joins:
 *
 *   1. digits of all scalars; counts of all windows; their prefix sums; starts and largest counts come back (one read)
 *   2. for each chunk of windows: entries to their places; round 0 from the bases; rounds among the slots; sums to buckets
 *   3. levels of the reduction over all windows; c points a window come back
 *
 * Each round is an addition in three kernels and an inversion, in pieces; see addition.ts.
 */
import { ADDITION_GROUP_SIZE, denominatorsKernel, gatheredSums, residentSums, slopesKernel } from './addition.js';
import { basesKernel } from './bases.js';
import { pairsKernel, settleKernel } from './buckets.js';
import { offsetKernel, offsetParameters, splitKernel } from './digits.js';
import { ELEMENT_BYTES } from './field.js';
import { invertKernel } from './inverse.js';
import type { Kernel } from './kernel.js';
import { chunkSlots, chunksOf, type Tuning, threadsFor, type WindowPlan } from './plan.js';
import { levelKernel, levelPairs, outputKernel } from './reduction.js';
import { SCAN_BLOCK, scanBlocks, scanJoin, scanSums } from './scan.js';
import { countKernel, placeKernel } from './sort.js';
import type { Binding, Recorder } from './stages.js';
import type { Workspace } from './workspace.js';

const WORD_BYTES = 4;
/** A slot's pair in `order`. */
const PAIR_BYTES = 2 * WORD_BYTES;
const SCALAR_BYTES = 32;
/** Pairs from which on a piece is submitted by itself. */
const LONG_PIECE = 2 ** 16;
/** Bytes of a point in the output. */
export const POINT_BYTES = 2 * ELEMENT_BYTES;

/** What a sum spends its time on, in this order: on the device three times, at last on the CPU. */
export type Phase = 'sort' | 'buckets' | 'reduction' | 'join';

/** What the caller of a sum has to say and hears between its steps. */
export interface Progress {
  /** Throws when the sum is no longer wanted. */
  readonly assertWanted: () => void;
  /** Called at the end of each phase. */
  readonly ended: (phase: Phase) => Promise<void>;
}

/** Bases on the device. */
export interface Part {
  readonly count: number;
  readonly xs: GPUBuffer;
  readonly ys: GPUBuffer;
}

export function kernelsFor(glv: boolean): Kernel[] {
  const additions = [denominatorsKernel, invertKernel, slopesKernel, gatheredSums, residentSums];
  const sorting = [countKernel, scanBlocks, scanSums, scanJoin, placeKernel, pairsKernel, settleKernel];
  return [basesKernel, glv ? splitKernel : offsetKernel, ...sorting, ...additions, levelKernel, outputKernel];
}

type AdditionNumbers = Readonly<Record<(typeof denominatorsKernel.params)[number], number>>;

/** What the sort found, by window. */
interface Sizes {
  /** Where each window's slots start among all, and the end. */
  readonly starts: readonly number[];
  /** Entries of each window's largest bucket. */
  readonly largest: readonly number[];
}

export class PartSum {
  private readonly slots: number;
  private readonly entries: number;
  private readonly blocks: number;
  private readonly allBuckets: number;
  /** Begun with the first buffers, so that its own is refused under the same guard. */
  private work!: Recorder;

  /** Only inside `workspace.exclusive`. */
  constructor(
    private readonly workspace: Workspace,
    private readonly part: Part,
    private readonly plan: WindowPlan,
    private readonly tuning: Tuning,
  ) {
    this.entries = plan.glv ? 2 * part.count : part.count;
    this.slots = chunkSlots(plan, this.entries, tuning);
    this.allBuckets = plan.windows * plan.buckets;
    this.blocks = Math.ceil(this.allBuckets / SCAN_BLOCK);
  }

  /** The output (reduction.ts) for scalars of 32 bytes each. */
  async run(scalars: Uint8Array, { assertWanted, ended }: Progress): Promise<Uint8Array> {
    const { workspace, plan } = this;
    const sizes = await this.sort(scalars);
    await ended('sort');
    const chunks = chunksOf(sizes.starts, this.slots);
    for (const [i, [first, end]] of chunks.entries()) {
      assertWanted();
      await workspace.guarded(() => this.sumChunk(sizes, first, end));
      if (i + 1 < chunks.length) await workspace.settled();
    }
    await ended('buckets');
    assertWanted();
    const points = plan.windows * plan.bits;
    await workspace.guarded(() => this.reduce(points));
    const output = await workspace.read(this.buffer('output', points, POINT_BYTES), points * POINT_BYTES);
    await ended('reduction');
    return output;
  }

  private buffer(name: string, count: number, bytes: number): GPUBuffer {
    return this.workspace.buffer(name, count * bytes);
  }

  private get starts(): GPUBuffer {
    return this.buffer('starts', this.allBuckets + 1, WORD_BYTES);
  }

  private get counts(): GPUBuffer {
    return this.buffer('counts', this.allBuckets, WORD_BYTES);
  }

  private get digits(): GPUBuffer {
    return this.buffer('digits', this.entries * this.plan.words, WORD_BYTES);
  }

  private get sums(): { xs: GPUBuffer; ys: GPUBuffer } {
    return { xs: this.buffer('sum xs', this.slots, ELEMENT_BYTES), ys: this.buffer('sum ys', this.slots, ELEMENT_BYTES) };
  }

  private get buckets(): { xs: GPUBuffer; ys: GPUBuffer } {
    const [count, bytes] = [this.allBuckets, ELEMENT_BYTES];
    return { xs: this.buffer('bucket xs', count, bytes), ys: this.buffer('bucket ys', count, bytes) };
  }

  /** The i-th of two lists that take turns. */
  private list(i: number): GPUBuffer {
    return this.buffer(i % 2 === 0 ? 'even list' : 'odd list', 1 + Math.max(this.slots, this.allBuckets), WORD_BYTES);
  }

  private async sort(scalars: Uint8Array): Promise<Sizes> {
    const { workspace, plan, allBuckets, blocks } = this;
    const { windows, buckets } = plan;
    const summary = await workspace.guarded(() => {
      this.work = workspace.recorder();
      const target = this.buffer('summary', 2 * windows + 1, WORD_BYTES);
      this.countDigits(scalars);
      const [sums, largest] = [this.buffer('blocks', blocks + 1, WORD_BYTES), this.buffer('largest', windows, WORD_BYTES)];
      this.work.encode((encoder) => encoder.clearBuffer(largest));
      const { counts, starts } = this;
      this.work.run(scanBlocks, allBuckets / 8, { count: allBuckets, buckets }, { counts, starts, blocks: sums, largest });
      this.work.run(scanSums, 1, { blocks }, { sums });
      this.work.run(scanJoin, allBuckets, { count: allBuckets, blocks }, { starts, sums });
      this.work.encode((encoder) => {
        for (let w = 0; w <= windows; w++) encoder.copyBufferToBuffer(starts, WORD_BYTES * w * buckets, target, WORD_BYTES * w, WORD_BYTES);
        encoder.copyBufferToBuffer(largest, 0, target, WORD_BYTES * (windows + 1), WORD_BYTES * windows);
      });
      this.work.submit();
      return target;
    });
    const bytes = await workspace.read(summary, WORD_BYTES * (2 * windows + 1));
    const words = [...new Uint32Array(bytes.buffer)];
    return { starts: words.slice(0, windows + 1).map((start) => start / 2), largest: words.slice(windows + 1) };
  }

  private countDigits(scalars: Uint8Array): void {
    const { plan, entries, part, digits, counts } = this;
    const packed = this.buffer('scalars', part.count, SCALAR_BYTES);
    this.workspace.device.queue.writeBuffer(packed, 0, scalars as Uint8Array<ArrayBuffer>);
    const numbers = { count: part.count, entries, ...offsetParameters(plan.offset) };
    this.work.run(plan.glv ? splitKernel : offsetKernel, part.count, numbers, { scalars: packed, digits });
    this.work.encode((encoder) => encoder.clearBuffer(counts));
    this.work.run(countKernel, entries, this.windowNumbers(0, plan.windows), { digits, counts });
  }

  private windowNumbers(firstWindow: number, endWindow: number) {
    const { entries, plan } = this;
    return { entries, words: plan.words, bits: plan.bits, firstWindow, endWindow };
  }

  /** Leaves the sums of the buckets of windows first … end − 1 in `buckets`. */
  private sumChunk({ starts: windowStarts, largest }: Sizes, first: number, end: number): void {
    const { work, plan, digits, counts, starts, sums, slots: capacity } = this;
    const slots = (windowStarts[end] as number) - (windowStarts[first] as number);
    const [order, owners] = [this.buffer('order', capacity, PAIR_BYTES), this.buffer('owners', capacity, WORD_BYTES)];
    const firstBucket = first * plan.buckets;
    work.encode((encoder) => encoder.clearBuffer(order, 0, PAIR_BYTES * slots));
    work.run(placeKernel, slots === 0 ? 0 : this.entries, this.windowNumbers(first, end), { digits, counts, starts, order, owners });
    this.addGathered(slots, order);
    const most = Math.ceil(Math.max(...largest.slice(first, end)) / 2);
    for (let round = 0; 2 ** round < most; round++) {
      const stride = 2 ** round;
      const [before, after] = [this.list(round), this.list(round + 1)];
      const listed = Math.min(1, round);
      // An item of a list and its partner, a stride away, lie in one bucket, and between them no other item.
      const candidates = listed ? Math.floor(slots / (stride / 2 + 1)) : slots;
      work.encode((encoder) => encoder.clearBuffer(after, 0, WORD_BYTES));
      work.run(pairsKernel, candidates, { stride, slots, listed, firstBucket }, { starts, owners, before, after });
      this.addResident(Math.floor(slots / (stride + 1)), stride, after, sums);
    }
    const buckets = (end - first) * plan.buckets;
    const { xs: bucketXs, ys: bucketYs } = this.buckets;
    work.run(settleKernel, buckets, { firstBucket, buckets }, { starts, ...sums, bucketXs, bucketYs });
    work.submit();
  }

  private reduce(points: number): void {
    const { work, plan, buckets } = this;
    for (let level = 0; level <= plan.bits - 2; level++) {
      const pairs = levelPairs(plan.windows, plan.bits, level);
      const list = this.list(level);
      work.run(levelKernel, pairs, { pairs, bits: plan.bits, level }, { list });
      this.addResident(pairs, 2 ** level, list, buckets);
    }
    const output = this.buffer('output', points, POINT_BYTES);
    work.run(outputKernel, points, { points, bits: plan.bits }, { ...buckets, output });
    work.submit();
  }

  private addGathered(count: number, order: Binding): void {
    const { part, sums } = this;
    const numbers = { count, bases: part.count, stride: 0 };
    this.inPieces(count, numbers, { pairs: order, xs: part.xs, ys: part.ys }, (limit, all, buffers) =>
      this.work.run(gatheredSums, limit, all, { ...buffers, sumXs: sums.xs, sumYs: sums.ys }),
    );
  }

  /** @param bound the list on the device may be shorter */
  private addResident(bound: number, stride: number, pairs: Binding, points: { xs: GPUBuffer; ys: GPUBuffer }): void {
    const numbers = { count: 0, bases: 0, stride };
    this.inPieces(bound, numbers, { pairs, ...points }, (limit, all, buffers) => this.work.run(residentSums, limit, all, buffers));
  }

  /** Pieces that take long are submitted by themselves: a driver counts the time of a submission. */
  private inPieces(
    bound: number,
    { count, bases, stride }: { count: number; bases: number; stride: number },
    points: { pairs: Binding; xs: GPUBuffer; ys: GPUBuffer },
    add: (limit: number, numbers: AdditionNumbers, buffers: typeof points & { products: GPUBuffer }) => void,
  ): void {
    const { work, tuning } = this;
    const piece = Math.min(tuning.piecePairs, Math.max(this.slots, this.allBuckets));
    const products = this.buffer('products', piece, ELEMENT_BYTES);
    const totals = this.buffer('totals', threadsFor(piece, ADDITION_GROUP_SIZE, tuning), ELEMENT_BYTES);
    for (let start = 0; start < bound; start += piece) {
      const limit = Math.min(piece, bound - start);
      const threads = threadsFor(limit, ADDITION_GROUP_SIZE, tuning);
      const numbers = { start, limit, count, bases, stride, threads };
      const buffers = { ...points, products };
      work.run(denominatorsKernel, threads, numbers, { ...buffers, totals });
      this.invert(threads, totals);
      work.run(slopesKernel, threads, numbers, { ...buffers, totals });
      add(limit, numbers, buffers);
      if (limit > LONG_PIECE) work.submit();
    }
  }

  private invert(count: number, totals: GPUBuffer): void {
    const prefixes = this.workspace.buffer('prefixes', totals.size);
    const threads = Math.ceil(count / this.tuning.elementsPerInversion);
    this.work.run(invertKernel, threads, { count, threads }, { totals, prefixes });
  }
}
