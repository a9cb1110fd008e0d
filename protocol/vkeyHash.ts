/**
 * The version of a circuit, as the farm names it: the hash of the verifying key that its proofs must satisfy. Another circuit, or the
 * same one after another set-up, has another key; a contract has one key a circuit, for ever.
 *
 *   keccak(tag ‖ α ‖ β ‖ γ ‖ δ ‖ IC…)      coordinates as 32 bytes each, of G2 the imaginary part first (EIP-197)
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, uintToBytes } from './bytes.js';
import type { Hex } from './flavor.js';
import type { VerifyingKey } from './vkey.js';

const TAG = new TextEncoder().encode('tacit.vkey.v1');
const COORDINATE_BYTES = 32;

/** @returns 32 bytes */
export function verifyingKeyHash({ alpha, beta, gamma, delta, ic }: VerifyingKey): Hex {
  const coordinates = [
    ...[alpha.x, alpha.y],
    ...[beta, gamma, delta].flatMap(({ x, y }) => [x[1], x[0], y[1], y[0]]),
    ...ic.flatMap(({ x, y }) => [x, y]),
  ];
  return bytesToHex(keccak_256(concatBytes(TAG, ...coordinates.map((coordinate) => uintToBytes(coordinate, COORDINATE_BYTES)))));
}
