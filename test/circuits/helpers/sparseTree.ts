/** A quaternary tree of depth 16 that does what it is told: any leaf may be set at any index, also by a liar. */
import { TREE_DEPTH } from '../../../protocol/constants.js';
import { H } from '../../../protocol/hash.js';

const EMPTY: bigint[] = [0n];
for (let level = 1; level <= TREE_DEPTH; level++) EMPTY.push(H(EMPTY[level - 1]!, EMPTY[level - 1]!, EMPTY[level - 1]!, EMPTY[level - 1]!));

export class SparseTree {
  readonly #nodes = new Map<string, bigint>();

  get root(): bigint {
    return this.node(TREE_DEPTH, 0n);
  }

  node(level: number, index: bigint): bigint {
    return this.#nodes.get(`${level}/${index}`) ?? EMPTY[level]!;
  }

  set(index: bigint, leaf: bigint): void {
    this.#nodes.set(`0/${index}`, leaf);
    for (let level = 1, at = index; level <= TREE_DEPTH; level++) {
      at /= 4n;
      this.#nodes.set(`${level}/${at}`, H(...[0n, 1n, 2n, 3n].map((child) => this.node(level - 1, 4n * at + child))));
    }
  }

  /** Siblings of a node from `level` upwards. */
  path(index: bigint, level = 0): bigint[][] {
    const rows: bigint[][] = [];
    for (let at = index, l = level; l < TREE_DEPTH; l++, at /= 4n) {
      const own = at % 4n;
      rows.push([0n, 1n, 2n, 3n].filter((child) => child !== own).map((child) => this.node(l, at - own + child)));
    }
    return rows;
  }

  clone(): SparseTree {
    const copy = new SparseTree();
    for (const [key, value] of this.#nodes) copy.#nodes.set(key, value);
    return copy;
  }
}

export function emptySubtree(level: number): bigint {
  return EMPTY[level]!;
}
