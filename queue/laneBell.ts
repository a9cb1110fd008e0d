/**
 * Wakes whoever waits for a job of one of several lanes, with one blocking question for all of them.
 *
 * BullMQ keeps a marker in each lane: a sorted set that holds an entry of score 0 when a job waits, and one whose score is the time
 * (milliseconds) at which the next delayed job is due. It is taken by whoever asks, so two things matter: the lane whose marker
 * was taken is looked at first by those it wakes (taking a job puts the marker back where more wait), and a marker of something
 * that is not due yet is put back when nobody is left here to wait for it.
 */
import { type Lane, markerKey } from './farmOptions.js';
import type { RedisClient } from './redisClient.js';

/** One question lasts no longer, so that a lane that somebody new waits for is asked for soon. */
const BLOCK_SECONDS = 1;
/** Redis takes zero for ever. */
const SHORTEST_SECONDS = 0.01;
/** Everybody looks at every lane this often, rung for or not: a marker can be lost with whoever took it. */
const SWEEP_MS = 5_000;
const RETRY_MS = 500;
const DELAYED_MEMBER = '1';

interface Waiter {
  readonly lanes: readonly Lane[];
  /** @param lane the one that rang; undefined: look at all */
  wake(lane: Lane | undefined): void;
}

export class LaneBell {
  readonly #blocking: RedisClient;
  readonly #plain: RedisClient;
  readonly #prefix: string;
  readonly #waiters = new Set<Waiter>();
  /** When the next delayed job of a lane is due, where its marker was taken. */
  readonly #due = new Map<Lane, number>();
  #run: Promise<void> | undefined;
  #closed = false;

  /** Both connections become the bell's own: one blocks, one does not. */
  constructor(blocking: RedisClient, plain: RedisClient, prefix: string) {
    this.#blocking = blocking;
    this.#plain = plain;
    this.#prefix = prefix;
  }

  /** Resolves with the lane that rang; with undefined when all should be looked at, or `signal` is aborted. */
  wait(lanes: readonly Lane[], signal: AbortSignal): Promise<Lane | undefined> {
    return new Promise((resolve) => {
      const wake = (lane: Lane | undefined): void => {
        clearTimeout(sweep);
        signal.removeEventListener('abort', onAbort);
        this.#waiters.delete(waiter);
        resolve(lane);
      };
      const waiter: Waiter = { lanes, wake };
      const onAbort = (): void => wake(undefined);
      const sweep = setTimeout(() => wake(undefined), SWEEP_MS);
      if (signal.aborted || this.#closed) return wake(undefined);
      signal.addEventListener('abort', onAbort);
      this.#waiters.add(waiter);
      this.#start();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiter of [...this.#waiters]) waiter.wake(undefined);
    // A server that is away now needs no marker: whoever comes back looks at every lane.
    if (this.#due.size > 0 && this.#plain.status === 'ready') {
      // The question that is still out takes these markers itself; then it is over, and they are put back for others.
      await this.#putBack().catch(() => {});
      await this.#run;
    }
    this.#blocking.disconnect();
    this.#plain.disconnect();
  }

  #start(): void {
    this.#run ??= this.#listenWhileAwaited().finally(() => {
      this.#run = undefined;
      if (this.#waiters.size > 0 && !this.#closed) this.#start();
    });
  }

  /** Never throws: with the connection lost, the next to wait asks again. */
  async #listenWhileAwaited(): Promise<void> {
    while (this.#waiters.size > 0 && !this.#closed) await this.#listen();
    await this.#putBack().catch(() => {});
  }

  async #listen(): Promise<void> {
    const lanes = [...new Set([...this.#waiters].flatMap((waiter) => waiter.lanes))];
    for (const lane of lanes) if ((this.#due.get(lane) ?? Number.POSITIVE_INFINITY) <= Date.now()) return this.#ring(lane);
    const dueMs = Math.min(...lanes.map((lane) => this.#due.get(lane) ?? Number.POSITIVE_INFINITY)) - Date.now();
    const seconds = Math.max(SHORTEST_SECONDS, Math.min(BLOCK_SECONDS, dueMs / 1_000));
    try {
      const rung = await this.#blocking.bzpopmin(lanes.map((lane) => markerKey(this.#prefix, lane)) as [string], seconds);
      if (rung === null) return;
      const [key, , score] = rung;
      const lane = lanes.find((name) => markerKey(this.#prefix, name) === key);
      if (lane === undefined) return;
      const awaited = [...this.#waiters].some((waiter) => waiter.lanes.includes(lane));
      if (Number(score) > Date.now() || !awaited) this.#due.set(lane, Number(score));
      else this.#ring(lane);
    } catch {
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #ring(lane: Lane): void {
    this.#due.delete(lane);
    for (const waiter of [...this.#waiters]) if (waiter.lanes.includes(lane)) waiter.wake(lane);
  }

  async #putBack(): Promise<void> {
    const due = [...this.#due];
    this.#due.clear();
    for (const [lane, dueMs] of due) await this.#plain.zadd(markerKey(this.#prefix, lane), dueMs, DELAYED_MEMBER);
  }
}
