/**
 * How a multi-exponentiation is cut up for a device: windows, chunks of windows, pieces of pairs, parts of the bases.
 *
 *   part     bases that one set of buffers takes; a sum over more is the sum over its parts
 *   window   c bits of all scalars: 2^(c−1) buckets
 *   chunk    windows whose pairs of points lie in the device's memory together
 *   piece    pairs that one dispatch takes: dispatches stay short, so that no driver calls the device hung
 */

import { SCALAR_FIELD } from '../field/parameters.js';
import { HALF_WORDS, WHOLE_WORDS } from './digits.js';
import { HALF_BOUND } from './glv.js';
import { LEAST_BUCKETS } from './scan.js';

export const SMALLEST_WINDOW_BITS = Math.log2(LEAST_BUCKETS) + 1;
export const LARGEST_WINDOW_BITS = 16;
const WORD_BITS = 32;
const WORD_BYTES = 4;
const ELEMENT_BYTES = 32;
/**
 * The most bytes of a buffer that any device is asked for: with 2^26 entries a part, every tag, index and start fits 32 bits.
 */
export const MOST_BUFFER_BYTES = 2 ** 31;
/** Additions that a bucket costs in the reduction, and its moves. */
const BUCKET_COST = 2.5;
/** Additions that a window costs whatever it holds. */
const WINDOW_COST = 64;

/** What may be turned, for tests and for measurements; every value that plan() accepts gives the same sums. */
export interface Tuning {
  /** The most bytes of a buffer. By default what the device takes for one binding. */
  readonly bufferBytes: number;
  /** Pairs of points that a chunk holds where a single window does not need more. */
  readonly chunkSlots: number;
  /** Pairs of one dispatch. */
  readonly piecePairs: number;
  /** Threads that share out a piece's pairs at most. */
  readonly mostThreads: number;
  /** Pairs of a thread, where there are fewer threads than the most. */
  readonly pairsPerThread: number;
  /** Elements of a thread that inverts the threads' products. */
  readonly elementsPerInversion: number;
}

export const DEFAULT_TUNING: Tuning = {
  bufferBytes: Number.MAX_SAFE_INTEGER,
  chunkSlots: 2 ** 21,
  piecePairs: 2 ** 20,
  mostThreads: 2 ** 16,
  pairsPerThread: 16,
  elementsPerInversion: 32,
};

export interface WindowPlan {
  readonly glv: boolean;
  readonly bits: number;
  readonly windows: number;
  /** Buckets of a window. */
  readonly buckets: number;
  /** Words of a stored number. */
  readonly words: number;
  /** See digits.ts. */
  readonly offset: bigint;
}

/** Windows of c bits that hold all integers from −below to above as signed digits. */
function windowsFor(bits: number, below: bigint, above: bigint): { windows: number; offset: bigint } {
  let offset = 0n;
  for (let windows = 0; ; windows++) {
    const range = 1n << BigInt(bits * windows);
    if (offset >= below && range - 1n - offset >= above) return { windows, offset };
    offset += range << BigInt(bits - 1);
  }
}

/** @throws RangeError for a window width that is not between the smallest and the largest */
export function planWindows(bits: number, glv: boolean): WindowPlan {
  if (!Number.isInteger(bits) || bits < SMALLEST_WINDOW_BITS || bits > LARGEST_WINDOW_BITS) {
    throw new RangeError(`windows of ${bits} bits: expected ${SMALLEST_WINDOW_BITS} to ${LARGEST_WINDOW_BITS}`);
  }
  const { windows, offset } = glv ? windowsFor(bits, HALF_BOUND, HALF_BOUND) : windowsFor(bits, 0n, SCALAR_FIELD.prime - 1n);
  const words = glv ? HALF_WORDS : WHOLE_WORDS;
  if (bits * windows > WORD_BITS * words) throw new RangeError(`${windows} windows of ${bits} bits exceed ${words} words`);
  return { glv, bits, windows, buckets: 2 ** (bits - 1), words, offset };
}

/** The window width that costs fewest additions for so many bases with scalars of full length. */
export function chooseWindowBits(bases: number, glv: boolean): number {
  const entries = glv ? 2 * bases : bases;
  let [best, least] = [SMALLEST_WINDOW_BITS, Number.POSITIVE_INFINITY];
  for (let bits = SMALLEST_WINDOW_BITS; bits <= LARGEST_WINDOW_BITS; bits++) {
    const { windows, buckets } = planWindows(bits, glv);
    const cost = windows * (entries + BUCKET_COST * buckets + WINDOW_COST);
    if (cost < least) [best, least] = [bits, cost];
  }
  return best;
}

/** The most pairs that the entries of one window can make: each bucket may leave one entry over. */
export function mostSlots(entries: number, buckets: number): number {
  return Math.min(entries, Math.ceil((entries + buckets) / 2));
}

/** Bases of a part, so that no buffer exceeds the device's: the largest are the abscissas (of images too) and the digits. */
export function partSize(bufferBytes: number, { glv, words, buckets }: WindowPlan): number {
  const entries = Math.floor(bufferBytes / Math.max(ELEMENT_BYTES, WORD_BYTES * words)) - buckets;
  return Math.floor(glv ? entries / 2 : entries);
}

/** Slots of a chunk, so that it holds any one window and no buffer exceeds the device's. */
export function chunkSlots({ windows, buckets }: WindowPlan, entries: number, tuning: Tuning): number {
  const one = mostSlots(entries, buckets);
  const fitting = Math.min(tuning.chunkSlots, Math.floor(tuning.bufferBytes / ELEMENT_BYTES));
  return Math.max(one, Math.min(windows * one, fitting));
}

/** The windows in runs that fit a chunk. @param starts of each window among all pairs, and the end of the last */
export function chunksOf(starts: readonly number[], slots: number): [first: number, end: number][] {
  const chunks: [number, number][] = [];
  let first = 0;
  for (let window = 0; window + 1 < starts.length; window++) {
    if ((starts[window + 1] as number) - (starts[first] as number) > slots) {
      chunks.push([first, window]);
      first = window;
    }
  }
  chunks.push([first, starts.length - 1]);
  return chunks;
}

/** Threads for so many pairs, in whole workgroups of `group`. */
export function threadsFor(pairs: number, group: number, { pairsPerThread, mostThreads }: Tuning): number {
  return Math.min(mostThreads, group * Math.ceil(pairs / (pairsPerThread * group)));
}
