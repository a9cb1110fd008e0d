/**
 * One worker, several lanes, one proof at a time: who may go next.
 *
 * A lane that is turned away is remembered; when the slot is free again, the lane that had it last must let the other go
 * first, for as long as that one is certain to come back (it retries after `retryMs`). Without this a busy lane would
 * keep the slot for ever, because it asks again within a millisecond.
 */
export class LaneTurns {
  readonly #retryMs: number;
  readonly #turnedAway = new Map<string, number>();
  #holder: string | undefined;
  #lastHolder: string | undefined;

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  /** @returns whether the lane has the slot now; if not, it should ask again after `retryMs` */
  tryTake(lane: string, nowMs: number): boolean {
    const busy = this.#holder !== undefined;
    if (busy || (lane === this.#lastHolder && this.#somebodyElseWaits(lane, nowMs))) {
      // A lane told to let others go first is not itself waiting for its turn.
      if (busy) this.#turnedAway.set(lane, nowMs);
      return false;
    }
    this.#turnedAway.delete(lane);
    this.#holder = lane;
    return true;
  }

  release(): void {
    this.#lastHolder = this.#holder;
    this.#holder = undefined;
  }

  #somebodyElseWaits(lane: string, nowMs: number): boolean {
    for (const [other, sinceMs] of this.#turnedAway) if (other !== lane && nowMs - sinceMs <= 2 * this.#retryMs) return true;
    return false;
  }
}
