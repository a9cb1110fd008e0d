/**
 * One thing at a time: what changes the node's state runs in turns, in the order in which it was asked for.
 */

export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `body` when all earlier ones have ended, also those that threw. Not re-entrant: a body must not wait for another turn. */
  run<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#last.then(body, body);
    this.#last = result.catch(() => {});
    return result;
  }
}
