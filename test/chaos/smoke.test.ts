/** The small scale of some scenarios, with every run of the tests. All of them, at full scale: docs/how-to/chaos.md. */
import { describe, expect, it } from 'vitest';
import { SCENARIOS, SMOKE } from './table.js';

/** Another seed chooses other deaths: CHAOS_SEED=7 npm test -- test/chaos */
const SEED = process.env.CHAOS_SEED ?? '1';
const LIMIT_MS = 600_000;

describe('the promise: an accepted payment settles exactly once', () => {
  // Each has a chain, a Redis and processes of its own, and waits more than it works.
  it.concurrent.each(SMOKE)(
    'A3 A15 A16 A17: %s',
    async (name) => {
      const lines: string[] = [];
      const scenario = SCENARIOS.find((candidate) => candidate.name === name);
      const result = await scenario?.run(SEED, (line) => lines.push(line), 'smoke');
      expect(result?.problems, lines.join('\n')).toEqual([]);
      expect(result?.did.length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});
