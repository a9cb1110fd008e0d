/**
 * An immutable, sparse, quaternary Merkle tree of fixed depth.
 *
 * What: nodes are values that never change; writing returns a new root that shares every untouched node with the old
 * one. A fork is therefore a copied reference, and an old root stays readable for as long as someone holds it.
 * Why lazily hashed: Poseidon dominates every cost here. A node hashes itself on first demand only, so that a batch of
 * writes pays once for the nodes that the writes have in common near the root.
 *
 * Invariants
 * - `level` counts from the leaves: leaf 0, root TREE_DEPTH; a node of level L covers 4^L leaves.
 * - a subtree without leaves is always the shared `EMPTY_NODES[L]`, so emptiness is a comparison of references.
 * - indices are non-negative safe integers below 4^(TREE_DEPTH − level); the largest, 2^32 − 1, is beyond what bitwise
 *   operators can hold, so arithmetic here is by division.
 *
 * Source: the tree rules of docs/spec (quaternary, depth 16, H of four children, empty leaf 0).
 */
import { TREE_ARITY, TREE_DEPTH } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import { assertField } from '../protocol/field.js';
import type { Field } from '../protocol/flavor.js';
import { H } from '../protocol/hash.js';
import { EMPTY_ROOTS } from './emptyRoots.js';

type Children = readonly [TreeNode, TreeNode, TreeNode, TreeNode];

/** One node; a leaf has no children. Compare nodes by reference, contents by `hash`. */
export class TreeNode {
  #hash: Field | undefined;
  constructor(
    readonly level: number,
    readonly children: Children | undefined,
    hash?: Field,
  ) {
    this.#hash = hash;
  }

  /** H of the four children's hashes, computed once. */
  get hash(): Field {
    if (this.#hash === undefined) {
      const [a, b, c, d] = this.children as Children;
      this.#hash = H(a.hash, b.hash, c.hash, d.hash);
    }
    return this.#hash;
  }
}

/** The empty subtree of each level, 0 (a leaf) to TREE_DEPTH (a whole tree). */
export const EMPTY_NODES: readonly TreeNode[] = EMPTY_ROOTS.reduce<TreeNode[]>((nodes, root, level) => {
  const below = nodes[level - 1];
  nodes.push(new TreeNode(level, below && [below, below, below, below], root));
  return nodes;
}, []);

/** The empty subtree of `level`, 0..TREE_DEPTH. */
export function emptyNode(level: number): TreeNode {
  const node = EMPTY_NODES[level];
  if (node === undefined) throw new TacitError('TREE_INDEX', 'no such tree level', { expected: `0..${TREE_DEPTH}`, got: String(level) });
  return node;
}

/** A leaf node; the value 0 is the shared empty leaf. @throws FIELD_RANGE at once, not when a root is asked for */
export function leafNode(value: Field): TreeNode {
  assertField(value, 'leaf');
  return value === 0n ? emptyNode(0) : new TreeNode(0, undefined, value);
}

/** Child number (0..3) on the way from the root to `index`, for the child that stands at `level`. */
function digit(index: number, level: number): number {
  return Math.floor(index / TREE_ARITY ** level) % TREE_ARITY;
}

function childOf(node: TreeNode, which: number): TreeNode {
  return (node.children as Children)[which] as TreeNode;
}

function assertPlace(level: number, index: number): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= TREE_ARITY ** (TREE_DEPTH - level)) {
    throw new TacitError('TREE_INDEX', 'index outside the tree', {
      expected: `0..${TREE_ARITY ** (TREE_DEPTH - level) - 1} at level ${level}`,
      got: String(index),
    });
  }
}

/** The node at (`level`, `index`) under `root`. */
export function nodeAt(root: TreeNode, level: number, index: number): TreeNode {
  assertPlace(level, index);
  let node = root;
  for (let at = root.level - 1; at >= level; at--) node = childOf(node, digit(index, at - level));
  return node;
}

/** A new root in which `subtree` stands at (`subtree.level`, `index`); everything else is shared with `root`. */
export function withNode(root: TreeNode, index: number, subtree: TreeNode): TreeNode {
  assertPlace(subtree.level, index);
  return replace(root, index, subtree);
}

function replace(node: TreeNode, index: number, subtree: TreeNode): TreeNode {
  if (node.level === subtree.level) return subtree;
  const which = digit(index, node.level - 1 - subtree.level);
  const children = [...(node.children as Children)] as [TreeNode, TreeNode, TreeNode, TreeNode];
  children[which] = replace(childOf(node, which), index, subtree);
  const empty = emptyNode(node.level - 1);
  return children.every((child) => child === empty) ? emptyNode(node.level) : new TreeNode(node.level, children);
}

/** The subtree over `leaves`, whose count is a power of 4. */
export function subtreeOf(leaves: readonly Field[]): TreeNode {
  let row = leaves.map(leafNode);
  for (let level = 1; row.length > 1; level++) {
    if (row.length % TREE_ARITY !== 0) {
      throw new TacitError('TREE_INDEX', 'a subtree needs a power of four leaves', { got: String(leaves.length) });
    }
    const above: TreeNode[] = [];
    for (let i = 0; i < row.length; i += TREE_ARITY) {
      const four = row.slice(i, i + TREE_ARITY) as unknown as Children;
      const empty = emptyNode(level - 1);
      above.push(four.every((node) => node === empty) ? emptyNode(level) : new TreeNode(level, four));
    }
    row = above;
  }
  const top = row[0];
  if (top === undefined) throw new TacitError('TREE_INDEX', 'a subtree needs at least one leaf', { got: '0' });
  return top;
}

/**
 * Siblings of the node at (`level`, `index`), from that node upwards: (TREE_DEPTH − level) rows of three hashes each,
 * ascending, own child left out.
 */
export function siblings(root: TreeNode, level: number, index: number): Field[][] {
  assertPlace(level, index);
  const rows: Field[][] = [];
  let node = root;
  for (let at = root.level - 1; at >= level; at--) {
    const own = digit(index, at - level);
    rows.unshift((node.children as Children).filter((_, i) => i !== own).map((child) => child.hash));
    node = childOf(node, own);
  }
  return rows;
}

/**
 * Root that a node of hash `hash` at (`level`, `index`) has under `path`, the inverse of `siblings`. A path has one
 * meaning: an index beyond it and siblings of p or more are refused, not reduced.
 * @throws TREE_PATH (more than TREE_DEPTH rows, or a row of other than three), TREE_INDEX, FIELD_RANGE
 */
export function rootFromPath(hash: Field, index: number, path: readonly (readonly Field[])[]): Field {
  if (path.length > TREE_DEPTH || path.some((row) => row.length !== TREE_ARITY - 1))
    throw new TacitError('TREE_PATH', 'not a path of this tree', { expected: `at most ${TREE_DEPTH} rows of ${TREE_ARITY - 1} siblings` });
  assertPlace(TREE_DEPTH - path.length, index);
  let rest = index;
  let node = assertField(hash, 'node');
  for (const row of path) {
    for (const sibling of row) assertField(sibling, 'sibling');
    const four = [...row];
    four.splice(rest % TREE_ARITY, 0, node);
    node = H(...four);
    rest = Math.floor(rest / TREE_ARITY);
  }
  return node;
}

/** Base-4 logarithm of `count`, which must be a power of four: the level of a subtree with that many leaves. */
export function levelOf(count: number): number {
  let level = 0;
  for (let n = count; n > 1; n /= TREE_ARITY, level++) {
    if (n % TREE_ARITY !== 0) throw new TacitError('TREE_INDEX', 'not a power of four', { got: String(count) });
  }
  return level;
}
