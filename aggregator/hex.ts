/** Field elements and nullifiers as the journal writes them. */
import { bytesToHex, hexToBytes, uintToBytes } from '../protocol/bytes.js';
import { NULLIFIER_BITS } from '../protocol/constants.js';
import { fieldFromBytes, fieldToBytes } from '../protocol/field.js';
import type { Field, Hex } from '../protocol/flavor.js';

export function fieldHex(x: Field): Hex {
  return bytesToHex(fieldToBytes(x));
}

/** @throws TacitError HEX_INVALID, FIELD_RANGE */
export function fieldOf(hex: Hex, what = 'value'): Field {
  return fieldFromBytes(hexToBytes(hex, 32), what);
}

/** Key of a nullifier in the journal: 31 bytes. */
export function nullifierHex(nf: Field): Hex {
  return bytesToHex(uintToBytes(nf, NULLIFIER_BITS / 8));
}
