import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, it } from 'vitest';
import { addPoints, multiple, negate, type Point } from '../../prover/engine/reference/curve.js';
import { batchAddScratchBytes } from '../../prover/engine/sizes.js';
import { Harness, seeded } from './harness.js';
import { GENERATORS, getPoint, getProjective, putPoint } from './points.js';

const SEED = 77;
const harness = await Harness.create();

describe.each(['g1', 'g2'] as const)('%s', (curve) => {
  const generator = GENERATORS[curve];
  const { affineBytes, projectiveBytes, elementBytes } = harness.instance.info.curves[curve];
  const next = seeded(SEED);
  const p = multiple(generator, next(1n << 254n));
  const q = multiple(generator, next(1n << 254n));
  /** Ordinary pairs and all exceptional ones: P + P, P − P, infinity on either side and on both. */
  const pairs: [Point, Point][] = [
    [p, q],
    [p, p],
    [p, negate(p)],
    [undefined, p],
    [p, undefined],
    [undefined, undefined],
    [generator, p],
    [q, generator],
  ];

  it('the reference agrees with noble-curves', () => {
    const scalar = next(1n << 253n);
    const mine = multiple(generator, scalar);
    if (curve === 'g1') {
      const { x, y } = bn254.G1.Point.BASE.multiply(scalar).toAffine();
      expect(mine).toEqual({ x: [x], y: [y] });
    } else {
      const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine();
      expect(mine).toEqual({ x: [x.c0, x.c1], y: [y.c0, y.c1] });
    }
  });

  it('complete projective addition is right for every pair, exceptional ones included', () => {
    const [affine, a, b, out, scratch] = [affineBytes, projectiveBytes, projectiveBytes, projectiveBytes, 4096].map((size) =>
      harness.alloc(size),
    ) as [number, number, number, number, number];
    for (const [left, right] of pairs) {
      putPoint(harness, curve, left, affine);
      harness.run(`${curve}_lift`, a, affine);
      putPoint(harness, curve, right, affine);
      harness.run(`${curve}_lift`, b, affine);
      harness.run(`${curve}_add`, out, a, b, scratch);
      expect(getProjective(harness, curve, out)).toEqual(addPoints(left, right));
    }
  });

  it('batched affine addition agrees with the reference, with signs and exceptions mixed into one batch', () => {
    const entries = pairs.flatMap(([left, right]) => [0, 1].flatMap((s) => [0, 1].map((t) => ({ left, right, s, t }))));
    const many = [...entries, ...entries];
    const list = harness.alloc(12 * many.length);
    const results = harness.alloc(affineBytes * many.length);
    const scratch = harness.alloc(batchAddScratchBytes(elementBytes, many.length));
    many.forEach(({ left, right, s, t }, i) => {
      const [first, second] = [harness.alloc(affineBytes), harness.alloc(affineBytes)];
      putPoint(harness, curve, left, first);
      putPoint(harness, curve, right, second);
      harness.instance.words.set([first | s, second | t, results + affineBytes * i], list / 4 + 3 * i);
    });
    harness.run(`${curve}_batchAdd`, list, many.length, scratch);
    many.forEach(({ left, right, s, t }, i) => {
      const expected = addPoints(s ? negate(left) : left, t ? negate(right) : right);
      expect(getPoint(harness, curve, results + affineBytes * i), `entry ${i}`).toEqual(expected);
    });
  });

  it('long sums keep their values in range: results fed back as operands', () => {
    const [x, y, list] = [harness.alloc(affineBytes), harness.alloc(affineBytes), harness.alloc(12)];
    const scratch = harness.alloc(batchAddScratchBytes(elementBytes, 1));
    let sum: Point = p;
    putPoint(harness, curve, p, x);
    putPoint(harness, curve, q, y);
    for (let i = 0; i < 40; i++) {
      harness.instance.words.set([x | (i & 1), y, x], list / 4);
      harness.run(`${curve}_batchAdd`, list, 1, scratch);
      sum = addPoints(i & 1 ? negate(sum) : sum, q);
    }
    expect(getPoint(harness, curve, x)).toEqual(sum);
  });
});
