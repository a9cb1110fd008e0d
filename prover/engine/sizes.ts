/**
 * Sizes that the kernels and those who call them agree on.
 *
 * They stand apart from the code that emits kernels, because a worker thread needs them and nothing else of it: it is given the
 * compiled module, and neither loads nor keeps the emitter.
 */
import { PACKED_BYTES } from './field/parameters.js';
import { PORTABLE } from './field/representation.js';

export const PAGE_BYTES = 65536;
/** Most pages of a 32-bit memory: 4 GiB. */
export const MAX_PAGES = 65536;
/** Threads one key may have, beside the calling one. */
export const MOST_THREADS = 64;
/** Scratch that belongs to one thread whatever it does. */
export const THREAD_SCRATCH_BYTES = 1024;

/** Bits of the exponent that a power takes at once. */
export const POWER_WINDOW_BITS = 4;
/** Scratch a power, and so an inversion, needs: its table of sixteen powers, in the larger of the representations. */
export const INVERSE_SCRATCH_BYTES = PORTABLE.elementBytes << POWER_WINDOW_BITS;

/** Bytes of an entry of a work list of additions. */
export const ENTRY_BYTES = 12;
/** Elements that a batch of additions keeps beside its products. */
export const ADDITION_SLOTS = 7;

/** Scratch of `batchAdd` for a list of n entries. */
export function batchAddScratchBytes(elementBytes: number, entries: number): number {
  return ADDITION_SLOTS * elementBytes + INVERSE_SCRATCH_BYTES + 2 * elementBytes + (entries + 1) * elementBytes;
}

/** Work-list entries that share one inversion: list, products and the points of a batch stay within a core's own cache. */
export const LIST_CAPACITY = 1024;
/** Bytes of an entry of the list of buckets under way: bucket, count of its points. */
export const ACTIVE_BYTES = 8;
/** Bytes of a tagged address of a point. */
export const POINTER_BYTES = 4;
/** Bytes of half a scalar. */
export const HALF_BYTES = PACKED_BYTES / 2;
/** Bytes of an affine point in key files. */
export const FILE_POINT_BYTES = { g1: 2 * PACKED_BYTES, g2: 4 * PACKED_BYTES } as const;
