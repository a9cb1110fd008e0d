/** Verification on the engine against its readable twins in protocol/: the same verdict and the same error for everything. */
import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, it } from 'vitest';
import { FIELD_MODULUS } from '../../protocol/field.js';
import * as slowFold from '../../protocol/fold.js';
import { type FoldItem, makeKeyTable } from '../../protocol/fold.js';
import * as slow from '../../protocol/groth16.js';
import { BASE_FIELD_MODULUS, type G1, type G2, type Groth16Proof } from '../../protocol/proof.js';
import type { VerifyingKey } from '../../protocol/vkey.js';
import { findBadProofs, isValidGroth16, verifyFold, verifyGroth16 } from '../../prover/engine/verify.js';
import { codeOf } from '../protocol/arbitraries.js';
import { g1, g2, inverse, item, keyOf, mod, simulate, wasteFor } from '../protocol/simulatedProofs.js';
import { seeded } from './harness.js';

const SEED = 11;
const waste = wasteFor(1);
const key = keyOf(waste);
const signals = [41n, 42n, FIELD_MODULUS - 1n];
const proof = simulate(waste, signals, 5n, 6n);
const INFINITY_1: G1 = { x: 0n, y: 0n };
const INFINITY_2: G2 = { x: [0n, 0n], y: [0n, 0n] };
const negative = ({ x, y }: G1): G1 => ({ x, y: BASE_FIELD_MODULUS - y });

/** Both verifiers' code, which must be one. */
function verdict(k: VerifyingKey, inputs: readonly bigint[], p: Groth16Proof): string | undefined {
  const fast = codeOf(() => verifyGroth16(k, inputs, p));
  expect(fast).toBe(codeOf(() => slow.verifyGroth16(k, inputs, p)));
  expect(isValidGroth16(k, inputs, p)).toBe(fast === undefined);
  return fast;
}

function outsideSubgroup(): G2 {
  const { Fp2 } = bn254.fields;
  for (let k = 1n; ; k++) {
    const x = Fp2.fromBigTuple([k, 0n]);
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
      return { x: [x.c0, x.c1], y: [y.c0, y.c1] };
    } catch {
      // No square root: the next one.
    }
  }
}

describe('one proof', () => {
  it('honest proofs, also with random inputs and with C at infinity', () => {
    const next = seeded(SEED);
    expect(verdict(key, signals, proof)).toBeUndefined();
    for (let i = 0; i < 3; i++) {
      const random = [next(FIELD_MODULUS), next(FIELD_MODULUS), next(FIELD_MODULUS)];
      expect(verdict(key, random, simulate(waste, random, next(FIELD_MODULUS), next(FIELD_MODULUS)))).toBeUndefined();
    }
    const vkx = signals.reduce((sum, signal, i) => sum + signal * (waste.ic[i + 1] as bigint), waste.ic[0] as bigint);
    const product = mod(waste.alpha * waste.beta + vkx * waste.gamma);
    expect(verdict(key, signals, { a: g1(product), b: g2(1n), c: INFINITY_1 })).toBeUndefined();
    const none = keyOf({ ...waste, ic: [3n] });
    expect(verdict(none, [], simulate({ ...waste, ic: [3n] }, [], 5n, 6n))).toBeUndefined();
  });
  it('A1: too few and too many inputs, a missing zero, x + p, x + 2p and −1', () => {
    for (const inputs of [signals.slice(0, 2), [...signals, 0n], []]) expect(verdict(key, inputs, proof)).toBe('PUBLIC_COUNT');
    const zeroTail = simulate(waste, [5n, 0n, 0n], 8n, 9n);
    expect(verdict(key, [5n], zeroTail)).toBe('PUBLIC_COUNT');
    expect(verdict(key, [5n, 0n, 0n], zeroTail)).toBeUndefined();
    for (let i = 0; i < signals.length; i++) {
      for (const shift of [FIELD_MODULUS, 2n * FIELD_MODULUS, -FIELD_MODULUS]) {
        expect(
          verdict(
            key,
            signals.map((signal, k) => (k === i ? signal + shift : signal)),
            proof,
          ),
        ).toBe('FIELD_RANGE');
      }
    }
  });
  it('altered inputs and points, negatives, infinity', () => {
    for (let i = 0; i < signals.length; i++) {
      const altered = signals.map((signal, k) => (k === i ? mod(signal + 1n) : signal));
      expect(verdict(key, altered, proof)).toBe('PROOF_INVALID');
    }
    const changes: Partial<Groth16Proof>[] = [
      { a: g1(7n) },
      { b: g2(7n) },
      { c: g1(7n) },
      { a: negative(proof.a) },
      { c: negative(proof.c) },
      { a: INFINITY_1 },
      { b: INFINITY_2 },
      { c: INFINITY_1 },
      { a: INFINITY_1, b: INFINITY_2, c: INFINITY_1 },
    ];
    for (const change of changes) expect(verdict(key, signals, { ...proof, ...change })).toBe('PROOF_INVALID');
  });
  it('A9: coordinates of q or more, points off the curve and outside the subgroup, in every place', () => {
    const { a, b, c } = proof;
    const [x0, x1] = b.x;
    const [y0, y1] = b.y;
    for (const change of [
      { a: { x: a.x + BASE_FIELD_MODULUS, y: a.y } },
      { c: { x: c.x, y: c.y + BASE_FIELD_MODULUS } },
      { b: { x: [x0, x1 + BASE_FIELD_MODULUS] as const, y: b.y } },
      { a: { x: -1n, y: 2n } },
    ])
      expect(verdict(key, signals, { ...proof, ...change })).toBe('PROOF_COORDINATE');
    for (const change of [{ a: { x: a.x, y: a.y + 1n } }, { c: { x: c.y, y: c.x } }, { b: { x: [x1, x0] as const, y: [y1, y0] as const } }])
      expect(verdict(key, signals, { ...proof, ...change })).toBe('POINT_OFF_CURVE');
    expect(verdict(key, signals, { ...proof, b: outsideSubgroup() })).toBe('POINT_OUTSIDE_SUBGROUP');
  });
  it('a key with more inputs than the engine keeps points', () => {
    const many = { ...waste, ic: Array.from({ length: 1201 }, (_, i) => BigInt(i + 1)) };
    const inputs = Array.from({ length: 1200 }, (_, i) => BigInt(i % 3));
    const [wide, valid] = [keyOf(many), simulate(many, inputs, 5n, 6n)];
    expect(verdict(wide, inputs, valid)).toBeUndefined();
    expect(verdict(wide, [...inputs.slice(0, -1), 7n], valid)).toBe('PROOF_INVALID');
  });
  it('A13: keys with which anyone can forge', () => {
    for (const delta of [waste.gamma, -waste.gamma, 1n, waste.beta]) {
      const weak = { ...waste, delta };
      expect(verdict(keyOf(weak), signals, simulate(weak, signals, 5n, 6n))).toBe('KEY_INSECURE');
    }
  });
});

describe('the fold', () => {
  const keys = makeKeyTable([1, 2, 3, 4].map((id) => [id, keyOf(wasteFor(id))] as const));
  const items = [item(1, 1n), item(1, 2n), item(2, 3n), item(4, 4n), item(3, 5n)];
  const at = (i: number): FoldItem => items[i] as FoldItem;
  const withItem = (i: number, changed: Partial<FoldItem>): FoldItem[] =>
    items.map((entry, k) => (k === i ? { ...entry, ...changed } : entry));
  const folded = (list: readonly FoldItem[]): string | undefined => {
    const fast = codeOf(() => verifyFold(keys, list));
    expect(fast).toBe(codeOf(() => slowFold.verifyFold(keys, list)));
    return fast;
  };

  it('A11: honest proofs of several circuits, one alone, none', () => {
    expect(folded(items)).toBeUndefined();
    expect(folded([at(0)])).toBeUndefined();
    expect(folded([])).toBe('FOLD_EMPTY');
    expect(findBadProofs(keys, items)).toEqual([]);
  });
  it('A11: altered, swapped and doubled proofs, another circuit, infinity, cancelling inputs', () => {
    const infinity = { a: INFINITY_1, b: INFINITY_2, c: INFINITY_1 };
    const [r1, r2] = slowFold.foldCoefficients(items) as [bigint, bigint];
    const shifted = withItem(0, { publicInputs: { ...at(0).publicInputs, y: mod(at(0).publicInputs.y + 5n) } }).map((entry, i) =>
      i === 1 ? { ...entry, publicInputs: { ...entry.publicInputs, y: mod(entry.publicInputs.y - 5n * r1 * inverse(r2)) } } : entry,
    );
    const cases = [
      withItem(3, { proof: { ...at(3).proof, c: g1(9n) } }),
      withItem(3, { proof: { ...at(3).proof, b: g2(9n) } }),
      withItem(0, { proof: at(1).proof }).map((entry, i) => (i === 1 ? { ...entry, proof: at(0).proof } : entry)),
      withItem(1, { proof: at(0).proof }),
      withItem(0, { circuitId: 2 }),
      withItem(2, { proof: infinity }),
      shifted,
    ];
    for (const list of cases) expect(folded(list)).toBe('FOLD_INVALID');
  });
  it('A1: x + p in a public input of any proof', () => {
    for (const name of ['h', 'z', 'y'] as const) {
      const publicInputs = { ...at(4).publicInputs, [name]: at(4).publicInputs[name] + FIELD_MODULUS };
      expect(folded(withItem(4, { publicInputs }))).toBe('FIELD_RANGE');
    }
  });
  it('A11: malformed members and a circuit without a key', () => {
    expect(folded(withItem(4, { proof: { ...at(4).proof, b: outsideSubgroup() } }))).toBe('POINT_OUTSIDE_SUBGROUP');
    expect(folded(withItem(4, { proof: { ...at(4).proof, a: { x: 1n, y: 1n } } }))).toBe('POINT_OFF_CURVE');
    expect(folded(withItem(0, { proof: { ...at(0).proof, a: { x: BASE_FIELD_MODULUS + 1n, y: 2n } } }))).toBe('PROOF_COORDINATE');
    expect(folded(withItem(0, { circuitId: 5 }))).toBe('KEY_MISSING');
    expect(findBadProofs(keys, withItem(0, { circuitId: 5 }))).toEqual([0]);
  });
  it('A11: bad proofs among more than run side by side are refused and found', () => {
    const many = Array.from({ length: 150 }, (_, i) => items[i % items.length] as FoldItem);
    verifyFold(keys, many);
    const bad = many.map((entry, i) => ([0, 64, 70, 149].includes(i) ? { ...entry, proof: { ...entry.proof, a: g1(3n) } } : entry));
    expect(codeOf(() => verifyFold(keys, bad))).toBe('FOLD_INVALID');
    expect(findBadProofs(keys, bad)).toEqual([0, 64, 70, 149]);
  });
});
