/** Whole sums against the bigint reference, with the inputs that break sums. */

import { LAMBDA } from '../../prover/engine/curve/endomorphism.js';
import { BASE_FIELD, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { addPoints, multiple, negate, type Point, sumOfMultiples } from '../../prover/engine/reference/curve.js';
import { createGpuMsm, type GpuMsmOptions } from '../../prover/engine/webgpu/msm.js';
import { seeded } from '../engine/harness.js';
import { GENERATORS } from '../engine/points.js';
import { Comparison, wordsOf } from './bench.js';
import { someScalars } from './checkSort.js';

const SEED = 4711;
const { prime: q } = BASE_FIELD;
const { prime: r } = SCALAR_FIELD;

export interface Sum {
  readonly bases: readonly Point[];
  readonly scalars: readonly bigint[];
}

/** Bases as in a proving key. */
export function packBases(bases: readonly Point[]): Uint8Array {
  const words = wordsOf(bases.flatMap((point) => (point ? [point.x[0], point.y[0]].map((x) => ((x as bigint) << 256n) % q) : [0n, 0n])));
  return new Uint8Array(words.buffer);
}

export function packScalars(scalars: readonly bigint[]): Uint8Array {
  return new Uint8Array(wordsOf(scalars).buffer);
}

/** i·G for i = 1 … n, each by one addition. */
export function multiplesOfGenerator(n: number): Point[] {
  const points: Point[] = [];
  for (let i = 0; i < n; i++) points.push(addPoints(points.at(-1), GENERATORS.g1));
  return points;
}

/** Σ scalars_i·(i + 1)·G at once. */
export function expectedOfMultiples(scalars: readonly bigint[]): Point {
  return multiple(GENERATORS.g1, scalars.reduce((sum, scalar, i) => sum + scalar * BigInt(i + 1), 0n) % r);
}

/** Sums of up to `n` terms that meet equal and opposite points, infinity, edges of the scalars, in one bucket or many. */
export function nastySums(n: number): Record<string, Sum> {
  const next = seeded(SEED);
  const points = Array.from({ length: n }, () => multiple(GENERATORS.g1, next(r)));
  const random = points.map(() => next(r));
  const [first, second] = points as [Point, Point];
  const same = (scalar: bigint): bigint[] => points.map(() => scalar);
  return {
    'one term': { bases: [first], scalars: [random[0] as bigint] },
    'one term of zero': { bases: [first], scalars: [0n] },
    'one term at infinity': { bases: [undefined], scalars: [random[0] as bigint] },
    'random scalars': { bases: points, scalars: random },
    'edges of the scalar range': { bases: points, scalars: someScalars(n) },
    'all scalars zero': { bases: points, scalars: same(0n) },
    'all scalars one': { bases: points, scalars: same(1n) },
    'all scalars r − 1': { bases: points, scalars: same(r - 1n) },
    'all scalars the same': { bases: points, scalars: same(random[1] as bigint) },
    'one base repeated': { bases: points.map(() => first), scalars: random },
    'one base repeated with equal scalars': { bases: points.map(() => first), scalars: same(random[2] as bigint) },
    'opposite bases with equal scalars': { bases: points.map((_, i) => (i % 2 ? negate(first) : first)), scalars: same(5n) },
    'opposite scalars of one base': { bases: points.map(() => first), scalars: points.map((_, i) => (i % 2 ? r - 7n : 7n)) },
    'a base and its image': { bases: points.map((_, i) => (i % 2 ? multiple(first, LAMBDA) : first)), scalars: same(9n) },
    'infinity among the bases': { bases: points.map((point, i) => (i % 3 ? point : undefined)), scalars: random },
    'infinity only': { bases: points.map(() => undefined), scalars: random },
    'two bases in turns, bits': {
      bases: points.map((_, i) => (i % 2 ? first : second)),
      scalars: points.map((_, i) => BigInt(i % 3 === 0)),
    },
  };
}

/** Sums of 2^log multiples of the generator, with scalars that end in the edges of their range. */
export async function checkSizes(device: GPUDevice, logs: readonly number[]): Promise<number> {
  const check = new Comparison();
  for (const log of logs) {
    const scalars = someScalars(2 ** log).reverse();
    const msm = await createGpuMsm(device, packBases(multiplesOfGenerator(2 ** log)));
    const got = await msm.compute(packScalars(scalars));
    msm.destroy();
    check.equal(got && { x: [got.x], y: [got.y] }, expectedOfMultiples(scalars), `2^${log} terms`);
  }
  return check.count;
}

/** Every sum with every choice of options. */
export async function checkSums(
  device: GPUDevice,
  sums: Readonly<Record<string, Sum>>,
  choices: readonly GpuMsmOptions[],
): Promise<number> {
  const check = new Comparison();
  for (const [name, { bases, scalars }] of Object.entries(sums)) {
    const expected = sumOfMultiples(bases, scalars);
    for (const options of choices) {
      const msm = await createGpuMsm(device, packBases(bases), options);
      const got = await msm.compute(packScalars(scalars));
      msm.destroy();
      check.equal(got && { x: [got.x], y: [got.y] }, expected, `${name}, ${JSON.stringify(options)}`);
    }
  }
  return check.count;
}
