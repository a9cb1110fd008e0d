/** The engine's pairing against noble-curves and the vectors of the chain's precompile, on ordinary and on nasty points. */
import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, it } from 'vitest';
import { twistB } from '../../prover/engine/curve/equation.js';
import { wideArithmeticAvailable } from '../../prover/engine/field/backends.js';
import { BASE_FIELD, inverseModulo } from '../../prover/engine/field/parameters.js';
import { emitPairing } from '../../prover/engine/pairing/module.js';
import { type Coordinates, PAIRS_AT_ONCE, PairingEngine } from '../../prover/engine/pairing/pairing.js';
import { CURVE_PARAMETER, frobeniusFactor, signedDigits } from '../../prover/engine/pairing/parameters.js';
import { multiple, type Point } from '../../prover/engine/reference/curve.js';
import { seeded } from './harness.js';
import { GENERATORS } from './points.js';

const { G1, G2, fields } = bn254;
type P1 = typeof G1.Point.BASE;
type P2 = typeof G2.Point.BASE;
const SEED = 197;
const next = seeded(SEED);
const ORDER = fields.Fr.ORDER;
/** The order of the twist is r times this. */
const COFACTOR = 2n * BASE_FIELD.prime - ORDER;
/** Prime factors of the cofactor: points of these orders lie on the curve and in no pairing group. */
const COFACTOR_PRIMES = [10069n, 5864401n, 1875725156269n, 197620364512881247228717050342013327560683201906968909n];

const c1 = (p: P1): Coordinates => {
  if (p.is0()) return undefined;
  const { x, y } = p.toAffine();
  return [x, y];
};
const c2 = (p: P2): Coordinates => {
  if (p.is0()) return undefined;
  const { x, y } = p.toAffine();
  return [x.c0, x.c1, y.c0, y.c1];
};
const point1 = (): P1 => G1.Point.BASE.multiply(1n + next(ORDER - 1n));
const point2 = (): P2 => G2.Point.BASE.multiply(1n + next(ORDER - 1n));
const flat = (value: unknown): bigint[] => (typeof value === 'bigint' ? [value] : Object.values(value as object).flatMap(flat));

/** Points of the twist's curve, in whatever subgroup: the first abscissae from `start` with a square on the right side. */
function twistPoint(start: bigint): P2 {
  const { Fp2 } = fields;
  for (let k = start; ; k++) {
    const x = Fp2.fromBigTuple([k, 1n]);
    try {
      return G2.Point.fromAffine({ x, y: Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), G2.Point.CURVE().b)) });
    } catch {
      // No square root: the next one.
    }
  }
}

/** scalar·P by the readable reference, which knows no group order. */
function times(point: P2, scalar: bigint): Coordinates {
  const [x0, x1, y0, y1] = c2(point) as [bigint, bigint, bigint, bigint];
  const result: Point = multiple({ x: [x0, x1], y: [y0, y1] }, scalar);
  return result && [...result.x, ...result.y];
}

/** Inputs of the precompile, EIP-197: pairs of points, imaginary parts first. From go-ethereum's tests of it: jeff1. */
const HOLDS = [
  '1c76476f4def4bb94541d57ebba1193381ffa7aa76ada664dd31c16024c43f59',
  '3034dd2920f673e204fee2811c678745fc819b55d3e9d294e45c9b03a76aef41',
  '209dd15ebff5d46c4bd888e51a93cf99a7329636c63514396b4a452003a35bf7',
  '04bf11ca01483bfa8b34b43561848d28905960114c8ac04049af4b6315a41678',
  '2bb8324af6cfc93537a2ad1a445cfd0ca2a71acd7ac41fadbf933c2a51be344d',
  '120a2a4cf30c1bf9845f20c6fe39e07ea2cce61f0c9bb048165fe5e4de877550',
  '111e129f1cf1097710d41c4ac70fcdfa5ba2023c6ff1cbeac322de49d1b6df7c',
  '2032c61a830e3c17286de9462bf242fca2883585b93870a73853face6a6bf411',
  '198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2',
  '1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed',
  '090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b',
  '12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa',
].map((word) => BigInt(`0x${word}`));

const pairsOf = (words: readonly bigint[]): { g1: Coordinates; g2: Coordinates }[] =>
  Array.from({ length: words.length / 6 }, (_, i) => {
    const [x, y, x1, x0, y1, y0] = words.slice(6 * i, 6 * i + 6) as [bigint, bigint, bigint, bigint, bigint, bigint];
    return { g1: [x, y], g2: [x0, x1, y0, y1] };
  });

describe('constants', () => {
  it('the parameter gives the primes, digits give the parameter, the twist has the generator on it', () => {
    const u = CURVE_PARAMETER;
    expect(36n * u ** 4n + 36n * u ** 3n + 24n * u ** 2n + 6n * u + 1n).toBe(BASE_FIELD.prime);
    expect(36n * u ** 4n + 36n * u ** 3n + 18n * u ** 2n + 6n * u + 1n).toBe(ORDER);
    expect(signedDigits(u).reduce((value, digit) => 2n * value + BigInt(digit), 0n)).toBe(u);
    const { c0, c1: imaginary } = G2.Point.CURVE().b;
    expect(twistB()).toEqual([c0, imaginary]);
    expect(COFACTOR_PRIMES.reduce((product, factor) => product * factor, 1n)).toBe(COFACTOR);
    expect(frobeniusFactor(2, 3)).toEqual([BASE_FIELD.prime - 1n, 0n]);
    expect((inverseModulo(82n, BASE_FIELD.prime) * 82n) % BASE_FIELD.prime).toBe(1n);
  });
  it('the module is the same every time and valid', () => {
    expect(emitPairing('portable').bytes).toEqual(emitPairing('portable').bytes);
    expect(WebAssembly.validate(emitPairing('portable').bytes)).toBe(true);
    expect(WebAssembly.validate(emitPairing('wide').bytes)).toBe(wideArithmeticAvailable());
  });
});

describe('pairing', () => {
  const engine = PairingEngine.create('portable');

  it('gives the value of noble-curves, which is snarkjs’', () => {
    for (const [p, q] of [
      [G1.Point.BASE, G2.Point.BASE],
      [point1(), point2()],
      [point1().negate(), G2.Point.BASE],
    ] as const)
      expect(engine.finalPower([{ g1: c1(p), g2: c2(q) }])).toEqual(flat(bn254.pairing(p, q)));
  });
  it('is bilinear, not degenerate, and takes infinity as 1 on either side', () => {
    const [p, q] = [point1(), point2()];
    const [a, b] = [next(ORDER), next(ORDER)];
    expect(engine.productIsOne([{ g1: c1(p), g2: c2(q) }])).toBe(false);
    const left = { g1: c1(p.multiply(a)), g2: c2(q.multiply(b)) };
    expect(engine.productIsOne([left, { g1: c1(p.multiply((a * b) % ORDER).negate()), g2: c2(q) }])).toBe(true);
    expect(engine.productIsOne([left, { g1: c1(p.multiply((a * b + 1n) % ORDER).negate()), g2: c2(q) }])).toBe(false);
    expect(
      engine.productIsOne([
        { g1: c1(p), g2: c2(q) },
        { g1: c1(p), g2: c2(q.negate()) },
      ]),
    ).toBe(true);
    for (const pairs of [[], [{ g1: undefined, g2: c2(q) }], [{ g1: c1(p), g2: undefined }], [{ g1: undefined, g2: undefined }]])
      expect(engine.productIsOne(pairs)).toBe(true);
  });
  it('EIP-197: a product that is 1, and one that is not because of another point', () => {
    expect(engine.productIsOne(pairsOf(HOLDS))).toBe(true);
    const [first, second] = pairsOf(HOLDS) as [{ g1: Coordinates; g2: Coordinates }, { g1: Coordinates; g2: Coordinates }];
    expect(engine.productIsOne([first, { ...second, g1: [1n, 2n] }])).toBe(false);
    expect(engine.productIsOne([first])).toBe(false);
  });
  it('more pairs than run side by side: all are looked at', () => {
    const [p, q] = [point1(), point2()];
    const plus = { g1: c1(p), g2: c2(q) };
    const minus = { g1: c1(p.negate()), g2: c2(q) };
    const many = Array.from({ length: 2 * PAIRS_AT_ONCE + 2 }, (_, i) => (i % 2 === 0 ? plus : minus));
    expect(engine.productIsOne(many)).toBe(true);
    for (const at of [0, PAIRS_AT_ONCE, many.length - 1])
      expect(engine.productIsOne(many.map((pair, i) => (i === at ? { g1: [1n, 2n], g2: pair.g2 } : pair)))).toBe(false);
  });
});

describe('membership', () => {
  const engine = PairingEngine.create('portable');

  it('points of both curves, and neighbours that are on none', () => {
    const [p, q] = [c1(point1()) as bigint[], c2(point2()) as bigint[]];
    expect([engine.isOnCurve('g1', p), engine.isOnCurve('g2', q), engine.isInSubgroup(q)]).toEqual([true, true, true]);
    for (const [curve, point] of [
      ['g1', p],
      ['g2', q],
    ] as const)
      for (let i = 0; i < point.length; i++)
        expect(
          engine.isOnCurve(
            curve,
            point.map((x, k) => (k === i ? (x + 1n) % BASE_FIELD.prime : x)),
          ),
        ).toBe(false);
    expect(engine.isOnCurve('g1', [0n, 0n])).toBe(false);
    expect(engine.isOnCurve('g1', undefined) && engine.isOnCurve('g2', undefined) && engine.isInSubgroup(undefined)).toBe(true);
  });
  it('A9: points of the twist outside the subgroup, of every order that divides the cofactor', () => {
    for (let start = 1n; start <= 3n; start++) {
      const stray = twistPoint(1000n * start);
      expect(stray.isTorsionFree()).toBe(false);
      expect(engine.isOnCurve('g2', c2(stray))).toBe(true);
      expect(engine.isInSubgroup(c2(stray))).toBe(false);
      expect(engine.isInSubgroup(times(stray, COFACTOR))).toBe(true);
    }
    for (const prime of COFACTOR_PRIMES) {
      const small = times(twistPoint(7n), (ORDER * COFACTOR) / prime);
      expect(small).toBeDefined();
      expect(engine.isOnCurve('g2', small)).toBe(true);
      expect(engine.isInSubgroup(small), `order ${prime}`).toBe(false);
    }
  });
  it('the generator and its multiples at the edges of the order are inside', () => {
    for (const k of [1n, 2n, ORDER - 1n, ORDER - 2n]) expect(engine.isInSubgroup(c2(G2.Point.BASE.multiply(k)))).toBe(true);
  });
});

describe('sums of multiples', () => {
  const engine = PairingEngine.create('portable');
  const sum = (points: Coordinates[], scalars: bigint[]): Coordinates => {
    engine.reset();
    return engine.coordinates(
      engine.sumOfMultiples(
        points.map((point) => engine.load(point)),
        scalars,
      ),
    );
  };
  it('agree with the reference: edges, infinity, P − P, repeated points, none', () => {
    const generator = GENERATORS.g1;
    const [x, y] = [...generator.x, ...generator.y] as [bigint, bigint];
    const expected = (k: bigint): Coordinates => {
      const result = multiple(generator, k);
      return result && [...result.x, ...result.y];
    };
    for (const k of [0n, 1n, 2n, 8n, 9n, 15n, 16n, ORDER - 1n, (1n << 128n) - 1n, next(ORDER)])
      expect(sum([[x, y]], [k])).toEqual(expected(k));
    expect(sum([[x, y]], [ORDER])).toBeUndefined();
    expect(sum([], [])).toBeUndefined();
    expect(sum([undefined, [x, y]], [5n, 7n])).toEqual(expected(7n));
    expect(
      sum(
        [
          [x, y],
          [x, BASE_FIELD.prime - y],
        ],
        [9n, 9n],
      ),
    ).toBeUndefined();
    expect(
      sum(
        [
          [x, y],
          [x, y],
          [x, y],
        ],
        [1n, 2n, 1n << 127n],
      ),
    ).toEqual(expected((1n << 127n) + 3n));
  });
});
