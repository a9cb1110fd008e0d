/**
 * The settlements of a view, and what they made known: records, roots, transactions.
 *
 * A log is never changed; the one with another settlement behind it shares all before with it. So the views of the last
 * blocks, of which each has its log, cost no more than one, and a settlement costs what it brings, however long the
 * history is. After a reorganisation the new branch gets a storage of its own, once.
 *
 * Invariant: of its storage a log sees the first `count` settlements, and what those made known.
 */
import type { BlockRef, RecordHash } from '../ledger/schema.js';
import type { Field, Hex } from '../protocol/flavor.js';

export interface ViewSettlement {
  readonly ordinal: number;
  readonly tx: Hex;
  readonly block: BlockRef;
  /** Roots after each update, in order. */
  readonly roots: readonly { readonly noteRoot: Field; readonly nullRoot: Field }[];
  /** Note roots that the contract knows since. */
  readonly kept: readonly Field[];
  /** Records that it brought into the trees, forced ones included. */
  readonly records: readonly RecordHash[];
  readonly queueItems: number;
}

/** Each map leads to the ordinal of the settlement. */
interface Storage {
  readonly entries: ViewSettlement[];
  readonly ofRecord: Map<RecordHash, number>;
  readonly ofRoot: Map<Field, number>;
  readonly ofKept: Map<Field, number>;
  readonly ofTransaction: Map<Hex, number>;
}

export class SettledLog {
  readonly #storage: Storage;
  /** Settlements so far. */
  readonly count: number;

  private constructor(storage: Storage, count: number) {
    this.#storage = storage;
    this.count = count;
  }

  /** @param settlements in order, numbered from 0 */
  static of(settlements: readonly ViewSettlement[] = []): SettledLog {
    const maps = { ofRecord: new Map(), ofRoot: new Map(), ofKept: new Map(), ofTransaction: new Map() };
    const storage: Storage = { entries: [], ...maps };
    for (const settlement of settlements) remember(storage, settlement);
    return new SettledLog(storage, settlements.length);
  }

  get last(): ViewSettlement | undefined {
    return this.#storage.entries[this.count - 1];
  }

  /** From ordinal `first` on. */
  since(first: number): ViewSettlement[] {
    return this.#storage.entries.slice(first, this.count);
  }

  /** The settlement that brought a record in. */
  ofRecord(id: RecordHash): ViewSettlement | undefined {
    return this.#seen(this.#storage.ofRecord.get(id));
  }

  /** Whether a settlement made this root one that the contract knows. */
  keeps(noteRoot: Field): boolean {
    return this.#seen(this.#storage.ofKept.get(noteRoot)) !== undefined;
  }

  /** Whether an update of the history ended in these roots. */
  reached(noteRoot: Field, nullRoot: Field): boolean {
    const settlement = this.#seen(this.#storage.ofRoot.get(noteRoot));
    return settlement?.roots.some((pair) => pair.noteRoot === noteRoot && pair.nullRoot === nullRoot) === true;
  }

  holds(transaction: Hex): boolean {
    return this.#seen(this.#storage.ofTransaction.get(transaction)) !== undefined;
  }

  /** This log and one settlement more, whose ordinal is `count`. */
  with(settlement: ViewSettlement): SettledLog {
    const isNewest = this.#storage.entries.length === this.count;
    const base = isNewest ? this : SettledLog.of(this.since(0));
    remember(base.#storage, settlement);
    return new SettledLog(base.#storage, this.count + 1);
  }

  #seen(ordinal: number | undefined): ViewSettlement | undefined {
    return ordinal === undefined || ordinal >= this.count ? undefined : this.#storage.entries[ordinal];
  }
}

function remember(storage: Storage, settlement: ViewSettlement): void {
  const { ordinal, tx, roots, kept, records } = settlement;
  storage.entries.push(settlement);
  storage.ofTransaction.set(tx, ordinal);
  for (const id of records) storage.ofRecord.set(id, ordinal);
  for (const { noteRoot } of roots) storage.ofRoot.set(noteRoot, ordinal);
  for (const root of kept) storage.ofKept.set(root, ordinal);
}
