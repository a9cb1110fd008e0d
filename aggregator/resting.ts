/**
 * Workers over HTTP that let jobs fall rest for a while: as long as somebody else serves a lane, they get no jobs of it.
 *
 * A job falls where its worker fails it, gives it back three times, or keeps it without a word. None of this is signed, so none
 * of it goes on a worker's record (reputation.ts); but who took a job over HTTP is known to the gateway that gave it out, and
 * a farm in which one that proves nothing is asked first again and again stands still. Rests begin with a minute and double; a
 * proof that verifies ends them. They are memory of this run, and over Redis, where a name can be written by anybody, there are none.
 */
import type { EvmAddress } from '../protocol/flavor.js';

export const REST = {
  firstMs: 60_000,
  /** 64 minutes. */
  longestMs: 3_840_000,
  returnsAllowed: 2,
} as const;

interface Rest {
  readonly untilMs: number;
  /** Length of the next. */
  readonly nextMs: number;
}

export class RestingWorkers {
  readonly #nowMs: () => number;
  readonly #log: (line: string) => void;
  readonly #rests = new Map<EvmAddress, Rest>();
  /** Jobs given back since the last proof. */
  readonly #returns = new Map<EvmAddress, number>();

  constructor(nowMs: () => number, log: (line: string) => void) {
    this.#nowMs = nowMs;
    this.#log = log;
  }

  has(worker: EvmAddress): boolean {
    return (this.#rests.get(worker)?.untilMs ?? 0) > this.#nowMs();
  }

  /** @param how for the log: what it did with the job */
  dropped(worker: EvmAddress, how: string): void {
    // What falls while it rests was taken before.
    if (this.has(worker)) return;
    const lengthMs = this.#rests.get(worker)?.nextMs ?? REST.firstMs;
    this.#rests.set(worker, { untilMs: this.#nowMs() + lengthMs, nextMs: Math.min(2 * lengthMs, REST.longestMs) });
    this.#log(`farm: worker ${worker} ${how}; where others serve, it gets no jobs for ${lengthMs / 1000} s`);
  }

  /** Leaving with a job in hand is nobody's fault; taking and giving back without end is. */
  gaveBack(worker: EvmAddress): void {
    const count = (this.#returns.get(worker) ?? 0) + 1;
    this.#returns.set(worker, count > REST.returnsAllowed ? 0 : count);
    if (count > REST.returnsAllowed) this.dropped(worker, 'gives jobs back again and again');
  }

  proved(worker: EvmAddress): void {
    this.#rests.delete(worker);
    this.#returns.delete(worker);
  }
}
