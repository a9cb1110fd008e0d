/**
 * A batch is sealed: order, slots and roots are fixed in the journal. Only then are positions told. After a crash the same
 * row gives the same slots, and so the same update and the same bytes.
 */
import { applyBatch } from '../ledger/applyBatch.js';
import type { SealRow } from '../ledger/schema.js';
import type { LedgerState } from '../ledger/state.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Slot } from '../protocol/update.js';
import { commitTransfers, moved } from './commit.js';
import { confirmSealed } from './confirm.js';
import type { NodeContext } from './context.js';
import { fieldHex, fieldOf } from './hex.js';
import { type Batch, nextBatch } from './order.js';
import { maySettle } from './succession.js';
import { planUpdateTask, publishPlanned } from './tasks.js';

/** Seals as long as a batch is full or has waited long enough. @returns how many were sealed */
export async function sealDue(ctx: NodeContext): Promise<number> {
  let sealed = 0;
  while (maySettle(ctx)) {
    const batch = nextBatch(ctx);
    if (batch === undefined || !(batch.full || ctx.nowMs() - batch.waitingSinceMs >= ctx.policy.sealAfterMs)) break;
    await sealBatch(ctx, batch);
    sealed++;
  }
  if (sealed > 0) await publishPlanned(ctx);
  await confirmSealed(ctx);
  return sealed;
}

async function sealBatch(ctx: NodeContext, batch: Batch): Promise<void> {
  const { statement, input, next } = applyBatch(ctx.tip, batch.circuit, batch.slots.map(slotOf), ZERO_ADDRESS, ctx.domain);
  const nowMs = ctx.nowMs();
  let seal: SealRow | undefined;
  await commitTransfers(ctx, (tables) => {
    const index = tables.next('seal');
    seal = {
      index,
      state: 'sealed',
      circuit: batch.circuit,
      slots: batch.slots,
      startIndex: Number(statement.startIndex),
      noteRootOld: fieldHex(statement.noteRootOld),
      noteRootNew: fieldHex(statement.noteRootNew),
      nullRootOld: fieldHex(statement.nullRootOld),
      nullRootNew: fieldHex(statement.nullRootNew),
      sealedMs: nowMs,
      attempts: 1,
    };
    tables.seals.add(index, seal);
    planUpdateTask(ctx, tables, seal, 1);
    return batch.transfers.map((row) => moved(row, 'sealed', nowMs, { seal: index }));
  });
  const row = seal as unknown as SealRow;
  ctx.seals.push(row);
  ctx.inputs.set(row.index, () => input);
  ctx.tip = next;
}

/**
 * Rebuilds the tip and the farm's inputs from the contract's state and the standing seals, where they are not what they
 * were: settling the first of the seals as they were sealed leaves both as they are.
 * @throws TacitError SEAL_REPLAY when the seals' slots do not give the last one's roots: the journal is damaged
 */
export function replaySeals(ctx: NodeContext): void {
  const last = ctx.seals[ctx.seals.length - 1];
  if (last !== undefined && endsIn(last, ctx.tip) && ctx.seals.every(({ state, index }) => state !== 'sealed' || ctx.inputs.has(index))) {
    const standing = new Set(ctx.seals.map(({ index }) => index));
    for (const index of ctx.inputs.keys()) if (!standing.has(index)) ctx.inputs.delete(index);
    return;
  }
  const state = ctx.view.state.fork();
  ctx.inputs = new Map();
  for (const { index, circuit, slots, state: stage } of ctx.seals) {
    const before = state.fork();
    const contents = slots.map(slotOf);
    state.advance(CIRCUITS[circuit].size, contents);
    // The queue may well have the job already; the witness costs far more than the state.
    if (stage === 'sealed') ctx.inputs.set(index, () => applyBatch(before, circuit, contents, ZERO_ADDRESS, ctx.domain).input);
  }
  // The last roots depend on every slot before them.
  if (last !== undefined && !endsIn(last, state))
    throw new TacitError('SEAL_REPLAY', 'the journaled seals do not give their own roots', {
      expected: last.noteRootNew,
      got: fieldHex(state.noteRoot),
    });
  ctx.tip = state;
}

function endsIn({ noteRootNew, nullRootNew }: SealRow, { noteRoot, nullifierRoot }: LedgerState): boolean {
  return fieldHex(noteRoot) === noteRootNew && fieldHex(nullifierRoot) === nullRootNew;
}

export function slotOf({ nf1, nf2, cm1, cm2 }: { nf1: string; nf2: string; cm1: string; cm2: string }): Slot {
  return { nf1: fieldOf(nf1), nf2: fieldOf(nf2), cm1: fieldOf(cm1), cm2: fieldOf(cm2) };
}
