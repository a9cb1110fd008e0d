import { describe, expect, it } from 'vitest';
import { LAMBDA } from '../../prover/engine/curve/endomorphism.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { writeInteger } from '../../prover/engine/groth16/container.js';
import { PointCalculator } from '../../prover/engine/groth16/points.js';
import type { CurveName } from '../../prover/engine/kernels.js';
import {
  chooseWindowBits,
  GROUP_POINTS,
  LARGEST_WINDOW_BITS,
  SMALLEST_WINDOW_BITS,
  windowCount,
  windowMemory,
} from '../../prover/engine/msm/plan.js';
import { runWindow } from '../../prover/engine/msm/window.js';
import { addPoints, multiple, negate, type Point, sumOfMultiples } from '../../prover/engine/reference/curve.js';
import { Harness, seeded } from './harness.js';
import { GENERATORS, getProjective, putPoint } from './points.js';

const SEED = 4242;
/** More than two work lists of additions in every window. */
const MANY = 3000;
const { prime: r } = SCALAR_FIELD;
const harness = await Harness.create();
const work = harness.alloc(24 << 20);

/** The whole sum, window by window, as the prover does it; the points from `cut` on are a part of their own. */
function sum(
  curve: CurveName,
  points: readonly NonNullable<Point>[],
  scalars: readonly bigint[],
  bits: number,
  cut = points.length,
): Point {
  const { affineBytes, projectiveBytes } = harness.instance.info.curves[curve];
  const n = points.length;
  const [bases, indices, packed] = [affineBytes * n, 4 * n, 32 * n].map((size) => harness.alloc(size + 8)) as [number, number, number];
  const results = harness.alloc(projectiveBytes * windowCount(bits));
  for (const [i, point] of points.entries()) putPoint(harness, curve, point, bases + affineBytes * i);
  scalars.forEach((scalar, i) => {
    harness.instance.words[indices / 4 + i] = i < cut ? i : i - cut;
    harness.instance.bytes.set(writeInteger(scalar), packed + 32 * i);
  });
  harness.run('msm_split', packed, packed, n);
  const parts = [
    { bases, indices, count: cut, scalars: packed },
    { bases: bases + affineBytes * cut, indices: indices + 4 * cut, count: n - cut, scalars: packed + 32 * cut },
  ];
  for (let window = 0; window < windowCount(bits); window++) {
    const result = results + projectiveBytes * window;
    runWindow(harness.instance, { curve, parts, bits, window, result }, work);
  }
  const calculator = new PointCalculator(harness.instance, harness.alloc(1 << 15));
  return getProjective(harness, curve, calculator.joinWindows(curve, results, windowCount(bits), bits));
}

describe.each(['g1', 'g2'] as const)('multi-exponentiation in %s', (curve) => {
  const next = seeded(SEED);
  const generator = GENERATORS[curve];
  const points = Array.from({ length: 10 }, () => multiple(generator, next(r)) as NonNullable<Point>);
  const random = points.map(() => next(r));
  const first = points[0] as NonNullable<Point>;
  const cases: Record<string, [NonNullable<Point>[], bigint[]]> = {
    'no points': [[], []],
    'one point': [[first], [random[0] as bigint]],
    'random scalars': [points, random],
    'all scalars zero': [points, points.map(() => 0n)],
    'all scalars one': [points, points.map(() => 1n)],
    'all scalars r − 1': [points, points.map(() => r - 1n)],
    'equal scalars': [points, points.map(() => random[3] as bigint)],
    'edges of the scalar range': [points.slice(0, 8), [0n, 1n, 2n, r - 1n, r - 2n, (r - 1n) / 2n, 1n << 253n, (1n << 253n) - 1n]],
    'one base repeated': [points.map(() => first), random],
    'one base repeated with equal scalars': [points.map(() => first), points.map(() => random[1] as bigint)],
    'opposite bases with equal scalars': [
      points.map((_, i) => (i % 2 ? (negate(first) as NonNullable<Point>) : first)),
      points.map(() => 5n),
    ],
    // Here a bucket of one half and the other half's, taken by the endomorphism, hold equal or opposite points.
    'λ times a base beside the base itself': [
      [first, multiple(first, LAMBDA) as NonNullable<Point>, first, negate(multiple(first, LAMBDA)) as NonNullable<Point>],
      [LAMBDA, 1n, 5n * LAMBDA, 5n],
    ],
    'sums that cancel across the halves': [
      [first, multiple(first, LAMBDA) as NonNullable<Point>],
      [LAMBDA, r - 1n],
    ],
    'scalars with one half empty': [points, points.map((_, i) => (BigInt(i) * LAMBDA) % r)],
    bits: [points, points.map((_, i) => BigInt(i % 2))],
  };

  it.each(Object.entries(cases))('%s', (_, [bases, scalars]) => {
    const expected = sumOfMultiples(bases, scalars);
    for (const bits of [SMALLEST_WINDOW_BITS, 9]) expect(sum(curve, bases, scalars, bits), `${bits} bits`).toEqual(expected);
  });

  it('thousands of points, so that work lists fill up and buckets take several rounds', () => {
    const bases: NonNullable<Point>[] = [];
    let point: Point;
    for (let i = 0; i < MANY; i++) {
      point = addPoints(point, generator);
      bases.push(point as NonNullable<Point>);
    }
    const scalars = bases.map(() => next(r));
    const expected = multiple(generator, scalars.reduce((total, scalar, i) => total + scalar * BigInt(i + 1), 0n) % r);
    for (const bits of [SMALLEST_WINDOW_BITS, 8]) expect(sum(curve, bases, scalars, bits), `${bits} bits`).toEqual(expected);
  });

  it('two parts, each with bases and scalars of its own, in the same buckets', () => {
    const expected = sumOfMultiples(points, random);
    for (const cut of [0, 1, 6]) expect(sum(curve, points, random, 5, cut), `cut at ${cut}`).toEqual(expected);
  });

  it('a bucket so large that it is summed in pieces', () => {
    const n = 2 * GROUP_POINTS + 3;
    const bases = Array.from({ length: n }, (_, i) => points[i % points.length] as NonNullable<Point>);
    const expected = sumOfMultiples(
      points,
      points.map((_, j) => BigInt(Math.ceil((n - j) / points.length))),
    );
    const ones = bases.map(() => 1n);
    expect(sum(curve, bases, ones, 9)).toEqual(expected);
  });

  it('agrees for every window width', () => {
    const [bases, scalars] = [points.slice(0, 5), random.slice(0, 5)];
    const expected = sumOfMultiples(bases, scalars);
    for (let bits = SMALLEST_WINDOW_BITS; bits <= LARGEST_WINDOW_BITS; bits++)
      expect(sum(curve, bases, scalars, bits), `${bits} bits`).toEqual(expected);
  });
});

describe('plan', () => {
  it('fewer bases or smaller scalars never take wider windows: a work area that is enough once stays so', () => {
    const next = seeded(SEED);
    for (let i = 0; i < 2000; i++) {
      const bases = Number(next(1n << (1n + next(19n))));
      const count = Number(next(BigInt(bases + 1)));
      const large = Number(next(BigInt(count + 1)));
      const widest = chooseWindowBits(bases, bases);
      for (const bits of [chooseWindowBits(count, count), chooseWindowBits(count, large)]) {
        expect(bits, `${bases}, ${count}, ${large}`).toBeLessThanOrEqual(widest);
      }
    }
  });

  it('wide windows for many large scalars, narrow ones for few', () => {
    expect(chooseWindowBits(1 << 17, 1 << 17)).toBeGreaterThan(chooseWindowBits(1 << 17, 100));
    expect(windowMemory(harness.instance.info.curves.g1, 10, 4).end).toBeGreaterThan(0);
  });
});
