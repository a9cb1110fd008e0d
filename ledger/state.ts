/**
 * The rollup's state: both trees and the one index that they share.
 *
 * A state is changed by whole batches of slots only. `advance` does that without building a witness and is what
 * replaying a long history costs; `applyBatch.ts` does the same work and keeps everything that the circuit wants to see.
 */
import type { Field } from '../protocol/flavor.js';
import { alignedStart, type Slot, sortedNullifiers } from '../protocol/update.js';
import { NullifierTree } from './nullifierTree.js';
import { padSlots, slotCommitments } from './slots.js';
import { NoteTree } from './tree.js';

export class LedgerState {
  private constructor(
    readonly notes: NoteTree,
    readonly nullifiers: NullifierTree,
  ) {}

  /** The state that a fresh contract has: no note, no nullifier, leafCount 1. */
  static genesis(): LedgerState {
    return new LedgerState(NoteTree.genesis(), NullifierTree.genesis());
  }

  /** A state whose trees were stored. */
  static restored(notes: NoteTree, nullifiers: NullifierTree): LedgerState {
    return new LedgerState(notes, nullifiers);
  }

  /** Indices taken in both trees, 1..2^32. */
  get leafCount(): bigint {
    return this.notes.leafCount;
  }

  get noteRoot(): Field {
    return this.notes.root;
  }

  get nullifierRoot(): Field {
    return this.nullifiers.root;
  }

  /** An independent copy, at the price of a few references. */
  fork(): LedgerState {
    return new LedgerState(this.notes.fork(), this.nullifiers.fork());
  }

  /** First index of the next update of `size` slots: leafCount rounded up to a multiple of 2·size. */
  nextStartIndex(size: number): bigint {
    return alignedStart(this.leafCount, size);
  }

  /**
   * Applies one update of `size` slots in place; on a throw the state is unchanged.
   * @returns the first index of the batch
   * @throws U1, U5, NULLIFIER_RANGE, SLOTS_TOO_MANY, TREE_FULL, FIELD_RANGE
   */
  advance(size: number, slots: readonly Slot[]): bigint {
    const padded = padSlots(size, slots);
    const start = this.nextStartIndex(size);
    const rows = this.nullifiers.planBatch(sortedNullifiers(padded));
    this.notes.insertBatch(start, slotCommitments(padded));
    for (const row of rows) this.nullifiers.closeGap(row);
    this.nullifiers.append(start, rows);
    return start;
  }
}
