/**
 * SYNTHETIC proofs for tests of the contract's decoder, economics and reverts.
 *
 * Whoever knows the secrets of a set-up can make a valid proof of anything. Here the test knows them: it makes keys
 * from secrets of its own and simulates a proof for whatever public inputs it likes, in milliseconds and without a
 * circuit. Tests with real proofs stand beside these.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { type PublicInputs, publicSignals } from '../../protocol/fingerprint.js';
import { type KeyTable, makeKeyTable } from '../../protocol/fold.js';
import type { G1, G2, Groth16Proof } from '../../protocol/proof.js';
import type { VerifyingKey } from '../../protocol/vkey.js';
import { SeededRandom } from './random.js';

interface CircuitSecrets {
  readonly delta: bigint;
  /** Discrete logarithms of ic_0 .. ic_3. */
  readonly ic: readonly bigint[];
}

export interface SyntheticKeys {
  readonly table: KeyTable;
  /** A valid proof of the given public inputs; another at every call. */
  prove(circuitId: number, inputs: PublicInputs): Groth16Proof;
  readonly secrets: { alpha: bigint; beta: bigint; gamma: bigint; circuits: ReadonlyMap<number, CircuitSecrets> };
}

export function g1(scalar: bigint): G1 {
  const s = mod(scalar);
  if (s === 0n) return { x: 0n, y: 0n };
  const { x, y } = bn254.G1.Point.BASE.multiply(s).toAffine();
  return { x, y };
}

export function g2(scalar: bigint): G2 {
  const { x, y } = bn254.G2.Point.BASE.multiply(mod(scalar)).toAffine();
  return { x: [x.c0, x.c1], y: [y.c0, y.c1] };
}

export function syntheticKeys(names: readonly CircuitName[], seed = 'synthetic keys', given: { alpha?: bigint } = {}): SyntheticKeys {
  const random = new SeededRandom(seed);
  const [alpha, beta, gamma] = [given.alpha ?? random.field(), random.field(), random.field()];
  const shared = { alpha: g1(alpha), beta: g2(beta), gamma: g2(gamma) };
  const circuits = new Map<number, CircuitSecrets>();
  const entries = names.map((name): [number, VerifyingKey] => {
    const own = { delta: random.field(), ic: Array.from({ length: 4 }, () => random.field()) };
    circuits.set(CIRCUITS[name].id, own);
    return [CIRCUITS[name].id, { ...shared, delta: g2(own.delta), ic: own.ic.map(g1) }];
  });
  const prove = (circuitId: number, inputs: PublicInputs): Groth16Proof => {
    const own = circuits.get(circuitId) as CircuitSecrets;
    const [a, b] = [random.field(), random.field()];
    const vkx = [1n, ...publicSignals(inputs)].reduce((sum, signal, k) => sum + signal * (own.ic[k] as bigint), 0n);
    const c = (mod(a * b - alpha * beta - vkx * gamma) * inverse(own.delta)) % FIELD_MODULUS;
    return { a: g1(a), b: g2(b), c: g1(c) };
  };
  return { table: makeKeyTable(entries), prove, secrets: { alpha, beta, gamma, circuits } };
}

export function inverse(x: bigint): bigint {
  return bn254.fields.Fr.inv(mod(x));
}

export function mod(x: bigint): bigint {
  return ((x % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
}
