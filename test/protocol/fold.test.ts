import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, it } from 'vitest';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { type FoldItem, findBadProofs, foldCoefficients, foldSeed, makeKeyTable, verifyFold } from '../../protocol/fold.js';
import { isValidGroth16, verifyGroth16 } from '../../protocol/groth16.js';
import { linesOf, productIsOne, toG1, toG2 } from '../../protocol/pairing.js';
import { codeOf } from './arbitraries.js';
import { g1, g2, inverse, item, keyOf, mod, simulate, wasteFor } from './simulatedProofs.js';

const keys = makeKeyTable([1, 2, 3, 4].map((id) => [id, keyOf(wasteFor(id))] as const));
const items = [item(1, 1n), item(1, 2n), item(2, 3n), item(4, 4n), item(3, 5n)];
const at = (i: number): FoldItem => items[i] as FoldItem;
const withItem = (i: number, changed: Partial<FoldItem>): FoldItem[] =>
  items.map((entry, k) => (k === i ? { ...entry, ...changed } : entry));

describe('fold', () => {
  it('A11, A12 honest: proofs of several circuits are accepted together', () => {
    verifyFold(keys, items);
    expect(findBadProofs(keys, items)).toEqual([]);
  });

  it('A11: m = 1 is no weaker', () => {
    verifyFold(keys, [at(0)]);
    expect(codeOf(() => verifyFold(keys, [{ ...at(0), proof: { ...at(0).proof, c: g1(9n) } }]))).toBe('FOLD_INVALID');
    expect(codeOf(() => verifyFold(keys, []))).toBe('FOLD_EMPTY');
  });

  it('A11: one bad proof among many is refused and found', () => {
    const many = Array.from({ length: 13 }, (_, i) => item(1, BigInt(100 + i)));
    const bad = many.map((entry, i) => (i === 4 || i === 11 ? { ...entry, proof: { ...entry.proof, a: g1(3n) } } : entry));
    verifyFold(keys, many);
    expect(codeOf(() => verifyFold(keys, bad))).toBe('FOLD_INVALID');
    expect(findBadProofs(keys, bad)).toEqual([4, 11]);
  });

  it('A11: public inputs shifted by (d, −d·r1/r2) under the honest coefficients do not cancel', () => {
    const [r1, r2] = foldCoefficients(items) as [bigint, bigint];
    const shift = 12345n;
    const first = { ...at(0).publicInputs, y: mod(at(0).publicInputs.y + shift) };
    const second = { ...at(1).publicInputs, y: mod(at(1).publicInputs.y - shift * r1 * inverse(r2)) };
    const shifted = withItem(0, { publicInputs: first }).map((entry, i) => (i === 1 ? { ...entry, publicInputs: second } : entry));
    expect(codeOf(() => verifyFold(keys, shifted))).toBe('FOLD_INVALID');
  });

  it('A11: errors that cancel: C1 + Q and C2 − Q, or weighted with the honest coefficients → new coefficients, no cancelling', () => {
    const [r1, r2] = foldCoefficients(items) as [bigint, bigint];
    const Q = bn254.G1.Point.BASE.multiply(777n);
    const moved = (i: number, by: bigint): FoldItem => {
      const { x, y } = bn254.G1.Point.fromAffine(at(i).proof.c)
        .add(Q.multiply(mod(by)))
        .toAffine();
      return { ...at(i), proof: { ...at(i).proof, c: { x, y } } };
    };
    for (const [one, two] of [
      [1n, -1n],
      [r2, -r1],
    ] as const) {
      const cancelling = items.map((entry, i) => (i === 0 ? moved(0, one) : i === 1 ? moved(1, two) : entry));
      expect(codeOf(() => verifyFold(keys, cancelling))).toBe('FOLD_INVALID');
      expect(findBadProofs(keys, cancelling)).toEqual([0, 1]);
    }
  });

  it('A11: proofs swapped between records, and one proof used twice', () => {
    const swapped = items.map((entry, i) =>
      i === 0 ? { ...entry, proof: at(1).proof } : i === 1 ? { ...entry, proof: at(0).proof } : entry,
    );
    expect(codeOf(() => verifyFold(keys, swapped))).toBe('FOLD_INVALID');
    expect(codeOf(() => verifyFold(keys, withItem(1, { proof: at(0).proof })))).toBe('FOLD_INVALID');
    expect(codeOf(() => verifyFold(keys, withItem(0, { circuitId: 2 })))).toBe('FOLD_INVALID');
  });

  it('A11: a C made of another circuit’s columns proves nothing, because every circuit has its own δ', () => {
    // c·δ_2 in place of c·δ_1: right only under circuit 2's key.
    const foreign = simulate(
      { ...wasteFor(1), delta: wasteFor(2).delta },
      [at(0).publicInputs.h, at(0).publicInputs.z, at(0).publicInputs.y],
      5n,
      6n,
    );
    expect(codeOf(() => verifyFold(keys, withItem(0, { proof: foreign })))).toBe('FOLD_INVALID');
  });

  it('A11: refuses tables with one δ for two circuits, ± another, ± γ, ± the generator, or another α, β, γ', () => {
    const table = (change: Partial<ReturnType<typeof wasteFor>>) => () =>
      makeKeyTable([
        [1, keyOf(wasteFor(1))],
        [2, keyOf({ ...wasteFor(2), ...change })],
      ]);
    const { delta, gamma } = wasteFor(1);
    for (const weak of [delta, -delta, gamma, -gamma, 1n, -1n]) expect(codeOf(table({ delta: weak }))).toBe('KEY_INSECURE');
    for (const other of [{ alpha: 12n }, { beta: 12n }, { gamma: 12n }]) expect(codeOf(table(other))).toBe('KEY_TABLE');
    expect(codeOf(table({ ic: [1n, 2n] }))).toBe('KEY_TABLE');
    expect(
      codeOf(() =>
        makeKeyTable([
          [1, keyOf(wasteFor(1))],
          [1, keyOf(wasteFor(2))],
        ]),
      ),
    ).toBe('KEY_TABLE');
    expect(codeOf(() => makeKeyTable([[6, keyOf(wasteFor(1))]]))).toBe('CIRCUIT_UNKNOWN');
    expect(codeOf(table({}))).toBeUndefined();
  });

  it('A13: refuses tables whose β is ±γ or ± the generator, whose δ is ±β, or that leave a public input unbound', () => {
    const table = (change: Partial<ReturnType<typeof wasteFor>>) => () =>
      makeKeyTable([1, 2].map((id) => [id, keyOf({ ...wasteFor(id), ...change })] as const));
    const { beta, gamma } = wasteFor(1);
    for (const weak of [gamma, -gamma, 1n, -1n]) expect(codeOf(table({ beta: weak }))).toBe('KEY_INSECURE');
    for (const weak of [beta, -beta]) expect(codeOf(table({ delta: weak }))).toBe('KEY_INSECURE');
    for (const place of [0, 1, 2, 3]) {
      const unbound = keyOf(wasteFor(1));
      expect(
        codeOf(() => makeKeyTable([[1, { ...unbound, ic: unbound.ic.map((point, k) => (k === place ? { x: 0n, y: 0n } : point)) }]])),
      ).toBe('KEY_INSECURE');
    }
    // What an unbound input would mean: with ic[2] at infinity, one proof serves every z.
    const waste = { ...wasteFor(1), ic: wasteFor(1).ic.map((k, i) => (i === 2 ? 0n : k)) };
    const unbound = { ...keyOf({ ...waste, ic: [3n, 5n, 1n, 9n] }), ic: waste.ic.map((k) => (k === 0n ? { x: 0n, y: 0n } : g1(k))) };
    const one = simulate(waste, [41n, 42n, 43n], 5n, 6n);
    expect(isValidGroth16(unbound, [41n, 42n, 43n], one) && isValidGroth16(unbound, [41n, 7n, 43n], one)).toBe(true);
    expect(codeOf(() => makeKeyTable([[1, unbound]]))).toBe('KEY_INSECURE');
    expect(codeOf(table({}))).toBeUndefined();
  });

  it('A11: more proofs than run side by side: all are looked at, the first slice and the last', () => {
    const many = Array.from({ length: 34 }, (_, i) => items[i % items.length] as FoldItem);
    verifyFold(keys, many);
    const bad = (at: number, proof: Partial<FoldItem['proof']>) =>
      many.map((entry, i) => (i === at ? { ...entry, proof: { ...entry.proof, ...proof } } : entry));
    expect(codeOf(() => verifyFold(keys, bad(33, { c: g1(9n) })))).toBe('FOLD_INVALID');
    expect(codeOf(() => verifyFold(keys, bad(33, { b: { x: [1n, 1n], y: [1n, 1n] } })))).toBe('POINT_OFF_CURVE');
  });

  it('A11: pairings are taken while the product is made, not all beforehand', () => {
    const log: string[] = [];
    const pairing = { g1: toG1(g1(5n), 'A'), g2: linesOf(toG2(g2(7n), 'B')) };
    function* source() {
      for (let i = 0; i < 80; i++) {
        log.push(`made ${i}`);
        yield {
          g1: i % 2 === 0 ? pairing.g1 : pairing.g1.negate(),
          get g2() {
            log.push(`used ${i}`);
            return pairing.g2;
          },
        };
      }
    }
    expect(productIsOne(source())).toBe(true);
    expect(log.indexOf('used 0')).toBeLessThan(log.indexOf('made 79'));
    expect(productIsOne([pairing])).toBe(false);
    expect(productIsOne([])).toBe(true);
  });

  it('A11: points at infinity prove nothing', () => {
    const infinity = { a: { x: 0n, y: 0n }, b: { x: [0n, 0n], y: [0n, 0n] }, c: { x: 0n, y: 0n } } as const;
    expect(codeOf(() => verifyFold(keys, [{ ...at(0), proof: infinity }]))).toBe('FOLD_INVALID');
    expect(codeOf(() => verifyFold(keys, withItem(2, { proof: infinity })))).toBe('FOLD_INVALID');
  });

  it('A1: x + p and x + 2p in every public input of every proof', () => {
    for (const name of ['h', 'z', 'y'] as const) {
      for (const multiple of [1n, 2n]) {
        const publicInputs = { ...at(1).publicInputs, [name]: at(1).publicInputs[name] + multiple * FIELD_MODULUS };
        expect(codeOf(() => verifyFold(keys, withItem(1, { publicInputs })))).toBe('FIELD_RANGE');
      }
    }
  });

  it('A12: a re-randomised proof is valid and another proof', () => {
    const t = 7n;
    const { h, z, y } = at(0).publicInputs;
    const again = simulate(wasteFor(1), [h, z, y], (1n + 21n) * inverse(t), (1n + 34n) * t);
    verifyGroth16(keys.get(1) as never, [h, z, y], again);
    expect(foldSeed(withItem(0, { proof: again }))).not.toEqual(foldSeed(items));
  });

  it('coefficients depend on count, order, circuit, proof and inputs, and stay below 2^128', () => {
    const seeds = [
      items,
      items.slice(1),
      [...items].reverse(),
      withItem(0, { circuitId: 2 }),
      withItem(0, { proof: { ...at(0).proof, b: g2(2n) } }),
      withItem(4, { publicInputs: { ...at(4).publicInputs, h: 1n } }),
    ].map((list) => String(foldSeed(list)));
    expect(new Set(seeds).size).toBe(seeds.length);
    for (const r of foldCoefficients(items)) expect(r).toBeLessThan(2n ** 128n);
  });

  it('refuses a circuit without a key', () => {
    expect(codeOf(() => verifyFold(keys, withItem(0, { circuitId: 5 })))).toBe('KEY_MISSING');
    expect(findBadProofs(keys, withItem(0, { circuitId: 5 }))).toEqual([0]);
  });
});
