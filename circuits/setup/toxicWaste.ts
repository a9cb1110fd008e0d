/**
 * The published secrets of the development keys. INSECURE BY DESIGN: whoever reads this file can forge proofs for every
 * key made from it. It exists so that a fresh clone has keys in seconds and so that every build has the same ones.
 *
 * α, β, τ are shared by all circuits (one phase 1, which the fold needs); γ = 1 as in keys made by snarkjs; every
 * circuit has a δ of its own. A δ equal to ± another's, ± γ or ± 1 would let columns of one circuit stand in for
 * another's, so this is checked although a hash makes it improbable.
 */
import { createHash } from 'node:crypto';
import { TacitError } from '../../protocol/errors.js';
import { FIELD_MODULUS } from '../../protocol/field.js';

const LABEL = 'tacit insecure development set-up v1';

export interface ToxicWaste {
  readonly alpha: bigint;
  readonly beta: bigint;
  readonly gamma: bigint;
  readonly tau: bigint;
  readonly delta: bigint;
}

/** The published development α; a real chain's contract refuses any key that has it. */
export function insecureDevAlpha(): bigint {
  return derive('alpha');
}

/**
 * @param circuit name of the circuit
 * @param r1csSha256 hex
 */
export function insecureDevWaste(circuit: string, r1csSha256: string): ToxicWaste {
  const waste = {
    alpha: insecureDevAlpha(),
    beta: derive('beta'),
    gamma: 1n,
    tau: derive('tau'),
    delta: derive(`delta ${circuit} ${r1csSha256}`),
  };
  assertIndependentDeltas([waste.beta, waste.delta], waste.gamma);
  return waste;
}

/** @param deltas β counts as one: e(·, β) must not cancel against e(·, δ). @throws TacitError SETUP_DELTA when two of them, or one and γ or 1, agree up to sign */
export function assertIndependentDeltas(deltas: readonly bigint[], gamma: bigint): void {
  const taken = new Set<bigint>();
  for (const value of [1n, gamma]) for (const signed of [value, FIELD_MODULUS - value]) taken.add(signed);
  for (const delta of deltas) {
    if (delta === 0n || taken.has(delta))
      throw new TacitError('SETUP_DELTA', 'delta is not independent', { expected: 'not 0, ±1, ±γ or ± another δ' });
    taken.add(delta).add(FIELD_MODULUS - delta);
  }
}

/** 512 bits of hash reduced mod the group order: uniform up to 2^-256. */
function derive(what: string): bigint {
  const digest = createHash('sha512').update(`${LABEL}: ${what}`).digest('hex');
  return BigInt(`0x${digest}`) % FIELD_MODULUS;
}
