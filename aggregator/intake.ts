/**
 * A submission comes in. Proven at home: verified at once, reserved, confirmed. Sealed: journaled, then given to the farm;
 * it reserves nothing until a worker has opened it or a proof stands, so that nobody can squat on another's note.
 *
 * The id is the hash of the record, so the same id is the same payment: a repetition gets the present status, a new seal
 * of an unproven one takes the place of the old, a proof overtakes the farm.
 */
import type { TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { decodeRecord, recordHash, type TransferRecord } from '../protocol/record.js';
import type { Submission, TransferStatus } from '../queue/service.js';
import { admitProof, assertFree, assertUnspent, checkTransferProof } from './admit.js';
import { assertUsableAnchor } from './anchors.js';
import { commitTransfers, moved } from './commit.js';
import { confirm } from './confirm.js';
import type { NodeContext } from './context.js';
import { assertPaid } from './fees.js';
import { groupDue } from './groups.js';
import { fieldOf, nullifierHex } from './hex.js';
import { assertRoomForProven, makeRoomForSealed } from './room.js';
import { statusOf } from './status.js';
import { forgetTransferTasks } from './tasks.js';

/** The node's clock may have been set back since it signed the roster. */
const CLOCK_SLACK_SECONDS = 60;

/**
 * @throws TacitError SUBMISSION_ID, SUBMISSION_CONFLICT, NODE_BUSY, ASSET_UNKNOWN, FEE_TOO_LOW, PAIR_UNDERPAID, FEE_ASSET, NULLIFIER_SPENT,
 *   NULLIFIER_RESERVED, NULLIFIER_FORCED, ANCHOR_UNKNOWN, PROOF_INVALID, SEAL_EXPIRED, SEAL_TOO_LONG, and the codes of the record's codec
 */
export async function submit(ctx: NodeContext, submission: Submission): Promise<TransferStatus> {
  const record = decodeRecord(hexToBytes(submission.record));
  const known = ctx.journal.read.transfers.get(submission.id);
  if (recordHash(record, ctx.domain) !== submission.id) {
    throw new TacitError(known === undefined ? 'SUBMISSION_ID' : 'SUBMISSION_CONFLICT', 'the id is not the hash of the record', {
      expected: recordHash(record, ctx.domain),
      got: submission.id,
    });
  }
  if (submission.pairedWith === submission.id)
    throw new TacitError('SUBMISSION_CONFLICT', 'a transfer is not its own partner', { got: submission.id });
  if (known !== undefined) {
    if (known.pairedWith !== submission.pairedWith)
      throw new TacitError('SUBMISSION_CONFLICT', 'this transfer was submitted with another partner', {
        expected: known.pairedWith ?? 'none',
        got: submission.pairedWith ?? 'none',
      });
    if (known.state !== 'queued' && known.state !== 'proving') return statusOf(ctx, known);
    if (submission.sealed !== undefined && known.sealed === JSON.stringify(submission.sealed)) return statusOf(ctx, known);
  }
  assertAcceptable(ctx, record);
  if (known === undefined && submission.proof !== undefined) assertRoomForProven(ctx);
  const row = known ?? newRow(ctx, submission);
  assertPaid(ctx, row, record, submission.proof === undefined ? 'sealed' : 'proven');
  return submission.proof !== undefined ? submitProven(ctx, row, record, submission) : submitSealed(ctx, row, record, submission);
}

async function submitProven(
  ctx: NodeContext,
  row: TransferRow,
  record: TransferRecord,
  submission: Submission & { proof: object },
): Promise<TransferStatus> {
  // Pairings take a while: they run before the turn, what they were checked against is looked at again within.
  const proof = checkTransferProof(ctx, [row.id], [record], submission.proof as Parameters<typeof checkTransferProof>[3]);
  return ctx.turn.run(async () => {
    // The other half of a pair may have come meanwhile.
    assertPaid(ctx, presentOf(ctx, row), record, 'proven');
    const [admitted = row] = await admitProof(ctx, [{ row, record }], proof, { quotedAs: 'proven' });
    const status = statusOf(ctx, await confirm(ctx, admitted));
    await forgetTransferTasks(ctx, row.id, 'proven at home');
    return status;
  });
}

async function submitSealed(
  ctx: NodeContext,
  row: TransferRow,
  record: TransferRecord,
  { sealed, anchor }: Submission,
): Promise<TransferStatus> {
  if (sealed === undefined || anchor === undefined)
    throw new TacitError('REQUEST_MALFORMED', 'a submission brings a proof or a sealed job', {
      expected: 'proof, or sealed with its anchor',
    });
  if (sealed.recordHash !== row.id)
    throw new TacitError('SUBMISSION_CONFLICT', 'the job is sealed for another record', { expected: row.id, got: sealed.recordHash });
  if (sealed.expiry * 1000 <= ctx.nowMs())
    throw new TacitError('SEAL_EXPIRED', 'the seal has expired', { got: `${sealed.expiry}`, retryable: true });
  assertSealEnds(ctx, sealed.expiry);
  assertUsableAnchor(ctx, fieldOf(anchor, 'anchor'));
  return ctx.turn.run(async () => {
    const nowMs = ctx.nowMs();
    assertPaid(ctx, presentOf(ctx, row), record, 'sealed');
    if (!ctx.journal.read.transfers.has(row.id)) await makeRoomForSealed(ctx);
    const [queued = row] = await commitTransfers(ctx, (tables) => {
      const present = tables.transfers.get(row.id) ?? row;
      if (present.proofId !== undefined || present.state === 'failed') return [present];
      for (const nf of [record.nf1, record.nf2]) assertFree(tables.nullifiers.get(nullifierHex(nf)), row.id, nowMs);
      const fresh = {
        sealed: JSON.stringify(sealed),
        anchor,
        attempts: 0,
        refusals: undefined,
        reason: undefined,
        quotedAs: 'sealed',
      } as const;
      return [moved(present, 'queued', present.times.queued ?? nowMs, fresh)];
    });
    await forgetTransferTasks(ctx, row.id, 'sealed anew');
    // Without its queue the node would only wait for it here, and hold everything else up.
    if (ctx.queueTrouble === undefined) await groupDue(ctx);
    return statusOf(ctx, ctx.live.get(row.id) ?? queued);
  });
}

/**
 * A seal is good for no longer than a roster. One without an end, for workers that there are not, would never be given back.
 * @throws TacitError SEAL_TOO_LONG
 */
function assertSealEnds(ctx: NodeContext, expiry: number): void {
  const last = Math.floor(ctx.nowMs() / 1000) + ctx.policy.rosterSeconds + CLOCK_SLACK_SECONDS;
  if (expiry > last)
    throw new TacitError('SEAL_TOO_LONG', 'the seal is good for longer than any roster', { expected: `at most ${last}`, got: `${expiry}` });
}

/** The assets, the notes: all but the fee that can be said before a proof is looked at. */
function assertAcceptable(ctx: NodeContext, record: TransferRecord): void {
  const assets = ctx.config.assets.map(({ id }) => id);
  for (const asset of [record.outAsset, record.feeAsset]) {
    if (!assets.includes(asset))
      throw new TacitError('ASSET_UNKNOWN', 'the rollup has no such asset', { expected: assets.join(', '), got: `${asset}` });
  }
  assertUnspent(ctx, record);
}

function presentOf({ live }: NodeContext, row: TransferRow): TransferRow {
  return live.get(row.id) ?? row;
}

function newRow(ctx: NodeContext, { id, record, pairedWith }: Submission): TransferRow {
  return { id, record, state: 'queued', times: { queued: ctx.nowMs() }, attempts: 0, ...(pairedWith === undefined ? {} : { pairedWith }) };
}
