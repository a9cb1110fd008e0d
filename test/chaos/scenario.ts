/**
 * What a chaos scenario is: a named, seeded play that hurts a running system in one way and then asks whether the promise
 * still holds. It says what it did, what it measured (recovery times above all), and a verdict; anything that it expected
 * and did not find stands in `problems`.
 */
import { Random } from '../ledger/random.js';

/** `smoke` keeps a scenario to seconds, for the test command; `full` is the long run. */
export type Scale = 'smoke' | 'full';

export interface ScenarioResult {
  readonly name: string;
  readonly seed: string;
  readonly scale: Scale;
  readonly did: readonly string[];
  /** By name; the unit is in the name (Ms, Microseconds, Bytes, Percent, PerSecond, or nothing for a count). */
  readonly measured: Readonly<Record<string, number>>;
  /** Measured over time, for plots: pairs of seconds since the start and a value. */
  readonly series: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly problems: readonly string[];
  readonly verdict: 'held' | 'broken';
  readonly wallMs: number;
}

export interface Scenario {
  readonly name: string;
  /** One sentence for the list. */
  readonly about: string;
  /** @param untilMs time at which a play of many rounds begins no further one, and says how many it has played */
  run(seed: string, log: (line: string) => void, scale?: Scale, untilMs?: number): Promise<ScenarioResult>;
}

/** Where a play writes down what happens. */
export interface Report {
  readonly scale: Scale;
  /** No further round is begun from then on. */
  readonly untilMs: number;
  /** The same numbers for the same seed. */
  readonly random: Random;
  did(text: string): void;
  /** Of several values of one name the largest is kept here, and all of them as a series. */
  measure(name: string, value: number): void;
  /** One point of a series. */
  plot(name: string, seconds: number, value: number): void;
  /** What must hold; the text says what is wrong where it does not. */
  expect(holds: boolean, otherwise: string): void;
  /** For whoever watches; not kept. */
  log(line: string): void;
}

/** A scenario whose play may throw: that is a broken verdict too, not the end of the run. */
export function defineScenario(name: string, about: string, play: (report: Report) => Promise<void>): Scenario {
  return {
    name,
    about,
    run: async (seed, log, scale = 'full', untilMs = Number.POSITIVE_INFINITY) => {
      const startedMs = Date.now();
      const notes = new Notes(`${name}/${seed}`, scale, untilMs, log);
      try {
        await play(notes);
      } catch (error) {
        notes.expect(false, error instanceof Error ? error.message : String(error));
      }
      const { acts, measured, series, problems } = notes;
      const verdict = problems.length === 0 ? 'held' : 'broken';
      const kept = { did: acts, measured: Object.fromEntries(measured), series: Object.fromEntries(series), problems };
      return { name, seed, scale, ...kept, verdict, wallMs: Date.now() - startedMs };
    },
  };
}

class Notes implements Report {
  readonly random: Random;
  readonly acts: string[] = [];
  readonly measured = new Map<string, number>();
  readonly #startedMs = Date.now();
  readonly series = new Map<string, [number, number][]>();
  readonly problems: string[] = [];

  constructor(
    seed: string,
    readonly scale: Scale,
    readonly untilMs: number,
    readonly log: (line: string) => void,
  ) {
    this.random = new Random(seed);
  }

  did(text: string): void {
    this.acts.push(text);
    this.log(text);
  }

  measure(name: string, value: number): void {
    const before = this.measured.get(name);
    this.measured.set(name, before === undefined ? value : Math.max(before, value));
    this.plot(name, (Date.now() - this.#startedMs) / 1_000, value);
    this.log(`${name} ${value}`);
  }

  plot(name: string, seconds: number, value: number): void {
    this.series.set(name, [...(this.series.get(name) ?? []), [seconds, value]]);
  }

  expect(holds: boolean, otherwise: string): void {
    if (holds) return;
    this.problems.push(otherwise);
    this.log(`BROKEN: ${otherwise}`);
  }
}
