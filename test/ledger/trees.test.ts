import { poseidon4 } from 'poseidon-lite/poseidon4';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOTS } from '../../ledger/emptyRoots.js';
import { NullifierTree } from '../../ledger/nullifierTree.js';
import { emptyNode, rootFromPath, subtreeOf, withNode } from '../../ledger/quaternary.js';
import { NoteTree } from '../../ledger/tree.js';
import { NULLIFIER_MAX } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { Random } from './random.js';
import { slowRoot } from './slowTwin.js';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('empty roots', () => {
  it('are four times the level below, for all 17 levels', () => {
    let root = 0n;
    for (const found of EMPTY_ROOTS) {
      expect(found).toBe(root);
      root = poseidon4([root, root, root, root]);
    }
    expect(EMPTY_ROOTS).toHaveLength(17);
    expect(NoteTree.genesis().root).toBe(EMPTY_ROOTS[16]);
  });
});

describe('quaternary tree', () => {
  it('agrees with a root computed from all leaves, and every path leads to it', () => {
    const random = new Random('quaternary');
    const leaves = new Map<number, bigint>();
    let root = emptyNode(16);
    for (const index of [0, 1, 5, 63, 64, 4 ** 16 - 1, 4 ** 15, random.int(2 ** 32)]) {
      const leaf = 1n + random.below(2n ** 250n);
      leaves.set(index, leaf);
      root = withNode(root, index, subtreeOf([leaf]));
    }
    expect(root.hash).toBe(slowRoot(leaves));
  });

  it('becomes the empty tree again when its leaves go', () => {
    const root = withNode(withNode(emptyNode(16), 7, subtreeOf([5n])), 7, emptyNode(0));
    expect(root).toBe(emptyNode(16));
  });

  it('A2: reads a path in one way only: no index beyond it, no sibling or leaf of p or more, no other shape', () => {
    const tree = NoteTree.genesis();
    tree.insertBatch(4n, [11n, 12n, 13n, 14n]);
    const path = tree.path(6n);
    expect(rootFromPath(13n, 6, path)).toBe(tree.root);
    for (const index of [6 + 4 ** 16, -1, 6.5, Number.NaN]) expect(() => rootFromPath(13n, index, path)).toThrow(code('TREE_INDEX'));
    expect(() => rootFromPath(tree.subtreeRoot(2, 1), 1 + 4 ** 14, tree.subtreePath(2, 1))).toThrow(code('TREE_INDEX'));
    const shifted = path.map((row, level) => (level === 3 ? row.map((sibling) => sibling + FIELD_MODULUS) : row));
    expect(() => rootFromPath(13n, 6, shifted)).toThrow(code('FIELD_RANGE'));
    expect(() => rootFromPath(13n + FIELD_MODULUS, 6, path)).toThrow(code('FIELD_RANGE'));
    expect(() => rootFromPath(13n, 6, [...path, [0n, 0n, 0n]])).toThrow(code('TREE_PATH'));
    expect(() => rootFromPath(13n, 6, [[1n, 2n], ...path.slice(1)])).toThrow(code('TREE_PATH'));
  });

  it('refuses an index outside the tree and a subtree that is no power of four', () => {
    expect(() => withNode(emptyNode(16), 4 ** 16, subtreeOf([1n]))).toThrow(code('TREE_INDEX'));
    expect(() => withNode(emptyNode(16), -1, subtreeOf([1n]))).toThrow(code('TREE_INDEX'));
    expect(() => subtreeOf([1n, 2n])).toThrow(code('TREE_INDEX'));
    expect(() => subtreeOf([])).toThrow(code('TREE_INDEX'));
    expect(() => NoteTree.genesis().insertBatch(4n, [])).toThrow(code('TREE_ALIGNMENT'));
  });

  it('A2: refuses leaves that are no field elements before it changes anything', () => {
    for (const leaf of [FIELD_MODULUS, FIELD_MODULUS + 7n, -1n]) {
      const tree = NoteTree.genesis();
      const before = tree.root;
      expect(() => tree.insertBatch(4n, [7n, leaf, 0n, 0n])).toThrow(code('FIELD_RANGE'));
      expect([tree.root, tree.leafCount]).toEqual([before, 1n]);
    }
  });
});

describe('note tree', () => {
  it('opens every leaf with a path to the root, also the last index of the tree', () => {
    const tree = NoteTree.genesis();
    tree.insertBatch(4n, [11n, 12n, 13n, 0n]);
    tree.insertBatch(
      16n,
      Array.from({ length: 16 }, (_, i) => BigInt(100 + i)),
    );
    tree.insertBatch(2n ** 32n - 4n, [1n, 2n, 3n, 4n]);
    for (const index of [4n, 6n, 7n, 8n, 16n, 31n, 2n ** 32n - 1n]) {
      expect(rootFromPath(tree.leaf(index), Number(index), tree.path(index))).toBe(tree.root);
    }
    expect(tree.leafCount).toBe(2n ** 32n);
    expect(tree.leaf(31n)).toBe(115n);
    expect(rootFromPath(tree.subtreeRoot(2, 1), 1, tree.subtreePath(2, 1))).toBe(tree.root);
  });

  it('forks: what happens to one copy does not show in the other', () => {
    const tree = NoteTree.genesis();
    tree.insertBatch(4n, [1n, 2n, 3n, 4n]);
    const before = tree.root;
    const fork = tree.fork();
    fork.insertBatch(8n, [5n, 6n, 7n, 8n]);
    expect(tree.root).toBe(before);
    expect(fork.root).not.toBe(before);
    tree.insertBatch(8n, [5n, 6n, 7n, 8n]);
    expect(tree.root).toBe(fork.root);
  });

  it('refuses a place that is taken, crooked, or behind the end', () => {
    const tree = NoteTree.genesis();
    tree.insertBatch(4n, [1n, 2n, 3n, 4n]);
    expect(() => tree.insertBatch(0n, [1n, 2n, 3n, 4n])).toThrow(code('TREE_OCCUPIED'));
    expect(() => tree.insertBatch(4n, [1n, 2n, 3n, 4n])).toThrow(code('TREE_OCCUPIED'));
    expect(() => tree.insertBatch(10n, [1n, 2n, 3n, 4n])).toThrow(code('TREE_ALIGNMENT'));
    expect(() => tree.insertBatch(2n ** 32n, [1n, 2n, 3n, 4n])).toThrow(code('TREE_FULL'));
  });
});

describe('nullifier tree', () => {
  it('knows the gap of an unused nullifier and refuses a used one', () => {
    const tree = NullifierTree.genesis();
    expect(tree.low(77n)).toEqual({ value: 0n, next: NULLIFIER_MAX, index: 0n });
    tree.insertBatch(4n, [0n, 50n, 77n, 90n]);
    expect(tree.has(77n)).toBe(true);
    expect(tree.has(78n)).toBe(false);
    expect(tree.low(78n)).toEqual({ value: 77n, next: 90n, index: 6n });
    expect(tree.low(3n)).toEqual({ value: 0n, next: 50n, index: 0n });
    expect(tree.used(90n)).toEqual({ value: 90n, next: NULLIFIER_MAX, index: 7n });
    expect(tree.used(91n)).toBeUndefined();
    expect(tree.size).toBe(3);
    expect(() => tree.low(77n)).toThrow(code('NULLIFIER_USED'));
  });

  it('A3: refuses a nullifier twice, in a batch and across batches', () => {
    const tree = NullifierTree.genesis();
    expect(() => tree.insertBatch(4n, [0n, 5n, 5n, 6n])).toThrow(code('U1'));
    tree.insertBatch(4n, [1n, 5n, 7n, 8n]);
    const root = tree.root;
    expect(() => tree.insertBatch(8n, [0n, 0n, 4n, 5n])).toThrow(code('U5'));
    expect(tree.root).toBe(root);
  });

  it('A10: refuses a list out of order, zeros behind values, and the two ends of the range', () => {
    const tree = NullifierTree.genesis();
    expect(() => tree.planBatch([0n, 9n, 8n, 10n])).toThrow(code('U1'));
    expect(() => tree.planBatch([9n, 0n, 10n, 11n])).toThrow(code('U1'));
    expect(() => tree.planBatch([0n, 0n, 0n, NULLIFIER_MAX])).toThrow(code('NULLIFIER_RANGE'));
    expect(() => tree.planBatch([0n, 0n, 0n, 2n ** 250n])).toThrow(code('NULLIFIER_RANGE'));
    expect(tree.planBatch([0n, 0n, 0n, NULLIFIER_MAX - 1n])[3]?.low).toEqual({ value: 0n, next: NULLIFIER_MAX, index: 0n });
  });

  it('groups a batch by gap: one fresh entry, the others same, the end carried to the last', () => {
    const tree = NullifierTree.genesis();
    tree.insertBatch(4n, [0n, 0n, 0n, 100n]);
    const rows = tree.planBatch([0n, 10n, 20n, 200n]);
    expect(rows.map((row) => row.same)).toEqual([false, false, true, false]);
    expect(rows.map((row) => row.low?.index)).toEqual([undefined, 0n, undefined, 7n]);
    expect(rows.map((row) => row.gapEnd)).toEqual([0n, 100n, 100n, NULLIFIER_MAX]);
    expect(rows.map((row) => row.next)).toEqual([0n, 20n, 100n, NULLIFIER_MAX]);
  });

  it('forks: what happens to one copy does not show in the other', () => {
    const tree = NullifierTree.genesis();
    const fork = tree.fork();
    fork.insertBatch(4n, [0n, 0n, 1n, 2n]);
    expect(tree.has(1n)).toBe(false);
    expect(tree.root).toBe(NullifierTree.genesis().root);
    expect(fork.root).not.toBe(tree.root);
  });
});
