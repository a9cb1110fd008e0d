/**
 * One settlement, checked as the contract checks it and then rebuilt, which the contract cannot do.
 *
 *   1  the bytes: exact calldata, canonical settlement
 *   2  the right to settle, and the rule that overdue queue items come first
 *   3  queue items: forced data is what was queued
 *   4  anchors are known roots
 *   5  slots go into both trees; every claimed root is the one that the slots give
 *   6  every proof, folded; where the fold fails, one by one
 *   7  the event says what came out
 *
 * A first difference makes later ones meaningless, so each step stops the settlement when it fails.
 */
import type { LedgerState } from '../ledger/state.js';
import { bytesToHex } from '../protocol/bytes.js';
import { circuitById } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { publicInputsOf, transferList } from '../protocol/fingerprint.js';
import type { Field } from '../protocol/flavor.js';
import type { FoldItem, KeyTable } from '../protocol/fold.js';
import { type Domain, encodeRecord } from '../protocol/record.js';
import { decodeSettlement, type ForcedData, type Settlement, type TransferProofEntry, type UpdateEntry } from '../protocol/settlement.js';
import { settlementSlots } from '../protocol/slots.js';
import { EMPTY_SLOT, type Slot, updateList } from '../protocol/update.js';
import { findBadProofs, verifyFold } from '../prover/engine/verify.js';
import type { ContractParameters, EventOf } from './archive.js';
import { settleArgument } from './calldata.js';
import { type AuditedForced, type AuditedItem, type AuditedQueue, slotItem } from './queue.js';

export interface SettlementContext {
  readonly domain: Domain;
  readonly keys: KeyTable;
  readonly parameters: ContractParameters;
  readonly queue: AuditedQueue;
  readonly ledger: LedgerState;
  readonly knownRoots: ReadonlySet<Field>;
}

export interface CheckedSettlement {
  readonly settlement: Settlement;
  readonly items: readonly AuditedItem[];
  readonly slots: readonly Slot[];
  readonly next: LedgerState;
  /** Note roots that transfers may be anchored to from now on. */
  readonly newRoots: readonly Field[];
  /** Every note root that was made, known or not. */
  readonly madeRoots: readonly Field[];
  /** Everything that the fold checked, in its order. */
  readonly folded: readonly AuditedProof[];
  readonly bytes: number;
}

/** A proof of a settlement, with the public list that it is about. */
export interface AuditedProof extends FoldItem {
  readonly list: readonly Field[];
}

/** @throws TacitError with the reason; nothing of the context is changed */
export function checkSettlement(event: EventOf<'settled'>, context: SettlementContext): CheckedSettlement {
  const { queue } = context;
  const bytes = settleArgument(event.calldata);
  const settlement = decodeSettlement(bytes, queue.kinds());
  const items = queue.next(settlement.queueItems);
  assertSettler(event, context, settlement);
  assertForcedData(settlement.forced, items);
  assertAnchors(settlement.transfers, context.knownRoots);
  const dropped = new Set(settlement.drops.map(({ item }) => item));
  const slots = settlementSlots(
    items.map((item, i) => slotItem(item, dropped.has(i))),
    settlement.transfers.flatMap(({ records }) => records),
  );
  const next = context.ledger.fork();
  const updateProofs = rebuild(settlement.updates, slots, next, context.domain);
  const folded = [...transferProofs(settlement, context.domain), ...updateProofs];
  assertProofs(context.keys, folded, settlement.transfers.length);
  assertEvent(event, next, queue.head + settlement.queueItems);
  const madeRoots = settlement.updates.map(({ noteRootNew }) => noteRootNew);
  const last = madeRoots.length - 1;
  const newRoots = madeRoots.filter((_, i) => i === last || settlement.updates[i]?.keepRoot === true);
  return { settlement, items, slots, next, newRoots, madeRoots, folded, bytes: bytes.length };
}

/** Step 2. While the head is overdue anyone may settle, but overdue items come first. */
function assertSettler(
  { sender, timeSeconds }: EventOf<'settled'>,
  { queue, parameters }: SettlementContext,
  settlement: Settlement,
): void {
  const overdue = queue.isOverdue(queue.head, timeSeconds);
  if (sender !== parameters.aggregator && !overdue) {
    throw new TacitError('SETTLER_WRONG', 'somebody else than the aggregator settled while nothing was overdue', {
      expected: parameters.aggregator,
      got: sender,
    });
  }
  const transfers = settlement.transfers.reduce((sum, { records }) => sum + records.length, 0);
  if (overdue && settlement.queueItems < transfers && queue.isOverdue(queue.head + settlement.queueItems, timeSeconds)) {
    throw new TacitError('OVERDUE_FIRST', 'overdue queue items were left waiting behind ordinary transfers', {
      expected: `all overdue items, or at least ${transfers}`,
      got: `${settlement.queueItems} items`,
    });
  }
}

/** Step 3. `forced` has one entry for each item that was a live forced one before this settlement. */
function assertForcedData(forced: readonly ForcedData[], items: readonly AuditedItem[]): void {
  const live = items.filter((item): item is AuditedForced => item.kind === 'forced');
  live.forEach((item, i) => {
    const data = forced[i] as ForcedData;
    const [expected, got] = [forcedText(item), forcedText(data)];
    if (expected !== got)
      throw new TacitError('FORCED_MISMATCH', `forced transfer ${i} of the settlement is not the one that was queued`, { expected, got });
  });
}

function forcedText({ record, prover, refund }: ForcedData): string {
  return `record ${bytesToHex(encodeRecord(record))} with prover ${prover} and refund ${refund}`;
}

/** Step 4, for the anchors that name a known root; the codec has checked those that name an update. */
function assertAnchors(transfers: readonly TransferProofEntry[], knownRoots: ReadonlySet<Field>): void {
  for (const { anchor } of transfers) {
    if (anchor.kind === 'known' && !knownRoots.has(anchor.root)) {
      throw new TacitError('ANCHOR_UNKNOWN', 'a transfer is anchored to a root that the rollup never kept', { got: hexRoot(anchor.root) });
    }
  }
}

/** Step 5: advances `ledger` by every update and compares the roots. */
function rebuild(updates: readonly UpdateEntry[], slots: readonly Slot[], ledger: LedgerState, domain: Domain): AuditedProof[] {
  let taken = 0;
  return updates.map((entry, i) => {
    const { name, size, id } = circuitById(entry.circuitId);
    const own = slots.slice(taken, taken + entry.used);
    taken += entry.used;
    const before = { noteRootOld: ledger.noteRoot, nullRootOld: ledger.nullifierRoot };
    const startIndex = ledger.advance(size, own);
    assertRoot(`note root of update ${i}`, entry.noteRootNew, ledger.noteRoot);
    assertRoot(`nullifier root of update ${i}`, entry.nullRootNew, ledger.nullifierRoot);
    const padded = [...own, ...Array.from({ length: size - own.length }, () => EMPTY_SLOT)];
    const { noteRootNew, nullRootNew, prover } = entry;
    const x = updateList(name, { ...before, noteRootNew, nullRootNew, startIndex, prover, slots: padded });
    return { circuitId: id, proof: entry.proof, list: x, publicInputs: publicInputsOf(id, entry.h, x, domain) };
  });
}

function assertRoot(what: string, claimed: Field, own: Field): void {
  if (claimed !== own)
    throw new TacitError('ROOT_MISMATCH', `${what} is not what the slots give`, { expected: hexRoot(own), got: hexRoot(claimed) });
}

function transferProofs({ transfers, updates }: Settlement, domain: Domain): AuditedProof[] {
  return transfers.map(({ circuitId, prover, anchor, h, proof, records }) => {
    const root = anchor.kind === 'known' ? anchor.root : (updates[anchor.index] as UpdateEntry).noteRootNew;
    const list = transferList(root, prover, records, domain);
    return { circuitId, proof, list, publicInputs: publicInputsOf(circuitId, h, list, domain) };
  });
}

/**
 * Step 6. Names those that fail.
 * @param transferCount how many of the items are transfer proofs; they come first
 */
export function assertProofs(keys: KeyTable, items: readonly FoldItem[], transferCount: number): void {
  try {
    verifyFold(keys, items);
  } catch (error) {
    if (!(error instanceof TacitError)) throw error;
    const names = findBadProofs(keys, items).map((i) => (i < transferCount ? `transfer proof ${i}` : `update proof ${i - transferCount}`));
    throw new TacitError('PROOF_INVALID', names.length === 0 ? `the fold fails: ${error.message}` : `${names.join(', ')} does not verify`, {
      cause: error,
    });
  }
}

/** Step 7. */
function assertEvent(event: EventOf<'settled'>, ledger: LedgerState, queueHead: number): void {
  assertRoot('note root of the event', BigInt(event.noteRoot), ledger.noteRoot);
  assertRoot('nullifier root of the event', BigInt(event.nullifierRoot), ledger.nullifierRoot);
  if (BigInt(event.leafCount) !== ledger.leafCount) {
    throw new TacitError('LEAF_COUNT', 'the event tells another leaf count', {
      expected: String(ledger.leafCount),
      got: String(event.leafCount),
    });
  }
  if (event.queueHead !== queueHead) {
    throw new TacitError('QUEUE_HEAD', 'the event tells another queue head', { expected: String(queueHead), got: String(event.queueHead) });
  }
}

function hexRoot(root: Field): string {
  return `0x${root.toString(16).padStart(64, '0')}`;
}
