/**
 * What a worker's record is worth: the policy, without I/O.
 *
 * Everybody begins with 100 points. Points are lost for what the worker signed and what was then found false, and come back
 * with time and with proofs that verify:
 *
 *   invalid     −30   a signed result whose proof does not verify
 *   denied      −30   refused what the node itself had made and sealed
 *   contradicted −10  refused a payment that another worker then proved
 *   lapsed      −10   said that it would prove, kept the job until its time was up, and another proved it
 *   accepted     +1   a proof of it was verified; and one point an hour, up to 100
 *
 * Below 40 points a worker is removed: it leaves the roster and gets no jobs, until it has 80 again (two days and more of
 * waiting) or the operator admits it. So three invalid proofs remove it. Little is taken for what a wallet could have brought
 * about: one that seals so that two workers read different things makes one of them contradict the other.
 * A job that nobody can prove, a worker that dies, a node that restarts, costs nobody a point.
 */
import type { WorkerFault, WorkerRow } from '../ledger/schema.js';
import type { EvmAddress } from '../protocol/flavor.js';

export const REPUTATION = {
  whole: 100,
  removeBelow: 40,
  returnAt: 80,
  pointsPerHour: 1,
  pointsPerProof: 1,
  cost: { invalid: 30, denied: 30, contradicted: 10, lapsed: 10 } satisfies Record<WorkerFault, number>,
} as const;

const HOUR_MS = 3_600_000;

export type Standing = 'good' | 'removed' | 'banned';

export function newWorker(address: EvmAddress, nowMs: number): WorkerRow {
  const faults = { invalid: 0, denied: 0, contradicted: 0, lapsed: 0 };
  return { address, accepted: 0, faults, points: REPUTATION.whole, pointsMs: nowMs, removed: false };
}

/** Points now. */
export function pointsAt({ points, pointsMs }: WorkerRow, nowMs: number): number {
  const hours = Math.max(0, nowMs - pointsMs) / HOUR_MS;
  return Math.min(REPUTATION.whole, points + hours * REPUTATION.pointsPerHour);
}

export function standingAt(row: WorkerRow, nowMs: number): Standing {
  if (row.verdict === 'banned') return 'banned';
  return row.removed && pointsAt(row, nowMs) < REPUTATION.returnAt ? 'removed' : 'good';
}

export function withProof(row: WorkerRow, nowMs: number): WorkerRow {
  return moved({ ...row, accepted: row.accepted + 1 }, REPUTATION.pointsPerProof, nowMs);
}

export function withFault(row: WorkerRow, fault: WorkerFault, nowMs: number): WorkerRow {
  return moved({ ...row, faults: { ...row.faults, [fault]: row.faults[fault] + 1 } }, -REPUTATION.cost[fault], nowMs);
}

/** What the operator says goes before what was counted; the counts stay. */
export function withVerdict(row: WorkerRow, verdict: NonNullable<WorkerRow['verdict']>, nowMs: number): WorkerRow {
  if (verdict === 'banned') return { ...row, verdict };
  return { ...row, verdict, points: REPUTATION.whole, pointsMs: nowMs, removed: false };
}

function moved(row: WorkerRow, by: number, nowMs: number): WorkerRow {
  const points = Math.min(REPUTATION.whole, Math.max(0, pointsAt(row, nowMs) + by));
  const removed = points < REPUTATION.removeBelow || standingAt(row, nowMs) === 'removed';
  return { ...row, points, pointsMs: nowMs, removed };
}
