/**
 * A Groth16 verifying key on BN254 and snarkjs' JSON shape of it. Reading checks shape and ranges; whether the key is
 * one to verify with (curve, subgroup, a real contribution) is checked where it is used, in groth16.ts.
 */
import { shown, TacitError } from './errors.js';
import { type G1, type G2, g1FromSnarkjs, g1ToSnarkjs, g2FromSnarkjs, g2ToSnarkjs } from './proof.js';

export interface VerifyingKey {
  readonly alpha: G1;
  readonly beta: G2;
  readonly gamma: G2;
  readonly delta: G2;
  /** One point more than there are public inputs; ic[0] belongs to the constant 1. */
  readonly ic: readonly G1[];
}

/** The part of snarkjs' verification_key.json that a verifier needs. */
export interface SnarkjsVerifyingKey {
  protocol: string;
  curve: string;
  nPublic: number;
  vk_alpha_1: string[];
  vk_beta_2: string[][];
  vk_gamma_2: string[][];
  vk_delta_2: string[][];
  IC: string[][];
}

/** @throws TacitError VKEY_SHAPE, PROOF_SHAPE, PROOF_COORDINATE */
export function vkeyFromSnarkjs(json: unknown): VerifyingKey {
  const key = (json ?? {}) as Partial<SnarkjsVerifyingKey>;
  if (key.protocol !== 'groth16')
    throw new TacitError('VKEY_SHAPE', 'not a Groth16 verifying key', { expected: 'groth16', got: shown(key.protocol) });
  if (key.curve !== 'bn128' && key.curve !== 'bn254')
    throw new TacitError('VKEY_SHAPE', 'verifying key on another curve', { expected: 'bn128', got: shown(key.curve) });
  if (!Array.isArray(key.IC) || key.IC.length === 0)
    throw new TacitError('VKEY_SHAPE', 'verifying key has no IC list', { expected: 'a list of points' });
  if (key.nPublic !== key.IC.length - 1)
    throw new TacitError('VKEY_SHAPE', 'nPublic and IC disagree', {
      expected: `${key.IC.length - 1} public inputs`,
      got: typeof key.nPublic === 'number' ? String(key.nPublic) : shown(key.nPublic),
    });
  return {
    alpha: g1FromSnarkjs(key.vk_alpha_1, 'vk_alpha_1'),
    beta: g2FromSnarkjs(key.vk_beta_2, 'vk_beta_2'),
    gamma: g2FromSnarkjs(key.vk_gamma_2, 'vk_gamma_2'),
    delta: g2FromSnarkjs(key.vk_delta_2, 'vk_delta_2'),
    ic: key.IC.map((point, i) => g1FromSnarkjs(point, `IC[${i}]`)),
  };
}

export function vkeyToSnarkjs(key: VerifyingKey): SnarkjsVerifyingKey {
  return {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: key.ic.length - 1,
    vk_alpha_1: g1ToSnarkjs(key.alpha),
    vk_beta_2: g2ToSnarkjs(key.beta),
    vk_gamma_2: g2ToSnarkjs(key.gamma),
    vk_delta_2: g2ToSnarkjs(key.delta),
    IC: key.ic.map(g1ToSnarkjs),
  };
}
