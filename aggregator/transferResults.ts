/**
 * What came back for sealed transfers, one or several under one proof. A proof that verifies admits all of them. A signed
 * refusal sets the named ones aside: each is tried alone, by another worker where there is one, and goes back to its wallet
 * when a second worker says the same. Whatever else is wrong costs an attempt.
 *
 * Nobody is failed here: a payment that comes to nothing is given back, to be sealed again or proven at home.
 */
import type { FarmTaskRow, TransferRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { decodeRecord } from '../protocol/record.js';
import type { SealedJob } from '../protocol/seal.js';
import { type FarmAnswer, type FarmRefusal, type FarmResult, parseFarmAnswer } from '../queue/contracts.js';
import { failureCode } from '../queue/farm.js';
import { isGenuineRefusal, type RefusedJob } from '../queue/refusal.js';
import { type Admission, admitProof, assertFree, assertUnspent, checkTransferProof } from './admit.js';
import { liarBehind } from './blame.js';
import { commitTransfers, moved } from './commit.js';
import { confirm } from './confirm.js';
import type { NodeContext } from './context.js';
import { returned, returnSealed } from './giveBack.js';
import { nullifierHex } from './hex.js';
import { endTask, noteTask, workOf } from './tasks.js';

/** A sealed transfer that failed so often is given back to its wallet. */
const TRANSFER_ATTEMPTS = 5;
/** So many workers must have refused a transfer before it is given back for that: one alone may lie. */
const REFUSERS = 2;

/** Rows of a task's transfers, in order; undefined where one of them needs no proof any more. */
export function openMembers(ctx: NodeContext, task: FarmTaskRow): TransferRow[] | undefined {
  const rows = (task.transfers ?? []).flatMap((id) => ctx.live.get(id) ?? []);
  const open = rows.length === task.transfers?.length && rows.every(({ sealed, proofId }) => sealed !== undefined && proofId === undefined);
  return open ? rows : undefined;
}

export async function transfersDone(ctx: NodeContext, task: FarmTaskRow, value: unknown): Promise<void> {
  const rows = openMembers(ctx, task);
  if (rows === undefined) return endTask(ctx, task, 'abandoned', 'proven or given back meanwhile');
  let answer: FarmAnswer | undefined;
  try {
    answer = parseFarmAnswer(value);
    if ('refused' in answer) await refused(ctx, task, rows, answer);
    else await proven(ctx, task, rows, answer);
  } catch (error) {
    if (!(error instanceof TacitError)) throw error;
    ctx.log(`farm: result of ${task.id} refused, ${error.code}`);
    // An anchor that was lost is not the worker's fault, and another try would not help.
    if (error.code === 'ANCHOR_UNKNOWN') return giveBackAll(ctx, task, rows, error.code);
    const liar = liarBehind(ctx, task, answer, error);
    await transfersFailed(ctx, task, `${error.code}: refused`);
    if (liar !== undefined) await ctx.records.fault(liar, 'invalid');
  }
}

/** Another attempt for each, until they are used up. */
export async function transfersFailed(ctx: NodeContext, task: FarmTaskRow, reason: string): Promise<void> {
  const rows = openMembers(ctx, task);
  if (rows === undefined) return endTask(ctx, task, 'abandoned', 'proven or given back meanwhile');
  await concludeTask(ctx, task, reason, (row, again) => {
    const attempts = row.attempts + 1;
    return attempts >= TRANSFER_ATTEMPTS ? { code: failureCode(reason) } : again({ attempts });
  });
}

/** Back to their wallets, all of them. */
export async function giveBackAll(ctx: NodeContext, task: FarmTaskRow, rows: readonly TransferRow[], code: string): Promise<void> {
  for (const row of rows) await returnSealed(ctx, row, code);
  await endTask(ctx, task, 'failed', code);
  await ctx.effects.queue.forget(task.id);
}

async function proven(ctx: NodeContext, task: FarmTaskRow, rows: readonly TransferRow[], result: FarmResult): Promise<void> {
  if (result.anchor === undefined) throw new TacitError('RESULT_MALFORMED', 'a transfer’s result names no anchor', { expected: 'a root' });
  const members = rows.map((row): Admission => ({ row, record: decodeRecord(hexToBytes(row.record)) }));
  const beaten = new Map(members.flatMap(({ row, record }) => conflictOf(ctx, row, record)));
  if (beaten.size > 0) {
    // Somebody was faster with a note of these; the others are proven without them.
    return concludeTask(ctx, task, [...beaten.values()].join(), (row, again) => {
      const code = beaten.get(row.id);
      return code === undefined ? again({}) : { code };
    });
  }
  const ids = rows.map(({ id }) => id);
  const records = members.map(({ record }) => record);
  const proof = checkTransferProof(ctx, ids, records, { ...result, anchor: result.anchor });
  const admitted = await admitProof(ctx, members, proof);
  await endTask(ctx, task, 'done');
  // Whoever refused what is now proven was wrong, where all who could read it read the same.
  for (const { row, worker, code } of rows.flatMap(({ id, refusals = [] }) => refusals.map((refusal) => ({ row: id, ...refusal })))) {
    if (!isOfContent(code)) continue;
    ctx.contradicted.add(worker);
    await ctx.records.contradict(worker, row);
  }
  ctx.resting.proved(result.prover);
  await ctx.records.proven(task.id, workOf(task), result.prover);
  for (const row of admitted) await confirm(ctx, row);
}

/**
 * True for what is said of an opened witness. That a seal does not open, or opens to nonsense, speaks against nobody: its wallet
 * can seal so that one worker reads it and another does not, and clocks differ.
 */
function isOfContent(code: string): boolean {
  return code === 'SEAL_RECORD' || code === 'SEAL_ANCHOR' || code.startsWith('TRANSFER_');
}

function conflictOf(ctx: NodeContext, { id }: TransferRow, record: Admission['record']): [string, string][] {
  try {
    assertUnspent(ctx, record);
    for (const nf of [record.nf1, record.nf2]) assertFree(ctx.journal.read.nullifiers.get(nullifierHex(nf)), id, ctx.nowMs());
    return [];
  } catch (error) {
    if (isTacitError(error)) return [[id, error.code]];
    throw error;
  }
}

/** @throws TacitError REFUSAL_FORGED when nobody who can read the named members has signed this */
async function refused(ctx: NodeContext, task: FarmTaskRow, rows: readonly TransferRow[], refusal: FarmRefusal): Promise<void> {
  const codes = new Map(refusal.refused.map(({ index, code }) => [index, code]));
  const mayRefuse = (index: number): boolean => {
    const sealed = rows[index]?.sealed;
    return sealed !== undefined && (JSON.parse(sealed) as SealedJob).recipients.some(({ address }) => address === refusal.worker);
  };
  if (![...codes.keys()].every(mayRefuse) || !isGenuineRefusal(refusedJob(task, rows), refusal, ctx.domain))
    throw new TacitError('REFUSAL_FORGED', 'the refusal is not signed by a worker who can read what it refuses');
  ctx.log(`farm: of ${task.id}, ${[...codes].map(([index, code]) => `${index} is set aside (${code})`).join(', ')}`);
  // What the node has made and sealed itself is true and opens.
  const denied = [...codes].some(([index, code]) => rows[index]?.padding === true && code !== 'SEAL_EXPIRED');
  if (denied) ctx.contradicted.add(refusal.worker);
  const namesPadding = [...codes.keys()].every((index) => rows[index]?.padding === true);
  await concludeTask(ctx, task, [...codes].map(([index, code]) => `${index} ${code}`).join(), (row, again) => {
    const code = codes.get(rows.indexOf(row));
    // Padding is made anew for each group: where nothing else is refused, only the count brings this to an end.
    if (code === undefined) return again(namesPadding ? { attempts: row.attempts + 1 } : {});
    const refusals = [...(row.refusals ?? []).filter(({ worker }) => worker !== refusal.worker), { worker: refusal.worker, code }];
    const attempts = row.attempts + 1;
    return refusals.length >= REFUSERS || attempts >= TRANSFER_ATTEMPTS ? { code } : again({ refusals, attempts });
  });
  if (denied) await ctx.records.fault(refusal.worker, 'denied');
}

/** The job as the node put it into the queue. */
function refusedJob({ id }: FarmTaskRow, rows: readonly TransferRow[]): RefusedJob {
  const anchor = rows[0]?.anchor;
  const sealed = rows.map((row) => JSON.parse(row.sealed as string) as SealedJob);
  return { id, sealed, ...(anchor === undefined ? {} : { anchor }) };
}

type Again = (change: Partial<TransferRow>) => { readonly change: Partial<TransferRow> };

/** Ends a task in one transaction with what becomes of each member: it waits again, or goes back with a code. */
async function concludeTask(
  ctx: NodeContext,
  task: FarmTaskRow,
  reason: string,
  decide: (row: TransferRow, again: Again) => { readonly code: string } | ReturnType<Again>,
): Promise<void> {
  const rows = openMembers(ctx, task) ?? [];
  const failed = { ...task, state: 'failed' as const, reason };
  await commitTransfers(ctx, (tables) => {
    tables.tasks.put(task.id, failed);
    return rows.map((row) => {
      const fate = decide(row, (change) => ({ change }));
      return 'code' in fate ? returned(ctx, tables, row, fate.code) : moved(row, 'queued', row.times.queued ?? ctx.nowMs(), fate.change);
    });
  });
  noteTask(ctx, failed);
  await ctx.effects.queue.forget(task.id);
}
