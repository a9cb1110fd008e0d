/**
 * The public side of an update: which slots enter the two trees, from which roots to which.
 *
 * x = noteRootOld, noteRootNew, nullRootOld, nullRootNew, startIndex, prover, then nf1, nf2, cm1, cm2 of each slot.
 * h absorbs x and then the 2N nullifiers in ascending order, as the prover sorted them.
 */
import { CIRCUITS, type CircuitName } from './circuit.js';
import { TREE_CAPACITY } from './constants.js';
import { TacitError } from './errors.js';
import { evmAddressToField } from './evmAddress.js';
import { type PublicInputs, publicInputsOf, sponge } from './fingerprint.js';
import type { EvmAddress, Field, LeafIndex } from './flavor.js';
import type { Domain } from './record.js';

/** What one place of an update puts into the trees; zeros where there is nothing. */
export interface Slot {
  readonly nf1: Field;
  readonly nf2: Field;
  readonly cm1: Field;
  readonly cm2: Field;
}

export interface UpdateStatement {
  readonly noteRootOld: Field;
  readonly noteRootNew: Field;
  readonly nullRootOld: Field;
  readonly nullRootNew: Field;
  /** A multiple of 2N. */
  readonly startIndex: LeafIndex;
  /** Who is paid for the proof; never the zero address. */
  readonly prover: EvmAddress;
  /** Exactly N, unused ones EMPTY_SLOT. */
  readonly slots: readonly Slot[];
}

export const EMPTY_SLOT: Slot = { nf1: 0n, nf2: 0n, cm1: 0n, cm2: 0n };

/** Where an update of `slotCount` slots begins when the trees hold `leafCount` leaves: the next multiple of 2N. */
export function alignedStart(leafCount: bigint, slotCount: number): LeafIndex {
  const width = BigInt(2 * slotCount);
  return ((leafCount + width - 1n) / width) * width;
}

/** @throws TacitError TREE_FULL when the update would pass the trees' end */
export function leafCountAfter(leafCount: bigint, slotCount: number): bigint {
  const end = alignedStart(leafCount, slotCount) + BigInt(2 * slotCount);
  if (end > TREE_CAPACITY)
    throw new TacitError('TREE_FULL', 'the trees have no room for this update', {
      expected: `at most ${TREE_CAPACITY} leaves`,
      got: `${end}`,
    });
  return end;
}

/** x. @throws TacitError SLOT_COUNT */
export function updateList(circuit: CircuitName, statement: UpdateStatement): Field[] {
  const { size } = CIRCUITS[circuit];
  const { noteRootOld, noteRootNew, nullRootOld, nullRootNew, startIndex, prover, slots } = statement;
  if (slots.length !== size)
    throw new TacitError('SLOT_COUNT', `${circuit} takes another number of slots`, { expected: `${size}`, got: `${slots.length}` });
  return [
    noteRootOld,
    noteRootNew,
    nullRootOld,
    nullRootNew,
    startIndex as bigint,
    evmAddressToField(prover, 'prover'),
    ...slots.flatMap(({ nf1, nf2, cm1, cm2 }) => [nf1, nf2, cm1, cm2]),
  ];
}

/** The 2N nullifiers of the slots in ascending order, zeros first. */
export function sortedNullifiers(slots: readonly Slot[]): Field[] {
  return slots.flatMap(({ nf1, nf2 }) => [nf1, nf2]).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** @param sorted the prover's own sorted list, 2N long. @throws TacitError SLOT_COUNT */
export function updatePublicInputs(
  circuit: CircuitName,
  statement: UpdateStatement,
  sorted: readonly Field[],
  domain: Domain,
): PublicInputs {
  const { id, size } = CIRCUITS[circuit];
  if (sorted.length !== 2 * size)
    throw new TacitError('SLOT_COUNT', `${circuit} takes another number of nullifiers`, {
      expected: `${2 * size}`,
      got: `${sorted.length}`,
    });
  const x = updateList(circuit, statement);
  return publicInputsOf(id, sponge(id, [...x, ...sorted]), x, domain);
}
