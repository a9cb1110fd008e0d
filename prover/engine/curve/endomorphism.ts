/**
 * The endomorphism (x, y) → (β·x, y) of curves y² = x³ + b, with β³ = 1: on points of order r it multiplies by λ, a cube
 * root of one modulo r, for the price of one product in place of a multiplication by a 254-bit scalar.
 *
 * A scalar k is split as k ≡ k1 + k2·λ (mod r) with halves of half its length. The pairs (k1, k2) with k ≡ 0 form a
 * lattice with the short basis (A1, B1), (A2, B2); subtracting from (k, 0) the lattice vector c1·(A1, B1) + c2·(A2, B2)
 * nearest to it leaves the halves:
 *   c1 = ⌊k·B2/r⌉,  c2 = ⌊−k·B1/r⌉,  k1 = k − c1·A1 − c2·A2,  k2 = −c1·B1 − c2·B2.
 * Source: Gallant, Lambert, Vanstone, "Faster point multiplication on elliptic curves with efficient endomorphisms" (2001).
 */
import type { PrimeField } from '../field/operations.js';
import { BASE_FIELD, powerModulo } from '../field/parameters.js';
import { call, type FunctionRef, I32, i32 } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import type { Curve } from './points.js';

/** The parameter x of the curve BN254, from which r, q, λ and the basis are polynomials. Source: EIP-196, EIP-197 (r = 36x⁴ + 36x³ + 18x² + 6x + 1). */
const X = 4965661367192848881n;
/** λ = 36x³ + 18x² + 6x + 1. */
export const LAMBDA = 36n * X ** 3n + 18n * X ** 2n + 6n * X + 1n;
/** A1 + B1·λ ≡ A2 + B2·λ ≡ 0 (mod r). */
export const SHORT_BASIS = {
  a1: 2n * X + 1n,
  b1: -(6n * X ** 2n + 2n * X),
  a2: 6n * X ** 2n + 4n * X + 1n,
  b2: 2n * X + 1n,
} as const;
/** Halves lie within ±2^126: half the sum of the basis' coordinates, and a little for rounding. */
export const HALF_SCALAR_BITS = 126;

/** Three is not a cube modulo q, so this power of it is a cube root of one other than one; its square is the third one. */
const NON_CUBE = 3n;
const { prime: q } = BASE_FIELD;
const rootOfOne = powerModulo(NON_CUBE, (q - 1n) / 3n, q);

/** β of each curve: the one of the two roots that goes with λ. */
export const BETA = { g1: (rootOfOne * rootOfOne) % q, g2: rootOfOne } as const;

/** Defines (points, n): n affine points are replaced by λ times themselves; infinity stays what it is. */
export function defineEndomorphism(module: ModuleBuilder, curve: Curve, base: PrimeField, beta: bigint): FunctionRef {
  const betaAt = i32.const(base.constant(beta));
  return module.func(`${curve.name}_endomorphismMany`, [I32, I32], [], (f) => {
    const [point, n] = [f.param(0), f.param(1)];
    f.while(
      () => n,
      () => {
        for (let offset = 0; offset < curve.field.bytes; offset += base.bytes) {
          const coordinate = i32.add(point, i32.const(offset));
          f.do(call(base.mul, coordinate, coordinate, betaAt));
        }
        f.increase(point, curve.affineBytes);
        f.increase(n, -1);
      },
    );
  });
}
