/**
 * Groth16 keys and proofs made from known toxic waste. Whoever knows α, β, γ, δ and the discrete logarithms of the
 * public columns can satisfy the verification equation for any public input: choose A and B, solve for C. This gives
 * the verifiers real pairing equations, true or false at will, without a circuit.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import type { PublicInputs } from '../../protocol/fingerprint.js';
import type { FoldItem } from '../../protocol/fold.js';
import type { G1, G2, Groth16Proof } from '../../protocol/proof.js';
import type { VerifyingKey } from '../../protocol/vkey.js';

const { Fr } = bn254.fields;

export interface Waste {
  alpha: bigint;
  beta: bigint;
  gamma: bigint;
  delta: bigint;
  ic: bigint[];
}

export const mod = (x: bigint): bigint => ((x % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
export const inverse = (x: bigint): bigint => Fr.inv(mod(x));

export function g1(k: bigint): G1 {
  const { x, y } = bn254.G1.Point.BASE.multiplyUnsafe(mod(k)).toAffine();
  return { x, y };
}
export function g2(k: bigint): G2 {
  const { x, y } = bn254.G2.Point.BASE.multiplyUnsafe(mod(k)).toAffine();
  return { x: [x.c0, x.c1], y: [y.c0, y.c1] };
}

/** @param version of the circuits: another one has other keys */
export function wasteFor(circuit: number, version = 0n): Waste {
  return {
    alpha: 11n,
    beta: 13n,
    gamma: 17n,
    delta: 1000003n + BigInt(circuit) * 7919n + version * 104729n,
    ic: [3n, 5n, 7n, 9n].map((k) => k + BigInt(circuit) * 101n),
  };
}

export function keyOf({ alpha, beta, gamma, delta, ic }: Waste): VerifyingKey {
  return { alpha: g1(alpha), beta: g2(beta), gamma: g2(gamma), delta: g2(delta), ic: ic.map(g1) };
}

/** a·b = α·β + vkx·γ + c·δ, solved for c. */
export function simulate(waste: Waste, signals: bigint[], a: bigint, b: bigint): Groth16Proof {
  const vkx = signals.reduce((sum, signal, i) => sum + signal * (waste.ic[i + 1] ?? 0n), waste.ic[0] ?? 0n);
  const c = mod((a * b - waste.alpha * waste.beta - vkx * waste.gamma) * inverse(waste.delta));
  return { a: g1(a), b: g2(b), c: g1(c) };
}

export function item(circuitId: number, seed: bigint): FoldItem {
  const publicInputs: PublicInputs = { h: mod(seed * 1234577n + 1n), z: mod(seed * seed + 99991n), y: mod(-seed - 5n) };
  return {
    circuitId,
    publicInputs,
    proof: simulate(wasteFor(circuitId), [publicInputs.h, publicInputs.z, publicInputs.y], seed + 21n, seed + 34n),
  };
}
