/** Seeded randomness for ledger tests: the same numbers in every run. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToUint } from '../../protocol/bytes.js';
import type { Slot } from '../../protocol/update.js';

export class Random {
  #counter = 0;
  constructor(readonly seed: string) {}

  /** A fresh number below `bound`. */
  below(bound: bigint): bigint {
    return bytesToUint(keccak_256(new TextEncoder().encode(`${this.seed}/${this.#counter++}`))) % bound;
  }

  int(bound: number): number {
    return Number(this.below(BigInt(bound)));
  }

  nullifier(): bigint {
    return 1n + this.below(2n ** 248n - 2n);
  }

  /** Slots of all kinds: transfers, single and paired deposits, empty ones; some nullifiers close together. */
  slots(count: number): Slot[] {
    let near = this.nullifier();
    const nf = () => {
      if (this.int(3) !== 0) return this.nullifier();
      near += 1n + this.below(5n);
      return near;
    };
    return Array.from({ length: count }, () => {
      const kind = this.int(6);
      const cm = () => 1n + this.below(2n ** 253n);
      if (kind === 0) return { nf1: 0n, nf2: 0n, cm1: 0n, cm2: 0n };
      if (kind === 1) return { nf1: 0n, nf2: 0n, cm1: cm(), cm2: 0n };
      if (kind === 2) return { nf1: 0n, nf2: 0n, cm1: cm(), cm2: cm() };
      return { nf1: nf(), nf2: nf(), cm1: cm(), cm2: cm() };
    });
  }
}
