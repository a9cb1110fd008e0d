/**
 * Every BullMQ setting that matters to the farm, with the reason for it.
 *
 * A proof is deterministic in effect and worthless twice, so a job that runs again harms nothing; a job that is lost or
 * waits for minutes does. That is why locks are short and stalls are cheap.
 */
import type { DefaultJobOptions, QueueOptions, WorkerOptions } from 'bullmq';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import type { Domain } from '../protocol/record.js';

/** A lane is the queue of one circuit: a worker takes the lanes whose keys it has memory for. */
export type Lane = CircuitName;
export const LANES = Object.keys(CIRCUITS) as Lane[];

/**
 * A lock lives 3 s and is renewed every second; each worker looks for lost locks every second. So a killed worker's job
 * runs again within 3 + 2 · 1 = 5 s. BullMQ's own 30 s and 30 s make that a minute. Renewal comes from an event loop
 * that does no proving, so three missed renewals mean a dead worker, not a busy one.
 */
export const LOCK_DURATION_MS = 3_000;
export const LOCK_RENEW_MS = 1_000;
export const STALLED_INTERVAL_MS = 1_000;

/**
 * BullMQ fails a job at its second stall, whatever its attempts: two workers restarted by an operator would do it. Ten
 * lets a farm be redeployed around a job, and still ends a job that kills every worker that touches it.
 */
export const MAX_STALLS = 10;

/** Failures that may pass (a key still downloading, no memory): five tries, 0.2 s doubling to 3.2 s between. */
export const ATTEMPTS = 5;
export const BACKOFF_MS = 200;

/** A job that this worker may not or cannot take now goes back for so long. */
export const PASS_DELAY_MS = 200;

/** The journal has every result that counts; the queue keeps some for a node that was away for a while. */
const KEEP_COMPLETED = { age: 3_600, count: 2_000 };
/** Failed jobs are the dead letters: a day to look at them. */
const KEEP_FAILED = { age: 86_400, count: 500 };
/** Events only wake the node, which then reads states: a short stream loses nothing. Results are below a kilobyte. */
const EVENTS_KEPT = 1_000;

export const JOB_OPTIONS: DefaultJobOptions = {
  attempts: ATTEMPTS,
  backoff: { type: 'exponential', delay: BACKOFF_MS },
  removeOnComplete: KEEP_COMPLETED,
  removeOnFail: KEEP_FAILED,
  // A stack trace is of no use to another machine, and the less of an error is stored the better.
  stackTraceLimit: 0,
  keepLogs: 0,
};

export const QUEUE_OPTIONS: Omit<QueueOptions, 'connection' | 'prefix'> = {
  defaultJobOptions: JOB_OPTIONS,
  streams: { events: { maxLen: EVENTS_KEPT } },
};

export const WORKER_OPTIONS: Omit<WorkerOptions, 'connection' | 'prefix'> = {
  concurrency: 1,
  lockDuration: LOCK_DURATION_MS,
  lockRenewTime: LOCK_RENEW_MS,
  stalledInterval: STALLED_INTERVAL_MS,
  maxStalledCount: MAX_STALLS,
};

/**
 * Keys of one rollup's farm: two rollups may share a Redis, and the braces keep all keys of one farm in one slot of a
 * Redis Cluster, where BullMQ's scripts need them.
 */
export function farmPrefix({ chainId, contract }: Domain): string {
  return `{tacit-${chainId}-${contract.slice(2).toLowerCase()}}`;
}

/** Where BullMQ tells that a lane has something to do (laneBell.ts). */
export function markerKey(prefix: string, lane: Lane): string {
  return `${prefix}:${lane}:marker`;
}
