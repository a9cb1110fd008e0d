/**
 * Long polls of workers that wait for jobs, as many as a node keeps open at one time. One more ends a poll of the worker that has most of
 * them: else a few names, each saying that it makes many proofs at a time, would keep out everybody who asks for one job.
 */
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';

const OPEN_POLLS = 256;

interface Poll {
  readonly worker: EvmAddress;
  readonly giveWay: () => void;
}

export class OpenPolls {
  readonly #most: number;
  /** In the order of their beginning. */
  readonly #open = new Set<Poll>();

  constructor(most = OPEN_POLLS) {
    this.#most = most;
  }

  /**
   * @param giveWay called where the poll has to end before its time
   * @returns what to call at its end
   * @throws TacitError NODE_BUSY (retryable) where nobody has more polls than this worker would have then
   */
  begin(worker: EvmAddress, giveWay: () => void): () => void {
    if (this.#open.size >= this.#most) this.#makeRoom(worker);
    const poll: Poll = { worker, giveWay };
    this.#open.add(poll);
    return () => void this.#open.delete(poll);
  }

  #makeRoom(worker: EvmAddress): void {
    const counts = new Map<EvmAddress, number>();
    for (const poll of this.#open) counts.set(poll.worker, (counts.get(poll.worker) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const first = [...this.#open].find((poll) => counts.get(poll.worker) === most);
    if (first === undefined || most <= (counts.get(worker) ?? 0) + 1)
      throw new TacitError('NODE_BUSY', 'too many workers wait for jobs', { retryable: true });
    this.#open.delete(first);
    first.giveWay();
  }
}
