/**
 * A tree as rows for a store: what has changed since an earlier tree, and the tree again from its rows, without hashing.
 *
 * A row stands for a node of an even level that is not empty and holds its hash, its four children's and its sixteen
 * grandchildren's: two levels a row. A leaf that changes touches one row a pair of levels, most of them shared with its
 * neighbours; trees share what they have in common by reference (quaternary.ts), so that a comparison finds the changes.
 *
 * Invariants: rows are keyed by level and index; a row of a lower level says the same hash as the row above it, which
 * reading checks. Whether a row is what was written is for the store to know: nothing is hashed here.
 */
import { TREE_ARITY, TREE_DEPTH } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Field } from '../protocol/flavor.js';
import { emptyNode, TreeNode } from './quaternary.js';

/** Levels from a row's node down to the next rows'. */
const SPAN = 2;
const GRANDCHILDREN = TREE_ARITY ** SPAN;
/** The node itself, its children, its grandchildren. */
export const ROW_HASHES = 1 + TREE_ARITY + GRANDCHILDREN;

export interface TreeRow {
  readonly level: number;
  /** Of the node among those of its level. */
  readonly index: number;
  /** ROW_HASHES of them, downwards, each level from the left. */
  readonly hashes: readonly Field[];
}

/** Rows of `after` that `before` has otherwise or not at all. */
export function changedTreeRows(before: TreeNode, after: TreeNode, index = 0): TreeRow[] {
  if (before === after || after === emptyNode(after.level)) return [];
  const [children, grandchildren] = below(after);
  const row = { level: after.level, index, hashes: [after, ...children, ...grandchildren].map(({ hash }) => hash) };
  if (after.level === SPAN) return [row];
  const [, earlier] = below(before);
  const changed = grandchildren.flatMap((node, i) => changedTreeRows(earlier[i] as TreeNode, node, index * GRANDCHILDREN + i));
  return [row, ...changed];
}

/**
 * The tree of root `hash`.
 * @param rowOf the hashes of the row of a level and an index
 * @throws TacitError TREE_ROWS when a row is missing or does not say the hash that the row above it says
 */
export function treeFromRows(hash: Field, rowOf: (level: number, index: number) => readonly Field[] | undefined): TreeNode {
  return nodeFromRows(TREE_DEPTH, 0, hash, rowOf);
}

function nodeFromRows(level: number, index: number, hash: Field, rowOf: Parameters<typeof treeFromRows>[1]): TreeNode {
  if (hash === emptyNode(level).hash) return emptyNode(level);
  const row = rowOf(level, index);
  if (row?.length !== ROW_HASHES || row[0] !== hash)
    throw new TacitError('TREE_ROWS', 'the rows do not make a tree', {
      expected: `${hash} at level ${level}, index ${index}`,
      got: row === undefined ? 'no row' : `${row[0]}`,
    });
  const children = row.slice(1, 1 + TREE_ARITY).map((child, i) => {
    if (child === emptyNode(level - 1).hash) return emptyNode(level - 1);
    const first = 1 + TREE_ARITY + i * TREE_ARITY;
    const four = row.slice(first, first + TREE_ARITY).map((grandchild, j) => {
      if (level > SPAN) return nodeFromRows(level - SPAN, index * GRANDCHILDREN + i * TREE_ARITY + j, grandchild, rowOf);
      return grandchild === 0n ? emptyNode(0) : new TreeNode(0, undefined, grandchild);
    });
    return new TreeNode(level - 1, asFour(four), child);
  });
  return new TreeNode(level, asFour(children), hash);
}

function below(node: TreeNode): [children: readonly TreeNode[], grandchildren: readonly TreeNode[]] {
  const children = node.children as readonly TreeNode[];
  return [children, children.flatMap((child) => child.children as readonly TreeNode[])];
}

function asFour(nodes: readonly TreeNode[]): NonNullable<TreeNode['children']> {
  return nodes as unknown as NonNullable<TreeNode['children']>;
}
