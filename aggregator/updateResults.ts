/** What came back for an update: it counts when its proof verifies here, and is tried until it is proven. */
import type { FarmTaskRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import { publicInputsOf, publicSignals } from '../protocol/fingerprint.js';
import { decodeProof } from '../protocol/proof.js';
import { EMPTY_SLOT, type UpdateStatement, updateList } from '../protocol/update.js';
import type { VerifyingKey } from '../protocol/vkey.js';
import { verifyGroth16 } from '../prover/engine/verify.js';
import { type FarmResult, parseFarmResult } from '../queue/contracts.js';
import { failureCode } from '../queue/farm.js';
import { liarBehind } from './blame.js';
import type { NodeContext } from './context.js';
import { fieldOf } from './hex.js';
import { slotOf } from './seal.js';
import { endTask, noteTask, planUpdateTask, workOf } from './tasks.js';

export async function updateDone(ctx: NodeContext, task: FarmTaskRow, value: unknown): Promise<void> {
  const seal = ctx.seals.find(({ index }) => index === task.seal);
  if (seal === undefined || seal.state !== 'sealed') return endTask(ctx, task, 'abandoned', 'the seal needs no proof');
  let answer: FarmResult | undefined;
  try {
    const result = parseFarmResult(value);
    answer = result;
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
    ctx.resting.proved(result.prover);
    await ctx.records.proven(task.id, workOf(task), result.prover);
  } catch (error) {
    if (!(error instanceof TacitError)) throw error;
    const liar = liarBehind(ctx, task, answer, error);
    await updateFailed(ctx, task, `${error.code}: refused`);
    if (liar !== undefined) await ctx.records.fault(liar, 'invalid');
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
export async function updateFailed(ctx: NodeContext, task: FarmTaskRow, reason: string): Promise<void> {
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
