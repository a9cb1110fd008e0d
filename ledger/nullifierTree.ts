/**
 * The nullifier tree: an indexed Merkle tree over all nullifiers ever used.
 *
 * A leaf is H(value, next), where `next` is the following value in ascending order: each leaf stands for a gap in which
 * nothing has been used. A nullifier is unused exactly when some leaf has value < nf < next. Genesis is one leaf, the
 * gap (0, 2^248 − 1), at index 0.
 *
 * A batch of sorted nullifiers goes in as follows.
 *   1. Group it by gap. The first of a group is `fresh`: it closes the gap's leaf at its own value. The others of the
 *      group are `same`: they share the gap and touch no old leaf.
 *   2. Close the gaps, in ascending order; after each the tree has a new running root.
 *   3. Append one leaf for each nullifier, as an aligned subtree; a group's last leaf inherits the end of its gap.
 *
 * Invariants: `#sorted` begins with the genesis value 0, and the `next` of each entry is the value of the following one,
 * or 2^248 − 1: so it is never stored apart and cannot disagree.
 */
import { NULLIFIER_MAX } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Field } from '../protocol/flavor.js';
import { H } from '../protocol/hash.js';
import { EMPTY_ROOTS } from './emptyRoots.js';
import { emptyNode, leafNode, levelOf, nodeAt, siblings, subtreeOf, type TreeNode, withNode } from './quaternary.js';
import { type Entry, SortedEntries } from './sortedEntries.js';
import { assertBatchPlace } from './tree.js';

/** A gap: the leaf that proves that nothing between `value` and `next` has been used. */
export interface LowLeaf {
  readonly value: Field;
  readonly next: Field;
  /** Leaf index in the tree. */
  readonly index: bigint;
}

/** One entry of a sorted batch, with what statement U needs to know about it. */
export interface BatchRow {
  /** s_k; 0 is padding. */
  readonly value: Field;
  /** Shares its gap with the entry before. */
  readonly same: boolean;
  /** The gap's leaf where this entry is the first of its gap (`fresh`), else undefined. */
  readonly low: LowLeaf | undefined;
  /** g_k: the end of the gap that this entry falls into; 0 for padding. */
  readonly gapEnd: Field;
  /** What the entry's own new leaf points to; 0 for padding. */
  readonly next: Field;
}

/** The gap that all nullifiers fall into at first. */
const GENESIS_ENTRY: Entry = { value: 0n, index: 0n };

export class NullifierTree {
  #root: TreeNode;
  #sorted: SortedEntries;

  private constructor(root: TreeNode, sorted: SortedEntries) {
    this.#root = root;
    this.#sorted = sorted;
  }

  /** One leaf: the gap (0, 2^248 − 1) at index 0. */
  static genesis(): NullifierTree {
    const root = withNode(emptyNode(EMPTY_ROOTS.length - 1), 0, leafNode(H(0n, NULLIFIER_MAX)));
    return new NullifierTree(root, SortedEntries.of([GENESIS_ENTRY]));
  }

  /**
   * A tree whose nodes and values were stored.
   * @param used every nullifier and its leaf, in any order, the genesis entry left out
   */
  static restored(top: TreeNode, used: readonly Entry[]): NullifierTree {
    return new NullifierTree(top, SortedEntries.of([GENESIS_ENTRY, ...used].sort((a, b) => (a.value < b.value ? -1 : 1))));
  }

  get root(): Field {
    return this.#root.hash;
  }

  /** The root's node. */
  get top(): TreeNode {
    return this.#root;
  }

  /** Nullifiers whose leaves stand at `index` (more than 0) or behind, in the order of the leaves. */
  usedSince(index: bigint): Entry[] {
    return this.#sorted.since(index);
  }

  /** Nullifiers used so far, the genesis entry not counted. */
  get size(): number {
    return this.#sorted.size - 1;
  }

  /** An independent copy, at the price of two references. */
  fork(): NullifierTree {
    return new NullifierTree(this.#root, this.#sorted);
  }

  /** Whether `nf` has been used. */
  has(nf: Field): boolean {
    return nf !== 0n && this.#sorted.floor(nf).entry.value === nf;
  }

  /** The leaf (nf, next) of a used nullifier: with its path, the evidence that `nf` is in the tree. */
  used(nf: Field): LowLeaf | undefined {
    return this.has(nf) ? this.#gapOf(nf) : undefined;
  }

  /**
   * The gap that holds the unused `nf`.
   * @throws NULLIFIER_RANGE unless 0 < nf < 2^248 − 1; NULLIFIER_USED when it is in the tree
   */
  low(nf: Field): LowLeaf {
    assertNullifier(nf);
    const gap = this.#gapOf(nf);
    if (gap.value === nf) throw new TacitError('NULLIFIER_USED', 'the nullifier is in the tree already', { got: nf.toString(16) });
    return gap;
  }

  /** Siblings of leaf `index`, 16 rows of 3, leaf upwards. */
  path(index: bigint): Field[][] {
    return siblings(this.#root, 0, Number(index));
  }

  /** Siblings of the aligned subtree `index` of 4^level leaves. */
  subtreePath(level: number, index: number): Field[][] {
    return siblings(this.#root, level, index);
  }

  /** Hash of the leaf at `index`; 0 where there is none. */
  leaf(index: bigint): Field {
    return nodeAt(this.#root, 0, Number(index)).hash;
  }

  /**
   * Step 1 above, for `sorted`: zeros first, then strictly ascending. Changes nothing.
   * @throws U1 (order, duplicates), U5 (used already)
   */
  planBatch(sorted: readonly Field[]): BatchRow[] {
    const lows = sorted.map((s, k) => {
      const before = sorted[k - 1] ?? 0n;
      if (s === 0n ? before !== 0n : s <= before)
        throw new TacitError('U1', 'nullifiers of a batch stand in strictly ascending order, zeros first', { got: s.toString(16) });
      if (s === 0n) return undefined;
      if (this.has(s)) throw new TacitError('U5', 'a nullifier of the batch is in the tree already', { got: s.toString(16) });
      return this.low(s);
    });
    return lows.map((low, k) => {
      const value = sorted[k] as Field;
      if (low === undefined) return { value, same: false, low, gapEnd: 0n, next: 0n };
      const same = lows[k - 1]?.index === low.index;
      const nextSame = lows[k + 1]?.index === low.index;
      return { value, same, low: same ? undefined : low, gapEnd: low.next, next: nextSame ? (sorted[k + 1] as Field) : low.next };
    });
  }

  /** Step 2 for one row: its gap now ends at its value (U7). No effect on rows that are not fresh. */
  closeGap(row: BatchRow): void {
    if (row.low === undefined) return;
    this.#root = withNode(this.#root, Number(row.low.index), leafNode(H(row.low.value, row.value)));
  }

  /** Step 3: appends the leaves of all rows at `start`, a multiple of their count, after every gap has been closed. */
  append(start: bigint, rows: readonly BatchRow[]): void {
    const place = assertBatchPlace(start, rows.length);
    const level = levelOf(rows.length);
    if (nodeAt(this.#root, level, place) !== emptyNode(level)) {
      throw new TacitError('TREE_OCCUPIED', 'a batch needs an empty place', { got: String(start) });
    }
    const leaves = rows.map((row) => (row.value === 0n ? 0n : H(row.value, row.next)));
    this.#root = withNode(this.#root, place, subtreeOf(leaves));
    const entries = rows.map((row, k) => ({ value: row.value, index: start + BigInt(k) })).filter((entry) => entry.value !== 0n);
    this.#sorted = this.#sorted.with(entries);
  }

  /** All three steps at once, for whoever needs no witness. `sorted` as in `planBatch`. */
  insertBatch(start: bigint, sorted: readonly Field[]): void {
    const rows = this.planBatch(sorted);
    for (const row of rows) this.closeGap(row);
    this.append(start, rows);
  }

  /** The leaf of the greatest value that is not above `nf`. */
  #gapOf(nf: Field): LowLeaf {
    const { entry, next } = this.#sorted.floor(nf);
    return { ...entry, next: next ?? NULLIFIER_MAX };
  }
}

/** @throws NULLIFIER_RANGE unless 0 < nf < 2^248 − 1 */
export function assertNullifier(nf: Field): void {
  if (nf <= 0n || nf >= NULLIFIER_MAX)
    throw new TacitError('NULLIFIER_RANGE', 'not a nullifier', { expected: '0 < nf < 2^248 − 1', got: nf.toString(16) });
}
