/**
 * The argument of the contract's `settle(bytes)`: everything of a settlement that the chain does not know yet, packed
 * and canonical. One settlement has one encoding; the decoder refuses any other, and a tail.
 *
 * Big-endian, widths in bytes:
 *
 *   header     version 1 (=1) │ data source 1 (0: records follow here) │ U 1 │ P 2 │ Q 2 │ D 1 │ A 1
 *   anchors    A × root 32              strictly ascending, each used by a transfer proof
 *   drops      D × (item 2 │ by 2)      item strictly ascending, forced; by < item, the first live forced item that shares a nullifier
 *   forced     for each of the Q items that is a live forced one: record │ prover 20 │ refund 20
 *   transfers  P × circuit 1 │ flags 1 (bit 0: prover) │ anchor 1 │ [prover 20] │ h 32 │ proof 256 │ K records
 *   updates    U × circuit 1 │ flags 1 (bit 0: keep root) │ used 1 │ prover 20 │ h 32 │ proof 256 │ note root 32 │ nullifier root 32
 *
 * anchor: an index into the anchors, or 0x80 + i for the note root that update i makes. Update i takes the next `used`
 * slots (slots.ts); together they take all. The circuit's `size` bounds `used`, its `minSlots` is the least.
 * Which queue items are deposits and which are forced only contract storage tells, so the decoder is told.
 */
import { ByteReader, concatBytes, uintToBytes } from './bytes.js';
import { type CircuitInfo, circuitById } from './circuit.js';
import { ZERO_ADDRESS } from './constants.js';
import { TacitError } from './errors.js';
import { bytesToEvmAddress, EVM_ADDRESS_BYTES, evmAddressToBytes } from './evmAddress.js';
import { assertField, fieldFromBytes, fieldToBytes } from './field.js';
import type { EvmAddress, Field } from './flavor.js';
import { encodeProof, type Groth16Proof, readProof } from './proof.js';
import { encodeRecord, readRecord, type TransferRecord } from './record.js';
import { type QueueItemKind, queueSlots } from './slots.js';

/** A root that the contract knows already, or the note root that an update of this settlement makes. */
export type AnchorRef = { readonly kind: 'known'; readonly root: Field } | { readonly kind: 'update'; readonly index: number };

export interface TransferProofEntry {
  readonly circuitId: number;
  /** Zero address: the client proved, nobody asks the prover's share. */
  readonly prover: EvmAddress;
  readonly anchor: AnchorRef;
  readonly h: Field;
  readonly proof: Groth16Proof;
  /** As many as the circuit's size. */
  readonly records: readonly TransferRecord[];
}

export interface UpdateEntry {
  readonly circuitId: number;
  /** Keep noteRootNew as a known root. False on the last update, whose root is always kept. */
  readonly keepRoot: boolean;
  /** Slots taken. */
  readonly used: number;
  readonly prover: EvmAddress;
  readonly h: Field;
  readonly proof: Groth16Proof;
  readonly noteRootNew: Field;
  readonly nullRootNew: Field;
}

/** The content of a forced transfer, of which the contract stores only the hash. */
export interface ForcedData {
  readonly record: TransferRecord;
  readonly prover: EvmAddress;
  readonly refund: EvmAddress;
}

/** Both are offsets into the consumed queue items. */
export interface Drop {
  readonly item: number;
  readonly by: number;
}

export interface Settlement {
  /** How many queue items this settlement consumes, dropped ones included. */
  readonly queueItems: number;
  readonly drops: readonly Drop[];
  /** One for each consumed forced item that was not dropped before, also for those named in drops. */
  readonly forced: readonly ForcedData[];
  readonly transfers: readonly TransferProofEntry[];
  readonly updates: readonly UpdateEntry[];
}

export const SETTLEMENT_VERSION = 1;
export const DATA_SOURCE_CALLDATA = 0;
export const MAX_ANCHORS = 127;
const ANCHOR_IS_UPDATE = 0x80;
const FLAG_PROVER = 1;
const FLAG_KEEP_ROOT = 1;

/**
 * The bytes. Rules that need the queue are not looked at here: see `assertSettlement`.
 * @throws TacitError SETTLEMENT_INVALID, UINT_RANGE and the codes of its parts
 */
export function encodeSettlement(settlement: Settlement): Uint8Array {
  const { queueItems, drops, forced, transfers, updates } = settlement;
  const anchors = knownAnchors(transfers);
  if (anchors.length > MAX_ANCHORS) throw invalid('too many anchors', `at most ${MAX_ANCHORS}`, `${anchors.length}`);
  return concatBytes(
    Uint8Array.of(SETTLEMENT_VERSION, DATA_SOURCE_CALLDATA),
    uintToBytes(updates.length, 1),
    uintToBytes(transfers.length, 2),
    uintToBytes(queueItems, 2),
    uintToBytes(drops.length, 1),
    uintToBytes(anchors.length, 1),
    ...anchors.map(fieldToBytes),
    ...drops.flatMap(({ item, by }) => [uintToBytes(item, 2), uintToBytes(by, 2)]),
    ...forced.flatMap(({ record, prover, refund }) => [encodeRecord(record), evmAddressToBytes(prover), evmAddressToBytes(refund)]),
    ...transfers.map((entry) => encodeTransferProof(entry, anchors)),
    ...updates.map(encodeUpdate),
  );
}

/**
 * @param queueKinds kinds of the next queue items, as many as the settlement consumes or more, as the contract had them before it
 * @throws TacitError SETTLEMENT_VERSION, SETTLEMENT_FLAGS, SETTLEMENT_INVALID, SETTLEMENT_QUEUE, BYTES_SHORT, BYTES_TRAILING, and the codes of its parts
 */
export function decodeSettlement(bytes: Uint8Array, queueKinds: readonly QueueItemKind[]): Settlement {
  const reader = new ByteReader(bytes, 'settlement');
  const [version, source] = [reader.small(1), reader.small(1)];
  if (version !== SETTLEMENT_VERSION || source !== DATA_SOURCE_CALLDATA) {
    throw new TacitError('SETTLEMENT_VERSION', 'unknown settlement format', {
      expected: `version ${SETTLEMENT_VERSION}, data source ${DATA_SOURCE_CALLDATA}`,
      got: `version ${version}, data source ${source}`,
    });
  }
  const [updateCount, transferCount, queueItems, dropCount, anchorCount] = [
    reader.small(1),
    reader.small(2),
    reader.small(2),
    reader.small(1),
    reader.small(1),
  ];
  if (queueKinds.length < queueItems)
    throw new TacitError('SETTLEMENT_QUEUE', 'the settlement consumes more queue items than there are', {
      expected: `at most ${queueKinds.length}`,
      got: `${queueItems}`,
    });
  const kinds = queueKinds.slice(0, queueItems);
  const anchors = repeat(anchorCount, () => fieldFromBytes(reader.take(32), 'anchor'));
  const drops = repeat(dropCount, () => ({ item: reader.small(2), by: reader.small(2) }));
  const forced = repeat(kinds.filter((kind) => kind === 'forced').length, () => readForced(reader));
  const transfers = repeat(transferCount, () => readTransferProof(reader, anchors));
  const updates = repeat(updateCount, () => readUpdate(reader));
  reader.end();
  const settlement = { queueItems, drops, forced, transfers, updates };
  assertSettlement(settlement, kinds);
  const used = knownAnchors(transfers);
  if (used.length !== anchors.length || used.some((root, i) => root !== anchors[i]))
    throw invalid('the anchors are not exactly those used, in ascending order');
  return settlement;
}

/** Kinds of the consumed items once this settlement's own drops are applied: what the slots are made of. */
export function kindsAfterDrops(kinds: readonly QueueItemKind[], drops: readonly Drop[]): QueueItemKind[] {
  const dropped = new Set(drops.map(({ item }) => item));
  return kinds.map((kind, item) => (dropped.has(item) ? 'dropped' : kind));
}

/** The roots in the anchor table: those of the transfers, each once, ascending. */
export function knownAnchors(transfers: readonly TransferProofEntry[]): Field[] {
  const roots = new Set(transfers.flatMap(({ anchor }) => (anchor.kind === 'known' ? [anchor.root] : [])));
  return [...roots].sort((a, b) => (a < b ? -1 : 1));
}

/**
 * The rules between the parts; decoding applies them, whoever encodes for the chain should.
 * @param kinds of exactly the consumed queue items, as the contract has them before this settlement
 * @throws TacitError SETTLEMENT_INVALID, SETTLEMENT_QUEUE
 */
export function assertSettlement(settlement: Settlement, kinds: readonly QueueItemKind[]): void {
  const { queueItems, drops, forced, transfers, updates } = settlement;
  if (updates.length === 0) throw invalid('a settlement needs an update');
  if (kinds.length !== queueItems)
    throw new TacitError('SETTLEMENT_QUEUE', 'the settlement consumes more queue items than there are', {
      expected: `at most ${kinds.length}`,
      got: `${queueItems}`,
    });
  if (knownAnchors(transfers).length > MAX_ANCHORS) throw invalid('too many anchors', `at most ${MAX_ANCHORS}`);
  assertDrops(drops, forced, kinds);
  updates.forEach((entry, i) => {
    assertUpdate(entry, i === updates.length - 1);
  });
  const queueSlotCount = queueSlots(kindsAfterDrops(kinds, drops)).length;
  const slotCount = queueSlotCount + transfers.reduce((sum, { records }) => sum + records.length, 0);
  const used = updates.reduce((sum, entry) => sum + entry.used, 0);
  if (used !== slotCount) throw invalid('the updates do not take exactly the slots there are', `${slotCount}`, `${used}`);
  assertTransfers(transfers, updates, queueSlotCount);
}

function assertDrops(drops: readonly Drop[], forced: readonly ForcedData[], kinds: readonly QueueItemKind[]): void {
  const dataOf = new Map<number, ForcedData>();
  kinds.forEach((kind, item) => {
    const data = kind === 'forced' ? forced[dataOf.size] : undefined;
    if (data !== undefined) dataOf.set(item, data);
  });
  if (forced.length !== kinds.filter((kind) => kind === 'forced').length)
    throw invalid('forced data does not match the queue', `${kinds.filter((kind) => kind === 'forced').length}`, `${forced.length}`);
  const dropped = new Set(drops.map(({ item }) => item));
  let previous = -1;
  for (const { item, by } of drops) {
    const [loser, winner] = [dataOf.get(item)?.record, dataOf.get(by)?.record];
    if (item <= previous || by >= item || loser === undefined || winner === undefined || dropped.has(by))
      throw invalid('a drop names the wrong queue items', 'ascending forced items, each dropped by an earlier live one');
    if (!shareNullifier(winner, loser)) throw invalid('a forced transfer is dropped without a nullifier in common');
    const first = [...dataOf].find(([other, { record }]) => !dropped.has(other) && shareNullifier(record, loser))?.[0];
    if (first !== by) throw invalid('a drop names a later item than it could', `${first}`, `${by}`);
    previous = item;
  }
}

function shareNullifier(a: TransferRecord, b: TransferRecord): boolean {
  return [a.nf1, a.nf2].some((nf) => nf === b.nf1 || nf === b.nf2);
}

function assertUpdate({ circuitId, keepRoot, used, prover }: UpdateEntry, last: boolean): void {
  const circuit = circuitOf(circuitId, 'update');
  if (used < circuit.minSlots || used > circuit.size)
    throw invalid('an update takes a wrong number of slots', `${circuit.minSlots} to ${circuit.size}`, `${used}`);
  if (prover === ZERO_ADDRESS) throw invalid('an update names no prover');
  if (last && keepRoot) throw invalid('the last root is always kept; its flag must be clear');
}

function assertTransfers(transfers: readonly TransferProofEntry[], updates: readonly UpdateEntry[], firstSlot: number): void {
  const ends: number[] = [];
  for (const { used } of updates) ends.push((ends[ends.length - 1] ?? 0) + used);
  let slot = firstSlot;
  for (const { circuitId, records, anchor } of transfers) {
    const circuit = circuitOf(circuitId, 'transfer');
    if (records.length !== circuit.size)
      throw invalid('a transfer proof has a wrong number of records', `${circuit.size}`, `${records.length}`);
    if (anchor.kind === 'update') assertAnchorIndex(anchor.index);
    const holder = ends.findIndex((end) => slot < end);
    if (anchor.kind === 'update' && (anchor.index < 0 || anchor.index >= holder))
      throw invalid('a transfer is anchored to an update that does not precede it', `below ${holder}`, `${anchor.index}`);
    slot += records.length;
  }
}

/** Seven bits name the update; a larger number would be read as another update. */
function assertAnchorIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= ANCHOR_IS_UPDATE)
    throw invalid('an anchor names an update that has no number here', `0 to ${ANCHOR_IS_UPDATE - 1}`, `${index}`);
}

function encodeTransferProof({ circuitId, prover, anchor, h, proof, records }: TransferProofEntry, anchors: readonly Field[]): Uint8Array {
  const hasProver = prover !== ZERO_ADDRESS;
  if (anchor.kind === 'update') assertAnchorIndex(anchor.index);
  const anchorRef = anchor.kind === 'known' ? anchors.indexOf(anchor.root) : ANCHOR_IS_UPDATE + anchor.index;
  return concatBytes(
    uintToBytes(circuitId, 1),
    uintToBytes(hasProver ? FLAG_PROVER : 0, 1),
    uintToBytes(anchorRef, 1),
    ...(hasProver ? [evmAddressToBytes(prover, 'prover')] : []),
    fieldToBytes(h),
    encodeProof(proof),
    ...records.map(encodeRecord),
  );
}

function readTransferProof(reader: ByteReader, anchors: readonly Field[]): TransferProofEntry {
  const circuitId = reader.small(1);
  const circuit = circuitOf(circuitId, 'transfer');
  const flags = readFlags(reader);
  const anchorRef = reader.small(1);
  const prover = flags === FLAG_PROVER ? readAddress(reader) : ZERO_ADDRESS;
  if (flags === FLAG_PROVER && prover === ZERO_ADDRESS) throw invalid('a transfer proof announces a prover and names none');
  const h = fieldFromBytes(reader.take(32), 'h');
  const proof = readProof(reader);
  const records = repeat(circuit.size, () => readRecord(reader));
  return { circuitId, prover, anchor: anchorFrom(anchorRef, anchors), h, proof, records };
}

function anchorFrom(reference: number, anchors: readonly Field[]): AnchorRef {
  if ((reference & ANCHOR_IS_UPDATE) !== 0) return { kind: 'update', index: reference & ~ANCHOR_IS_UPDATE };
  const root = anchors[reference];
  if (root === undefined) throw invalid('an anchor is not in the table', `below ${anchors.length}`, `${reference}`);
  return { kind: 'known', root };
}

function encodeUpdate({ circuitId, keepRoot, used, prover, h, proof, noteRootNew, nullRootNew }: UpdateEntry): Uint8Array {
  return concatBytes(
    uintToBytes(circuitId, 1),
    uintToBytes(keepRoot ? FLAG_KEEP_ROOT : 0, 1),
    uintToBytes(used, 1),
    evmAddressToBytes(prover, 'prover'),
    fieldToBytes(h),
    encodeProof(proof),
    fieldToBytes(assertField(noteRootNew, 'note root')),
    fieldToBytes(assertField(nullRootNew, 'nullifier root')),
  );
}

function readUpdate(reader: ByteReader): UpdateEntry {
  const circuitId = reader.small(1);
  const keepRoot = readFlags(reader) === FLAG_KEEP_ROOT;
  const used = reader.small(1);
  const prover = readAddress(reader);
  const h = fieldFromBytes(reader.take(32), 'h');
  const proof = readProof(reader);
  return {
    circuitId,
    keepRoot,
    used,
    prover,
    h,
    proof,
    noteRootNew: fieldFromBytes(reader.take(32), 'note root'),
    nullRootNew: fieldFromBytes(reader.take(32), 'nullifier root'),
  };
}

function readForced(reader: ByteReader): ForcedData {
  return { record: readRecord(reader), prover: readAddress(reader), refund: readAddress(reader) };
}

/** One flag, bit 0; the others are zero. */
function readFlags(reader: ByteReader): number {
  const flags = reader.small(1);
  if (flags > 1) throw new TacitError('SETTLEMENT_FLAGS', 'unknown flags', { expected: '0 or 1', got: `${flags}` });
  return flags;
}

function readAddress(reader: ByteReader): EvmAddress {
  return bytesToEvmAddress(reader.take(EVM_ADDRESS_BYTES));
}

function circuitOf(id: number, kind: CircuitInfo['kind']): CircuitInfo {
  const circuit = circuitById(id);
  if (circuit.kind !== kind) throw invalid('a circuit stands in the wrong place', `a circuit for ${kind}`, circuit.name);
  return circuit;
}

function repeat<T>(count: number, read: () => T): T[] {
  return Array.from({ length: count }, read);
}

function invalid(message: string, expected?: string, got?: string): TacitError {
  return new TacitError('SETTLEMENT_INVALID', message, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
  });
}
