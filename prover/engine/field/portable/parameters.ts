/**
 * Constants of the portable backend, derived from a prime.
 *
 * An element is kept as nine signed limbs of 29 bits, in Montgomery form with R = 2^261. R is 169 times the prime:
 * sums of several elements need no reduction before they are multiplied.
 */
import { type Field, inverseModulo } from '../parameters.js';
import { PORTABLE, toLimbs } from '../representation.js';

/** Bits of a limb. Two limbs' product has 58 bits; 27 such products and a carry fit a signed 64-bit word. */
export const LIMB_BITS = PORTABLE.limbBits;
export const LIMB_COUNT = PORTABLE.limbCount;
export const LIMB_MASK = (1 << LIMB_BITS) - 1;
/** Fixed-point bits of the estimate value / prime. */
export const ESTIMATE_BITS = 40;

const RADIX = 1n << BigInt(LIMB_BITS);

export interface PortableParameters {
  readonly field: Field;
  /** Limbs of the prime. */
  readonly limbs: readonly number[];
  /** −prime⁻¹ mod 2^29. */
  readonly negativeInverse: number;
  /** prime⁻¹ mod 2^29. */
  readonly inverse: number;
  /**
   * Limbs of M = (prime·negativeInverse + 1) / 2^29. As prime·negativeInverse = M·2^29 − 1, adding q·(M·2^29 − 1)
   * clears the lowest limb q without any multiplication that would depend on the prime's own lowest limb.
   */
  readonly foldLimbs: readonly number[];
  /** 2^40 / (prime >> 232), to estimate from the top limb how many primes a value holds. */
  readonly topEstimate: number;
}

export function portableParameters(field: Field): PortableParameters {
  const { prime } = field;
  const inverse = inverseModulo(prime, RADIX);
  const negativeInverse = RADIX - inverse;
  const limbs = toLimbs(PORTABLE, prime).map(Number);
  const top = limbs[LIMB_COUNT - 1] ?? 0;
  return {
    field,
    limbs,
    negativeInverse: Number(negativeInverse),
    inverse: Number(inverse),
    foldLimbs: toLimbs(PORTABLE, (prime * negativeInverse + 1n) / RADIX).map(Number),
    topEstimate: Math.round(2 ** ESTIMATE_BITS / top),
  };
}
