/**
 * A view of the chain on disk, so that a restart reads from L1 only what has happened since. The truth stays on L1: a
 * checkpoint is a copy that must prove itself, and without it the history is read from its beginning.
 *
 * Written: what has changed since the last one (tree nodes, new nullifiers, new settlements) and a head row, in one journal
 * transaction; only views that the confirmation depth has buried.
 * Believed: when every row it needs is there and is what was written, the chain still has its block, and the roots are those
 * that the contract's last settlement up to there stated. Nothing is hashed again.
 *
 * Keys: `head` · `note/LEVEL/INDEX`, `null/LEVEL/INDEX` rows of the trees (ledger/treeRows.ts) · `used/INDEX` nullifiers by
 * their first leaf · `settled/ORDINAL`.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { JournalPort, ReadTables, WriteTables } from '../ledger/effects.js';
import { NullifierTree } from '../ledger/nullifierTree.js';
import type { BlockRef, CheckpointRow } from '../ledger/schema.js';
import type { Entry } from '../ledger/sortedEntries.js';
import { LedgerState } from '../ledger/state.js';
import { NoteTree } from '../ledger/tree.js';
import { changedTreeRows, ROW_HASHES, treeFromRows } from '../ledger/treeRows.js';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { Field, Hex } from '../protocol/flavor.js';
import { decodeRecord, encodeRecord } from '../protocol/record.js';
import type { NodeChain } from './chainPort.js';
import { type ChainView, genesisView, type ViewQueueItem } from './chainView.js';
import { fieldHex, fieldOf } from './hex.js';
import { SettledLog, type ViewSettlement } from './settledLog.js';

const HEAD = 'head';
/** Hex digits of a row's check: no adversary, only disks. */
const CHECK_DIGITS = 16;
const FIELD_DIGITS = 64;
/** So that keys of numbers sort as the numbers do. */
const KEY_DIGITS = 12;
/** Follows every key that begins with a prefix and a slash. */
const AFTER_SLASH = '0';

interface Head {
  readonly block: BlockRef;
  readonly seconds: number;
  readonly noteRoot: Hex;
  readonly nullRoot: Hex;
  readonly leafCount: number;
  readonly settlements: number;
  readonly queueHead: number;
  readonly waiting: readonly StoredItem[];
}

type StoredItem = Omit<ViewQueueItem, 'commitment' | 'record'> & { readonly commitment?: Hex; readonly record?: Hex };
type StoredSettlement = Omit<ViewSettlement, 'roots' | 'kept'> & {
  readonly roots: readonly (readonly [Hex, Hex])[];
  readonly kept: readonly Hex[];
};

/**
 * Stores `view`.
 * @param before the view that is stored now and that `view` continues; undefined where there is none: all is written
 */
export async function storeCheckpoint(journal: JournalPort, view: ChainView, before: ChainView | undefined): Promise<void> {
  const base = before ?? genesisView(view.head);
  const rows: [string, unknown][] = [
    ...treeRows('note', base.state.notes.top, view.state.notes.top),
    ...treeRows('null', base.state.nullifiers.top, view.state.nullifiers.top),
    ...usedRows(base.state, view.state),
    ...view.settled
      .since(base.settled.count)
      .map((entry): [string, unknown] => [numbered('settled', entry.ordinal), storedSettlement(entry)]),
    [HEAD, headOf(view)],
  ];
  await journal.transaction((tables) => {
    if (before === undefined) clear(tables);
    for (const [key, content] of rows) tables.checkpoint.put(key, written(key, JSON.stringify(content)));
  });
}

/** Takes the checkpoint away. */
export async function forgetCheckpoint(journal: JournalPort): Promise<void> {
  await journal.transaction(clear);
}

/**
 * The stored view, if there is one that fits the chain.
 * @throws TacitError CHECKPOINT_DAMAGED, CHECKPOINT_ELSEWHERE (the chain has gone another way)
 */
export async function readCheckpoint(
  { read }: Pick<JournalPort, 'read'>,
  chain: Pick<NodeChain, 'block' | 'history'>,
): Promise<ChainView | undefined> {
  if (!read.checkpoint.has(HEAD)) return undefined;
  const view = restoredView(read);
  const block = await chain.block(view.head.number);
  if (block?.hash !== view.head.hash)
    throw new TacitError('CHECKPOINT_ELSEWHERE', 'the chain has another block', { expected: view.head.hash, got: block?.hash ?? 'none' });
  await assertRoots(view, chain);
  return view;
}

/** What the contract said last, up to the checkpoint, are the checkpoint's roots. */
async function assertRoots({ settled: { last }, state }: ChainView, chain: Pick<NodeChain, 'history'>): Promise<void> {
  if (last === undefined) return;
  const events = await chain.history(last.block.number, last.block.number);
  const stated = events.find((event) => event.kind === 'settlement' && event.tx === last.tx);
  if (stated?.kind !== 'settlement' || stated.noteRoot !== state.noteRoot || stated.nullRoot !== state.nullifierRoot)
    throw new TacitError('CHECKPOINT_ELSEWHERE', 'the contract has stated other roots', {
      expected: fieldHex(state.noteRoot),
      got: last.tx,
    });
}

function restoredView(read: ReadTables): ChainView {
  try {
    const head = contentAt<Head>(read, HEAD);
    const leafCount = BigInt(head.leafCount);
    const notes = NoteTree.restored(storedTree(read, 'note', fieldOf(head.noteRoot)), leafCount);
    const nullifiers = NullifierTree.restored(storedTree(read, 'null', fieldOf(head.nullRoot)), storedUsed(read, leafCount));
    const settlements = allOf<StoredSettlement>(read, 'settled').map(settlementOf);
    if (settlements.length !== head.settlements || settlements.some(({ ordinal }, i) => ordinal !== i))
      throw damaged(`${head.settlements} settlements`, `${settlements.length}`);
    return {
      head: head.block,
      headSeconds: head.seconds,
      state: LedgerState.restored(notes, nullifiers),
      queueHead: head.queueHead,
      waiting: head.waiting.map(itemOf),
      settled: SettledLog.of(settlements),
    };
  } catch (cause) {
    if (isTacitError(cause, 'CHECKPOINT_DAMAGED')) throw cause;
    throw new TacitError('CHECKPOINT_DAMAGED', 'the stored view cannot be read', { cause, expected: 'what this program wrote' });
  }
}

function headOf({ head, headSeconds, state, queueHead, waiting, settled }: ChainView): Head {
  return {
    block: head,
    seconds: headSeconds,
    noteRoot: fieldHex(state.noteRoot),
    nullRoot: fieldHex(state.nullifierRoot),
    leafCount: Number(state.leafCount),
    settlements: settled.count,
    queueHead,
    waiting: waiting.map(({ commitment, record, ...item }) => ({
      ...item,
      ...(commitment === undefined ? {} : { commitment: fieldHex(commitment) }),
      ...(record === undefined ? {} : { record: bytesToHex(encodeRecord(record)) }),
    })),
  };
}

function itemOf({ commitment, record, ...item }: StoredItem): ViewQueueItem {
  return {
    ...item,
    ...(commitment === undefined ? {} : { commitment: fieldOf(commitment) }),
    ...(record === undefined ? {} : { record: decodeRecord(hexToBytes(record)) }),
  };
}

function storedSettlement({ roots, kept, ...settlement }: ViewSettlement): StoredSettlement {
  return {
    ...settlement,
    roots: roots.map(({ noteRoot, nullRoot }) => [fieldHex(noteRoot), fieldHex(nullRoot)]),
    kept: kept.map(fieldHex),
  };
}

function settlementOf({ roots, kept, ...settlement }: StoredSettlement): ViewSettlement {
  return {
    ...settlement,
    roots: roots.map(([noteRoot, nullRoot]) => ({ noteRoot: fieldOf(noteRoot), nullRoot: fieldOf(nullRoot) })),
    kept: kept.map((root) => fieldOf(root)),
  };
}

function treeRows(tree: 'note' | 'null', ...change: Parameters<typeof changedTreeRows>): [string, unknown][] {
  return changedTreeRows(...change).map(({ level, index, hashes }) => [nodeKey(tree, level, index), hashes.map(digitsOf).join('')]);
}

function storedTree(read: ReadTables, tree: 'note' | 'null', root: Field) {
  return treeFromRows(root, (level, index) => {
    const key = nodeKey(tree, level, index);
    if (!read.checkpoint.has(key)) return undefined;
    const digits = contentAt<string>(read, key);
    return Array.from({ length: ROW_HASHES }, (_, i) => fieldFromDigits(digits.slice(i * FIELD_DIGITS, (i + 1) * FIELD_DIGITS)));
  });
}

interface StoredUsed {
  /** Leaves that the row speaks of: from (included) and to (not included). */
  readonly from: number;
  readonly to: number;
  /** Offset from `from`, and the value. */
  readonly used: readonly (readonly [number, string])[];
}

function usedRows(before: LedgerState, after: LedgerState): [string, StoredUsed][] {
  const [from, to] = [Number(before.leafCount), Number(after.leafCount)];
  if (from === to) return [];
  const used = after.nullifiers.usedSince(before.leafCount).map(({ value, index }) => [Number(index) - from, value.toString(16)] as const);
  return [[numbered('used', from), { from, to, used }]];
}

/** The rows must follow one another from the genesis leaf to the last. */
function storedUsed(read: ReadTables, leafCount: bigint): Entry[] {
  let next = Number(LedgerState.genesis().leafCount);
  const entries = allOf<StoredUsed>(read, 'used').flatMap(({ from, to, used }) => {
    if (from !== next) throw damaged(`nullifiers from leaf ${next}`, `${from}`);
    next = to;
    return used.map(([offset, value]) => ({ value: BigInt(`0x${value}`), index: BigInt(from + offset) }));
  });
  if (BigInt(next) !== leafCount) throw damaged(`nullifiers up to leaf ${leafCount}`, `${next}`);
  return entries;
}

function clear(tables: WriteTables): void {
  for (const { key } of tables.checkpoint.range()) tables.checkpoint.remove(key);
}

function contentAt<T>({ checkpoint }: ReadTables, key: string): T {
  return contentOf<T>(key, checkpoint.get(key));
}

function allOf<T>({ checkpoint }: ReadTables, prefix: string): T[] {
  return checkpoint.range({ from: `${prefix}/`, to: `${prefix}${AFTER_SLASH}` }).map(({ key, row }) => contentOf<T>(key, row));
}

function contentOf<T>(key: string, row: CheckpointRow | undefined): T {
  if (row === undefined || checkOf(key, row.body) !== row.check) throw damaged(`the row that was written at ${key}`, row?.check ?? 'none');
  return JSON.parse(row.body) as T;
}

function written(key: string, body: string): CheckpointRow {
  return { body, check: checkOf(key, body) };
}

function checkOf(key: string, body: string): Hex {
  return bytesToHex(sha256(new TextEncoder().encode(`${key}\n${body}`))).slice(0, 2 + CHECK_DIGITS);
}

function nodeKey(tree: 'note' | 'null', level: number, index: number): string {
  return `${tree}/${level}/${index}`;
}

function numbered(prefix: string, number: number): string {
  return `${prefix}/${String(number).padStart(KEY_DIGITS, '0')}`;
}

function digitsOf(x: Field): string {
  return x.toString(16).padStart(FIELD_DIGITS, '0');
}

function fieldFromDigits(digits: string): Field {
  return BigInt(`0x${digits}`);
}

function damaged(expected: string, got: string): TacitError {
  return new TacitError('CHECKPOINT_DAMAGED', 'the stored view is not whole', { expected, got });
}
