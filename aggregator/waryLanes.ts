/**
 * After a job was kept and not answered: for a while those who have proved something before go first, in all lanes of its kind.
 *
 * Names cost nothing in an open farm. One that says it will prove an update holds every settlement up for as long as a proof may
 * take, and loses nothing when it is removed; the next name does the same. So after the first, the next name has to have proved
 * something, or to be in a lane that nobody who has is serving. Memory of this run.
 */
import { CIRCUITS } from '../protocol/circuit.js';
import type { Lane } from '../queue/farmOptions.js';

/** As long as the longest proof may take (update(32)); a newcomer that is honest has the other kind meanwhile, or waits. */
export const WARY_MS = 600_000;

type Kind = (typeof CIRCUITS)[Lane]['kind'];

export class WaryLanes {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<Kind, number>();
  #next = new AbortController();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  letDown(lane: Lane): void {
    this.#untilMs.set(CIRCUITS[lane].kind, this.#nowMs() + WARY_MS);
    this.#next.abort();
    this.#next = new AbortController();
  }

  /** Aborts when the next job is kept: who waits for a job then is looked at anew. */
  nextLetDown(): AbortSignal {
    return this.#next.signal;
  }

  has(lane: Lane): boolean {
    return (this.#untilMs.get(CIRCUITS[lane].kind) ?? 0) > this.#nowMs();
  }
}
