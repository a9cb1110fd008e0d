import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bn254 } from '@noble/curves/bn254.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { BASE_FIELD_MODULUS, g1FromSnarkjs, g1ToSnarkjs, type SnarkjsProof } from '../../protocol/proof.js';
import type { SnarkjsVerifyingKey } from '../../protocol/vkey.js';
import { assertProofPoints } from '../../prover/proofPoints.js';
import { prove } from '../../prover/prove.js';
import { isVerdict, verifyProof } from '../../prover/verify.js';
import { code } from './code.js';
import { endSnarkjs, type PairFiles, pairWitness, poseidonPair, snarkjs } from './poseidonPair.js';

let files: PairFiles;
let vkey: SnarkjsVerifyingKey;
let proof: SnarkjsProof;
let signals: string[];

beforeAll(async () => {
  files = await poseidonPair();
  vkey = files.vkey as SnarkjsVerifyingKey;
  ({ proof, publicSignals: signals } = await prove(files.zkey, await pairWitness(files, 5n, 6n)));
});
afterAll(endSnarkjs);

const verdict = (change: { vkey?: Partial<SnarkjsVerifyingKey>; signals?: unknown; proof?: Partial<SnarkjsProof> }) =>
  code(() => verifyProof({ ...vkey, ...change.vkey }, change.signals ?? signals, { ...proof, ...change.proof }));

describe('strict verification', () => {
  it('accepts an honest proof', async () => {
    expect(await verdict({})).toBe('nothing thrown');
  });

  it('A1: too few, too many, and values of p or more are refused', async () => {
    expect(await verdict({ signals: signals.slice(0, 1) })).toBe('PUBLIC_COUNT');
    expect(await verdict({ signals: [] })).toBe('PUBLIC_COUNT');
    expect(await verdict({ signals: [...signals, '0'] })).toBe('PUBLIC_COUNT');
    for (const times of [1n, 2n]) {
      for (const at of [0, 1]) {
        const shifted = signals.map((signal, i) => (i === at ? String(BigInt(signal) + times * FIELD_MODULUS) : signal));
        expect(await verdict({ signals: shifted })).toBe('FIELD_RANGE');
      }
    }
    for (const bad of [['-1', '6'], ['0x5', '6'], ['05', '6'], [5, 6], '5', null, ['', '6']])
      expect(await verdict({ signals: bad ?? [null] })).toBe('PUBLIC_SIGNALS_SHAPE');
  });

  it('A1: a truncated list that snarkjs accepts is refused', async () => {
    const zero = await prove(files.zkey, await pairWitness(files, 5n, 0n));
    const truncated = zero.publicSignals.slice(0, 1);
    expect(zero.publicSignals[1]).toBe('0');
    expect(await (await snarkjs()).groth16.verify(vkey, truncated, zero.proof)).toBe(true);
    expect(await code(() => verifyProof(vkey, truncated, zero.proof))).toBe('PUBLIC_COUNT');
  });

  it('another statement, or another proof, is invalid', async () => {
    expect(await verdict({ signals: [signals[0], '7'] })).toBe('PROOF_INVALID');
    expect(await verdict({ proof: { pi_a: proof.pi_c, pi_c: proof.pi_a } })).toBe('PROOF_INVALID');
  });

  it('A9: points off the curve, outside the subgroup or not canonical are refused', async () => {
    const [x = '', y = ''] = proof.pi_a;
    expect(await verdict({ proof: { pi_a: [x, String(BigInt(y) + 1n), '1'] } })).toBe('POINT_OFF_CURVE');
    expect(await verdict({ proof: { pi_a: [String(BigInt(x) + BASE_FIELD_MODULUS), y, '1'] } })).toBe('PROOF_COORDINATE');
    expect(await verdict({ proof: { pi_b: outsideSubgroup() } })).toBe('POINT_OUTSIDE_SUBGROUP');
    expect(await verdict({ proof: { pi_a: [x, y, '2'] } })).toBe('PROOF_SHAPE');
    expect(await verdict({ proof: { protocol: 'plonk' } })).toBe('PROOF_SHAPE');
  });

  it('A9: without a key to verify with, the points are looked at all the same', async () => {
    const points = (change: Partial<SnarkjsProof>) => code(() => assertProofPoints({ ...proof, ...change }));
    expect(await points({})).toBe('nothing thrown');
    expect(await points({ pi_b: outsideSubgroup() })).toBe('POINT_OUTSIDE_SUBGROUP');
    expect(await points({ pi_c: ['1', '1', '1'] })).toBe('POINT_OFF_CURVE');
  });

  it('A13: a key that nobody contributed to is refused, though snarkjs accepts a forgery under it', async () => {
    const naked = JSON.parse(await readFile(join(dirname(files.vkeyPath), 'uncontributed.vkey.json'), 'utf8')) as SnarkjsVerifyingKey;
    const lie = ['123', '456'];
    const forged = forgeWhereDeltaIsGamma(naked, lie);
    expect(await (await snarkjs()).groth16.verify(naked, lie, forged)).toBe(true);
    expect(await code(() => verifyProof(naked, lie, forged))).toBe('KEY_INSECURE');
    expect(await verdict({ vkey: { vk_delta_2: vkey.vk_gamma_2 } })).toBe('KEY_INSECURE');
  });

  it('a verdict is told from a file that cannot be read as one', async () => {
    for (const bad of [null, {}, { ...vkey, protocol: 'plonk' }, { ...vkey, IC: vkey.IC.slice(1) }])
      expect(await code(() => verifyProof(bad, signals, proof))).toBe('VKEY_SHAPE');
    const thrown = (act: () => void): unknown => {
      try {
        act();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    expect(isVerdict(thrown(() => verifyProof(vkey, ['1', '2'], proof)))).toBe(true);
    expect(isVerdict(thrown(() => verifyProof({}, signals, proof)))).toBe(false);
  });
});

/** A point of the twist that is not in the subgroup: the first x for which the curve equation has a root. */
function outsideSubgroup(): string[][] {
  const { Fp2 } = bn254.fields;
  const b = bn254.G2.Point.CURVE().b;
  for (let c0 = 1n; ; c0++) {
    const x = Fp2.create({ c0, c1: 0n });
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b);
    try {
      const y = Fp2.sqrt(square);
      if (bn254.G2.Point.fromAffine({ x, y }).isTorsionFree()) continue;
      return [
        [String(x.c0), String(x.c1)],
        [String(y.c0), String(y.c1)],
        ['1', '0'],
      ];
    } catch {
      // no root: the next x
    }
  }
}

/** A = α, B = β, C = −(ic_0 + Σ x_i·ic_i): with δ = γ everything cancels, whatever the statement. */
function forgeWhereDeltaIsGamma(key: SnarkjsVerifyingKey, statement: string[]): SnarkjsProof {
  const point = (json: string[] | undefined) => bn254.G1.Point.fromAffine(g1FromSnarkjs(json, 'ic'));
  const inputs = statement.reduce((sum, signal, i) => sum.add(point(key.IC[i + 1]).multiply(BigInt(signal))), point(key.IC[0]));
  const c = inputs.negate().toAffine();
  return { pi_a: key.vk_alpha_1, pi_b: key.vk_beta_2, pi_c: g1ToSnarkjs(c), protocol: 'groth16', curve: 'bn128' };
}
