/**
 * One Groth16 proof on BN254, checked strictly.
 *
 *   e(A, B) = e(α, β) · e(ic_0 + Σ x_i·ic_i, γ) · e(C, δ)
 *
 * What a lax verifier lets through is refused here: a wrong count of public inputs, inputs of p or more (x and x + p
 * would be two names of one statement), points off the curve or outside the subgroup, and keys with which anyone can
 * forge: δ = ±γ, or δ = ± the generator of G2, which is a key that nobody ever contributed to.
 *
 * Source: Groth, "On the Size of Pairing-based Non-interactive Arguments" (EUROCRYPT 2016), section 3.2.
 */
import { TacitError } from './errors.js';
import { assertField } from './field.js';
import { type G1Point, type G2Lines, type G2Point, generatorG2, linesOf, productIsOne, scale, toG1, toG2 } from './pairing.js';
import type { Groth16Proof } from './proof.js';
import type { VerifyingKey } from './vkey.js';

/** A verifying key whose points have been checked, with what the pairings need of it. */
export interface CheckedKey {
  readonly alpha: G1Point;
  readonly ic: readonly G1Point[];
  readonly betaLines: G2Lines;
  readonly gammaLines: G2Lines;
  readonly deltaLines: G2Lines;
  readonly beta: G2Point;
  readonly gamma: G2Point;
  readonly delta: G2Point;
}

/** Checking a key costs as much as a proof; keys are immutable, so the result is remembered as long as the key lives. */
const checkedKeys = new WeakMap<VerifyingKey, CheckedKey>();

/** @throws TacitError KEY_INSECURE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP, PROOF_COORDINATE */
export function checkKey(key: VerifyingKey): CheckedKey {
  const known = checkedKeys.get(key);
  if (known !== undefined) return known;
  const alpha = toG1(key.alpha, 'alpha');
  const [beta, gamma, delta] = [toG2(key.beta, 'beta'), toG2(key.gamma, 'gamma'), toG2(key.delta, 'delta')];
  const ic = key.ic.map((point, i) => toG1(point, `ic[${i}]`));
  if (alpha.is0() || beta.is0() || gamma.is0() || delta.is0())
    throw new TacitError('KEY_INSECURE', 'a point of the verifying key is infinity', { expected: 'α, β, γ, δ other than infinity' });
  if (equalUpToSign(delta, gamma))
    throw new TacitError('KEY_INSECURE', 'δ equals γ up to sign: proofs for this key can be forged', { expected: 'δ ≠ ±γ' });
  if (equalUpToSign(delta, generatorG2()))
    throw new TacitError('KEY_INSECURE', 'δ is the generator of G2: this key has no contribution', { expected: 'δ ≠ ±G2' });
  if (equalUpToSign(beta, gamma) || equalUpToSign(beta, generatorG2()))
    throw new TacitError('KEY_INSECURE', 'β equals γ or the generator of G2 up to sign: proofs for this key can be forged', {
      expected: 'β ≠ ±γ, β ≠ ±G2',
    });
  if (equalUpToSign(delta, beta))
    throw new TacitError('KEY_INSECURE', 'δ equals β up to sign: proofs for this key can be forged', { expected: 'δ ≠ ±β' });
  const checked = { alpha, ic, beta, gamma, delta, betaLines: linesOf(beta), gammaLines: linesOf(gamma), deltaLines: linesOf(delta) };
  checkedKeys.set(key, checked);
  return checked;
}

/**
 * Returns when the proof is valid.
 * @param publicSignals exactly ic.length − 1 values below p
 * @throws TacitError PUBLIC_COUNT, FIELD_RANGE, PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP, KEY_INSECURE, PROOF_INVALID
 */
export function verifyGroth16(key: VerifyingKey, publicSignals: readonly bigint[], proof: Groth16Proof): void {
  const { alpha, ic, betaLines, gammaLines, deltaLines } = checkKey(key);
  if (publicSignals.length !== ic.length - 1)
    throw new TacitError('PUBLIC_COUNT', 'wrong number of public inputs', { expected: `${ic.length - 1}`, got: `${publicSignals.length}` });
  let inputs = ic[0] as G1Point;
  publicSignals.forEach((signal, i) => {
    inputs = inputs.add(scale(ic[i + 1] as G1Point, assertField(signal, `public input ${i}`)));
  });
  const [a, b, c] = [toG1(proof.a, 'A'), toG2(proof.b, 'B'), toG1(proof.c, 'C')];
  const valid = productIsOne([
    { g1: a, g2: linesOf(b) },
    { g1: alpha.negate(), g2: betaLines },
    { g1: inputs.negate(), g2: gammaLines },
    { g1: c.negate(), g2: deltaLines },
  ]);
  if (!valid) throw new TacitError('PROOF_INVALID', 'the proof does not satisfy the verification equation');
}

/** False for anything that verifyGroth16 throws about. */
export function isValidGroth16(key: VerifyingKey, publicSignals: readonly bigint[], proof: Groth16Proof): boolean {
  try {
    verifyGroth16(key, publicSignals, proof);
    return true;
  } catch (error) {
    if (error instanceof TacitError) return false;
    throw error;
  }
}

export function equalUpToSign(a: G2Point, b: G2Point): boolean {
  return a.equals(b) || a.equals(b.negate());
}
