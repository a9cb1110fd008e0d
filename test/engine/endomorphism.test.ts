import { describe, expect, it } from 'vitest';
import { HALF_SCALAR_BITS, LAMBDA, SHORT_BASIS } from '../../prover/engine/curve/endomorphism.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { readInteger, writeInteger } from '../../prover/engine/groth16/container.js';
import { digitOffset, LARGEST_WINDOW_BITS, SMALLEST_WINDOW_BITS } from '../../prover/engine/msm/plan.js';
import { multiple, type Point } from '../../prover/engine/reference/curve.js';
import { splitScalar } from '../../prover/engine/reference/endomorphism.js';
import { modulo } from '../../prover/engine/reference/field.js';
import { HALF_BYTES } from '../../prover/engine/sizes.js';
import { Harness, seeded } from './harness.js';
import { GENERATORS, getPoint, putPoint } from './points.js';

const SEED = 31;
const { prime: r } = SCALAR_FIELD;
const harness = await Harness.create();
const LIMIT = 1n << BigInt(HALF_SCALAR_BITS);

/** Small ones, the largest, powers of two and of λ, multiples of the basis, those halfway between lattice points, random ones. */
function scalars(): bigint[] {
  const next = seeded(SEED);
  const { a1, b1, a2, b2 } = SHORT_BASIS;
  const powers = Array.from({ length: 254 }, (_, i) => 1n << BigInt(i)).filter((power) => power < r);
  const edges = [0n, 1n, 2n, 65535n, 65536n, r - 1n, r - 2n, r / 2n, r / 2n + 1n, LAMBDA, r - LAMBDA, LAMBDA + 1n, (LAMBDA * LAMBDA) % r];
  const basis = [a1, b1, a2, b2].flatMap((x) => [x, -x, x * LAMBDA, -x * LAMBDA, x + 1n, x - 1n]);
  // Quotients k·b/r just below and above a half: the nearest integer changes there.
  const halfway = [b2, -b1].flatMap((b) => Array.from({ length: 20 }, (_, i) => ((2n * BigInt(i) + 1n) * r) / (2n * b)));
  const random = Array.from({ length: 2000 }, () => next(r));
  return [...edges, ...powers, ...basis, ...halfway.flatMap((k) => [k - 1n, k, k + 1n]), ...random].map((k) => modulo(k, r));
}

/** The halves as the kernel leaves them: signed, of 128 bits. */
function splitByKernel(values: readonly bigint[]): [bigint, bigint][] {
  const packed = harness.alloc(32 * values.length);
  values.forEach((value, i) => {
    harness.instance.bytes.set(writeInteger(value), packed + 32 * i);
  });
  harness.run('msm_split', packed, packed, values.length);
  const bytes = new Uint8Array(32);
  return values.map((_, i) => {
    bytes.set(harness.instance.bytes.subarray(packed + 32 * i, packed + 32 * i + 32));
    const both = readInteger(bytes, 0);
    const bits = 8 * HALF_BYTES;
    return [BigInt.asIntN(bits, both), BigInt.asIntN(bits, both >> BigInt(bits))];
  });
}

describe('scalars in halves', () => {
  const values = scalars();

  it('the basis lies in the lattice and spans it', () => {
    const { a1, b1, a2, b2 } = SHORT_BASIS;
    expect([modulo(a1 + b1 * LAMBDA, r), modulo(a2 + b2 * LAMBDA, r), a1 * b2 - a2 * b1]).toEqual([0n, 0n, r]);
    expect(modulo(LAMBDA * LAMBDA + LAMBDA + 1n, r)).toBe(0n);
  });

  it('the twin: k = k1 + k2·λ, both halves within 2^126', () => {
    for (const k of values) {
      const [k1, k2] = splitScalar(k);
      expect(modulo(k1 + k2 * LAMBDA - k, r), `${k}`).toBe(0n);
      for (const half of [k1, k2]) expect(half > -LIMIT && half < LIMIT, `${k}`).toBe(true);
    }
  });

  it('the kernel agrees with the twin wherever the nearest integer is clear, and is always one of the short halves', () => {
    const kernel = splitByKernel(values);
    let same = 0;
    for (const [i, k] of values.entries()) {
      const [k1, k2] = kernel[i] as [bigint, bigint];
      expect(modulo(k1 + k2 * LAMBDA - k, r), `${k}`).toBe(0n);
      for (const half of [k1, k2]) expect(half > -LIMIT && half < LIMIT, `${k}`).toBe(true);
      if (String(splitScalar(k)) === String([k1, k2])) same++;
    }
    expect(same).toBeGreaterThan(values.length * 0.95);
  });

  it('small scalars stay whole: bits of a hash circuit meet one window', () => {
    const small = [0n, 1n, 2n, 255n, 65535n, 1n << 32n, (1n << 60n) - 1n];
    expect(splitByKernel(small)).toEqual(small.map((k) => [k, 0n]));
    expect(splitByKernel([r - 1n, r - 255n])).toEqual([
      [-1n, 0n],
      [-255n, 0n],
    ]);
  });

  it('the offset of every window width leaves a half in 128 bits', () => {
    for (let bits = SMALLEST_WINDOW_BITS; bits <= LARGEST_WINDOW_BITS; bits++) {
      const offset = digitOffset(bits);
      expect(offset > LIMIT && offset + LIMIT < 1n << 128n, `${bits} bits`).toBe(true);
    }
  });
});

describe.each(['g1', 'g2'] as const)('the endomorphism of %s', (curve) => {
  it('multiplies by λ, and leaves infinity alone', () => {
    const next = seeded(SEED + 1);
    const points: Point[] = [GENERATORS[curve], undefined, ...Array.from({ length: 5 }, () => multiple(GENERATORS[curve], next(r)))];
    const { affineBytes } = harness.instance.info.curves[curve];
    const at = harness.alloc(affineBytes * points.length);
    for (const [i, point] of points.entries()) putPoint(harness, curve, point, at + affineBytes * i);
    harness.run(`${curve}_endomorphismMany`, at, points.length);
    for (const [i, point] of points.entries()) expect(getPoint(harness, curve, at + affineBytes * i)).toEqual(multiple(point, LAMBDA));
  });
});
