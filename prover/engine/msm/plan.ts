/**
 * How a multi-exponentiation is cut into windows, and how much memory one window needs.
 *
 * Scalars are split into two halves of 128 bits, sign included. With windows of c bits there are 128/c of them. A window adds
 * up n bases in 2^(c−1) buckets for each half, which takes n less the number of buckets that are not empty; then it joins the
 * two halves' buckets in pairs, and takes two more additions for each pair. Small scalars (bits of a hash circuit) only meet
 * the lowest window of the first half, so the number of large scalars decides.
 */
import type { CurveSizes } from '../kernels.js';
import { ACTIVE_BYTES, batchAddScratchBytes, ENTRY_BYTES, HALF_BYTES, LIST_CAPACITY } from '../sizes.js';

/** Bits of half a scalar as it is stored, sign included. */
export const HALF_BITS = 8 * HALF_BYTES;
/** Halves of a scalar. */
export const HALVES = 2;
export const SMALLEST_WINDOW_BITS = 3;
export const LARGEST_WINDOW_BITS = 16;
/**
 * Points of buckets that go through all rounds together, and the most that one bucket sums up at once: partial sums are
 * used while the cache still has them, and take no more room for a large key than for a small one.
 */
export const GROUP_POINTS = 1 << 14;
/** Cost of reading one scalar's digit, in affine additions. */
const DIGIT_COST = 0.02;
/** Cost of the endomorphism on one bucket, in affine additions: one product of six. */
const ENDOMORPHISM_COST = 0.17;
/** Cost of a segment's three projective additions, in affine additions. */
const SEGMENT_COST = 8;
/** Buckets of one running sum in the final summation of a window, and the most running sums side by side. */
const SEGMENT_BUCKETS = 32;
const MOST_SEGMENTS = 512;

/** Number of windows of a half. */
export function windowCount(bits: number): number {
  return Math.ceil(HALF_BITS / bits);
}

/** Additions that one window takes, see the head of this file. */
function windowCost(bases: number, largeScalars: number, bits: number): number {
  const buckets = 2 ** (bits - 1);
  const notEmpty = buckets * (1 - Math.exp(-largeScalars / buckets));
  const collect = HALVES * (DIGIT_COST * bases + largeScalars - notEmpty);
  return collect + notEmpty + (2 + ENDOMORPHISM_COST) * buckets + SEGMENT_COST * segmentCount(buckets);
}

/** The window width that costs least for so many bases, of which some have large scalars. */
export function chooseWindowBits(bases: number, largeScalars: number): number {
  let best = SMALLEST_WINDOW_BITS;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let bits = SMALLEST_WINDOW_BITS; bits <= LARGEST_WINDOW_BITS; bits++) {
    const cost = windowCount(bits) * windowCost(bases, largeScalars, bits);
    if (cost < bestCost) [best, bestCost] = [bits, cost];
  }
  return best;
}

/** What is added to a half, see `digitKernels.ts`. */
export function digitOffset(bits: number): bigint {
  let offset = 1n << BigInt(HALF_BITS - 1);
  for (let w = 0; w < windowCount(bits) - 1; w++) offset += 1n << BigInt(bits * w + bits - 1);
  return offset;
}

/** Addresses, relative to a work area, of everything one window uses. */
export interface WindowMemory {
  /** What is added to every half, see `digitKernels.ts`. */
  readonly offset: number;
  readonly counts: number;
  readonly digits: number;
  readonly order: number;
  readonly active: number;
  readonly list: number;
  readonly scratch: number;
  /** For each half: one place for each bucket, then one for each piece cut from a bucket of more than `GROUP_POINTS`. */
  readonly buckets: readonly [number, number];
  readonly partials: readonly [number, number];
  readonly sums: readonly [number, number];
  readonly totals: number;
  /** Three projective points. */
  readonly variables: number;
  readonly end: number;
}

/** Segments of the bucket summation; each has `buckets / segments` buckets. */
export function segmentCount(buckets: number): number {
  return Math.min(MOST_SEGMENTS, Math.max(1, buckets / SEGMENT_BUCKETS));
}

/** Pieces that buckets of more than `GROUP_POINTS` points can be cut into, beside the one that stays. */
export function mostPieces(bases: number): number {
  return Math.floor(bases / GROUP_POINTS);
}

export function windowMemory({ affineBytes, elementBytes, projectiveBytes }: CurveSizes, bases: number, bits: number): WindowMemory {
  const buckets = 2 ** (bits - 1);
  const segments = segmentCount(buckets);
  const pieces = mostPieces(bases);
  const group = Math.min(bases, GROUP_POINTS);
  let next = 0;
  const take = (bytes: number): number => {
    const at = next;
    next += Math.ceil(bytes / 16) * 16;
    return at;
  };
  return {
    offset: take(HALF_BYTES),
    counts: take(4 * (buckets + 1)),
    digits: take(4 * bases),
    order: take(4 * bases),
    active: take(ACTIVE_BYTES * (buckets + pieces)),
    list: take(ENTRY_BYTES * LIST_CAPACITY),
    scratch: take(Math.max(batchAddScratchBytes(elementBytes, LIST_CAPACITY), 16 * elementBytes)),
    buckets: [take(affineBytes * (buckets + pieces)), take(affineBytes * (buckets + pieces))],
    // A bucket of m ≥ 3 points leaves ⌈m/2⌉ after the first round and ⌈m/4⌉ (m ≥ 5) after the second.
    partials: [take(affineBytes * Math.ceil((2 * group) / 3)), take(affineBytes * Math.ceil((2 * group) / 5))],
    sums: [take(affineBytes * segments), take(affineBytes * segments)],
    totals: take(affineBytes * segments),
    variables: take(3 * projectiveBytes),
    end: next,
  };
}
