/**
 * Work for the farm: planned in the journal, then put into the queue. The queue may forget; what the journal says is
 * unproven is put there again.
 */
import type { WriteTables } from '../ledger/effects.js';
import type { FarmTaskRow, RecordHash, SealRow } from '../ledger/schema.js';
import type { SealedJob } from '../protocol/seal.js';
import type { FarmJob, JobSignal } from '../queue/contracts.js';
import type { NodeContext } from './context.js';

/** Hexadecimal digits of a hash in a job's id: enough to keep jobs of other journals on the same Redis apart. */
const ID_DIGITS = 24;
/** They depend on who proves, so the worker fills them in. */
const PROVER_SIGNALS = new Set(['h', 'z', 'y', 'prover']);

/** To be called within the transaction that makes the task necessary. */
export function planTransferTask(ctx: NodeContext, tables: WriteTables, id: RecordHash, attempt: number): void {
  plan(ctx, tables, {
    id: `t-${id.slice(2, 2 + ID_DIGITS)}-${attempt}`,
    kind: 'transfer',
    transfers: [id],
    attempt,
    state: 'planned',
    queuedMs: ctx.nowMs(),
  });
}

/** To be called within the transaction that makes the task necessary. */
export function planUpdateTask(ctx: NodeContext, tables: WriteTables, seal: SealRow, attempt: number): void {
  plan(ctx, tables, {
    id: `u-${seal.index}-${seal.noteRootNew.slice(2, 2 + ID_DIGITS)}-${attempt}`,
    kind: 'update',
    seal: seal.index,
    attempt,
    state: 'planned',
    queuedMs: ctx.nowMs(),
  });
}

/** Planned → queued, for every planned task. Safe to repeat. */
export async function publishPlanned(ctx: NodeContext): Promise<void> {
  for (const task of [...ctx.tasks.values()]) if (task.state === 'planned') await publish(ctx, task);
}

/** Puts a task into the queue, also one that the queue has lost. */
export async function publish(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  const job = jobOf(ctx, task);
  if (job === undefined) return endTask(ctx, task, 'abandoned', 'nothing is left to prove');
  await ctx.effects.queue.publish({ id: task.id, kind: task.kind, data: job });
  if (task.state !== 'queued') await putTask(ctx, { ...task, state: 'queued' });
  ctx.dirtyTasks.add(task.id);
}

/** Spares the farm what is proven otherwise. */
export async function forgetTransferTasks(ctx: NodeContext, id: RecordHash): Promise<void> {
  for (const task of [...ctx.tasks.values()]) {
    if (!task.transfers?.includes(id)) continue;
    await endTask(ctx, task, 'abandoned', 'proven at home');
    await ctx.effects.queue.forget(task.id);
  }
}

/** Takes a task off the list, with the reason. */
export async function endTask(ctx: NodeContext, task: FarmTaskRow, state: 'done' | 'failed' | 'abandoned', reason?: string): Promise<void> {
  await putTask(ctx, { ...task, state, ...(reason === undefined ? {} : { reason }) });
}

async function putTask(ctx: NodeContext, task: FarmTaskRow): Promise<void> {
  await ctx.journal.transaction((tables) => tables.tasks.put(task.id, task));
  noteTask(ctx, task);
}

/** Memory follows the journal. */
export function noteTask(ctx: NodeContext, task: FarmTaskRow): void {
  if (task.state === 'planned' || task.state === 'queued') ctx.tasks.set(task.id, task);
  else ctx.tasks.delete(task.id);
}

function plan(ctx: NodeContext, tables: WriteTables, task: FarmTaskRow): void {
  tables.tasks.put(task.id, task);
  // If the transaction fails this entry names a task without a row; publishing it then finds nothing to prove.
  ctx.tasks.set(task.id, task);
}

/** Undefined where the work is done or void. */
function jobOf(ctx: NodeContext, task: FarmTaskRow): FarmJob | undefined {
  if (task.kind === 'transfer') {
    const sealed = (task.transfers ?? []).map((id) => ctx.live.get(id)?.sealed);
    if (sealed.some((text) => text === undefined)) return undefined;
    return { kind: 'transfer', id: task.id, circuit: 'transfer_1', sealed: sealed.map((text) => JSON.parse(text as string) as SealedJob) };
  }
  const seal = ctx.seals.find(({ index }) => index === task.seal);
  const input = ctx.inputs.get(task.seal ?? -1);
  if (seal === undefined || input === undefined) return undefined;
  const shared = Object.entries(input).filter(([name]) => !PROVER_SIGNALS.has(name)) as [string, JobSignal][];
  return { kind: 'update', id: task.id, circuit: seal.circuit, input: Object.fromEntries(shared) };
}
