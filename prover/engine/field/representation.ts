/**
 * How an element of a prime field lies in memory: one representation for each backend.
 *
 *   portable: nine signed limbs of 29 bits in 32-bit words (36 bytes), R = 2^261, values within a few primes of zero;
 *   wide:     four limbs of 64 bits (32 bytes), R = 2^256, values in [0, 2p).
 *
 * In both an element x is kept as x·R mod p (Montgomery form), up to multiples of p. A representation is plain data:
 * it travels to worker threads with the rest of what is known of a module.
 */
import { type Field, inverseModulo, powerModulo } from './parameters.js';

export type BackendName = 'portable' | 'wide';
export const BACKEND_NAMES: readonly BackendName[] = ['portable', 'wide'];

export interface Representation {
  readonly backend: BackendName;
  readonly limbBits: number;
  readonly limbCount: number;
  /** Size of an element in memory. */
  readonly elementBytes: number;
  /** R = 2^montgomeryBits. */
  readonly montgomeryBits: number;
}

export const PORTABLE: Representation = { backend: 'portable', limbBits: 29, limbCount: 9, elementBytes: 36, montgomeryBits: 261 };
export const WIDE: Representation = { backend: 'wide', limbBits: 64, limbCount: 4, elementBytes: 32, montgomeryBits: 256 };

/** Bytes of a word that holds one limb. */
export function limbBytes({ elementBytes, limbCount }: Representation): number {
  return elementBytes / limbCount;
}

/** Splits a non-negative integer below R into limbs. */
export function toLimbs({ limbBits, limbCount }: Representation, value: bigint): bigint[] {
  return Array.from({ length: limbCount }, (_, i) => (value >> BigInt(limbBits * i)) & ((1n << BigInt(limbBits)) - 1n));
}

/** The bytes of a non-negative integer below R in memory. */
export function encodeInteger(representation: Representation, value: bigint): Uint8Array {
  const bytes = new Uint8Array(representation.elementBytes);
  const size = limbBytes(representation);
  toLimbs(representation, value).forEach((limb, i) => {
    for (let byte = 0; byte < size; byte++) bytes[size * i + byte] = Number((limb >> BigInt(8 * byte)) & 255n);
  });
  return bytes;
}

/** The integer that an element's bytes hold, not reduced and possibly negative. */
export function decodeInteger(representation: Representation, bytes: Uint8Array): bigint {
  const size = limbBytes(representation);
  let value = 0n;
  for (let i = representation.limbCount - 1; i >= 0; i--) {
    let limb = 0n;
    for (let byte = size - 1; byte >= 0; byte--) limb = (limb << 8n) | BigInt(bytes[size * i + byte] as number);
    value = (value << BigInt(representation.limbBits)) + (representation.backend === 'portable' ? BigInt.asIntN(8 * size, limb) : limb);
  }
  return value;
}

/** 2^bits mod p. */
export function powerOfTwo(field: Field, bits: number): bigint {
  return powerModulo(2n, BigInt(bits), field.prime);
}

/** The bytes of the element x in Montgomery form, for any integer x. */
export function encodeElement(representation: Representation, field: Field, x: bigint): Uint8Array {
  const { prime } = field;
  return encodeInteger(representation, ((((x % prime) + prime) % prime) * powerOfTwo(field, representation.montgomeryBits)) % prime);
}

/** The element x in [0, p) that bytes in Montgomery form stand for. */
export function decodeElement(representation: Representation, field: Field, bytes: Uint8Array): bigint {
  const { prime } = field;
  const x = (decodeInteger(representation, bytes) * inverseModulo(powerOfTwo(field, representation.montgomeryBits), prime)) % prime;
  return (x + prime) % prime;
}
