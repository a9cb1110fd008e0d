/**
 * Constants of the protocol, each with its meaning and source. Changing one makes another protocol.
 */
import type { Field } from './flavor.js';

/**
 * Domain separators inside Poseidon. Small and distinct; the input count separates further, because Poseidon has
 * another permutation for every arity.
 */
export const DOM_NULLIFIER: Field = 1n; // fourth input of nf = H(n', cm, position, 1)
export const DOM_TX: Field = 2n; // first of the ten inputs of the signed message M
export const DOM_SPONGE: Field = 3n; // first of the three inputs of the sponge's initial state

/** Both trees: 4^16 = 2^32 leaves. Docs: docs/spec/update.md. */
export const TREE_DEPTH = 16;
export const TREE_ARITY = 4;
export const TREE_CAPACITY = 2n ** 32n;

/** A nullifier is the low 248 bits of a field element, so that 31 bytes carry it. */
export const NULLIFIER_BITS = 248;
/** The end of the last gap: the genesis leaf is (0, 2^248 − 1). A record's nullifier lies strictly below it. */
export const NULLIFIER_MAX: Field = 2n ** 248n - 1n;

export const AMOUNT_BITS = 128; // uint128
export const FEE_BITS = 96; // uint96
export const ASSET_BITS = 32; // uint32
/** The chain's native coin. */
export const NATIVE_ASSET = 0;

/** The address that stands for "nobody": no prover to be paid, no recipient. */
export const ZERO_ADDRESS = '0x0000000000000000000000000000000000000000';

/** Domain tags of Keccak-256 inputs: 32 bytes, ASCII, padded with zeros on the right (Solidity's `bytes32("…")`). */
export const TAG_EXT = tag('tacit.ext.v1');
export const TAG_CHALLENGE = tag('tacit.challenge.v1');
export const TAG_FOLD = tag('tacit.fold.v1');
export const TAG_RECORD = tag('tacit.record.v1');
export const TAG_FORCED = tag('tacit.forced.v1');

function tag(text: string): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}
