/**
 * What came back from the farm. A result counts when its proof verifies here; a worker that lies costs time, nothing
 * else. A job that the queue no longer knows is put there again.
 */
import type { WriteTables } from '../ledger/effects.js';
import type { FarmTaskRow, TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import { publicInputsOf, publicSignals } from '../protocol/fingerprint.js';
import { verifyGroth16 } from '../protocol/groth16.js';
import { decodeProof } from '../protocol/proof.js';
import { decodeRecord } from '../protocol/record.js';
import type { SealedJob } from '../protocol/seal.js';
import { EMPTY_SLOT, type UpdateStatement, updateList } from '../protocol/update.js';
import type { VerifyingKey } from '../protocol/vkey.js';
import { type FarmResult, parseFarmResult } from '../queue/contracts.js';
import { type FarmEvent, failureCode } from '../queue/farm.js';
import { admitProof, checkTransferProof, reserve } from './admit.js';
import { commitTransfers, moved } from './commit.js';
import { confirm } from './confirm.js';
import type { NodeContext } from './context.js';
import { fieldOf, nullifierHex } from './hex.js';
import { slotOf } from './seal.js';
import { RESEAL_PREFIX } from './status.js';
import { endTask, noteTask, planTransferTask, planUpdateTask, publish, publishPlanned } from './tasks.js';

/** A sealed transfer that failed so often is given back to its wallet. */
const TRANSFER_ATTEMPTS = 5;
/** Failures that another try cannot mend: the witness is false, or the seal does not open. */
const FINAL_FAILURE = /^(SEAL_|TRANSFER_|RECORD_|WITNESS_|JOB_MALFORMED)/;

/** Asks the queue about every task that it has news of. */
export async function collectResults(ctx: NodeContext): Promise<void> {
  for (const id of [...ctx.dirtyTasks]) {
    ctx.dirtyTasks.delete(id);
    const task = ctx.tasks.get(id);
    if (task === undefined) continue;
    if (task.state === 'planned') await publish(ctx, task);
    else await collect(ctx, task);
  }
}

/** News of one job, as the queue tells it; only a hint to look. */
export async function noteFarmEvent(ctx: NodeContext, { kind, id, progress }: FarmEvent): Promise<void> {
  ctx.dirtyTasks.add(id);
  const task = ctx.tasks.get(id);
  const row = task?.kind === 'transfer' ? ctx.live.get(task.transfers?.[0] ?? '') : undefined;
  if (row === undefined) return;
  if (kind === 'active' && row.state === 'queued') await commitTransfers(ctx, () => [moved(row, 'proving', ctx.nowMs())]);
  if (kind === 'checked' && progress !== undefined) await lease(ctx, row, progress.worker);
}

async function collect(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  const outcome = await ctx.effects.queue.outcome(task.id);
  switch (outcome.state) {
    case 'absent':
      return publish(ctx, task);
    case 'failed':
      return task.kind === 'transfer' ? transferFailed(ctx, task, outcome.reason) : updateFailed(ctx, task, outcome.reason);
    case 'done':
      return task.kind === 'transfer' ? transferDone(ctx, task, outcome.result) : updateDone(ctx, task, outcome.result);
    default:
      return expireUnopened(ctx, task);
  }
}

/** A job that nobody took in time goes back to its wallet: no worker may open it any more. */
async function expireUnopened(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  if (task.kind === 'update') return;
  const row = ctx.live.get(task.transfers?.[0] ?? '');
  if (row?.sealed === undefined || row.proofId !== undefined) {
    await endTask(ctx, task, 'abandoned', 'nothing is left to prove');
    return ctx.effects.queue.forget(task.id);
  }
  if ((JSON.parse(row.sealed) as SealedJob).expiry * 1_000 <= ctx.nowMs()) await giveBack(ctx, task, row, 'SEAL_EXPIRED');
}

async function transferDone(ctx: NodeContext, task: FarmTaskRow, value: unknown): Promise<void> {
  const row = ctx.live.get(task.transfers?.[0] ?? '');
  if (row === undefined || row.proofId !== undefined) return endTask(ctx, task, 'abandoned', 'proven meanwhile');
  const record = decodeRecord(hexToBytes(row.record));
  try {
    const result = parseFarmResult(value);
    if (result.anchor === undefined)
      throw new TacitError('RESULT_MALFORMED', 'a transfer’s result names no anchor', { expected: 'a root' });
    const proof = checkTransferProof(ctx, [row.id], [record], { ...result, anchor: result.anchor });
    const admitted = await admitProof(ctx, row, record, proof);
    await endTask(ctx, task, 'done');
    await confirm(ctx, admitted);
  } catch (error) {
    if (!(error instanceof TacitError)) throw error;
    ctx.log(`farm: result of ${task.id} refused, ${error.code}`);
    // An anchor that was lost, or a rival that was faster, is not the worker's fault and another try would not help.
    if (error.code === 'ANCHOR_UNKNOWN' || error.code.startsWith('NULLIFIER_')) return giveBack(ctx, task, row, error.code);
    await transferFailed(ctx, task, `${error.code}: refused`);
  }
}

async function transferFailed(ctx: NodeContext, task: FarmTaskRow, reason: string): Promise<void> {
  const row = ctx.live.get(task.transfers?.[0] ?? '');
  if (row === undefined || row.proofId !== undefined) return endTask(ctx, task, 'abandoned', 'proven meanwhile');
  const sealed = row.sealed === undefined ? undefined : (JSON.parse(row.sealed) as SealedJob);
  const expired = sealed === undefined || sealed.expiry * 1000 <= ctx.nowMs();
  if (expired || FINAL_FAILURE.test(failureCode(reason)) || task.attempt >= TRANSFER_ATTEMPTS)
    return giveBack(ctx, task, row, expired ? 'SEAL_EXPIRED' : failureCode(reason));
  const attempts = row.attempts + 1;
  await commitTransfers(ctx, (tables) => {
    tables.tasks.put(task.id, { ...task, state: 'failed', reason });
    planTransferTask(ctx, tables, row.id, attempts);
    return [moved(row, 'queued', row.times.queued ?? ctx.nowMs(), { attempts })];
  });
  noteTask(ctx, { ...task, state: 'failed' });
  await ctx.effects.queue.forget(task.id);
  await publishPlanned(ctx);
}

/** The wallet has to seal or prove it again; nothing has failed, and what was reserved for it is free. */
async function giveBack(ctx: NodeContext, task: FarmTaskRow, row: TransferRow, code: string): Promise<void> {
  await commitTransfers(ctx, (tables) => {
    tables.tasks.put(task.id, { ...task, state: 'failed', reason: code });
    const { nf1, nf2 } = decodeRecord(hexToBytes(row.record));
    releaseLease(tables, row.id, [nf1, nf2]);
    return [moved(row, 'queued', row.times.queued ?? ctx.nowMs(), { sealed: undefined, reason: `${RESEAL_PREFIX}: ${code}` })];
  });
  noteTask(ctx, { ...task, state: 'failed' });
  await ctx.effects.queue.forget(task.id);
}

async function updateDone(ctx: NodeContext, task: FarmTaskRow, value: unknown): Promise<void> {
  const seal = ctx.seals.find(({ index }) => index === task.seal);
  if (seal === undefined || seal.state !== 'sealed') return endTask(ctx, task, 'abandoned', 'the seal needs no proof');
  try {
    const result = parseFarmResult(value);
    checkUpdateProof(ctx, seal, result);
    const proven = { ...seal, state: 'proven' as const };
    await ctx.journal.transaction((tables) => {
      tables.updateProofs.put(seal.index, {
        seal: seal.index,
        prover: result.prover,
        h: result.h,
        proof: result.proof,
        provenMs: ctx.nowMs(),
      });
      tables.seals.put(seal.index, proven);
      tables.tasks.put(task.id, { ...task, state: 'done' });
    });
    noteTask(ctx, { ...task, state: 'done' });
    ctx.seals = ctx.seals.map((entry) => (entry.index === seal.index ? proven : entry));
    ctx.inputs.delete(seal.index);
  } catch (error) {
    if (!(error instanceof TacitError)) throw error;
    await updateFailed(ctx, task, `${error.code}: refused`);
  }
}

/** @throws TacitError PROVER_MISSING, CIRCUIT_KIND, KEY_MISSING and as verifyGroth16 */
function checkUpdateProof(ctx: NodeContext, seal: NodeContext['seals'][number], result: FarmResult): void {
  if (result.circuit !== seal.circuit)
    throw new TacitError('CIRCUIT_KIND', 'the proof is of another circuit', { expected: seal.circuit, got: result.circuit });
  if (result.prover === ZERO_ADDRESS) throw new TacitError('PROVER_MISSING', 'an update names its prover');
  const { id, size } = CIRCUITS[seal.circuit];
  const key: VerifyingKey | undefined = ctx.keys.get(id);
  if (key === undefined) throw new TacitError('KEY_MISSING', 'this rollup has no key for the circuit', { got: seal.circuit });
  const statement: UpdateStatement = {
    noteRootOld: fieldOf(seal.noteRootOld),
    noteRootNew: fieldOf(seal.noteRootNew),
    nullRootOld: fieldOf(seal.nullRootOld),
    nullRootNew: fieldOf(seal.nullRootNew),
    startIndex: BigInt(seal.startIndex),
    prover: result.prover,
    slots: [...seal.slots.map(slotOf), ...Array.from({ length: size - seal.slots.length }, () => EMPTY_SLOT)],
  };
  const inputs = publicInputsOf(id, fieldOf(result.h, 'h'), updateList(seal.circuit, statement), ctx.domain);
  verifyGroth16(key, publicSignals(inputs), decodeProof(hexToBytes(result.proof)));
}

/** An update has no owner to give it back to: it is tried until it is proven. */
async function updateFailed(ctx: NodeContext, task: FarmTaskRow, reason: string): Promise<void> {
  const seal = ctx.seals.find(({ index }) => index === task.seal);
  if (seal === undefined || seal.state !== 'sealed') return endTask(ctx, task, 'abandoned', reason);
  ctx.log(`farm: update ${seal.index} failed at attempt ${task.attempt}, ${failureCode(reason)}`);
  const attempts = seal.attempts + 1;
  const next = { ...seal, attempts };
  await ctx.journal.transaction((tables) => {
    tables.tasks.put(task.id, { ...task, state: 'failed', reason });
    tables.seals.put(seal.index, next);
    planUpdateTask(ctx, tables, next, attempts);
  });
  noteTask(ctx, { ...task, state: 'failed' });
  ctx.seals = ctx.seals.map((entry) => (entry.index === seal.index ? next : entry));
  await ctx.effects.queue.forget(task.id);
  // Published with the next look at dirty tasks, a tick later: a farm that refuses everything is not hammered.
  for (const [id, planned] of ctx.tasks) if (planned.state === 'planned') ctx.dirtyTasks.add(id);
}

/** A worker opened the job and found it true: for a while no rival proof of the same notes is let in. */
async function lease(ctx: NodeContext, row: TransferRow, worker: string): Promise<void> {
  const sealed = row.sealed === undefined ? undefined : (JSON.parse(row.sealed) as SealedJob);
  if (row.proofId !== undefined || sealed === undefined || !sealed.recipients.some(({ address }) => address === worker)) return;
  const record = decodeRecord(hexToBytes(row.record));
  try {
    await ctx.journal.transaction((tables) =>
      reserve(ctx, tables, row.id, record, { holder: 'lease', expiresMs: ctx.nowMs() + ctx.policy.leaseMs }),
    );
  } catch (error) {
    // Somebody else holds a note already: then the proofs decide.
    if (!(error instanceof TacitError)) throw error;
  }
}

function releaseLease(tables: WriteTables, id: string, nullifiers: readonly bigint[]): void {
  for (const nf of nullifiers) {
    const key = nullifierHex(nf);
    const holder = tables.nullifiers.get(key);
    if (holder?.transfer === id && holder.holder === 'lease') tables.nullifiers.remove(key);
  }
}
