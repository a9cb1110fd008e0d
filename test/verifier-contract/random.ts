/** Seeded randomness: the same seed gives the same bytes on every run. Not for keys. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToUint, concatBytes, uintToBytes } from '../../protocol/bytes.js';
import { FIELD_MODULUS } from '../../protocol/field.js';

export class SeededRandom {
  #count = 0;
  readonly #seed: Uint8Array;

  constructor(seed: string) {
    this.#seed = keccak_256(new TextEncoder().encode(seed));
  }

  bytes(size: number): Uint8Array {
    const blocks: Uint8Array[] = [];
    for (let have = 0; have < size; have += 32) blocks.push(keccak_256(concatBytes(this.#seed, uintToBytes(this.#count++, 8))));
    return concatBytes(...blocks).slice(0, size);
  }

  uint(bits: number): bigint {
    return bytesToUint(this.bytes(Math.ceil(bits / 8))) & ((1n << BigInt(bits)) - 1n);
  }

  /** Non-zero. */
  field(): bigint {
    return (bytesToUint(this.bytes(48)) % (FIELD_MODULUS - 1n)) + 1n;
  }
}
