/**
 * The two prime fields of BN254 and every constant that the kernels need, all derived from the primes.
 *
 * An element is kept as nine signed limbs of 29 bits in 32-bit words (36 bytes), in Montgomery form with R = 2^261.
 * R is 169 times the prime: sums of several elements need no reduction before they are multiplied.
 *
 * Source of the primes: EIP-196. Everything else is computed below.
 */

/** Bits of a limb. Two limbs' product has 58 bits; 27 such products and a carry fit a signed 64-bit word. */
export const LIMB_BITS = 29;
export const LIMB_COUNT = 9;
export const LIMB_MASK = (1 << LIMB_BITS) - 1;
/** Size of an element in memory. */
export const ELEMENT_BYTES = 4 * LIMB_COUNT;
/** Size of an element in files. */
export const PACKED_BYTES = 32;

const RADIX = 1n << BigInt(LIMB_BITS);
export const MONTGOMERY_BITS = BigInt(LIMB_BITS * LIMB_COUNT);
/** Files of the circom family hold elements in Montgomery form with this many bits. */
export const FILE_MONTGOMERY_BITS = 256n;
/** Fixed-point bits of the estimate value / prime. */
export const ESTIMATE_BITS = 40;

export interface FieldParameters {
  readonly name: string;
  readonly prime: bigint;
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
  /** R mod prime: the one of Montgomery form. */
  readonly one: bigint;
  /** R² mod prime: multiplying by it enters Montgomery form. */
  readonly enter: bigint;
  /** R²/2^256 mod prime: multiplying by it enters from the files' Montgomery form. */
  readonly enterFromFile: bigint;
}

/** a⁻¹ mod m by the extended Euclidean algorithm; 0 for a = 0. */
export function inverseModulo(a: bigint, m: bigint): bigint {
  let [r0, r1, s0, s1] = [m, ((a % m) + m) % m, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [s0, s1] = [s1, s0 - quotient * s1];
  }
  return ((s0 % m) + m) % m;
}

/** base^exponent mod m. */
export function powerModulo(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  let square = base % m;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % m;
    square = (square * square) % m;
  }
  return result;
}

/** Splits a non-negative integer below 2^261 into nine limbs. */
export function toLimbs(value: bigint): number[] {
  return Array.from({ length: LIMB_COUNT }, (_, i) => Number((value >> BigInt(LIMB_BITS * i)) & (RADIX - 1n)));
}

/** Joins (possibly signed) limbs. */
export function fromLimbs(limbs: ArrayLike<number>): bigint {
  let value = 0n;
  for (let i = LIMB_COUNT - 1; i >= 0; i--) value = value * RADIX + BigInt(limbs[i] ?? 0);
  return value;
}

function derive(name: string, prime: bigint): FieldParameters {
  const inverse = inverseModulo(prime, RADIX);
  const negativeInverse = RADIX - inverse;
  const limbs = toLimbs(prime);
  const top = limbs[LIMB_COUNT - 1] ?? 0;
  const power = (bits: bigint): bigint => powerModulo(2n, bits, prime);
  return {
    name,
    prime,
    limbs,
    negativeInverse: Number(negativeInverse),
    inverse: Number(inverse),
    foldLimbs: toLimbs((prime * negativeInverse + 1n) / RADIX),
    topEstimate: Math.round(2 ** ESTIMATE_BITS / top),
    one: power(MONTGOMERY_BITS),
    enter: power(2n * MONTGOMERY_BITS),
    enterFromFile: power(2n * MONTGOMERY_BITS - FILE_MONTGOMERY_BITS),
  };
}

/** The field of the curve's coordinates. */
export const BASE_FIELD = derive('q', 21888242871839275222246405745257275088696311157297823662689037894645226208583n);
/** The field of the scalars: the order of the curve's groups. */
export const SCALAR_FIELD = derive('r', 21888242871839275222246405745257275088548364400416034343698204186575808495617n);
