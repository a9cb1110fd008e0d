/**
 * Tells listeners what happened, in order, after it is journaled. A listener that throws harms nobody else.
 */
import type { NodeEvent } from '../queue/service.js';

export class EventHub {
  readonly #listeners = new Set<(event: NodeEvent) => void>();

  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(event: NodeEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // A broken listener is its owner's problem.
      }
    }
  }
}
