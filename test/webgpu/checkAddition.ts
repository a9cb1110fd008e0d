/** Additions of pairs against the affine reference: ordinary ones, and all that have no slope of their own. */

import { LAMBDA } from '../../prover/engine/curve/endomorphism.js';
import { BASE_FIELD, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { addPoints, multiple, negate, type Point } from '../../prover/engine/reference/curve.js';
import { denominatorsKernel, gatheredSums, residentSums, slopesKernel } from '../../prover/engine/webgpu/addition.js';
import { basesKernel, numbersOfBase } from '../../prover/engine/webgpu/bases.js';
import { fromDevice, toDevice } from '../../prover/engine/webgpu/field.js';
import { invertKernel } from '../../prover/engine/webgpu/inverse.js';
import { seeded } from '../engine/harness.js';
import { GENERATORS } from '../engine/points.js';
import { Comparison, type KernelBench, wordsOf } from './bench.js';

const SEED = 77;
const { prime: q } = BASE_FIELD;
const { prime: r } = SCALAR_FIELD;
const BOUND = 1 << 8;

/** Some points, among them a pair of opposite ones, equal ones, and infinity at the end. */
function somePoints(count: number): Point[] {
  const next = seeded(SEED);
  const distinct = Array.from({ length: count }, () => multiple(GENERATORS.g1, next(r)));
  return [...distinct, distinct[0], negate(distinct[0]), GENERATORS.g1, undefined];
}

const coordinate = (point: Point, name: 'x' | 'y'): bigint => (point ? (point[name][0] as bigint) : 0n);

/** Points as they come back from xs and ys. */
async function pointsAt(bench: KernelBench, xs: GPUBuffer, ys: GPUBuffer): Promise<Point[]> {
  const [x, y] = [await bench.elements(xs), await bench.elements(ys)];
  return x.map((stored, i) => (stored === 0n && y[i] === 0n ? undefined : { x: [fromDevice(stored)], y: [fromDevice(y[i] as bigint)] }));
}

interface Numbers {
  readonly count: number;
  readonly bases: number;
  readonly stride: number;
}

/** The three kernels and the inversion over the pairs in pieces of `limit`; `add` runs the last one. */
async function addPairs(
  bench: KernelBench,
  { count, bases, stride }: Numbers,
  { limit, threads }: { limit: number; threads: number },
  points: { pairs: GPUBuffer; xs: GPUBuffer; ys: GPUBuffer },
  add: (numbers: Record<(typeof denominatorsKernel.params)[number], number>, products: GPUBuffer) => Promise<void>,
): Promise<void> {
  const products = bench.buffer(8 * limit);
  const totals = bench.buffer(8 * threads);
  for (let start = 0; start < count; start += limit) {
    const numbers = { start, limit, count, bases, stride, threads };
    await bench.run(denominatorsKernel, threads, numbers, { ...points, products, totals });
    await bench.run(invertKernel, 2, { count: threads, threads: 2 }, { totals, prefixes: bench.buffer(8 * threads) });
    await bench.run(slopesKernel, threads, numbers, { ...points, products, totals });
    await add(numbers, products);
  }
}

/** Round 0: every base and image, of either sign, with every other, and alone. */
export async function checkGathered(bench: KernelBench): Promise<number> {
  const check = new Comparison();
  const bases = somePoints(2);
  const n = bases.length;
  const raw = bench.buffer(wordsOf(bases.flatMap((point) => (['x', 'y'] as const).map((name) => (coordinate(point, name) << 256n) % q))));
  const [xs, ys] = [bench.buffer(8 * 2 * n), bench.buffer(8 * n)];
  const numbers = numbersOfBase(true);
  await bench.run(basesKernel, numbers * n, { start: 0, count: n, bases: n, numbers }, { raw, xs, ys });
  const entries = [...bases, ...bases.map((point) => multiple(point, LAMBDA))];
  const tags = entries.flatMap((_, i) => [2 * (i + 1), 2 * (i + 1) + 1]);
  const pointOf = (tag: number): Point => {
    const point = entries[(tag >> 1) - 1];
    return tag & 1 ? negate(point) : point;
  };
  const pairs = tags.flatMap((first) => [0, ...tags].map((second) => [first, second] as const));
  const order = bench.buffer(Uint32Array.from(pairs.flat()));
  const [sumXs, sumYs] = [bench.buffer(8 * pairs.length), bench.buffer(8 * pairs.length)];
  const cut = { limit: Math.ceil(pairs.length / 2), threads: 64 };
  await addPairs(bench, { count: pairs.length, bases: n, stride: 0 }, cut, { pairs: order, xs, ys }, (all, products) =>
    bench.run(gatheredSums, cut.limit, all, { pairs: order, xs, ys, products, sumXs, sumYs }),
  );
  const got = await pointsAt(bench, sumXs, sumYs);
  pairs.forEach(([first, second], i) => {
    const expected = second === 0 ? pointOf(first) : addPoints(pointOf(first), pointOf(second));
    check.equal(got[i], expected, `entries ${first} and ${second}`);
  });
  return check.count;
}

/** Later rounds: pairs at a distance, in place; what is in no pair stays as it was. */
export async function checkResident(bench: KernelBench): Promise<number> {
  const check = new Comparison();
  const some = somePoints(3);
  const pairs = some.flatMap((first) => some.map((second) => [first, second] as const));
  const stride = pairs.length;
  const points = [...pairs.map(([first]) => first), ...pairs.map(([, second]) => second)];
  const store = (name: 'x' | 'y'): GPUBuffer => bench.buffer(wordsOf(points.map((point) => toDevice(coordinate(point, name)))));
  const [xs, ys] = [store('x'), store('y')];
  // All but every fifth pair, the last first.
  const listed = pairs.flatMap((_, i) => (i % 5 === 0 ? [] : [i])).reverse();
  const list = bench.buffer(Uint32Array.from([listed.length, ...listed]));
  const cut = { limit: BOUND, threads: 3 };
  await addPairs(bench, { count: BOUND, bases: 0, stride }, cut, { pairs: list, xs, ys }, (all, products) =>
    bench.run(residentSums, BOUND, all, { pairs: list, xs, ys, products }),
  );
  const got = await pointsAt(bench, xs, ys);
  pairs.forEach(([first, second], i) => {
    check.equal(got[i], i % 5 === 0 ? first : addPoints(first, second), `pair ${i}`);
    check.equal(got[stride + i], second, `second of pair ${i}`);
  });
  return check.count;
}
