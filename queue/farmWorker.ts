/**
 * The farm as a worker sees it: jobs come one at a time from any of its lanes, a handler answers or throws.
 *
 * What the handler throws decides what becomes of the job:
 *   PassOn                     not for this worker: it goes back for another, no attempt is counted
 *   TacitError, not retryable  dead letter at once
 *   anything else              tried again, with a growing pause, until the attempts are used up
 * Only the code of a TacitError leaves the worker; of any other error, nothing, for it might quote a witness.
 *
 * While the handler works its lease is renewed. A connection that is lost meanwhile costs nothing as long as it comes back
 * before the lease runs out; where another has the job by then, the handler is told to stop.
 */
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { FarmAnswer, FarmJob, FarmProgress } from './contracts.js';
import { type Lane, LOCK_RENEW_MS } from './farmOptions.js';
import type { JobFailure, Lease, LeasePort } from './lease.js';
import { pause } from './pause.js';
import type { LogLine } from './redis.js';

/** Thrown by a handler to leave the job to another worker. */
export class PassOn extends Error {}

/** @param signal aborted when the job has gone to somebody else */
export type FarmHandler = (job: FarmJob, report: (progress: FarmProgress) => Promise<void>, signal: AbortSignal) => Promise<FarmAnswer>;

export interface FarmConsumerParameters {
  /** Stays open: whoever opened it closes it. */
  leases: LeasePort;
  lanes: readonly Lane[];
  handler: FarmHandler;
  log?: LogLine;
}

export interface FarmConsumer {
  /** Takes no further job and waits for the one in hand. */
  drain(): Promise<void>;
}

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
/** A finished proof is offered for so long to a farm that does not answer; its lease has run out long before. */
const DELIVERY_LIMIT_MS = 60_000;

/** Serves until drained. What keeps jobs from coming is logged once, and asked again with growing pauses. */
export function consumeFarm({ leases, lanes, handler, log = () => {} }: FarmConsumerParameters): FarmConsumer {
  const ending = new AbortController();
  const serve = async (): Promise<void> => {
    let pauseMs = RETRY_FIRST_MS;
    let trouble: string | undefined;
    while (!ending.signal.aborted) {
      try {
        const lease = await leases.take(lanes, ending.signal);
        if (trouble !== undefined) log('the farm answers again');
        trouble = undefined;
        pauseMs = RETRY_FIRST_MS;
        if (lease !== undefined) await work(lease, { leases, handler, log });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (text !== trouble && !ending.signal.aborted) log(`no job can be had: ${text}`);
        trouble = text;
        await pause(pauseMs, ending.signal);
        pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS);
      }
    }
  };
  const serving = serve();
  return {
    drain: async () => {
      ending.abort();
      await serving;
    },
  };
}

interface Bench {
  readonly leases: LeasePort;
  readonly handler: FarmHandler;
  readonly log: LogLine;
}

/** Never throws: whatever happens to one job, the next may be taken. */
async function work(lease: Lease, { leases, handler, log }: Bench): Promise<void> {
  const lost = new AbortController();
  const stopRenewing = keepRenewing(lease, leases, lost);
  try {
    const answer = await handler(lease.job, (progress) => told(() => leases.report(lease, progress)), lost.signal);
    await persist(() => leases.answer(lease, answer));
  } catch (error) {
    if (lost.signal.aborted || isTacitError(error, 'LEASE_LOST')) return log(`${lease.id} has gone to another worker`);
    await conclude(lease, leases, error, log).catch((cause: unknown) => log(`${lease.id} is left to others: ${text(cause)}`));
  } finally {
    stopRenewing();
  }
}

async function conclude(lease: Lease, leases: LeasePort, error: unknown, log: LogLine): Promise<void> {
  if (error instanceof PassOn) return leases.giveBack(lease);
  const failure = failureOf(error);
  log(`job failed, ${failure.code}: ${failure.retryable ? 'may pass' : 'final'}`);
  await persist(() => leases.fail(lease, failure));
}

/**
 * A report that does not get through is no reason to give up the work, nor to wait with it; but a node that hears none takes
 * the worker for silent, so it is told again meanwhile.
 */
async function told(report: () => Promise<void>): Promise<void> {
  await report().catch((error: unknown) => {
    if (!isTacitError(error) || !error.retryable) throw error;
    void persist(report).catch(() => {});
  });
}

/** What may be told of an error. */
function failureOf(error: unknown): JobFailure {
  if (error instanceof TacitError) return { code: error.code, retryable: error.retryable };
  return { code: 'UNEXPECTED', retryable: true };
}

function keepRenewing(lease: Lease, leases: LeasePort, lost: AbortController): () => void {
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    leases
      .renew(lease)
      .catch((error: unknown) => {
        if (isTacitError(error, 'LEASE_LOST')) lost.abort();
      })
      .finally(() => {
        asking = false;
      });
  }, LOCK_RENEW_MS);
  return () => clearInterval(timer);
}

/** Again and again while the other side cannot be reached. */
async function persist(tell: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + DELIVERY_LIMIT_MS;
  for (let pauseMs = RETRY_FIRST_MS; ; pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS)) {
    try {
      return await tell();
    } catch (error) {
      if (!isTacitError(error) || !error.retryable || Date.now() > deadline) throw error;
      await pause(pauseMs);
    }
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
