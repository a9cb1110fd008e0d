/** The note tree in pages of 4^6 leaves, each with the root of its subtree: wallets check them against a root from L1. */

import type { LedgerState } from '../ledger/state.js';
import { TREE_ARITY } from '../protocol/constants.js';
import type { LeafPage } from '../queue/service.js';
import { fieldHex } from './hex.js';

export const PAGE_LEVEL = 6;
export const LEAF_PAGE_SIZE = TREE_ARITY ** PAGE_LEVEL;

/** Undefined where the tree has no leaf of this page yet. */
export function leafPage({ notes, leafCount }: LedgerState, page: number): LeafPage | undefined {
  const first = page * LEAF_PAGE_SIZE;
  if (!Number.isSafeInteger(page) || page < 0 || BigInt(first) >= leafCount) return undefined;
  const count = Math.min(LEAF_PAGE_SIZE, Number(leafCount) - first);
  return {
    page,
    leaves: Array.from({ length: count }, (_, i) => fieldHex(notes.leaf(BigInt(first + i)))),
    root: fieldHex(notes.subtreeRoot(PAGE_LEVEL, page)),
    complete: count === LEAF_PAGE_SIZE,
  };
}
