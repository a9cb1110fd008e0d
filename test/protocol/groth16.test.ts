import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, it } from 'vitest';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { isValidGroth16, verifyGroth16 } from '../../protocol/groth16.js';
import { BASE_FIELD_MODULUS, decodeProof, encodeProof, type G1, type G2, proofFromSnarkjs, proofToSnarkjs } from '../../protocol/proof.js';
import { vkeyFromSnarkjs, vkeyToSnarkjs } from '../../protocol/vkey.js';
import { codeOf } from './arbitraries.js';
import { g1, g2, keyOf, mod, simulate, wasteFor } from './simulatedProofs.js';

const waste = wasteFor(1);
const key = keyOf(waste);
const signals = [41n, 42n, FIELD_MODULUS - 1n];
const proof = simulate(waste, signals, 5n, 6n);
const INFINITY_1: G1 = { x: 0n, y: 0n };
const INFINITY_2: G2 = { x: [0n, 0n], y: [0n, 0n] };

/** A point on the twist outside the group of order p: the first x = (k, 0) whose right side is a square. */
function outsideSubgroup(): G2 {
  const { Fp2 } = bn254.fields;
  for (let k = 1n; ; k++) {
    const x = Fp2.fromBigTuple([k, 0n]);
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
      const point = bn254.G2.Point.fromAffine({ x, y });
      if (!point.isTorsionFree()) return { x: [x.c0, x.c1], y: [y.c0, y.c1] };
    } catch {
      // no square root: the next one
    }
  }
}

describe('Groth16 verification', () => {
  it('A1, A11, A13 honest: the proof is accepted, also after a trip through both encodings', () => {
    verifyGroth16(key, signals, proof);
    verifyGroth16(vkeyFromSnarkjs(vkeyToSnarkjs(key)), signals, proofFromSnarkjs(proofToSnarkjs(decodeProof(encodeProof(proof)))));
  });

  it('refuses another statement and another proof', () => {
    expect(codeOf(() => verifyGroth16(key, [41n, 43n, signals[2] as bigint], proof))).toBe('PROOF_INVALID');
    expect(codeOf(() => verifyGroth16(key, signals, { ...proof, a: g1(7n) }))).toBe('PROOF_INVALID');
    expect(isValidGroth16(key, signals, { ...proof, c: g1(7n) })).toBe(false);
    expect(isValidGroth16(key, signals, proof)).toBe(true);
  });

  it('A1: too few, too many, x + p and x + 2p in every public input', () => {
    expect(codeOf(() => verifyGroth16(key, signals.slice(0, 2), proof))).toBe('PUBLIC_COUNT');
    expect(codeOf(() => verifyGroth16(key, [...signals, 0n], proof))).toBe('PUBLIC_COUNT');
    expect(codeOf(() => verifyGroth16(key, [], proof))).toBe('PUBLIC_COUNT');
    for (let i = 0; i < signals.length; i++) {
      for (const multiple of [1n, 2n, -1n]) {
        const shifted = signals.map((signal, k) => (k === i ? signal + multiple * FIELD_MODULUS : signal));
        expect(codeOf(() => verifyGroth16(key, shifted, proof))).toBe('FIELD_RANGE');
      }
    }
  });

  it('A1: a proof whose last input is zero does not verify without it', () => {
    const zeroTail = [5n, 0n, 0n];
    const truncatable = simulate(waste, zeroTail, 8n, 9n);
    verifyGroth16(key, zeroTail, truncatable);
    expect(codeOf(() => verifyGroth16(key, [5n], truncatable))).toBe('PUBLIC_COUNT');
  });

  it('A9: refuses coordinates of q or more, points off the curve and outside the subgroup', () => {
    expect(codeOf(() => verifyGroth16(key, signals, { ...proof, a: { x: proof.a.x + BASE_FIELD_MODULUS, y: proof.a.y } }))).toBe(
      'PROOF_COORDINATE',
    );
    expect(codeOf(() => verifyGroth16(key, signals, { ...proof, a: { x: proof.a.x, y: proof.a.y + 1n } }))).toBe('POINT_OFF_CURVE');
    expect(codeOf(() => verifyGroth16(key, signals, { ...proof, b: { x: proof.b.x, y: [1n, 1n] } }))).toBe('POINT_OFF_CURVE');
    expect(codeOf(() => verifyGroth16(key, signals, { ...proof, b: outsideSubgroup() }))).toBe('POINT_OUTSIDE_SUBGROUP');
  });

  it('A11: points at infinity are operands like others and prove nothing', () => {
    for (const change of [{ a: INFINITY_1 }, { b: INFINITY_2 }, { c: INFINITY_1 }, { a: INFINITY_1, b: INFINITY_2, c: INFINITY_1 }]) {
      expect(codeOf(() => verifyGroth16(key, signals, { ...proof, ...change }))).toBe('PROOF_INVALID');
    }
    // The one case where infinity is honest: c = 0 when a·b happens to be α·β + vkx·γ.
    const vkx = signals.reduce((sum, signal, i) => sum + signal * (waste.ic[i + 1] as bigint), waste.ic[0] as bigint);
    const product = (waste.alpha * waste.beta + vkx * waste.gamma) % FIELD_MODULUS;
    verifyGroth16(key, signals, { a: g1(product), b: g2(1n), c: INFINITY_1 });
  });

  it('A13: refuses keys with which anyone can forge, even for an otherwise valid proof', () => {
    for (const delta of [waste.gamma, -waste.gamma, 1n, -1n]) {
      const weak = { ...waste, delta };
      expect(codeOf(() => verifyGroth16(keyOf(weak), signals, simulate(weak, signals, 5n, 6n)))).toBe('KEY_INSECURE');
    }
    expect(codeOf(() => verifyGroth16({ ...key, delta: INFINITY_2 }, signals, proof))).toBe('KEY_INSECURE');
    expect(codeOf(() => verifyGroth16({ ...key, delta: outsideSubgroup() }, signals, proof))).toBe('POINT_OUTSIDE_SUBGROUP');
  });

  describe('A13: keys with which anyone forges, and the forgery', () => {
    const vkx = (w: typeof waste) => signals.reduce((sum, signal, i) => sum + signal * (w.ic[i + 1] as bigint), w.ic[0] as bigint);
    /** e(A, B) = e(α, β)·e(vkx, γ)·e(C, δ) in the exponents: what a verifier that does not look at the key would accept. */
    const satisfies = (w: typeof waste, a: bigint, b: bigint, c: bigint) =>
      mod(a * b - w.alpha * w.beta - vkx(w) * w.gamma - c * w.delta) === 0n;
    /** Made of public points only: α and vkx in G1; β, γ, δ, G in G2. */
    const forgeries: [string, (w: typeof waste) => Partial<typeof waste>, (w: typeof waste) => [bigint, bigint, bigint]][] = [
      ['β = γ', (w) => ({ beta: w.gamma }), (w) => [w.alpha + vkx(w), w.gamma, 0n]],
      ['β = −γ', (w) => ({ beta: -w.gamma }), (w) => [vkx(w) - w.alpha, w.gamma, 0n]],
      ['δ = β', (w) => ({ delta: w.beta }), (w) => [vkx(w), w.gamma, -w.alpha]],
      ['δ = −β', (w) => ({ delta: -w.beta }), (w) => [vkx(w), w.gamma, w.alpha]],
      ['δ = γ', (w) => ({ delta: w.gamma }), (w) => [w.alpha, w.beta, -vkx(w)]],
      ['δ = −γ', (w) => ({ delta: -w.gamma }), (w) => [w.alpha, w.beta, vkx(w)]],
    ];
    it.each(forgeries)('A13: %s', (_, change, forge) => {
      const weak = { ...waste, ...change(waste) };
      const [a, b, c] = forge(weak);
      expect(satisfies(weak, a, b, c)).toBe(true);
      const forged = { a: g1(a), b: g2(b), c: mod(c) === 0n ? INFINITY_1 : g1(c) };
      expect(codeOf(() => verifyGroth16(keyOf(weak), signals, forged))).toBe('KEY_INSECURE');
      expect(isValidGroth16(keyOf(weak), signals, forged)).toBe(false);
      // The honest twin: the same proof under the good key proves nothing, and the good key's own proof passes.
      expect(codeOf(() => verifyGroth16(key, signals, forged))).toBe('PROOF_INVALID');
      verifyGroth16(key, signals, proof);
    });

    it('A13: β = ± the generator of G2, which is a phase 1 without β', () => {
      for (const beta of [1n, -1n]) {
        const weak = { ...waste, beta };
        expect(codeOf(() => verifyGroth16(keyOf(weak), signals, simulate(weak, signals, 5n, 6n)))).toBe('KEY_INSECURE');
      }
    });

    it('A13: α, β or γ at infinity', () => {
      for (const change of [{ alpha: INFINITY_1 }, { beta: INFINITY_2 }, { gamma: INFINITY_2 }])
        expect(codeOf(() => verifyGroth16({ ...key, ...change }, signals, proof))).toBe('KEY_INSECURE');
    });
  });

  it('refuses malformed JSON', () => {
    const good = proofToSnarkjs(proof);
    expect(codeOf(() => proofFromSnarkjs(null))).toBe('PROOF_SHAPE');
    expect(codeOf(() => proofFromSnarkjs({ ...good, curve: 'bls12381' }))).toBe('PROOF_SHAPE');
    expect(codeOf(() => proofFromSnarkjs({ ...good, pi_a: ['1', '2'] }))).toBe('PROOF_SHAPE');
    expect(codeOf(() => proofFromSnarkjs({ ...good, pi_a: ['1', '2', '2'] }))).toBe('PROOF_SHAPE');
    expect(codeOf(() => proofFromSnarkjs({ ...good, pi_a: ['0x1', '2', '1'] }))).toBe('PROOF_SHAPE');
    expect(codeOf(() => proofFromSnarkjs({ ...good, pi_a: [BASE_FIELD_MODULUS.toString(), '2', '1'] }))).toBe('PROOF_COORDINATE');
    const keyJson = vkeyToSnarkjs(key);
    expect(codeOf(() => vkeyFromSnarkjs({ ...keyJson, nPublic: -1, IC: [] }))).toBe('VKEY_SHAPE');
    for (const pi_a of [
      ['0', '0', '0'],
      ['1', '2', '0'],
      ['0', '2', '0'],
    ])
      expect(codeOf(() => proofFromSnarkjs({ ...good, pi_a }))).toBe('PROOF_SHAPE');
    for (const pi_b of [
      [
        ['0', '0'],
        ['1', '1'],
        ['0', '0'],
      ],
      [
        ['5', '0'],
        ['1', '0'],
        ['0', '0'],
      ],
    ])
      expect(codeOf(() => proofFromSnarkjs({ ...good, pi_b }))).toBe('PROOF_SHAPE');
    expect(codeOf(() => vkeyFromSnarkjs({ ...keyJson, nPublic: 2 }))).toBe('VKEY_SHAPE');
    expect(codeOf(() => vkeyFromSnarkjs({ ...keyJson, protocol: 'plonk' }))).toBe('VKEY_SHAPE');
    expect(codeOf(() => vkeyFromSnarkjs({ ...keyJson, IC: undefined }))).toBe('VKEY_SHAPE');
    expect(codeOf(() => decodeProof(new Uint8Array(257)))).toBe('BYTES_TRAILING');
    expect(codeOf(() => decodeProof(new Uint8Array(255)))).toBe('BYTES_SHORT');
  });

  it('keeps infinity through snarkjs JSON', () => {
    const all = { a: INFINITY_1, b: INFINITY_2, c: INFINITY_1 };
    expect(proofFromSnarkjs(proofToSnarkjs(all))).toEqual(all);
  });
});
