/**
 * Slots of an update: what enters the trees, two nullifiers and two commitments at a time.
 *
 * A transfer or a forced transfer fills all four places; a deposit has no nullifiers, two deposits may share a slot;
 * padding is all zeros.
 */
import { TacitError } from '../protocol/errors.js';
import { assertField } from '../protocol/field.js';
import type { Field } from '../protocol/flavor.js';
import { EMPTY_SLOT, type Slot } from '../protocol/update.js';

/**
 * `slots` followed by as many empty ones as make `size`.
 * @throws SLOTS_TOO_MANY, FIELD_RANGE
 */
export function padSlots(size: number, slots: readonly Slot[]): Slot[] {
  if (slots.length > size)
    throw new TacitError('SLOTS_TOO_MANY', 'more slots than the update holds', { expected: `at most ${size}`, got: String(slots.length) });
  for (const slot of slots) for (const [name, value] of Object.entries(slot)) assertField(value, `slot ${name}`);
  return [...slots, ...Array.from({ length: size - slots.length }, () => EMPTY_SLOT)];
}

/** The commitments in leaf order: cm1, cm2 of slot j at offsets 2j, 2j + 1. */
export function slotCommitments(slots: readonly Slot[]): Field[] {
  return slots.flatMap(({ cm1, cm2 }) => [cm1, cm2]);
}
