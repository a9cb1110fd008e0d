/**
 * What the proofs of a settlement state: for each, the public list x that the contract would derive, and from it z, y.
 *
 * The contract derives the same in contracts/Settlement.sol; the aggregator calls this before it sends, the auditor
 * when it reads. Order: transfer proofs as they come, then updates: the order of the fold.
 */
import { circuitById } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { publicInputsOf, transferList } from '../protocol/fingerprint.js';
import type { Field } from '../protocol/flavor.js';
import type { FoldItem } from '../protocol/fold.js';
import type { Domain } from '../protocol/record.js';
import type { Settlement, TransferProofEntry } from '../protocol/settlement.js';
import { alignedStart, EMPTY_SLOT, leafCountAfter, type Slot, type UpdateStatement, updateList } from '../protocol/update.js';

/** The contract's state right before the settlement. */
export interface SettlementBase {
  readonly domain: Domain;
  readonly noteRoot: Field;
  readonly nullifierRoot: Field;
  readonly leafCount: bigint;
}

export interface SettlementStatements {
  /** Everything that the fold checks, in its order. */
  readonly items: readonly FoldItem[];
  /** x of each item. */
  readonly lists: readonly (readonly Field[])[];
  /** One for each update, in order. */
  readonly updates: readonly UpdateStatement[];
  readonly leafCountAfter: bigint;
}

/**
 * @param slots all slots of the settlement, in order (protocol/slots.ts)
 * @throws TacitError SETTLEMENT_INVALID when slots and updates do not fit, TREE_FULL
 */
export function settlementStatements(settlement: Settlement, slots: readonly Slot[], base: SettlementBase): SettlementStatements {
  const updates: UpdateStatement[] = [];
  let [noteRoot, nullRoot, leafCount, taken] = [base.noteRoot, base.nullifierRoot, base.leafCount, 0];
  for (const { circuitId, used, prover, noteRootNew, nullRootNew } of settlement.updates) {
    const { size } = circuitById(circuitId);
    const own = slots.slice(taken, taken + used);
    const padded = [...own, ...Array.from({ length: size - own.length }, () => EMPTY_SLOT)];
    updates.push({
      noteRootOld: noteRoot,
      noteRootNew,
      nullRootOld: nullRoot,
      nullRootNew,
      startIndex: alignedStart(leafCount, size),
      prover,
      slots: padded,
    });
    [noteRoot, nullRoot, leafCount, taken] = [noteRootNew, nullRootNew, leafCountAfter(leafCount, size), taken + used];
  }
  if (taken !== slots.length)
    throw new TacitError('SETTLEMENT_INVALID', 'the updates do not take exactly the slots there are', {
      expected: `${slots.length}`,
      got: `${taken}`,
    });
  const transferLists = settlement.transfers.map((entry) =>
    transferList(anchorRoot(entry, settlement), entry.prover, entry.records, base.domain),
  );
  const updateLists = updates.map((statement, i) =>
    updateList(circuitById((settlement.updates[i] as { circuitId: number }).circuitId).name, statement),
  );
  const lists = [...transferLists, ...updateLists];
  const items = [...settlement.transfers, ...settlement.updates].map(({ circuitId, h, proof }, i) => ({
    circuitId,
    proof,
    publicInputs: publicInputsOf(circuitId, h, lists[i] as Field[], base.domain),
  }));
  return { items, lists, updates, leafCountAfter: leafCount };
}

/** The note root that a transfer proof is anchored to. @throws TacitError SETTLEMENT_INVALID */
export function anchorRoot({ anchor }: Pick<TransferProofEntry, 'anchor'>, { updates }: Pick<Settlement, 'updates'>): Field {
  if (anchor.kind === 'known') return anchor.root;
  const update = updates[anchor.index];
  if (update === undefined)
    throw new TacitError('SETTLEMENT_INVALID', 'an anchor names an update that is not there', {
      expected: `below ${updates.length}`,
      got: `${anchor.index}`,
    });
  return update.noteRootNew;
}
