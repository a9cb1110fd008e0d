/**
 * The note tree: commitments in the order in which they entered the rollup.
 *
 * What enters: aligned batches of leaves. What leaves: the root, the leaves, paths, roots of aligned pages.
 * Invariants: leaves only ever change from empty to something, a batch at a time, each batch into an empty aligned
 * place. `leafCount` counts indices taken, padding included, and starts at 1: index 0 is the genesis place that both
 * trees share, empty in this one.
 */
import { TREE_CAPACITY } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Field } from '../protocol/flavor.js';
import { EMPTY_ROOTS } from './emptyRoots.js';
import { emptyNode, levelOf, nodeAt, siblings, subtreeOf, type TreeNode, withNode } from './quaternary.js';

export { EMPTY_ROOTS };

export class NoteTree {
  #root: TreeNode;
  #leafCount: bigint;

  private constructor(root: TreeNode, leafCount: bigint) {
    this.#root = root;
    this.#leafCount = leafCount;
  }

  /** The empty tree, its genesis place taken. */
  static genesis(): NoteTree {
    return new NoteTree(emptyNode(EMPTY_ROOTS.length - 1), 1n);
  }

  /** A tree whose nodes were stored. */
  static restored(top: TreeNode, leafCount: bigint): NoteTree {
    return new NoteTree(top, leafCount);
  }

  get root(): Field {
    return this.#root.hash;
  }

  /** The root's node. */
  get top(): TreeNode {
    return this.#root;
  }

  /** Indices taken so far, 1..2^32. */
  get leafCount(): bigint {
    return this.#leafCount;
  }

  /** An independent copy, at the price of a reference. */
  fork(): NoteTree {
    return new NoteTree(this.#root, this.#leafCount);
  }

  /**
   * Puts `leaves` (4^k of them, 0 = empty) at `start`, a multiple of their count.
   * @throws TREE_ALIGNMENT, TREE_FULL, TREE_OCCUPIED
   */
  insertBatch(start: bigint, leaves: readonly Field[]): void {
    const place = assertBatchPlace(start, leaves.length);
    const level = levelOf(leaves.length);
    if (start < this.#leafCount || nodeAt(this.#root, level, place) !== emptyNode(level)) {
      throw new TacitError('TREE_OCCUPIED', 'a batch needs an empty place behind all others', {
        expected: `an index from ${this.#leafCount}`,
        got: String(start),
      });
    }
    this.#root = withNode(this.#root, place, subtreeOf(leaves));
    this.#leafCount = start + BigInt(leaves.length);
  }

  /** The leaf at `index`; 0 where there is none. */
  leaf(index: bigint): Field {
    return nodeAt(this.#root, 0, Number(index)).hash;
  }

  /** Root of the aligned subtree of 4^level leaves that has number `index` among its like. */
  subtreeRoot(level: number, index: number): Field {
    return nodeAt(this.#root, level, index).hash;
  }

  /** Siblings of leaf `index`, 16 rows of 3, leaf upwards. */
  path(index: bigint): Field[][] {
    return siblings(this.#root, 0, Number(index));
  }

  /** Siblings of the aligned subtree `index` of 4^level leaves, 16 − level rows of 3, upwards. */
  subtreePath(level: number, index: number): Field[][] {
    return siblings(this.#root, level, index);
  }
}

/**
 * Number of the aligned place of `count` leaves that begins at `start`.
 * @throws TREE_ALIGNMENT, TREE_FULL
 */
export function assertBatchPlace(start: bigint, count: number): number {
  if (start + BigInt(count) > TREE_CAPACITY) {
    throw new TacitError('TREE_FULL', 'the tree has no room for this batch', {
      expected: `an end at most ${TREE_CAPACITY}`,
      got: String(start + BigInt(count)),
    });
  }
  if (count === 0 || start % BigInt(count) !== 0n) {
    throw new TacitError('TREE_ALIGNMENT', 'a batch starts at a multiple of its size', {
      expected: `a multiple of ${count}`,
      got: String(start),
    });
  }
  return Number(start) / count;
}
