/**
 * Which slot of a settlement holds what.
 *
 * First the queue items in their order, then the records of the transfer proofs in theirs. A forced transfer fills a
 * slot. A deposit fills half of one: when the next queue item that is not dropped is a deposit too, it takes the other
 * half, (0, 0, cm, cm'); else the slot is (0, 0, cm, 0). Dropped items fill nothing.
 */
import { TacitError } from './errors.js';
import type { Field } from './flavor.js';
import type { Slot } from './update.js';

export type QueueItemKind = 'deposit' | 'forced' | 'dropped';

/** Queue offsets of the items that share a slot: one or two deposits, or one forced transfer. */
export interface QueueSlot {
  readonly kind: 'deposit' | 'forced';
  readonly items: readonly number[];
}

/** Pairs deposits greedily. @param kinds of the consumed items, those dropped by this very settlement named 'dropped' too */
export function queueSlots(kinds: readonly QueueItemKind[]): QueueSlot[] {
  const slots: QueueSlot[] = [];
  let open: number | undefined;
  kinds.forEach((kind, item) => {
    if (kind === 'dropped') return;
    if (kind === 'deposit' && open !== undefined) {
      slots[slots.length - 1] = { kind, items: [open, item] };
      open = undefined;
      return;
    }
    slots.push({ kind, items: [item] });
    open = kind === 'deposit' ? item : undefined;
  });
  return slots;
}

/** What is known of a queue item once its content is read from the chain. */
export type QueueItem =
  | { readonly kind: 'deposit'; readonly commitment: Field }
  | { readonly kind: 'forced'; readonly record: Slot }
  | { readonly kind: 'dropped' };

/**
 * All slots of a settlement, in order.
 * @param items the consumed queue items; a forced one that this settlement drops comes as 'dropped'
 * @param records of all transfer proofs, in order
 */
export function settlementSlots(items: readonly QueueItem[], records: readonly Slot[]): Slot[] {
  const commitmentOf = (item: number | undefined): Field => {
    if (item === undefined) return 0n;
    const entry = items[item];
    if (entry?.kind !== 'deposit') throw new TacitError('QUEUE_ITEM_KIND', 'a queue slot names something else than a deposit');
    return entry.commitment;
  };
  const fromQueue = queueSlots(items.map(({ kind }) => kind)).map(({ items: [first, second] }): Slot => {
    const entry = items[first as number];
    return entry?.kind === 'forced' ? pick(entry.record) : { nf1: 0n, nf2: 0n, cm1: commitmentOf(first), cm2: commitmentOf(second) };
  });
  return [...fromQueue, ...records.map(pick)];
}

function pick({ nf1, nf2, cm1, cm2 }: Slot): Slot {
  return { nf1, nf2, cm1, cm2 };
}
