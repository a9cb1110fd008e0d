/**
 * Leases from BullMQ, for workers with a way to the farm's Redis, and for the gateway, which hands them on over HTTP.
 *
 * BullMQ's workers are used by hand (Worker.getNextJob, extendJobLocks, Job.moveTo…): the lock is the lease, its token the
 * lease's secret. Whoever has such a port open also looks for locks that have run out, every STALLED_INTERVAL_MS, so that a job
 * of a worker that died is taken again within LOCK_DURATION_MS + 2 · STALLED_INTERVAL_MS.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Job, UnrecoverableError, Worker } from 'bullmq';
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { AnnouncementBoard, type WorkerAnnouncement } from './announce.js';
import { type FarmAnswer, type FarmProgress, parseFarmJob } from './contracts.js';
import { farmPrefix, type Lane, LOCK_DURATION_MS, PASS_DELAY_MS, WORKER_OPTIONS } from './farmOptions.js';
import { LaneBell } from './laneBell.js';
import { isFor, type JobFailure, type Lease, type LeasePort, type LeaseRef } from './lease.js';
import { checkRedis, type LogLine } from './redis.js';
import { farmConnection, openLasting, type RedisClient } from './redisClient.js';

export interface BullLeasesParameters {
  readonly redisUrl: string;
  readonly domain: Domain;
  readonly lanes: readonly Lane[];
  /** Shown beside active jobs. */
  readonly name: string;
  readonly log?: LogLine;
}

const TOKEN_BYTES = 16;
/** Jobs of others that are put back in one look at a lane, before the next lane has its turn. */
const PASSED_AT_ONCE = 32;
/** BullMQ's codes (enums/error-code) of a job that is not there, has no lock, another's, or is not active. */
const LOST_CODES: ReadonlySet<unknown> = new Set([-1, -2, -3, -6]);

/** What the gateway asks for a worker of its own choice; a worker's port is bound to its own address (`leasesOf`). */
export class BullLeases {
  readonly #workers: ReadonlyMap<Lane, Worker>;
  readonly #bell: LaneBell;
  readonly #board: AnnouncementBoard;
  readonly #closing = new AbortController();
  readonly #close: () => Promise<void>;
  readonly #redisUrl: string;
  #lastLane: Lane | undefined;

  private constructor(parts: {
    workers: Map<Lane, Worker>;
    bell: LaneBell;
    board: AnnouncementBoard;
    redisUrl: string;
    close: () => Promise<void>;
  }) {
    this.#workers = parts.workers;
    this.#bell = parts.bell;
    this.#board = parts.board;
    this.#redisUrl = parts.redisUrl;
    this.#close = parts.close;
  }

  /** @throws TacitError REDIS_UNREACHABLE, REDIS_TOO_OLD, REDIS_EVICTING_POLICY */
  static async open({ redisUrl, domain, lanes, name, log = () => {} }: BullLeasesParameters): Promise<BullLeases> {
    await checkRedis(redisUrl);
    const prefix = farmPrefix(domain);
    const { connection, close } = farmConnection(redisUrl);
    const workers = new Map<Lane, Worker>();
    for (const lane of lanes) {
      const worker = new Worker(lane, null, { ...WORKER_OPTIONS, autorun: false, name, connection, prefix });
      worker.on('error', (error) => log(`farm, lane ${lane}: ${error.message}`));
      workers.set(lane, worker);
    }
    await Promise.all([...workers.values()].map((worker) => worker.waitUntilReady()));
    for (const worker of workers.values()) await worker.startStalledCheckTimer();
    const openBell = (): RedisClient => {
      const client = openLasting(redisUrl);
      client.on('error', (error: Error) => log(`farm bell: ${error.message}`));
      return client;
    };
    const closeAll = async (): Promise<void> => {
      await Promise.all([...workers.values()].map((worker) => worker.close(true)));
      close();
    };
    const board = new AnnouncementBoard(redisUrl, domain, log);
    return new BullLeases({ workers, bell: new LaneBell(openBell(), openBell(), prefix), board, redisUrl, close: closeAll });
  }

  announce(announcement: WorkerAnnouncement): Promise<void> {
    return this.#board.put(announcement);
  }

  withdraw(worker: EvmAddress): Promise<void> {
    return this.#board.withdraw(worker);
  }

  async take(lanes: readonly Lane[], worker: EvmAddress, signal: AbortSignal): Promise<Lease | undefined> {
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    let rung: Lane | undefined;
    while (!ended.aborted) {
      for (const lane of inTurn(lanes, this.#lastLane, rung)) {
        const lease = await this.#takeFrom(lane, worker, ended);
        if (lease !== undefined) this.#lastLane = lane;
        if (lease !== undefined || ended.aborted) return lease;
      }
      rung = await this.#bell.wait(lanes, ended);
    }
    return undefined;
  }

  async renew({ lane, id, token }: LeaseRef): Promise<void> {
    const lost = await this.#worker(lane).extendJobLocks([id], [token], LOCK_DURATION_MS);
    if (lost.length > 0) throw leaseLost(id);
  }

  /** Only for who holds the lease: a report makes the node look. */
  async report(ref: LeaseRef, progress: FarmProgress): Promise<void> {
    await this.renew(ref);
    await (await this.#job(ref)).updateProgress(progress);
  }

  async answer(ref: LeaseRef, answer: FarmAnswer): Promise<void> {
    const job = await this.#job(ref);
    try {
      await job.moveToCompleted(answer, ref.token, false);
    } catch (error) {
      const present = await Job.fromId(this.#worker(ref.lane), ref.id);
      if (present !== undefined && isDeepStrictEqual(present.returnvalue, JSON.parse(JSON.stringify(answer)))) return;
      throw asLost(error, ref.id);
    }
  }

  async fail(ref: LeaseRef, { code, retryable }: JobFailure): Promise<void> {
    const text = `${code}: ${retryable ? 'may pass' : 'final'}`;
    const job = await this.#job(ref);
    await job.moveToFailed(retryable ? new Error(text) : new UnrecoverableError(text), ref.token, false).catch((error: unknown) => {
      throw asLost(error, ref.id);
    });
  }

  async giveBack(ref: LeaseRef): Promise<void> {
    const job = await this.#job(ref);
    await job.moveToDelayed(Date.now() + PASS_DELAY_MS, ref.token).catch((error: unknown) => {
      throw asLost(error, ref.id);
    });
  }

  async check(): Promise<void> {
    await checkRedis(this.#redisUrl);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#bell.close();
    this.#board.close();
    await this.#close();
  }

  async #takeFrom(lane: Lane, worker: EvmAddress, signal: AbortSignal): Promise<Lease | undefined> {
    for (let passed = 0; passed < PASSED_AT_ONCE; passed++) {
      const token = `${worker}.${randomBytes(TOKEN_BYTES).toString('hex')}`;
      const job = await this.#next(lane, token, signal);
      if (job === undefined) return undefined;
      const ref = { lane, id: job.id as string, token };
      try {
        // Too many died over it: BullMQ leaves it to the next who takes it to bury it.
        if (job.deferredFailure) {
          await job.moveToFailed(new UnrecoverableError(job.deferredFailure), token, false);
          continue;
        }
        const content = parseFarmJob(job.data);
        if (isFor(content, worker)) return { ...ref, job: content };
        await this.giveBack(ref);
      } catch (error) {
        if (isTacitError(error, 'LEASE_LOST')) continue;
        if (!isTacitError(error)) throw error;
        await this.fail(ref, error);
      }
    }
    return undefined;
  }

  /** Redis may be away, and then the answer comes when nobody waits for it any more: such a job goes back. */
  async #next(lane: Lane, token: string, signal: AbortSignal): Promise<Job | undefined> {
    const asked: Promise<Job | undefined> = this.#worker(lane).getNextJob(token, { block: false });
    let onAbort: () => void = () => {};
    const aborted = new Promise<'aborted'>((resolve) => {
      onAbort = () => resolve('aborted');
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort);
    });
    const first = await Promise.race([asked, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
    if (first !== 'aborted') return first;
    asked.then((job) => job?.moveToDelayed(Date.now(), token)).catch(() => {});
    return undefined;
  }

  async #job({ lane, id }: LeaseRef): Promise<Job> {
    const job = await Job.fromId(this.#worker(lane), id);
    if (job === undefined) throw leaseLost(id);
    return job;
  }

  #worker(lane: Lane): Worker {
    const worker = this.#workers.get(lane);
    if (worker === undefined)
      throw new TacitError('LANE_CLOSED', 'no such lane is open here', { expected: [...this.#workers.keys()].join(', '), got: lane });
    return worker;
  }
}

/** A worker's own port. Closing it closes all. */
export async function openBullLeases(parameters: BullLeasesParameters & { readonly worker: EvmAddress }): Promise<LeasePort> {
  const { worker } = parameters;
  const leases = await BullLeases.open(parameters);
  return {
    announce: (announcement) => leases.announce(announcement),
    withdraw: () => leases.withdraw(worker),
    take: (lanes, signal) => leases.take(lanes, worker, signal),
    renew: (lease) => leases.renew(lease),
    report: (lease, progress) => leases.report(lease, progress),
    answer: (lease, answer) => leases.answer(lease, answer),
    fail: (lease, failure) => leases.fail(lease, failure),
    giveBack: (lease) => leases.giveBack(lease),
    check: () => leases.check(),
    close: () => leases.close(),
  };
}

/** The lane that rang, then the others, beginning behind the one that had the last turn: a busy lane starves no other. */
function inTurn(lanes: readonly Lane[], last: Lane | undefined, rung: Lane | undefined): Lane[] {
  const next = last === undefined ? 0 : lanes.indexOf(last) + 1;
  const order = [...lanes.slice(next), ...lanes.slice(0, next)];
  return rung === undefined ? order : [rung, ...order.filter((lane) => lane !== rung)];
}

function leaseLost(id: string): TacitError {
  return new TacitError('LEASE_LOST', 'the job is no longer this worker’s', { got: id });
}

function asLost(error: unknown, id: string): unknown {
  return LOST_CODES.has((error as { code?: unknown }).code) ? leaseLost(id) : error;
}
