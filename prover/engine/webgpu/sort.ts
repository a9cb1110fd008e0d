/**
 * A counting sort of signed digits: which entries fall into which bucket.
 *
 *     digits    see digits.ts
 *     counts    [window 0: bucket 1 … bucket B][window 1: …] …     B = 2^(c−1) buckets a window; digit ±v belongs to bucket v
 *     starts    exclusive sums of the counts, each rounded up to an even number (scan.ts); one more at the end
 *     order     tags of the entries by bucket, in pairs; 0 fills the odd place (see addition.ts for the tag)
 *     owners    the bucket of each pair of places in `order`
 *
 * `countKernel` counts for all windows, `placeKernel` fills order and owners for the windows of one chunk: their places
 * start at 0. It takes the counts down to zero again. In which order a bucket's entries stand is up to the atomics; their sum is not.
 * A digit of zero goes nowhere.
 * Limits: entries below 2^31 (a tag has a sign bit), windows·entries below 2^32; a bucket's count goes through one atomic, so
 * equal digits wait for each other. Source: counting sort (Seward 1954; Knuth, TAOCP 3, §5.2).
 */
import { kernel } from './kernel.js';

const GROUP_SIZE = 64;
const COUNTS = { name: 'counts', access: 'read_write', type: 'array<atomic<u32>>' } as const;
const DIGITS = { name: 'digits', access: 'read', type: 'array<u32>' } as const;
const PARAMETERS = ['entries', 'words', 'bits', 'firstWindow', 'endWindow'] as const;

const DIGIT = `
/// The signed digit of an entry in a window: c bits from bit c·window on, less half their range.
fn digitOf(entry: u32, window: u32) -> i32 {
  let bit = params.bits * window;
  let word = bit >> 5u;
  let shift = bit & 31u;
  var plain = digits[word * params.entries + entry] >> shift;
  if (shift + params.bits > 32u && word + 1u < params.words) {
    plain |= digits[(word + 1u) * params.entries + entry] << (32u - shift);
  }
  return i32(plain & ((1u << params.bits) - 1u)) - i32(1u << (params.bits - 1u));
}
fn bucketOf(window: u32, digit: i32) -> u32 { return (window << (params.bits - 1u)) + u32(abs(digit)) - 1u; }`;

export const countKernel = kernel({
  label: 'count digits',
  params: PARAMETERS,
  buffers: [DIGITS, COUNTS],
  groupSize: GROUP_SIZE,
  declarations: DIGIT,
  entry: `
  for (var entry = invocation; entry < params.entries; entry += invocations) {
    for (var window = params.firstWindow; window < params.endWindow; window++) {
      let digit = digitOf(entry, window);
      if (digit != 0i) { atomicAdd(&counts[bucketOf(window, digit)], 1u); }
    }
  }`,
});

export const placeKernel = kernel({
  label: 'place entries',
  params: PARAMETERS,
  buffers: [
    DIGITS,
    COUNTS,
    { name: 'starts', access: 'read', type: 'array<u32>' },
    { name: 'order', access: 'read_write', type: 'array<u32>' },
    { name: 'owners', access: 'read_write', type: 'array<u32>' },
  ],
  groupSize: GROUP_SIZE,
  declarations: DIGIT,
  entry: `
  let base = starts[params.firstWindow << (params.bits - 1u)];
  for (var entry = invocation; entry < params.entries; entry += invocations) {
    for (var window = params.firstWindow; window < params.endWindow; window++) {
      let digit = digitOf(entry, window);
      if (digit != 0i) {
        let bucket = bucketOf(window, digit);
        let place = starts[bucket] - base + atomicSub(&counts[bucket], 1u) - 1u;
        order[place] = ((entry + 1u) << 1u) | select(0u, 1u, digit < 0i);
        if ((place & 1u) == 0u) { owners[place >> 1u] = bucket; }
      }
    }
  }`,
});
