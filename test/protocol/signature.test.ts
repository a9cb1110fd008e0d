import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { add, BASE8, mul, mulBase8, SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { H } from '../../protocol/hash.js';
import { type Signature, signMessage, verifySignature } from '../../protocol/signature.js';
import { code } from './walletErrors.js';
import { SeededBytes } from './walletSupport.js';

interface CircomlibEddsa {
  F: { e(x: bigint): unknown };
  verifyPoseidon(M: unknown, signature: { R8: [unknown, unknown]; S: bigint }, A: [unknown, unknown]): boolean;
}

const random = new SeededBytes('signature');
const l = SUBGROUP_ORDER;
const prefix = random.bytes(32);
const scalar = () => random.below(l - 1n) + 1n;
/** (0, −1), of order 2. */
const ORDER_TWO = { x: 0n, y: FIELD_MODULUS - 1n };
const inverse = (x: bigint): bigint => {
  let [result, base, exponent] = [1n, ((x % l) + l) % l, l - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % l;
    base = (base * base) % l;
  }
  return result;
};

describe('EdDSA-Poseidon', () => {
  it('refuses scalars, prefixes, messages and randomness of other sizes', () => {
    const sign = (change: { a?: bigint; prefix?: Uint8Array; M?: bigint; random?: Uint8Array }) =>
      code(() => signMessage(change.a ?? 5n, change.prefix ?? prefix, change.M ?? 7n, change.random ?? random.bytes(32)));
    expect(sign({})).toBe('nothing thrown');
    for (const a of [0n, l, -1n]) expect(sign({ a })).toBe('SCALAR_RANGE');
    for (const size of [0, 31, 33]) {
      expect(sign({ prefix: new Uint8Array(size) })).toBe('BYTES_SIZE');
      expect(sign({ random: new Uint8Array(size) })).toBe('BYTES_SIZE');
    }
    expect(sign({ M: FIELD_MODULUS })).toBe('FIELD_RANGE');
  });

  let circomlib: CircomlibEddsa;
  beforeAll(async () => {
    circomlib = (await (
      createRequire(import.meta.url)('circomlibjs') as { buildEddsa(): Promise<CircomlibEddsa> }
    ).buildEddsa()) as CircomlibEddsa;
  });

  it('A8, A9 honest: a signature is what circomlib verifies', () => {
    const F = circomlib.F;
    for (let i = 0; i < 5; i++) {
      const [a, M] = [scalar(), random.below(FIELD_MODULUS)];
      const A = mulBase8(a);
      const signature = signMessage(a, prefix, M, random.bytes(32));
      expect(verifySignature(A, M, signature)).toBe(true);
      const { R8, S } = signature;
      expect(circomlib.verifyPoseidon(F.e(M), { R8: [F.e(R8.x), F.e(R8.y)], S }, [F.e(A.x), F.e(A.y)])).toBe(true);
    }
  });

  it('fails when anything is changed', () => {
    const [a, M] = [scalar(), 77n];
    const A = mulBase8(a);
    const good = signMessage(a, prefix, M, random.bytes(32));
    const bad: [typeof A, bigint, Signature][] = [
      [mulBase8(a + 1n), M, good],
      [A, M + 1n, good],
      [A, M + FIELD_MODULUS, good],
      [A, M, { ...good, S: (good.S + 1n) % l }],
      [A, M, { ...good, S: good.S + l }],
      [A, M, { ...good, S: -1n }],
      [A, M, { ...good, R8: add(good.R8, BASE8) }],
    ];
    for (const [key, message, signature] of bad) expect(verifySignature(key, message, signature)).toBe(false);
  });

  it('A9: low-order, mixed-order and off-curve points are refused', () => {
    const [a, M] = [scalar(), 78n];
    const A = mulBase8(a);
    const good = signMessage(a, prefix, M, random.bytes(32));
    const identity = { x: 0n, y: 1n };
    for (const point of [identity, ORDER_TWO, { x: 1n, y: 1n }, { x: A.x + FIELD_MODULUS, y: A.y }]) {
      expect(verifySignature(point, M, good)).toBe(false);
      expect(verifySignature(A, M, { ...good, R8: point })).toBe(false);
    }
    expect(verifySignature(add(A, ORDER_TWO), M, good)).toBe(false);
    // Under the identity as key, R8 = S·B8 would satisfy the equation for every message.
    expect(verifySignature(identity, M, { R8: mulBase8(5n), S: 5n })).toBe(false);
  });

  it('refuses scalars and randomness out of range', () => {
    expect(code(() => signMessage(0n, prefix, 1n, random.bytes(32)))).toBe('SCALAR_RANGE');
    expect(code(() => signMessage(l, prefix, 1n, random.bytes(32)))).toBe('SCALAR_RANGE');
    expect(code(() => signMessage(1n, prefix, FIELD_MODULUS, random.bytes(32)))).toBe('FIELD_RANGE');
    expect(code(() => signMessage(1n, prefix, 1n, random.bytes(31)))).toBe('BYTES_SIZE');
  });
});

describe('A8: the nonce attack', () => {
  // Mallory paid both inputs of one transfer, so she knows tA_1 and tA_2; a'_i = a + tA_i is unknown to her.
  const a = scalar();
  const [tA1, tA2] = [scalar(), scalar()] as const;
  const keys = [(a + tA1) % l, (a + tA2) % l] as const;
  const M = random.below(FIELD_MODULUS);
  const h = (R8: Signature['R8'], aPrime: bigint) => {
    const A = mulBase8(aPrime);
    return (8n * H(R8.x, R8.y, A.x, A.y, M)) % l;
  };
  /** Assumes r_1 = r_2: S_1 − S_2 = 8h_1(a + tA_1) − 8h_2(a + tA_2), one equation in a. */
  const attack = (one: Signature, two: Signature) => {
    const [h1, h2] = [h(one.R8, keys[0]), h(two.R8, keys[1])];
    const known = one.S - two.S - h1 * tA1 + h2 * tA2;
    return (((known * inverse(h1 - h2)) % l) + l) % l;
  };

  it('A8: the spend scalar from two signatures whose nonce is a function of a master secret and M → recovered: why ours is not', () => {
    const r = scalar();
    const naive = keys.map((aPrime) => {
      const R8 = mulBase8(r);
      return { R8, S: (r + h(R8, aPrime) * aPrime) % l };
    }) as [Signature, Signature];
    for (const [i, signature] of naive.entries()) expect(verifySignature(mulBase8(keys[i] as bigint), M, signature)).toBe(true);
    expect(attack(naive[0], naive[1])).toBe(a);
  });

  it('A8: the same on our signatures, even when the random source repeats itself → finds nothing', () => {
    const stuck = random.bytes(32);
    const [one, two] = [signMessage(keys[0], prefix, M, stuck), signMessage(keys[1], prefix, M, stuck)];
    expect(one.R8).not.toEqual(two.R8);
    expect(attack(one, two)).not.toBe(a);
  });

  it('A8: two signatures of one message by one key → two nonces', () => {
    const [one, two] = [signMessage(keys[0], prefix, M, random.bytes(32)), signMessage(keys[0], prefix, M, random.bytes(32))];
    expect(one.R8).not.toEqual(two.R8);
    expect(mul(one.R8, 1n)).toEqual(one.R8);
  });
});
