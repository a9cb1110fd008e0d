/** How often a wallet asks. */
import { describe, expect, it } from 'vitest';
import { LONGEST_PAUSE_MS, pauseAfter } from '../../client/pace.js';

describe('pace', () => {
  it('begins with the first pause, grows with the wait, and ends at the longest', () => {
    expect([0, 5_000, 8_000, 20_000, 50_000, 3_600_000].map((waitedMs) => pauseAfter(waitedMs, 500))).toEqual([
      500,
      500,
      800,
      2_000,
      LONGEST_PAUSE_MS,
      LONGEST_PAUSE_MS,
    ]);
  });

  it('is never late by more than a tenth of the wait, and asks about 60 times in five minutes when it has waited five', () => {
    let [waitedMs, asked] = [0, 0];
    while (waitedMs < 600_000) {
      const pauseMs = pauseAfter(waitedMs, 250);
      expect(pauseMs).toBeLessThanOrEqual(Math.max(250, waitedMs / 10));
      waitedMs += pauseMs;
      if (waitedMs > 300_000) asked++;
    }
    expect(Math.abs(asked - 60)).toBeLessThanOrEqual(1);
  });
});
