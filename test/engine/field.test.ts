import { describe, expect, it } from 'vitest';
import { BASE_FIELD, inverseModulo, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { LIMB_BITS, portableParameters } from '../../prover/engine/field/portable/parameters.js';
import { encodeElement, PORTABLE, powerOfTwo, toLimbs } from '../../prover/engine/field/representation.js';
import { add, invert, modulo, multiply, norm, subtract } from '../../prover/engine/reference/field.js';
import { Harness, seeded } from './harness.js';

const SEED = 20260901;
const harness = await Harness.create();
const { elementBytes } = harness;

/** 0, ±1, powers of the limbs' radix, values with all low limbs full, random ones. */
function samples(prime: bigint): bigint[] {
  const next = seeded(SEED);
  const edges = [0n, 1n, 2n, prime - 1n, prime - 2n, (prime - 1n) / 2n, (1n << 232n) - 1n, 1n << 29n, (1n << 29n) - 1n, 1n << 253n];
  return [...edges, ...Array.from({ length: 30 }, () => next(prime))];
}

describe.each([BASE_FIELD, SCALAR_FIELD])('prime field $name', (field) => {
  const { name, prime } = field;
  const values = samples(prime);
  const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));

  it('derived constants hold: p·p⁻¹ = 1 and the fold clears the lowest limb', () => {
    const radix = 1n << BigInt(LIMB_BITS);
    const parameters = portableParameters(field);
    const join = (limbs: readonly number[]): bigint => limbs.reduceRight((all, limb) => all * radix + BigInt(limb), 0n);
    expect((BigInt(parameters.negativeInverse) * prime) % radix).toBe(radix - 1n);
    expect((BigInt(parameters.inverse) * prime) % radix).toBe(1n);
    expect(join(parameters.limbs)).toBe(prime);
    expect(join(parameters.foldLimbs) * radix - 1n).toBe(prime * BigInt(parameters.negativeInverse));
    expect(toLimbs(PORTABLE, (1n << 261n) - 1n).every((limb) => limb === radix - 1n)).toBe(true);
  });

  it('mul, add, sub, mulDiff, squareMinus agree with bigints on all pairs of edge and random values', () => {
    const [pa, out] = [harness.alloc(2 * elementBytes), harness.alloc(elementBytes)];
    const pb = pa + elementBytes;
    for (const [a, b] of pairs) {
      harness.put(field, [a, b], pa);
      harness.run(`${name}_mul`, out, pa, pb);
      expect(harness.get(field, out)).toBe((a * b) % prime);
      harness.run(`${name}_add`, out, pa, pb);
      expect(harness.get(field, out)).toBe((a + b) % prime);
      harness.run(`${name}_sub`, out, pa, pb);
      expect(harness.get(field, out)).toBe(modulo(a - b, prime));
      harness.run(`${name}_mulDiff`, out, pa, pb, pa, pb);
      expect(harness.get(field, out)).toBe(modulo(a * (b - a) - b, prime));
      harness.run(`${name}_squareMinus`, out, pa, pb, pb);
      expect(harness.get(field, out)).toBe(modulo(a * a - 2n * b, prime));
    }
  });

  it('square, inverse, canonical, isZero agree', () => {
    const scratch = harness.alloc(4096);
    const [at, out] = [harness.alloc(64), harness.alloc(64)];
    for (const a of values) {
      harness.put(field, [a], at);
      harness.run(`${name}_square`, out, at);
      expect(harness.get(field, out)).toBe((a * a) % prime);
      harness.run(`${name}_inverse`, out, at, scratch);
      expect(harness.get(field, out)).toBe(inverseModulo(a, prime));
      expect(harness.run(`${name}_isZero`, at)).toBe(a === 0n ? 1 : 0);
      harness.run(`${name}_add`, out, at, at);
      harness.run(`${name}_canonical`, out, out);
      expect(harness.instance.bytes.slice(out, out + elementBytes)).toEqual(encodeElement(PORTABLE, field, 2n * a));
    }
  });

  it('inverses of thousands: a·a⁻¹ = 1, in place too, and of values that are not reduced', () => {
    const scratch = harness.alloc(4096);
    const [at, unreduced, out] = [harness.alloc(64), harness.alloc(64), harness.alloc(64)];
    const next = seeded(SEED + 2);
    const powers = Array.from({ length: 254 }, (_, i) => 1n << BigInt(i));
    const many = [...powers, ...powers.map((power) => prime - power), ...Array.from({ length: 4000 }, () => next(prime))];
    for (const a of many) {
      harness.put(field, [a], at);
      // a − 2a: a stored value that may be negative.
      harness.run(`${name}_add`, out, at, at);
      harness.run(`${name}_sub`, unreduced, at, out);
      for (const [from, expected] of [
        [at, 1n],
        [unreduced, prime - 1n],
      ] as const) {
        harness.run(`${name}_inverse`, out, from, scratch);
        harness.run(`${name}_mul`, out, out, at);
        expect(harness.get(field, out), `${a}`).toBe(modulo(expected, prime));
      }
      harness.run(`${name}_inverse`, at, at, scratch);
      harness.run(`${name}_mul`, out, at, unreduced);
      expect(harness.get(field, out), `${a}`).toBe(prime - 1n);
    }
  });

  it('long chains of sums and differences stay exact', () => {
    const next = seeded(SEED + 1);
    const [x, y] = [harness.alloc(64), harness.alloc(64)];
    for (let round = 0; round < 50; round++) {
      let value = next(prime);
      const other = next(prime);
      harness.put(field, [value], x);
      harness.put(field, [other], y);
      for (let i = 0; i < 40; i++) {
        harness.run(`${name}_${i % 3 === 2 ? 'sub' : 'add'}`, x, x, y);
        value = i % 3 === 2 ? value - other : value + other;
      }
      harness.run(`${name}_mul`, x, x, x);
      expect(harness.get(field, x)).toBe(modulo(value * value, prime));
    }
  });

  it('pack and unpack carry 32-byte integers in and out', () => {
    const packed = harness.alloc(32 * values.length);
    const elements = harness.alloc(elementBytes * values.length);
    const enter = harness.alloc(64);
    harness.put(field, [powerOfTwo(field, PORTABLE.montgomeryBits)], enter);
    const bytes = values.flatMap((value) => Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)));
    harness.instance.bytes.set(bytes, packed);
    harness.run(`${name}_unpackMany`, elements, packed, values.length, enter);
    for (const [i, value] of values.entries()) expect(harness.get(field, elements + elementBytes * i)).toBe(value);
    harness.instance.bytes.fill(0, packed, packed + bytes.length);
    harness.run(`${name}_packMany`, packed, elements, values.length);
    expect([...harness.instance.bytes.slice(packed, packed + bytes.length)]).toEqual(bytes);
  });
});

describe('quadratic extension', () => {
  const { prime } = BASE_FIELD;
  const next = seeded(SEED + 2);
  const edges = [0n, 1n, prime - 1n, (1n << 232n) - 1n];
  const values = [...edges.flatMap((a) => edges.map((b) => [a, b])), ...Array.from({ length: 20 }, () => [next(prime), next(prime)])];
  const read = (at: number): bigint[] => [harness.get(BASE_FIELD, at), harness.get(BASE_FIELD, at + elementBytes)];

  it('mul, square, add, sub, mulDiff, squareMinus, normOfDiff, inverse agree with bigints', () => {
    const [pa, pb, out, scratch] = [harness.alloc(128), harness.alloc(128), harness.alloc(128), harness.alloc(4096)];
    for (const a of values) {
      harness.put(BASE_FIELD, a, pa);
      harness.run('q2_square', out, pa);
      expect(read(out)).toEqual(multiply(a, a));
      harness.run('q2_inverse', out, pa, scratch);
      expect(read(out)).toEqual(invert(a));
      expect(harness.run('q2_isZero', pa)).toBe(a.every((x) => x === 0n) ? 1 : 0);
      for (const b of values) {
        harness.put(BASE_FIELD, b, pb);
        harness.run('q2_mul', out, pa, pb);
        expect(read(out)).toEqual(multiply(a, b));
        harness.run('q2_add', out, pa, pb);
        expect(read(out)).toEqual(add(a, b));
        harness.run('q2_sub', out, pa, pb);
        expect(read(out)).toEqual(subtract(a, b));
        harness.run('q2_mulDiff', out, pa, pb, pa, pb);
        expect(read(out)).toEqual(subtract(multiply(a, subtract(b, a)), b));
        harness.run('q2_squareMinus', out, pa, pb, pb);
        expect(read(out)).toEqual(subtract(subtract(multiply(a, a), b), b));
        harness.run('q2_normOfDiff', out, pa, pb);
        expect(harness.get(BASE_FIELD, out)).toBe(norm(subtract(a, b)));
      }
    }
  });
});
