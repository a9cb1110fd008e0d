/**
 * The BN254 scalar field: range checks and the 32-byte big-endian codec. Arithmetic is plain bigint arithmetic
 * modulo `FIELD_MODULUS`.
 */
import { bytesToUint, uintToBytes } from './bytes.js';
import { TacitError } from './errors.js';
import type { Field } from './flavor.js';

/** p, the order of BN254's groups (EIP-197); circom's default prime. */
export const FIELD_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
export const FIELD_BYTES = 32;

export function isField(x: bigint): boolean {
  return x >= 0n && x < FIELD_MODULUS;
}

/** @throws TacitError FIELD_RANGE; the value itself is not repeated, it may be a secret */
export function assertField(x: bigint, what: string): Field {
  if (!isField(x))
    throw new TacitError('FIELD_RANGE', `${what} is not a field element`, {
      expected: '0 ≤ x < p',
      got: x < 0n ? 'a negative integer' : 'an integer of p or more',
    });
  return x;
}

/** x mod p, in [0, p) also for negative x. */
export function reduce(x: bigint): Field {
  const r = x % FIELD_MODULUS;
  return r < 0n ? r + FIELD_MODULUS : r;
}

export function fieldToBytes(x: Field): Uint8Array {
  return uintToBytes(assertField(x, 'value'), FIELD_BYTES);
}

/** @throws TacitError FIELD_RANGE when the integer is p or more, BYTES_SIZE when bytes are not 32 */
export function fieldFromBytes(bytes: Uint8Array, what = 'value'): Field {
  if (bytes.length !== FIELD_BYTES)
    throw new TacitError('BYTES_SIZE', `${what} has the wrong size`, { expected: '32 bytes', got: `${bytes.length}` });
  return assertField(bytesToUint(bytes), what);
}
