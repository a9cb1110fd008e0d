/**
 * The contract's queue as its events tell it: every deposit and forced transfer, in order, with what has become of it.
 */
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Field } from '../protocol/flavor.js';
import { H } from '../protocol/hash.js';
import { decodeRecord, type TransferRecord } from '../protocol/record.js';
import type { QueueItem, QueueItemKind } from '../protocol/slots.js';
import type { EventOf } from './archive.js';

export interface AuditedDeposit {
  readonly kind: 'deposit';
  readonly enqueuedSeconds: number;
  readonly commitment: Field;
}

export interface AuditedForced {
  /** `dropped`: taken out by `drop()` while it waited; it keeps its place. */
  kind: 'forced' | 'dropped';
  readonly enqueuedSeconds: number;
  readonly record: TransferRecord;
  readonly prover: EvmAddress;
  readonly refund: EvmAddress;
}

export type AuditedItem = AuditedDeposit | AuditedForced;

export class AuditedQueue {
  readonly items: AuditedItem[] = [];
  /** Items below are in the rollup. */
  head = 0;

  constructor(readonly delaySeconds: number) {}

  get tail(): number {
    return this.items.length;
  }

  /** @throws QUEUE_ORDER, COMMITMENT_MISMATCH */
  deposit({ item, asset, value, owner, commitment, timeSeconds }: EventOf<'deposit'>): void {
    this.#expectNext(item);
    const own = H(BigInt(owner), BigInt(asset), BigInt(value));
    if (own !== BigInt(commitment)) {
      throw new TacitError('COMMITMENT_MISMATCH', 'the deposited note is not the commitment of its owner, asset and value', {
        expected: `0x${own.toString(16)}`,
        got: commitment,
      });
    }
    this.items.push({ kind: 'deposit', enqueuedSeconds: timeSeconds, commitment: own });
  }

  /** @throws QUEUE_ORDER, and as decodeRecord */
  force({ item, record, prover, refund, timeSeconds }: EventOf<'forced'>): TransferRecord {
    this.#expectNext(item);
    const decoded = decodeRecord(hexToBytes(record));
    this.items.push({ kind: 'forced', enqueuedSeconds: timeSeconds, record: decoded, prover, refund });
    return decoded;
  }

  /** A waiting forced item, to be dropped. @throws DROP_WRONG */
  waitingForced(index: number): AuditedForced {
    const item = this.items[index];
    if (index < this.head || item?.kind !== 'forced') {
      throw new TacitError('DROP_WRONG', 'what was dropped is not a waiting forced transfer', {
        got: `item ${index}, ${item?.kind ?? 'absent'}`,
      });
    }
    return item;
  }

  /** The next `count` items. @throws SETTLEMENT_QUEUE */
  next(count: number): AuditedItem[] {
    if (this.head + count > this.tail) {
      throw new TacitError('SETTLEMENT_QUEUE', 'more queue items are consumed than wait', {
        expected: `at most ${this.tail - this.head}`,
        got: String(count),
      });
    }
    return this.items.slice(this.head, this.head + count);
  }

  kinds(): QueueItemKind[] {
    return this.items.slice(this.head).map(({ kind }) => kind);
  }

  /** Whether the item at `index` has waited longer than the delay at `timeSeconds`. */
  isOverdue(index: number, timeSeconds: number): boolean {
    const item = this.items[index];
    return item !== undefined && timeSeconds > item.enqueuedSeconds + this.delaySeconds;
  }

  #expectNext(item: number): void {
    if (item !== this.tail) {
      throw new TacitError('QUEUE_ORDER', 'queue items do not follow one another', { expected: `item ${this.tail}`, got: `item ${item}` });
    }
  }
}

/** An item as the slot rules see it; `dropped` when this very settlement drops it. */
export function slotItem(item: AuditedItem, dropped: boolean): QueueItem {
  if (dropped || item.kind === 'dropped') return { kind: 'dropped' };
  return item.kind === 'deposit' ? { kind: 'deposit', commitment: item.commitment } : { kind: 'forced', record: item.record };
}
