/**
 * The farm as the node sees it: publish a job, ask what became of it, forget it.
 *
 * One BullMQ queue a lane (circuit). States are read, never remembered: the node asks `outcome` for whatever its journal
 * says is outstanding, so a lost event or a flushed Redis costs a question, not a payment. Events only say "look now".
 *
 * Invariants: a job enters only in its contract's shape; publishing the same id again changes nothing, unless the job has
 * failed, or still waits with other content (a new seal), and then the new one takes its place.
 */
import { type Job, Queue, QueueEvents } from 'bullmq';
import type { QueueJob, QueueOutcome, QueuePort } from '../ledger/effects.js';
import { TacitError } from '../protocol/errors.js';
import type { Domain } from '../protocol/record.js';
import { AnnouncementBoard, type WorkerAnnouncement } from './announce.js';
import { type FarmJob, type FarmProgress, parseFarmJob, parseFarmProgress } from './contracts.js';
import { farmPrefix, LANES, type Lane, QUEUE_OPTIONS } from './farmOptions.js';
import { checkRedis, type LogLine } from './redis.js';
import { type FarmConnection, farmConnection } from './redisClient.js';

export interface FarmQueueParameters {
  redisUrl: string;
  domain: Domain;
  /** Lanes this node publishes to; all where absent. */
  lanes?: readonly Lane[];
  log?: LogLine;
}

/** Something happened to a job; `progress` only with kind 'checked'. */
export interface FarmEvent {
  kind: 'active' | 'checked' | 'done' | 'failed';
  id: string;
  lane: Lane;
  progress?: FarmProgress;
}

export interface LaneCounts {
  waiting: number;
  active: number;
  failed: number;
}

/** A job that gave up, as an operator sees it. */
export interface DeadLetter {
  id: string;
  lane: Lane;
  reason: string;
  /** How often a worker failed it, and how often one died over it. */
  attempts: number;
  stalls: number;
  failedAtMs: number;
}

/** Completed jobs whose times are looked at. */
const PROVING_SAMPLE = 25;

interface LaneHandle {
  queue: Queue;
  events: QueueEvents;
}

export class FarmQueue implements QueuePort {
  readonly #lanes: Map<Lane, LaneHandle>;
  readonly #board: AnnouncementBoard;
  readonly #redis: FarmConnection;
  readonly #listeners = new Set<(event: FarmEvent) => void>();
  /** Where a job was last seen: a hint that saves asking every lane. */
  readonly #laneOf = new Map<string, Lane>();

  private constructor(lanes: Map<Lane, LaneHandle>, board: AnnouncementBoard, redis: FarmConnection) {
    this.#lanes = lanes;
    this.#board = board;
    this.#redis = redis;
  }

  /** Resolves when every lane's event stream is being read. @throws TacitError REDIS_UNREACHABLE, REDIS_TOO_OLD, REDIS_EVICTING_POLICY */
  static async open({ redisUrl, domain, lanes = LANES, log = () => {} }: FarmQueueParameters): Promise<FarmQueue> {
    // Once connected, BullMQ waits for a lost Redis for ever, which is right; one that was never there is an error.
    await checkRedis(redisUrl);
    const prefix = farmPrefix(domain);
    const redis = farmConnection(redisUrl);
    const { connection } = redis;
    const handles = new Map<Lane, LaneHandle>();
    const quiet = (error: Error) => log(`farm queue: ${error.message}`);
    for (const lane of lanes) {
      const queue = new Queue(lane, { ...QUEUE_OPTIONS, connection, prefix });
      const events = new QueueEvents(lane, { connection, prefix });
      queue.on('error', quiet);
      events.on('error', quiet);
      handles.set(lane, { queue, events });
    }
    const farm = new FarmQueue(handles, new AnnouncementBoard(redisUrl, domain), redis);
    for (const [lane, { queue, events }] of handles) {
      farm.#listenTo(lane, events);
      await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    }
    return farm;
  }

  /** @throws TacitError JOB_MALFORMED, LANE_CLOSED */
  async publish({ id, kind, data }: QueueJob): Promise<void> {
    const job = parseFarmJob(data);
    if (job.id !== id || job.kind !== kind)
      throw new TacitError('JOB_MALFORMED', 'job and envelope disagree', { expected: `${kind} ${id}`, got: `${job.kind} ${job.id}` });
    const queue = this.#queueOf(job.circuit);
    this.#laneOf.set(id, job.circuit);
    const present: Job | undefined = await queue.getJob(id);
    if (present !== undefined && !(await this.#makeRoom(present, job))) return;
    await queue.add(job.kind, job, { jobId: id });
  }

  async outcome(id: string): Promise<QueueOutcome> {
    const found = await this.#find(id);
    if (found === undefined) return { state: 'absent' };
    const state = await found.job.getState();
    // A job that ended between the two questions above has its result only now: it is read after its state.
    const ended = state === 'completed' || state === 'failed' ? await this.#queueOf(found.lane).getJob(id) : undefined;
    switch (state) {
      case 'completed':
        return ended === undefined ? { state: 'absent' } : { state: 'done', result: ended.returnvalue as unknown };
      case 'failed':
        return ended === undefined ? { state: 'absent' } : { state: 'failed', reason: readableReason(ended.failedReason) };
      case 'active':
        return { state: 'active' };
      case 'unknown':
        return { state: 'absent' };
      default:
        return { state: 'waiting' };
    }
  }

  /** What the worker that has the job last said of it. */
  async progress(id: string): Promise<FarmProgress | undefined> {
    return parseFarmProgress((await this.#find(id))?.job.progress);
  }

  /**
   * Milliseconds since the epoch at which a worker last took the job, while it is active. A worker that is alive and silent
   * keeps its lock: the node decides when it has waited enough, and publishes the work under another id.
   */
  async activeSinceMs(id: string): Promise<number | undefined> {
    const found = await this.#find(id);
    return found !== undefined && (await found.job.isActive()) ? found.job.processedOn : undefined;
  }

  /**
   * An active job cannot be removed under its worker: it is left to finish, and its result then expires unread. One that failed
   * stays for its day: it is a dead letter, which somebody may want to look into.
   */
  async forget(id: string): Promise<void> {
    const found = await this.#find(id);
    this.#laneOf.delete(id);
    if (found === undefined || (await found.job.isFailed())) return;
    await found.job.remove().catch(() => {});
  }

  /** Ends when the returned function is called. The listener must not throw. */
  async onEvent(listener: (event: FarmEvent) => void): Promise<() => void> {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async counts(): Promise<Partial<Record<Lane, LaneCounts>>> {
    const counts: Partial<Record<Lane, LaneCounts>> = {};
    for (const [lane, { queue }] of this.#lanes) {
      const { waiting = 0, delayed = 0, active = 0, failed = 0 } = await queue.getJobCounts('waiting', 'delayed', 'active', 'failed');
      counts[lane] = { waiting: waiting + delayed, active, failed };
    }
    return counts;
  }

  /** By lane, the median time in milliseconds that the latest proofs took, as their workers say. Lanes without a proof are left out. */
  async recentProvingMs(): Promise<Partial<Record<Lane, number>>> {
    const medians: Partial<Record<Lane, number>> = {};
    for (const [lane, { queue }] of this.#lanes) {
      const done = await queue.getCompleted(0, PROVING_SAMPLE - 1);
      const times = done.flatMap(({ returnvalue }) => (isTimed(returnvalue) ? [returnvalue.provingMs] : [])).sort((a, b) => a - b);
      const median = times[Math.floor(times.length / 2)];
      if (median !== undefined) medians[lane] = median;
    }
    return medians;
  }

  async deadLetters(limit = 100): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const [lane, { queue }] of this.#lanes) {
      for (const job of await queue.getFailed(0, limit - 1)) letters.push(letterOf(job, lane));
    }
    return letters.sort((a, b) => b.failedAtMs - a.failedAtMs).slice(0, limit);
  }

  /** A dead letter with its job, as it lies in the queue; undefined where there is none of this id. @throws TacitError JOB_MALFORMED */
  async deadLetter(id: string): Promise<{ letter: DeadLetter; job: FarmJob } | undefined> {
    const found = await this.#find(id);
    if (found === undefined || !(await found.job.isFailed())) return undefined;
    return { letter: letterOf(found.job, found.lane), job: parseFarmJob(found.job.data) };
  }

  /** Puts a dead letter back into its lane. @returns whether there was one */
  async revive(id: string): Promise<boolean> {
    const found = await this.#find(id);
    if (found === undefined || !(await found.job.isFailed())) return false;
    await found.job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    return true;
  }

  /** Can the farm be relied on now? @throws TacitError REDIS_UNREACHABLE, REDIS_EVICTING_POLICY, REDIS_FULL */
  async check(): Promise<void> {
    await this.#board.check();
  }

  /** Workers that announced themselves lately, signatures checked. */
  async workers(): Promise<WorkerAnnouncement[]> {
    return this.#board.list();
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await Promise.all([...this.#lanes.values()].flatMap(({ queue, events }) => [events.close(), queue.close()]));
    this.#board.close();
    this.#redis.close();
  }

  /** Decides whether a job of this id must go in again; clears the way where it must. */
  async #makeRoom(present: Job, job: { kind: string }): Promise<boolean> {
    const state = await present.getState();
    if (state === 'completed' || state === 'active') return false;
    const failed = state === 'failed';
    const changed = JSON.stringify(present.data) !== JSON.stringify(job);
    if (!failed && !changed) return false;
    // A worker may take the job between the look and this: then it stays, and is asked for again if it fails.
    return present.remove().then(
      () => true,
      () => false,
    );
  }

  #queueOf(lane: Lane): Queue {
    const handle = this.#lanes.get(lane);
    if (handle === undefined)
      throw new TacitError('LANE_CLOSED', 'this node has no such lane open', { expected: [...this.#lanes.keys()].join(', '), got: lane });
    return handle.queue;
  }

  async #find(id: string): Promise<{ job: Job; lane: Lane } | undefined> {
    const hint = this.#laneOf.get(id);
    const order = hint === undefined ? [...this.#lanes.keys()] : [hint, ...[...this.#lanes.keys()].filter((lane) => lane !== hint)];
    for (const lane of order) {
      const job: Job | undefined = await this.#queueOf(lane).getJob(id);
      if (job !== undefined) return { job, lane };
    }
    return undefined;
  }

  #listenTo(lane: Lane, events: QueueEvents): void {
    const tell = (event: FarmEvent) => {
      for (const listener of this.#listeners) listener(event);
    };
    events.on('active', ({ jobId }) => tell({ kind: 'active', id: jobId, lane }));
    events.on('completed', ({ jobId }) => tell({ kind: 'done', id: jobId, lane }));
    events.on('failed', ({ jobId }) => tell({ kind: 'failed', id: jobId, lane }));
    events.on('progress', ({ jobId, data }) => {
      const progress = parseFarmProgress(data);
      if (progress !== undefined) tell({ kind: 'checked', id: jobId, lane, progress });
    });
  }
}

function letterOf(job: Job, lane: Lane): DeadLetter {
  const { failedReason, attemptsMade, stalledCounter, finishedOn = 0 } = job;
  return {
    id: job.id ?? '',
    lane,
    reason: readableReason(failedReason),
    attempts: attemptsMade,
    stalls: stalledCounter,
    failedAtMs: finishedOn,
  };
}

function isTimed(result: unknown): result is { provingMs: number } {
  return typeof (result as { provingMs?: unknown } | null | undefined)?.provingMs === 'number';
}

/** `CODE: text`, for BullMQ's own reasons too. */
function readableReason(reason: string | undefined): string {
  if (reason === undefined || reason === '') return 'UNKNOWN: no reason given';
  return reason.startsWith('job stalled') ? 'JOB_STALLED: every worker that took this job died' : reason;
}

/** The code of a failed outcome's reason, for decisions. */
export function failureCode(reason: string): string {
  return /^([A-Z][A-Z0-9_]{0,39}):/.exec(reason)?.[1] ?? 'UNKNOWN';
}
