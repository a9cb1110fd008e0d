/**
 * Sealed transfers that wait become farm tasks: alone, or eight under one proof (grouping.ts decides which).
 *
 * A group is a task of the journal: its members are in the task's row, in the order of the proof, and in no other open task.
 * Whoever has neither task nor proof waits, so a group that falls apart needs no undoing: its members are simply found again.
 */
import type { TransferRow } from '../ledger/schema.js';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { isTacitError } from '../protocol/errors.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import { paddingWitness } from '../protocol/padding.js';
import { decodeRecord, encodeRecord, recordHash } from '../protocol/record.js';
import { type SealedJob, sealJob } from '../protocol/seal.js';
import { encodeTransferWitness } from '../protocol/transfer.js';
import type { WorkerAnnouncement } from '../queue/announce.js';
import { release } from './admit.js';
import { assertUsableAnchor } from './anchors.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { GAS_MODEL, gasOf, slotGas } from './gasModel.js';
import { returnSealed } from './giveBack.js';
import { GROUP_CIRCUIT, GROUP_SIZE, type Group, groupWaiting, type WaitingTransfer } from './grouping.js';
import { fieldOf } from './hex.js';
import { partnerOf } from './pairs.js';
import { planTransferTask, publishPlanned } from './tasks.js';

/** Failures of groups after which a transfer is tried alone: what breaks a group is found that way. */
const GROUP_ATTEMPTS = 2;

/** Gives tasks to what has waited enough. @returns how many tasks were planned */
export async function groupDue(ctx: NodeContext): Promise<number> {
  await returnStale(ctx);
  const rows = waitingRows(ctx).filter((row) => !isHalf(ctx, row) && !paysNothing(ctx, row));
  if (rows.length === 0) return 0;
  const atHand = await ctx.roster.eligible(Math.floor(ctx.nowMs() / 1000));
  const workers = takesGroups(ctx) ? groupWorkers(ctx, atHand) : [];
  const groups = groupWaiting(waitingOf(rows), {
    nowMs: ctx.nowMs(),
    waitMs: ctx.policy.groupAfterMs,
    groupProvers: workers.map(({ address }) => address),
    proofGas: gasOf(GAS_MODEL.transferProof),
    recordGas: slotGas(GAS_MODEL, largestUpdate(ctx)),
  });
  for (const group of groups) await planGroup(ctx, group, atHand);
  await publishPlanned(ctx);
  return groups.length;
}

/** True where the contract has the large circuit's key and an update takes as many slots as a group has. */
export function takesGroups(ctx: Pick<NodeContext, 'keys' | 'policy'>): boolean {
  return ctx.keys.has(CIRCUITS[GROUP_CIRCUIT].id) && CIRCUITS[largestUpdate(ctx)].size >= GROUP_SIZE;
}

function largestUpdate({ policy }: Pick<NodeContext, 'policy'>): NodeContext['policy']['updateCircuits'][number] {
  return policy.updateCircuits.reduce((a, b) => (CIRCUITS[b].size > CIRCUITS[a].size ? b : a));
}

/** Unproven, and in no open task. */
function idleRows(ctx: NodeContext): TransferRow[] {
  const atWork = new Set([...ctx.tasks.values()].flatMap(({ transfers }) => transfers ?? []));
  return [...ctx.live.values()].filter(({ id, proofId }) => proofId === undefined && !atWork.has(id));
}

/** Of these, what the farm can prove. */
function waitingRows(ctx: NodeContext): TransferRow[] {
  return idleRows(ctx).filter(({ sealed }) => sealed !== undefined);
}

/** What can no more be proven as it was sealed goes back to its wallet; padding that lost its group is let go. */
async function returnStale(ctx: NodeContext): Promise<void> {
  for (const row of idleRows(ctx)) {
    // Padding has no wallet: given back, sealed or not, it would wait for ever.
    if (row.padding === true) await letGo(ctx, row);
    else if (row.sealed === undefined) continue;
    else if (sealOf(row).expiry * 1_000 <= ctx.nowMs()) await returnSealed(ctx, row, 'SEAL_EXPIRED');
    else if (row.anchor !== undefined && !isUsable(ctx, row.anchor)) await returnSealed(ctx, row, 'ANCHOR_UNKNOWN');
  }
}

async function letGo(ctx: NodeContext, row: TransferRow): Promise<void> {
  await commitTransfers(ctx, (tables) => {
    release(tables, row.id, decodeRecord(hexToBytes(row.record)));
    return [moved(row, 'failed', ctx.nowMs(), { sealed: undefined })];
  });
}

function isUsable(ctx: NodeContext, anchor: string): boolean {
  try {
    assertUsableAnchor(ctx, fieldOf(anchor));
    return true;
  } catch (error) {
    if (isTacitError(error, 'ANCHOR_UNKNOWN')) return false;
    throw error;
  }
}

/** Half of a pair whose other half is not here: it may never settle, so nobody proves it. Its seal runs out. */
function isHalf(ctx: NodeContext, row: TransferRow): boolean {
  return row.pairedWith !== undefined && partnerOf(ctx, row) === undefined;
}

/** A pair of which neither half pays, from before fees were asked, would ride along in a group for nothing. */
function paysNothing(ctx: NodeContext, row: TransferRow): boolean {
  const partner = partnerOf(ctx, row);
  if (!ctx.policy.fees.required || partner === undefined) return false;
  return [row.record, partner.record].every((bytes) => decodeRecord(hexToBytes(bytes)).fee === 0n);
}

function groupWorkers({ contradicted, resting, records }: NodeContext, atHand: readonly WorkerAnnouncement[]): WorkerAnnouncement[] {
  const able = atHand.filter(({ lanes }) => lanes.includes(GROUP_CIRCUIT));
  const trusted = able.filter(({ address }) => !contradicted.has(address) && !resting.has(address) && records.standing(address) === 'good');
  return trusted.length > 0 ? trusted : able;
}

/** A transfer that spends a note of an older one that waits is no company for it, or for anybody. */
function waitingOf(rows: readonly TransferRow[]): WaitingTransfer[] {
  const spent = new Set<Field>();
  return [...rows]
    .sort((a, b) => (a.times.queued ?? 0) - (b.times.queued ?? 0))
    .map((row) => {
      const { nf1, nf2 } = decodeRecord(hexToBytes(row.record));
      const rival = spent.has(nf1) || spent.has(nf2);
      for (const nf of [nf1, nf2]) spent.add(nf);
      return {
        id: row.id,
        sinceMs: row.times.queued ?? 0,
        anchor: row.anchor,
        readers: sealOf(row).recipients.map(({ address }) => address),
        partner: row.pairedWith,
        doubted: rival || (row.refusals?.length ?? 0) > 0 || row.attempts >= GROUP_ATTEMPTS,
      };
    });
}

/** The group's task and its padding, in one transaction. */
async function planGroup(ctx: NodeContext, group: Group, atHand: readonly WorkerAnnouncement[]): Promise<void> {
  const members = group.members.flatMap((id) => ctx.live.get(id) ?? []);
  const padding = group.padding === 0 ? [] : makePadding(ctx, group, members, atHand);
  const avoid = passedOver(ctx, members, group, atHand);
  await commitTransfers(ctx, (tables) => {
    planTransferTask(ctx, tables, [...members, ...padding], avoid);
    return padding;
  });
}

/**
 * Readers who refused a member, or whose refusals were found untrue, while somebody else is at hand. The second opinion on what was
 * refused is asked of the one that has done most: two newcomers alone send no payment back.
 */
function passedOver(
  ctx: NodeContext,
  members: readonly TransferRow[],
  { circuit, provers }: Group,
  atHand: readonly WorkerAnnouncement[],
): EvmAddress[] {
  const refused = new Set([
    ...ctx.contradicted,
    ...ctx.records.unwelcome(),
    ...members.flatMap(({ refusals = [] }) => refusals.map(({ worker }) => worker)),
  ]);
  const able = atHand.filter(({ address, lanes }) => provers.includes(address) && lanes.includes(circuit));
  const others = able.map(({ address }) => address).filter((address) => !refused.has(address));
  if (others.length === 0) return [];
  if (members.some(({ refusals = [] }) => refusals.length > 0)) {
    const judge = others.reduce((best, address) => (ctx.records.rank(address) > ctx.records.rank(best) ? address : best));
    for (const address of others) if (address !== judge) refused.add(address);
  }
  // Who cannot read all leaves it alone anyway; so the list is no longer than a seal's, which a job's contract allows.
  const readers = members.map((row) => new Set(sealOf(row).recipients.map(({ address }) => address)));
  return [...refused].filter((worker) => readers.every((list) => list.has(worker)));
}

function makePadding(
  ctx: NodeContext,
  { padding, provers }: Group,
  members: readonly TransferRow[],
  atHand: readonly WorkerAnnouncement[],
): TransferRow[] {
  const first = members[0] as TransferRow;
  const anchor = first.anchor as Hex;
  const { rosterId, expiry } = sealOf(first);
  const recipients = atHand.filter(({ address }) => provers.includes(address)).map(({ address, sealKey }) => ({ address, sealKey }));
  const random = (sizeBytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(sizeBytes));
  return Array.from({ length: padding }, () => {
    const witness = paddingWitness(fieldOf(anchor), ctx.domain, random);
    const id: string = recordHash(witness.record, ctx.domain);
    const plaintext = new TextEncoder().encode(encodeTransferWitness(witness));
    const sealed: SealedJob = sealJob(plaintext, { domain: ctx.domain, recordHash: id, rosterId, expiry, recipients }, random);
    return {
      id,
      record: bytesToHex(encodeRecord(witness.record)),
      state: 'queued',
      times: { queued: ctx.nowMs() },
      sealed: JSON.stringify(sealed),
      anchor,
      attempts: 0,
      padding: true,
    };
  });
}

function sealOf({ sealed }: TransferRow): SealedJob {
  return JSON.parse(sealed as string) as SealedJob;
}
