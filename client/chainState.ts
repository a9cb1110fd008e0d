/**
 * The public state that a wallet keeps: the note tree, the deposits and forced transfers that still wait, and how far
 * the chain was read. It follows settlements by their calldata and checks every note root that results.
 *
 * The nullifier tree is left to auditors and nodes: a wallet that sees every nullifier needs no proofs about them.
 */
import { NoteTree } from '../ledger/tree.js';
import { bytesToHex, bytesToUint, concatBytes, hexToBytes } from '../protocol/bytes.js';
import { circuitById } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import type { Amount, AssetId, EvmAddress, Field, Hex, LeafIndex } from '../protocol/flavor.js';
import { decodeRecord, encodeRecord, type TransferRecord } from '../protocol/record.js';
import { decodeSettlement, kindsAfterDrops, type Settlement } from '../protocol/settlement.js';
import { queueSlots } from '../protocol/slots.js';
import { alignedStart } from '../protocol/update.js';
import { type HistoryEvent, type SettledEvent, settlementBytes } from '../verifier-contract/history.js';
import type { ScanCursor } from './state.js';

export interface DepositItem {
  readonly kind: 'deposit';
  readonly asset: AssetId;
  readonly value: Amount;
  readonly owner: Field;
  readonly commitment: Field;
  readonly ephemeral: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface ForcedItem {
  readonly kind: 'forced';
  readonly record: TransferRecord;
}

export type WaitingItem = DepositItem | ForcedItem | { readonly kind: 'dropped' };

/** What entered the rollup, with the position of its (first) commitment. */
export type SettledEntry =
  | { readonly kind: 'deposit'; readonly deposit: DepositItem; readonly position: LeafIndex }
  | { readonly kind: 'transfer'; readonly record: TransferRecord; readonly position: LeafIndex };

interface Batch {
  readonly start: LeafIndex;
  /** 2N commitments, empty places zero. */
  readonly leaves: readonly Field[];
}

/** An entry before its position is known; `half` says which of the slot's two leaves. */
type Entry = (
  | { readonly kind: 'deposit'; readonly deposit: DepositItem }
  | { readonly kind: 'transfer'; readonly record: TransferRecord }
) & { readonly half: 0 | 1 };

interface Filling {
  readonly leaves: readonly [Field, Field];
  readonly entries: readonly Entry[];
}

const LEAF_BYTES = 32;

export class ChainState {
  readonly tree = NoteTree.genesis();
  cursor: ScanCursor | undefined;
  readonly #batches: Batch[] = [];
  readonly #waiting = new Map<number, WaitingItem>();
  readonly #assets: EvmAddress[] = [];
  #drops: { queueIndex: number; tx: Hex }[] = [];
  #queueHead = 0;

  /** Items below are in the rollup. */
  get queueHead(): number {
    return this.#queueHead;
  }

  /** Registered tokens; their ids are 1 .. assetCount. */
  get assetCount(): number {
    return this.#assets.length;
  }

  /** Token of a registered asset. */
  token(id: AssetId): EvmAddress | undefined {
    return this.#assets[id - 1];
  }

  /**
   * Follows one event of the contract. Whole blocks must be fed, in order, and `endOfRange` called after them.
   * @returns what entered the rollup, in slot order
   * @throws TacitError HISTORY_MISMATCH when a note root does not come out, and the codes of decodeSettlement
   */
  apply(event: HistoryEvent): SettledEntry[] {
    switch (event.kind) {
      case 'deposit':
        this.#waiting.set(event.queueIndex, {
          ...event,
          kind: 'deposit',
          ephemeral: hexToBytes(event.ephemeral, 32),
          ciphertext: hexToBytes(event.ciphertext, 32),
        });
        return [];
      case 'forced':
        this.#waiting.set(event.queueIndex, { kind: 'forced', record: decodeRecord(hexToBytes(event.record)) });
        return [];
      case 'dropped':
        this.#drops.push({ queueIndex: event.queueIndex, tx: event.transactionHash });
        return [];
      case 'asset':
        this.#assets[event.id - 1] = event.token;
        return [];
      case 'settled':
        this.#applyDrops(event.transactionHash);
        return this.#settle(event);
      default:
        return [];
    }
  }

  endOfRange(cursor: ScanCursor): void {
    this.#applyDrops();
    this.cursor = cursor;
  }

  #settle(event: SettledEvent): SettledEntry[] {
    const waiting = this.#waitingItems();
    const settlement = decodeSettlement(
      settlementBytes(event),
      waiting.map(({ kind }) => kind),
    );
    const entries = this.#insert(settlement, fillSlots(settlement, waiting.slice(0, settlement.queueItems)));
    if (this.tree.root !== event.noteRoot) {
      throw new TacitError(
        'HISTORY_MISMATCH',
        `the settlement in block ${event.blockNumber} does not lead to the root that the contract announced`,
        { expected: word(event.noteRoot), got: word(this.tree.root) },
      );
    }
    for (let i = 0; i < settlement.queueItems; i++) this.#waiting.delete(this.#queueHead++);
    return entries;
  }

  /** Drops told within a settlement's own transaction are in its calldata too, and are applied from there. */
  #applyDrops(settlementTx?: Hex): void {
    for (const { queueIndex, tx } of this.#drops)
      if (tx !== settlementTx && this.#waiting.has(queueIndex)) this.#waiting.set(queueIndex, { kind: 'dropped' });
    this.#drops = [];
  }

  /** JSON for the cache file. */
  encode(): string {
    return JSON.stringify({
      cursor: this.cursor,
      queueHead: this.#queueHead,
      assets: this.#assets,
      batches: this.#batches.map(({ start, leaves }) => [String(start), bytesToHex(concatBytes(...leaves.map(fieldToBytes)))]),
      waiting: [...this.#waiting].map(([index, item]) => [index, encodeItem(item)]),
    });
  }

  /** Undefined for anything that this version did not write: the chain is then read again. */
  static decode(text: string): ChainState | undefined {
    try {
      const raw = JSON.parse(text) as {
        cursor?: ScanCursor;
        queueHead: number;
        assets: EvmAddress[];
        batches: [string, string][];
        waiting: [number, Record<string, string>][];
      };
      const state = new ChainState();
      for (const [start, hex] of raw.batches) {
        const bytes = new Uint8Array(Buffer.from(hex.slice(2), 'hex'));
        const leaves = Array.from({ length: bytes.length / LEAF_BYTES }, (_, i) =>
          bytesToUint(bytes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)),
        );
        state.#append({ start: BigInt(start), leaves });
      }
      for (const [index, item] of raw.waiting) state.#waiting.set(index, decodeItem(item));
      state.#assets.push(...raw.assets);
      state.#queueHead = raw.queueHead;
      state.cursor = raw.cursor;
      return state;
    } catch {
      return undefined;
    }
  }

  #waitingItems(): WaitingItem[] {
    const items: WaitingItem[] = [];
    for (let index = this.#queueHead; ; index++) {
      const item = this.#waiting.get(index);
      if (item === undefined) return items;
      items.push(item);
    }
  }

  #insert(settlement: Settlement, fillings: readonly Filling[]): SettledEntry[] {
    const entries: SettledEntry[] = [];
    let next = 0;
    for (const { circuitId, used } of settlement.updates) {
      const { size } = circuitById(circuitId);
      const start = alignedStart(this.tree.leafCount, size);
      const taken = fillings.slice(next, next + used);
      next += used;
      const leaves = taken.flatMap((filling) => filling.leaves);
      while (leaves.length < 2 * size) leaves.push(0n);
      this.#append({ start, leaves });
      taken.forEach((filling, j) => {
        for (const { half, ...entry } of filling.entries)
          entries.push({ ...entry, position: (start as bigint) + BigInt(2 * j + half) } as SettledEntry);
      });
    }
    return entries;
  }

  #append(batch: Batch): void {
    this.tree.insertBatch(batch.start, batch.leaves);
    this.#batches.push(batch);
  }
}

/** The slots of a settlement with what stands in them. */
function fillSlots(settlement: Settlement, waiting: readonly WaitingItem[]): Filling[] {
  const kinds = kindsAfterDrops(
    waiting.map(({ kind }) => kind),
    settlement.drops,
  );
  const fromQueue = queueSlots(kinds).map(({ items }): Filling => {
    const found = items.map((item) => waiting[item]);
    const [first, second] = found;
    if (first?.kind === 'forced') return recordFilling(first.record);
    if (first?.kind !== 'deposit' || (second !== undefined && second.kind !== 'deposit'))
      throw new TacitError('HISTORY_MISMATCH', 'a queue item is not what the settlement takes it for');
    const entries = found.map((deposit, half) => ({ kind: 'deposit' as const, deposit: deposit as DepositItem, half: half as 0 | 1 }));
    return { leaves: [first.commitment, second?.commitment ?? 0n], entries };
  });
  return [...fromQueue, ...settlement.transfers.flatMap(({ records }) => records.map(recordFilling))];
}

function recordFilling(record: TransferRecord): Filling {
  return { leaves: [record.cm1, record.cm2], entries: [{ kind: 'transfer', record, half: 0 }] };
}

function word(value: Field): Hex {
  return bytesToHex(fieldToBytes(value));
}

function encodeItem(item: WaitingItem): Record<string, string> {
  switch (item.kind) {
    case 'dropped':
      return { kind: item.kind };
    case 'forced':
      return { kind: item.kind, record: bytesToHex(encodeRecord(item.record)) };
    case 'deposit':
      return {
        kind: item.kind,
        asset: String(item.asset),
        value: String(item.value),
        owner: String(item.owner),
        commitment: String(item.commitment),
        ephemeral: bytesToHex(item.ephemeral),
        ciphertext: bytesToHex(item.ciphertext),
      };
  }
}

function decodeItem(raw: Record<string, string>): WaitingItem {
  const text = (name: string): string => raw[name] as string;
  if (raw.kind === 'forced') return { kind: 'forced', record: decodeRecord(hexToBytes(text('record'))) };
  if (raw.kind === 'dropped') return { kind: 'dropped' };
  return {
    kind: 'deposit',
    asset: Number(text('asset')),
    value: BigInt(text('value')),
    owner: BigInt(text('owner')),
    commitment: BigInt(text('commitment')),
    ephemeral: hexToBytes(text('ephemeral'), 32),
    ciphertext: hexToBytes(text('ciphertext'), 32),
  };
}
