/** Digits, counting sort and lists of pairs against plain loops. */

import { LAMBDA } from '../../prover/engine/curve/endomorphism.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { modulo } from '../../prover/engine/reference/field.js';
import { pairsKernel } from '../../prover/engine/webgpu/buckets.js';
import { offsetKernel, offsetParameters, splitKernel } from '../../prover/engine/webgpu/digits.js';
import { mostSlots, planWindows, type WindowPlan } from '../../prover/engine/webgpu/plan.js';
import { SCAN_BLOCK, scanBlocks, scanJoin, scanSums } from '../../prover/engine/webgpu/scan.js';
import { countKernel, placeKernel } from '../../prover/engine/webgpu/sort.js';
import { seeded } from '../engine/harness.js';
import { Comparison, type KernelBench, wordsOf } from './bench.js';

const SEED = 99;
const { prime: r } = SCALAR_FIELD;

/** Edges of the scalar range, a run of equal ones, random ones. */
export function someScalars(count: number): bigint[] {
  const next = seeded(SEED);
  const edges = [0n, 1n, 2n, r - 1n, r - 2n, (r - 1n) / 2n, LAMBDA, r - LAMBDA, LAMBDA + 1n, 1n << 253n, (1n << 253n) - 1n, 1n << 127n];
  const equal = Array.from({ length: Math.ceil(count / 5) }, () => 3n);
  const all = [...edges, ...equal, ...Array.from({ length: count }, () => next(r))];
  return all.slice(0, count);
}

/** Stored digits of all scalars, which must add up to them again. */
async function checkDigits(
  bench: KernelBench,
  plan: WindowPlan,
  scalars: readonly bigint[],
  digits: GPUBuffer,
  check: Comparison,
): Promise<number[][]> {
  const count = scalars.length;
  const entries = plan.glv ? 2 * count : count;
  const numbers = { count, entries, ...offsetParameters(plan.offset) };
  await bench.run(plan.glv ? splitKernel : offsetKernel, count, numbers, { scalars: bench.buffer(wordsOf(scalars)), digits });
  const words = await bench.words(digits);
  const mask = (1n << BigInt(plan.bits)) - 1n;
  const signed = Array.from({ length: entries }, (_, entry) => {
    let stored = 0n;
    for (let w = plan.words - 1; w >= 0; w--) stored = (stored << 32n) | BigInt(words[w * entries + entry] as number);
    return Array.from({ length: plan.windows }, (_, w) => Number((stored >> BigInt(plan.bits * w)) & mask) - plan.buckets);
  });
  const value = (entry: number): bigint =>
    (signed[entry] as number[]).reduce((sum, digit, w) => sum + (BigInt(digit) << BigInt(plan.bits * w)), 0n);
  scalars.forEach((scalar, i) => {
    const whole = plan.glv ? value(i) + LAMBDA * value(count + i) : value(i);
    check.equal(plan.glv ? modulo(whole, r) : whole, scalar, `digits of ${scalar}`);
  });
  return signed;
}

/** Prefix sums over more than one block, and over more blocks than one strip of `scanSums`. */
export async function checkScan(bench: KernelBench, count: number, buckets: number): Promise<number> {
  const check = new Comparison();
  const next = seeded(SEED);
  const content = Uint32Array.from({ length: count }, () => Number(next(7n)));
  content[count - 1] = 1_000_001;
  const { starts, largest } = await scanned(bench, bench.buffer(content), count, buckets);
  const [began, most] = [await bench.words(starts), await bench.words(largest)];
  let start = 0;
  content.forEach((size, bucket) => {
    if (began[bucket] !== start) check.equal(began[bucket], start, `start of bucket ${bucket}`);
    start += size + (size % 2);
  });
  check.equal(began[count], start, 'end of the last bucket');
  for (let w = 0; w * buckets < count; w++) {
    check.equal(most[w], Math.max(...content.subarray(w * buckets, (w + 1) * buckets)), `largest of window ${w}`);
  }
  return check.count;
}

async function scanned(
  bench: KernelBench,
  counts: GPUBuffer,
  count: number,
  buckets: number,
): Promise<{ starts: GPUBuffer; largest: GPUBuffer }> {
  const blocks = Math.ceil(count / SCAN_BLOCK);
  const [starts, sums, largest] = [bench.buffer(count + 1), bench.buffer(blocks + 1), bench.buffer(Math.ceil(count / buckets))];
  await bench.run(scanBlocks, count, { count, buckets }, { counts, starts, blocks: sums, largest });
  await bench.run(scanSums, 1, { blocks }, { sums });
  await bench.run(scanJoin, count, { count, blocks }, { starts, sums });
  return { starts, largest };
}

/** Everything up to the places of all entries, in one chunk that leaves out the first window. */
export async function checkSort(bench: KernelBench, bits: number, glv: boolean, count: number): Promise<number> {
  const check = new Comparison();
  const plan = planWindows(bits, glv);
  const { windows, buckets } = plan;
  const scalars = someScalars(count);
  const entries = glv ? 2 * count : count;
  const digits = bench.buffer(plan.words * entries);
  const signed = await checkDigits(bench, plan, scalars, digits, check);
  const numbers = { entries, words: plan.words, bits, firstWindow: 0, endWindow: windows };
  const all = windows * buckets;
  const counts = bench.buffer(all);
  await bench.run(countKernel, entries, numbers, { digits, counts });
  const expected = Array.from({ length: all }, () => 0);
  for (const each of signed) {
    for (const [w, digit] of each.entries()) if (digit !== 0) expected[w * buckets + Math.abs(digit) - 1]!++;
  }
  check.equal([...(await bench.words(counts)).subarray(0, all)], expected, 'counts');
  const { starts } = await scanned(bench, counts, all, buckets);
  const began = await bench.words(starts);
  const slots = (windows - 1) * mostSlots(entries, buckets);
  const [order, owners] = [bench.buffer(2 * slots), bench.buffer(slots)];
  await bench.run(placeKernel, entries, { ...numbers, firstWindow: 1 }, { digits, counts, starts, order, owners });
  const placed = await bench.words(order);
  const base = began[buckets] as number;
  signed.forEach((each, entry) => {
    each.slice(1).forEach((digit, w) => {
      if (digit === 0) return;
      const bucket = (w + 1) * buckets + Math.abs(digit) - 1;
      const run = placed.subarray((began[bucket] as number) - base, (began[bucket + 1] as number) - base);
      check.equal(run.includes(2 * (entry + 1) + (digit < 0 ? 1 : 0)), true, `entry ${entry} in its bucket of window ${w + 1}`);
    });
  });
  check.equal(placed.filter((tag) => tag !== 0).length, signed.flatMap((each) => each.slice(1)).filter(Boolean).length, 'entries placed');
  await checkLists(bench, { starts, owners, firstBucket: buckets }, [...began.subarray(buckets, all + 1)], check);
  return check.count;
}

/** The lists of all strides: slots whose rank is a multiple of twice the stride, and which have another at that distance. */
async function checkLists(
  bench: KernelBench,
  { starts, owners, firstBucket }: { starts: GPUBuffer; owners: GPUBuffer; firstBucket: number },
  began: readonly number[],
  check: Comparison,
): Promise<void> {
  const edges = began.map((start) => (start - (began[0] as number)) / 2);
  const slots = edges.at(-1) as number;
  let before = bench.buffer(slots + 1);
  for (let stride = 1; stride < slots; stride *= 2) {
    const after = bench.buffer(slots + 1);
    const listed = stride === 1 ? 0 : 1;
    await bench.run(pairsKernel, slots, { stride, slots, listed, firstBucket }, { starts, owners, before, after });
    const words = await bench.words(after);
    const expected = edges.slice(0, -1).flatMap((from, bucket) => {
      const places: number[] = [];
      for (let slot = from; slot + stride < (edges[bucket + 1] as number); slot += 2 * stride) places.push(slot);
      return places;
    });
    check.equal(words[0], expected.length, `length of the list of stride ${stride}`);
    check.equal(
      [...words.subarray(1, 1 + expected.length)].sort((a, b) => a - b),
      expected,
      `list of stride ${stride}`,
    );
    if (expected.length === 0) return;
    before = after;
  }
}
