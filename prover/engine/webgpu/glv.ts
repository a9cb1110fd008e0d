/**
 * Scalars in two halves, as a device without long products computes them: k = k1 + k2·λ mod r with |k1|, |k2| < 2^127.
 *
 * The basis is that of `curve/endomorphism.ts`, which also says why it works. The coordinates c1, c2 of (k, 0) are rounded down
 * here, not to the nearest: that costs a bit, of which there is room, and spares the comparison. c1 and c2 are not negative.
 * Source: Gallant, Lambert, Vanstone, "Faster point multiplication on elliptic curves with efficient endomorphisms" (CRYPTO 2001).
 */
import { SHORT_BASIS } from '../curve/endomorphism.js';
import { SCALAR_FIELD } from '../field/parameters.js';

const { prime: r } = SCALAR_FIELD;

/** Bits below the point of the reciprocals: 18 more than a scalar has, so that truncating them costs less than 2^−18. */
export const RECIPROCAL_BITS = 272n;
const TRUNCATION_BITS = RECIPROCAL_BITS - 254n;

const { a1, b1, a2, b2 } = SHORT_BASIS;

/** ⌊2^272·b2/r⌋ and ⌊2^272·(−b1)/r⌋; b1 is negative, all others are not. */
export const RECIPROCALS = { g1: (b2 << RECIPROCAL_BITS) / r, g2: (-b1 << RECIPROCAL_BITS) / r } as const;

/** k1's; k2 stays within b2 − b1, which is a little less. */
const longest = a1 + a2;

/** No half is further from zero: each coordinate is off by less than 1 + 2^−18. */
export const HALF_BOUND = longest + (longest >> TRUNCATION_BITS) + 1n;

/** The halves of a scalar, by the same steps as the kernel; the readable twin of `digits.ts`. */
export function split(k: bigint): [k1: bigint, k2: bigint] {
  const c1 = (k * RECIPROCALS.g1) >> RECIPROCAL_BITS;
  const c2 = (k * RECIPROCALS.g2) >> RECIPROCAL_BITS;
  return [k - c1 * a1 - c2 * a2, -c1 * b1 - c2 * b2];
}
