/**
 * The naive twin of both trees: a plain list of leaves, the root recomputed from all of them, nullifiers inserted one
 * by one in the textbook way of an indexed tree. Shares no code with ledger/.
 */
import { poseidon2 } from 'poseidon-lite/poseidon2';
import { poseidon4 } from 'poseidon-lite/poseidon4';

const DEPTH = 16;
const MAX = 2n ** 248n - 1n;

/** Root of a tree given by its non-zero leaves. */
export function slowRoot(leaves: ReadonlyMap<number, bigint>): bigint {
  let empty = 0n;
  let row = new Map(leaves);
  for (let level = 0; level < DEPTH; level++) {
    const above = new Map<number, bigint>();
    for (const index of row.keys()) {
      const parent = Math.floor(index / 4);
      if (above.has(parent)) continue;
      const four = [0, 1, 2, 3].map((i) => row.get(4 * parent + i) ?? empty);
      above.set(parent, poseidon4(four));
    }
    empty = poseidon4([empty, empty, empty, empty]);
    row = above;
  }
  return row.get(0) ?? empty;
}

interface TwinSlot {
  nf1: bigint;
  nf2: bigint;
  cm1: bigint;
  cm2: bigint;
}

export class SlowLedger {
  leafCount = 1;
  readonly #notes = new Map<number, bigint>();
  readonly #gaps = new Map<number, { value: bigint; next: bigint }>([[0, { value: 0n, next: MAX }]]);

  get noteRoot(): bigint {
    return slowRoot(this.#notes);
  }

  get nullifierRoot(): bigint {
    return slowRoot(new Map([...this.#gaps].map(([index, { value, next }]) => [index, poseidon2([value, next])])));
  }

  update(size: number, slots: readonly TwinSlot[]): void {
    const width = 2 * size;
    while (this.leafCount % width !== 0) this.leafCount++;
    slots.forEach((slot, j) => {
      if (slot.cm1 !== 0n) this.#notes.set(this.leafCount + 2 * j, slot.cm1);
      if (slot.cm2 !== 0n) this.#notes.set(this.leafCount + 2 * j + 1, slot.cm2);
    });
    const used = slots.flatMap((slot) => [slot.nf1, slot.nf2]).filter((nf) => nf !== 0n);
    used.sort((a, b) => (a < b ? -1 : 1));
    const zeros = width - used.length;
    for (const [k, nf] of used.entries()) this.#insert(nf, this.leafCount + zeros + k);
    this.leafCount += width;
  }

  #insert(nf: bigint, at: number): void {
    for (const gap of this.#gaps.values()) {
      if (gap.value < nf && nf < gap.next) {
        this.#gaps.set(at, { value: nf, next: gap.next });
        gap.next = nf;
        return;
      }
    }
    throw new Error('no gap');
  }
}
