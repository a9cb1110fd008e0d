/**
 * What came back from the farm. A result counts when its proof verifies here; a worker that lies, or keeps a job and says
 * nothing, costs time and nothing else. A job that the queue no longer knows is put there again.
 */
import type { FarmTaskRow, TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { decodeRecord } from '../protocol/record.js';
import type { SealedJob } from '../protocol/seal.js';
import type { FarmEvent } from '../queue/farm.js';
import { isGenuineProgress } from '../queue/statements.js';
import { reserve } from './admit.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { circuitOf, endTask, publish, workOf } from './tasks.js';
import { giveBackAll, openMembers, transfersDone, transfersFailed } from './transferResults.js';
import { updateDone, updateFailed } from './updateResults.js';

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
  const rows = (ctx.tasks.get(id)?.transfers ?? []).flatMap((transfer) => ctx.live.get(transfer) ?? []);
  const queued = rows.filter(({ state }) => state === 'queued');
  if (kind === 'active' && queued.length > 0) await commitTransfers(ctx, () => queued.map((row) => moved(row, 'proving', ctx.nowMs())));
  if (kind !== 'checked' || progress === undefined || !ctx.tasks.has(id) || !isGenuineProgress(id, progress, ctx.domain)) return;
  // Once a task: who reports again and again, and proves nothing, holds the notes no longer than one who reports once.
  if (ctx.records.claim(id, progress.worker)) for (const row of rows) await lease(ctx, row, progress.worker);
}

async function collect(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  const outcome = await ctx.effects.queue.outcome(task.id);
  switch (outcome.state) {
    case 'absent':
      return publish(ctx, task);
    case 'failed':
      return task.kind === 'transfer' ? transfersFailed(ctx, task, outcome.reason) : updateFailed(ctx, task, outcome.reason);
    case 'done':
      return task.kind === 'transfer' ? transfersDone(ctx, task, outcome.result) : updateDone(ctx, task, outcome.result);
    case 'active':
      return (await isSilent(ctx, task)) ? giveToAnother(ctx, task) : endUnopened(ctx, task);
    default:
      return endUnopened(ctx, task);
  }
}

/**
 * A worker that is alive keeps its lock, whether it proves or not: it has as long as a slow machine needs, if it has signed that
 * it proves, and can be held to that; else as long as it takes to look at the job.
 */
async function isSilent(ctx: NodeContext, task: FarmTaskRow): Promise<boolean> {
  const keptMs = await howLongKept(ctx, task);
  const { proofLimitMs, reportLimitMs } = ctx.policy;
  if (keptMs > proofLimitMs[circuitOf(ctx, task)]) return true;
  if (keptMs <= reportLimitMs) return false;
  const progress = await ctx.effects.queue.progress(task.id);
  return progress === undefined || !isGenuineProgress(task.id, progress, ctx.domain);
}

/** By the node's clock: what the queue has is the clock of whoever took the job. 0 where nobody has it. */
async function howLongKept(ctx: NodeContext, { id }: FarmTaskRow): Promise<number> {
  const saidMs = await ctx.effects.queue.activeSinceMs(id);
  if (saidMs === undefined) return 0;
  const known = ctx.takenMs.get(id);
  // Another time is another taking.
  const seenMs = known?.saidMs === saidMs ? known.seenMs : ctx.nowMs();
  ctx.takenMs.set(id, { saidMs, seenMs });
  return ctx.nowMs() - seenMs;
}

/** The same work under another id; what the silent worker may still hand over is not looked at. */
async function giveToAnother(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  ctx.log(`farm: ${task.id} was taken and not answered`);
  ctx.wary.letDown(circuitOf(ctx, task));
  const handed = ctx.handed.get(task.id);
  if (handed !== undefined && (await handed.holds())) ctx.resting.dropped(handed.worker, 'keeps a job and says nothing');
  const reason = 'PROVER_SILENT: taken and not answered in time';
  ctx.records.lapse(task.id, workOf(task));
  await (task.kind === 'transfer' ? transfersFailed(ctx, task, reason) : updateFailed(ctx, task, reason));
}

/** Ends a job that nobody may open any more, or that nobody is there to open. */
async function endUnopened(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  if (task.kind === 'update') return;
  const rows = openMembers(ctx, task);
  if (rows === undefined || (await isDeserted(ctx, task, rows))) {
    await endTask(ctx, task, 'abandoned', rows === undefined ? 'nothing is left to prove' : 'no worker is left for it');
    return ctx.effects.queue.forget(task.id);
  }
  const expired = rows.filter(({ sealed }) => (JSON.parse(sealed as string) as SealedJob).expiry * 1_000 <= ctx.nowMs());
  // The others of a group wait again.
  if (expired.length > 0) await giveBackAll(ctx, task, expired, 'SEAL_EXPIRED');
}

/** A group, or a job that some shall leave alone, is better given out anew when those it is for have gone. */
async function isDeserted(ctx: NodeContext, task: FarmTaskRow, rows: readonly TransferRow[]): Promise<boolean> {
  const { queuedMs, avoid = [] } = task;
  if ((rows.length === 1 && avoid.length === 0) || ctx.nowMs() - queuedMs < ctx.policy.groupAfterMs) return false;
  const circuit = circuitOf(ctx, task);
  const readers = rows.map(({ sealed }) => (JSON.parse(sealed as string) as SealedJob).recipients.map(({ address }) => address));
  return !(await ctx.roster.eligible(Math.floor(ctx.nowMs() / 1000))).some(
    ({ address, lanes }) => lanes.includes(circuit) && !avoid.includes(address) && readers.every((list) => list.includes(address)),
  );
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
