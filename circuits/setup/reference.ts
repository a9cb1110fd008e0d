/**
 * The readable twin of qap.ts: the scalars of a proving key on bigints, as the formulas of its head say them. Slow, and
 * the oracle of its tests.
 */
import { FIELD_MODULUS } from '../../protocol/field.js';
import { inverseModulo, powerModulo } from '../../prover/engine/field/parameters.js';
import { rootOfUnity } from '../../prover/engine/groth16/key.js';
import type { LinearCombination, R1cs } from '../r1cs.js';
import type { ToxicWaste } from './toxicWaste.js';

const R = FIELD_MODULUS;

/** One scalar for each point of a list. */
export interface ReferenceScalars {
  readonly a: readonly bigint[];
  readonly b: readonly bigint[];
  readonly ic: readonly bigint[];
  readonly k: readonly bigint[];
  readonly h: readonly bigint[];
}

/** Value at τ of the i-th Lagrange polynomial over the n-th roots of unity: Π_(j≠i) (τ − ω^j)/(ω^i − ω^j). */
function lagrange(tau: bigint, n: number, i: number): bigint {
  const root = rootOfUnity(Math.log2(n));
  const point = (j: number): bigint => powerModulo(root, BigInt(j), R);
  let value = 1n;
  for (let j = 0; j < n; j++) {
    if (j !== i) value = (value * (tau + R - point(j)) * inverseModulo(point(i) + R - point(j), R)) % R;
  }
  return value;
}

/** @param publicWires the constant and the public inputs and outputs */
export function referenceScalars(r1cs: R1cs, publicWires: number, domainSize: number, waste: ToxicWaste): ReferenceScalars {
  const { wires, constraints } = r1cs.header;
  const sums = { a: new Array<bigint>(wires).fill(0n), b: new Array<bigint>(wires).fill(0n), c: new Array<bigint>(wires).fill(0n) };
  const add = (to: bigint[], terms: LinearCombination, basis: bigint): void => {
    for (const [wire, coefficient] of terms) to[wire] = (to[wire]! + coefficient * basis) % R;
  };
  for (let row = 0; row < constraints; row++) {
    const { a, b, c } = r1cs.constraint(row);
    const basis = lagrange(waste.tau, domainSize, row);
    add(sums.a, a, basis);
    add(sums.b, b, basis);
    add(sums.c, c, basis);
  }
  for (let s = 0; s < publicWires; s++) add(sums.a, [[s, 1n]], lagrange(waste.tau, domainSize, constraints + s));
  const k = sums.a.map((a, s) => {
    const sum = waste.beta * a + waste.alpha * sums.b[s]! + sums.c[s]!;
    return (sum * inverseModulo(s < publicWires ? waste.gamma : waste.delta, R)) % R;
  });
  const perDelta = inverseModulo(waste.delta, R);
  const h = Array.from({ length: domainSize }, (_, i) => (lagrange(waste.tau, 2 * domainSize, 2 * i + 1) * perDelta) % R);
  return { a: sums.a, b: sums.b, ic: k.slice(0, publicWires), k: k.slice(publicWires), h };
}
