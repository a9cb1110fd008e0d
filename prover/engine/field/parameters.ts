/**
 * The two prime fields of BN254, and arithmetic on bigints for what is derived from their primes.
 * Source of the primes: EIP-196.
 */

/** Size of an element in files and of a scalar. */
export const PACKED_BYTES = 32;
/** Files of the circom family hold elements in Montgomery form with this many bits. */
export const FILE_MONTGOMERY_BITS = 256n;

export interface Field {
  readonly name: 'q' | 'r';
  readonly prime: bigint;
}

/** The field of the curve's coordinates. */
export const BASE_FIELD: Field = { name: 'q', prime: 21888242871839275222246405745257275088696311157297823662689037894645226208583n };
/** The field of the scalars: the order of the curve's groups. */
export const SCALAR_FIELD: Field = { name: 'r', prime: 21888242871839275222246405745257275088548364400416034343698204186575808495617n };

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
