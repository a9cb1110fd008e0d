/**
 * Work for the farm: planned in the journal, then put into the queue. The queue may forget; what the journal says is
 * unproven is put there again.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import type { WriteTables } from '../ledger/effects.js';
import type { FarmTaskRow, RecordHash, SealRow, TransferRow } from '../ledger/schema.js';
import { bytesToHex, concatBytes, hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { SEAL_MAX_RECIPIENTS, type SealedJob } from '../protocol/seal.js';
import { verifyingKeyHash } from '../protocol/vkeyHash.js';
import type { FarmJob, JobSignal } from '../queue/contracts.js';
import type { NodeContext } from './context.js';
import { GROUP_CIRCUIT, GROUP_SIZE, SINGLE_CIRCUIT } from './grouping.js';

/** Hexadecimal digits of a hash in a job's id: enough to keep jobs of other journals on the same Redis apart. */
const ID_DIGITS = 24;
/** They depend on who proves, so the worker fills them in. */
const PROVER_SIGNALS = new Set(['h', 'z', 'y', 'prover']);

/**
 * One proof for these transfers, in this order. To be called within the transaction that makes the task necessary.
 * @param avoid workers that shall leave it to others
 */
export function planTransferTask(ctx: NodeContext, tables: WriteTables, rows: readonly TransferRow[], avoid: readonly EvmAddress[]): void {
  const members = keccak_256(concatBytes(...rows.map(({ id }) => hexToBytes(id))));
  plan(ctx, tables, {
    // The same members may come together again: the counter tells the tasks apart.
    id: `t-${bytesToHex(members).slice(2, 2 + ID_DIGITS)}-${tables.next('transferTask')}`,
    kind: 'transfer',
    transfers: rows.map(({ id }) => id),
    attempt: Math.max(...rows.map(({ attempts }) => attempts)) + 1,
    ...(avoid.length === 0 ? {} : { avoid }),
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

/** Planned → queued, for every planned task. Safe to repeat. While the queue is unfit they stay planned. */
export async function publishPlanned(ctx: NodeContext): Promise<void> {
  if (ctx.queueTrouble !== undefined) return;
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

/** Ends the tasks that a transfer is in: it is proven otherwise, or sealed anew. The other members of a group wait again. */
export async function forgetTransferTasks(ctx: NodeContext, id: RecordHash, reason: string): Promise<void> {
  for (const task of [...ctx.tasks.values()]) {
    if (!task.transfers?.includes(id)) continue;
    await endTask(ctx, task, 'abandoned', reason);
    if (ctx.queueTrouble === undefined) await ctx.effects.queue.forget(task.id);
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
  if (task.state === 'planned' || task.state === 'queued') {
    ctx.tasks.set(task.id, task);
    return;
  }
  for (const open of [ctx.tasks, ctx.handed, ctx.takenMs]) open.delete(task.id);
}

function plan(ctx: NodeContext, tables: WriteTables, task: FarmTaskRow): void {
  tables.tasks.put(task.id, task);
  // If the transaction fails this entry names a task without a row; publishing it then finds nothing to prove.
  ctx.tasks.set(task.id, task);
}

/** The circuit that a task is proven with. */
export function circuitOf(ctx: Pick<NodeContext, 'seals'>, task: FarmTaskRow): CircuitName {
  if (task.kind === 'transfer') return task.transfers?.length === GROUP_SIZE ? GROUP_CIRCUIT : SINGLE_CIRCUIT;
  return ctx.seals.find(({ index }) => index === task.seal)?.circuit ?? 'update_32';
}

/** Names of what a task proves, which a later task for the same has too. */
export function workOf(task: FarmTaskRow): string[] {
  return task.transfers === undefined ? [`seal:${task.seal}`] : [...task.transfers];
}

/** With the version of its circuit. Undefined where the work is done or void. */
export function jobOf(ctx: NodeContext, task: FarmTaskRow): FarmJob | undefined {
  const job = plainJobOf(ctx, task);
  const key = job === undefined ? undefined : ctx.keys.get(CIRCUITS[job.circuit].id);
  return job === undefined || key === undefined ? job : { ...job, key: verifyingKeyHash(key) };
}

function plainJobOf(ctx: NodeContext, task: FarmTaskRow): FarmJob | undefined {
  if (task.kind === 'transfer') {
    const rows = (task.transfers ?? []).map((id) => ctx.live.get(id));
    if (rows.some((row) => row?.sealed === undefined || row.proofId !== undefined)) return undefined;
    const sealed = rows.map((row) => JSON.parse(row?.sealed as string) as SealedJob);
    const anchor = rows[0]?.anchor;
    return {
      kind: 'transfer',
      id: task.id,
      circuit: circuitOf(ctx, task),
      sealed,
      ...(anchor === undefined ? {} : { anchor }),
      ...(task.avoid === undefined ? {} : { avoid: [...task.avoid] }),
    };
  }
  const seal = ctx.seals.find(({ index }) => index === task.seal);
  const input = ctx.inputs.get(task.seal ?? -1)?.();
  if (seal === undefined || input === undefined) return undefined;
  const shared = Object.entries(input).filter(([name]) => !PROVER_SIGNALS.has(name)) as [string, JobSignal][];
  const avoid = ctx.records.unwelcome().slice(0, SEAL_MAX_RECIPIENTS);
  const update = { kind: 'update' as const, id: task.id, circuit: seal.circuit, input: Object.fromEntries(shared) };
  return avoid.length === 0 ? update : { ...update, avoid };
}
