/**
 * How many jobs a worker over HTTP may hold and wait for at one time: as many as it announced that it proves, and one more for
 * a connection that broke. Else one worker that asks a hundred times would have every poll of the node, and every job.
 */
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { LOCK_DURATION_MS } from './farmOptions.js';
import type { LeaseRef } from './lease.js';

const SPARE = 1;
/** Above this, those that hold nothing are forgotten: they count as proving one at a time until they announce themselves again. */
const MAX_REMEMBERED = 4_096;

interface Hand {
  /** Proofs at a time. */
  concurrency: number;
  polls: number;
  /** When a lease was last heard of (milliseconds), by token. */
  readonly leases: Map<string, number>;
}

export class Hands {
  readonly #nowMs: () => number;
  readonly #hands = new Map<EvmAddress, Hand>();

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** Workers of whom something is known. */
  get size(): number {
    return this.#hands.size;
  }

  announced(worker: EvmAddress, concurrency: number): void {
    this.#of(worker).concurrency = concurrency;
    if (this.#hands.size <= MAX_REMEMBERED) return;
    for (const [idle, hand] of this.#hands) if (idle !== worker && hand.polls === 0 && this.#held(hand) === 0) this.#hands.delete(idle);
  }

  /** A poll begins. @returns what ends it, with the lease that it brought. @throws TacitError HANDS_FULL (retryable) */
  reach(worker: EvmAddress): (lease?: LeaseRef) => void {
    const hand = this.#of(worker);
    const most = hand.concurrency + SPARE;
    if (hand.polls + this.#held(hand) >= most)
      throw new TacitError('HANDS_FULL', 'this worker has, or waits for, as many jobs as it said that it proves at a time', {
        expected: `at most ${most}`,
        retryable: true,
      });
    hand.polls++;
    return (lease) => {
      hand.polls--;
      if (lease !== undefined) hand.leases.set(lease.token, this.#nowMs());
      this.#forget(worker, hand);
    };
  }

  renewed(worker: EvmAddress, { token }: LeaseRef): void {
    this.#of(worker).leases.set(token, this.#nowMs());
  }

  /** Answered, failed, given back, or lost. */
  ended(worker: EvmAddress, { token }: LeaseRef): void {
    const hand = this.#of(worker);
    hand.leases.delete(token);
    this.#forget(worker, hand);
  }

  #of(worker: EvmAddress): Hand {
    const known = this.#hands.get(worker) ?? { concurrency: 1, polls: 0, leases: new Map<string, number>() };
    this.#hands.set(worker, known);
    return known;
  }

  /** A lease that was not renewed has run out. */
  #held({ leases }: Hand): number {
    for (const [token, heardMs] of leases) if (this.#nowMs() - heardMs > LOCK_DURATION_MS) leases.delete(token);
    return leases.size;
  }

  /** What is as at the beginning needs no room. */
  #forget(worker: EvmAddress, hand: Hand): void {
    if (hand.polls === 0 && hand.concurrency === 1 && this.#held(hand) === 0) this.#hands.delete(worker);
  }
}
