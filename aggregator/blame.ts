/** Whose fault a result that does not count is: the worker's that signed it, where the proof itself is false; else nobody's. */
import type { FarmTaskRow } from '../ledger/schema.js';
import type { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { FarmAnswer } from '../queue/contracts.js';
import { isGenuineResult } from '../queue/statements.js';
import type { NodeContext } from './context.js';
import { jobOf } from './tasks.js';

/**
 * What a worker that has checked its own proof never hands over. Codes of what happened meanwhile (a lost anchor, a note that
 * somebody else spent) are not among them.
 */
const FALSE_PROOF: ReadonlySet<string> = new Set([
  'PROOF_INVALID',
  'POINT_OFF_CURVE',
  'POINT_OUTSIDE_SUBGROUP',
  'PROOF_COORDINATE',
  'PROOF_SHAPE',
  'CIRCUIT_KIND',
]);

/** To be asked while the task's job can still be told: before the task is ended. */
export function liarBehind(
  ctx: NodeContext,
  task: FarmTaskRow,
  answer: FarmAnswer | undefined,
  { code }: TacitError,
): EvmAddress | undefined {
  if (answer === undefined || 'refused' in answer || !FALSE_PROOF.has(code)) return undefined;
  const job = jobOf(ctx, task);
  return job !== undefined && isGenuineResult(job, answer, ctx.domain) ? answer.prover : undefined;
}
