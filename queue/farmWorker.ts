/**
 * The farm as a worker sees it: jobs come one at a time from any of its lanes, a handler answers or throws.
 *
 * What the handler throws decides what becomes of the job:
 *   PassOn                     not for this worker: it goes back for another, no attempt is counted
 *   TacitError, not retryable  dead letter at once
 *   anything else              tried again, with a growing pause, until the attempts are used up
 * Only code and message of a TacitError reach Redis; of any other error, not even the message, for it might quote a witness.
 */
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { TacitError } from '../protocol/errors.js';
import type { Domain } from '../protocol/record.js';
import { type FarmAnswer, type FarmJob, type FarmProgress, parseFarmJob } from './contracts.js';
import { farmPrefix, type Lane, PASS_DELAY_MS, WORKER_OPTIONS } from './farmOptions.js';
import { LaneTurns } from './laneTurns.js';
import { connectionOptions, type LogLine } from './redis.js';

/** Thrown by a handler to leave the job to another worker. */
export class PassOn extends Error {}

export type FarmHandler = (job: FarmJob, report: (progress: FarmProgress) => Promise<void>) => Promise<FarmAnswer>;

export interface FarmConsumerParameters {
  redisUrl: string;
  domain: Domain;
  lanes: readonly Lane[];
  handler: FarmHandler;
  /** Shown beside active jobs. */
  name: string;
  log?: LogLine;
}

export interface FarmConsumer {
  /** Takes no further job, waits for the one in hand, then disconnects. */
  drain(): Promise<void>;
}

/** Resolves when every lane is being served. */
export async function consumeFarm({
  redisUrl,
  domain,
  lanes,
  handler,
  name,
  log = () => {},
}: FarmConsumerParameters): Promise<FarmConsumer> {
  const turns = new LaneTurns(PASS_DELAY_MS);
  const workers = lanes.map((lane) => {
    const process = async (job: Job, token?: string): Promise<FarmAnswer> => {
      if (!turns.tryTake(lane, Date.now())) return putBack(job, token);
      try {
        return await handler(parseFarmJob(job.data), (progress) => job.updateProgress(progress));
      } catch (error) {
        if (error instanceof PassOn) return await putBack(job, token);
        throw storable(error, log);
      } finally {
        turns.release();
      }
    };
    const worker = new Worker(lane, process, {
      ...WORKER_OPTIONS,
      name,
      connection: connectionOptions(redisUrl),
      prefix: farmPrefix(domain),
    });
    worker.on('error', (error) => log(`farm worker, lane ${lane}: ${error.message}`));
    return worker;
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  return {
    drain: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

async function putBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now() + PASS_DELAY_MS, token);
  throw new DelayedError();
}

/** The error as it may stand in Redis. */
function storable(error: unknown, log: LogLine): Error {
  if (error instanceof TacitError) {
    // The plain message without expected and got, which may hold figures of a payment.
    const text = `${error.code}: ${error.retryable ? 'may pass' : 'final'}`;
    log(`job failed, ${text}`);
    return error.retryable ? new Error(text) : new UnrecoverableError(text);
  }
  log(`job failed, UNEXPECTED: ${error instanceof Error ? error.name : typeof error}`);
  return new Error('UNEXPECTED: the worker failed; it will be tried again');
}
