/**
 * Which proven seals make the next settlement, and its bytes.
 *
 * Within a settlement the contract lays out queue items first, then transfers, and pairs deposits across all of them. A
 * seal was laid out by itself, so the group ends before a seal with which the contract's layout would differ.
 */
import type { SealRow, SettlementRow, TransferProofRow } from '../ledger/schema.js';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { decodeProof } from '../protocol/proof.js';
import { decodeRecord } from '../protocol/record.js';
import {
  type AnchorRef,
  assertSettlement,
  encodeSettlement,
  type ForcedData,
  type Settlement,
  type TransferProofEntry,
  type UpdateEntry,
} from '../protocol/settlement.js';
import { type QueueItem, settlementSlots } from '../protocol/slots.js';
import type { Slot } from '../protocol/update.js';
import { isKnownRoot, type ViewQueueItem, waitingItems } from './chainView.js';
import type { NodeContext } from './context.js';
import { GAS_MODEL, gasOf } from './gasModel.js';
import { fieldHex, fieldOf } from './hex.js';
import { isQueueOverdue, itemsOf, transfersOf } from './order.js';
import { mostSealGas } from './pushes.js';
import { slotOf } from './seal.js';
import { isSuccessor } from './succession.js';
import { GAS_CAP, GAS_MARGIN_PERCENT } from './transactions.js';

/** What a settlement may need at worst: what a transaction may have, less the margin on top. One seal is settled whatever it needs. */
const MOST_GAS = Number((GAS_CAP * 100n) / GAS_MARGIN_PERCENT);

export type SettlementPlan = Pick<SettlementRow, 'seals' | 'transfers' | 'queueItems' | 'bytes'>;

/** Undefined where no seal can be settled now. */
export function planSettlement(ctx: NodeContext): SettlementPlan | undefined {
  const group = provenGroup(ctx);
  if (group.length === 0 || !isDue(ctx, group)) return undefined;
  const items = consumedItems(ctx, group);
  const settlement = buildSettlement(ctx, group, items);
  assertSettlement(
    settlement,
    items.map(({ kind }) => kind),
  );
  return {
    seals: group.map(({ index }) => index),
    transfers: group.flatMap(transfersOf),
    queueItems: items.length,
    bytes: bytesToHex(encodeSettlement(settlement)),
  };
}

/** Overdue queue items that a settlement of the first standing seals would have to take and does not. */
export function overdueItemsMissed(ctx: NodeContext): number {
  if (ctx.seals.length === 0 || !isQueueOverdue(ctx)) return 0;
  let group: SealRow[] = [];
  for (const seal of ctx.seals) {
    if (!keepsLayout(ctx, [...group, seal])) break;
    group = [...group, seal];
  }
  const { waiting } = ctx.view;
  const isOverdue = ({ queuedAtSeconds }: ViewQueueItem) => ctx.view.headSeconds > queuedAtSeconds + ctx.queueDelaySeconds;
  const taken = consumedItems(ctx, group).length;
  const overdue = waiting.filter(isOverdue).length;
  return taken >= overdue || taken >= group.flatMap(transfersOf).length ? 0 : overdue - taken;
}

/**
 * The longest run of proven seals, from the first standing one, that the contract would lay out as they were sealed, and that fits
 * into a transaction: withdrawals cost their recipients nothing to make expensive.
 */
function provenGroup(ctx: NodeContext): SealRow[] {
  const group: SealRow[] = [];
  let transfers = 0;
  let gas = gasOf(GAS_MODEL.settlement);
  for (const seal of ctx.seals) {
    transfers += transfersOf(seal).length;
    gas += mostSealGas(ctx, seal);
    const fits =
      seal.state === 'proven' &&
      group.length < ctx.policy.updatesPerSettlement &&
      (group.length === 0 || (transfers <= ctx.policy.transfersPerSettlement && gas <= MOST_GAS));
    if (!fits || !keepsLayout(ctx, [...group, seal]) || !anchorsHold(ctx, [...group, seal])) break;
    group.push(seal);
  }
  return group;
}

/**
 * Settle when nothing that is sealed is still being proven, when enough has gathered, or when the first has waited. A successor
 * lets nothing of what it has sealed behind: the settlement that serves the overdue items ends its turn.
 */
function isDue(ctx: NodeContext, group: readonly SealRow[]): boolean {
  const next = ctx.seals[group.length];
  if (next === undefined || next.state === 'proven' || group.length >= ctx.policy.updatesPerSettlement) return true;
  const first = ctx.journal.read.updateProofs.get((group[0] as SealRow).index);
  return !isSuccessor(ctx) && ctx.nowMs() - (first?.provenMs ?? 0) >= ctx.policy.settleAfterMs;
}

function keepsLayout(ctx: NodeContext, group: readonly SealRow[]): boolean {
  const items = consumedItems(ctx, group).map(itemContent);
  const records = group.flatMap(({ slots }) => slots.filter(({ source }) => source.kind === 'transfer').map(slotOf));
  const [asked, sealed] = [settlementSlots(items, records), group.flatMap(({ slots }) => slots.map(slotOf))];
  return asked.length === sealed.length && asked.every((slot, i) => sameSlot(slot, sealed[i] as Slot));
}

function anchorsHold(ctx: NodeContext, group: readonly SealRow[]): boolean {
  return group.every((seal, at) => transfersOf(seal).every((id) => anchorOf(ctx, group, at, proofOf(ctx, id).anchor) !== undefined));
}

/**
 * From the queue's head to the last item of the group, dropped ones between included, and those right behind it. They fill no slot,
 * but one that is left at the head becomes overdue like any other, and the contract then takes no transfers before it. As
 * many as a settlement carries transfers are enough for that rule, and no flood of them is too much gas.
 */
function consumedItems(ctx: NodeContext, group: readonly SealRow[]): ViewQueueItem[] {
  const end = Math.max(ctx.view.queueHead, ...group.flatMap(itemsOf).map((item) => item + 1));
  const behind = waitingItems(ctx.view, end, end + ctx.policy.transfersPerSettlement);
  const live = behind.findIndex(({ kind }) => kind !== 'dropped');
  return [...waitingItems(ctx.view, ctx.view.queueHead, end + (live < 0 ? behind.length : live))];
}

function buildSettlement(ctx: NodeContext, group: readonly SealRow[], items: readonly ViewQueueItem[]): Settlement {
  const transfers = group.flatMap((seal, at) => transferEntries(ctx, group, at, transfersOf(seal)));
  const forced = items.flatMap(({ kind, record, prover, refund }): ForcedData[] =>
    kind === 'forced' ? [{ record, prover, refund } as ForcedData] : [],
  );
  const updates = group.map((seal, i) => updateEntry(ctx, seal, i < group.length - 1 && isAwaited(ctx, group, seal.noteRootNew)));
  return { queueItems: items.length, drops: [], forced, transfers, updates };
}

/** A seal's transfers by the proofs that they share: those of one stand together, in the order of the proof. */
function transferEntries(ctx: NodeContext, group: readonly SealRow[], at: number, ids: readonly string[]): TransferProofEntry[] {
  const entries: TransferProofEntry[] = [];
  for (let from = 0; from < ids.length; ) {
    const proof = proofOf(ctx, ids[from] as string);
    const to = from + proof.transfers.length;
    if (ids.slice(from, to).join() !== proof.transfers.join())
      throw new TacitError('PLAN_INCOMPLETE', 'a proof’s transfers do not stand together in their seal', { got: proof.id });
    entries.push(transferEntry(ctx, group, at, proof));
    from = to;
  }
  return entries;
}

function transferEntry(ctx: NodeContext, group: readonly SealRow[], at: number, row: TransferProofRow): TransferProofEntry {
  const { circuit, prover, h, proof, anchor, transfers } = row;
  const records = transfers.flatMap((id) => ctx.live.get(id)?.record ?? []);
  const reference = anchorOf(ctx, group, at, anchor);
  if (records.length !== transfers.length || reference === undefined)
    throw new TacitError('PLAN_INCOMPLETE', 'a sealed transfer has lost its record or its anchor', { got: row.id });
  return {
    circuitId: CIRCUITS[circuit].id,
    prover,
    anchor: reference,
    h: fieldOf(h),
    proof: decodeProof(hexToBytes(proof)),
    records: records.map((record) => decodeRecord(hexToBytes(record))),
  };
}

function updateEntry(ctx: NodeContext, seal: SealRow, keepRoot: boolean): UpdateEntry {
  const proof = ctx.journal.read.updateProofs.get(seal.index);
  if (proof === undefined) throw new TacitError('PLAN_INCOMPLETE', 'a proven seal has no proof', { got: `${seal.index}` });
  return {
    circuitId: CIRCUITS[seal.circuit].id,
    keepRoot,
    used: seal.slots.length,
    prover: proof.prover,
    h: fieldOf(proof.h),
    proof: decodeProof(hexToBytes(proof.proof)),
    noteRootNew: fieldOf(seal.noteRootNew),
    nullRootNew: fieldOf(seal.nullRootNew),
  };
}

/** A root that the contract knows, or that an update of the group makes before the one at `at`. */
function anchorOf(ctx: NodeContext, group: readonly SealRow[], at: number, anchor: Hex): AnchorRef | undefined {
  const root = fieldOf(anchor);
  if (isKnownRoot(ctx.view, root)) return { kind: 'known', root };
  const index = group.findIndex(({ noteRootNew }) => noteRootNew === anchor);
  return index >= 0 && index < at ? { kind: 'update', index } : undefined;
}

/** True where a transfer outside the group is anchored to this root. */
function isAwaited(ctx: NodeContext, group: readonly SealRow[], root: Hex): boolean {
  const inside = new Set(group.flatMap(transfersOf));
  return [...ctx.live.values()].some(
    ({ id, proofId }) => !inside.has(id) && proofId !== undefined && ctx.journal.read.proofs.get(proofId)?.anchor === root,
  );
}

function proofOf(ctx: NodeContext, id: string): TransferProofRow {
  const proofId = ctx.live.get(id)?.proofId;
  const proof = proofId === undefined ? undefined : ctx.journal.read.proofs.get(proofId);
  if (proof === undefined) throw new TacitError('PLAN_INCOMPLETE', 'a sealed transfer has no proof', { got: id });
  return proof;
}

function itemContent(item: ViewQueueItem): QueueItem {
  if (item.kind === 'deposit') return { kind: 'deposit', commitment: item.commitment as bigint };
  return item.kind === 'forced' ? { kind: 'forced', record: item.record as Slot } : { kind: 'dropped' };
}

function sameSlot(a: Slot, b: Slot): boolean {
  return [a.nf1, a.nf2, a.cm1, a.cm2].map(fieldHex).join() === [b.nf1, b.nf2, b.cm1, b.cm2].map(fieldHex).join();
}
