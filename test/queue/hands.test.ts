import { describe, expect, it } from 'vitest';
import { LOCK_DURATION_MS } from '../../queue/farmOptions.js';
import { Hands } from '../../queue/hands.js';

const [A, B] = [`0x${'aa'.repeat(20)}`, `0x${'bb'.repeat(20)}`];
const lease = (n: number) => ({ lane: 'update_2', id: `update-${n}`, token: `${A}.${n}` }) as const;

function isFull(hands: Hands, worker: string): boolean {
  try {
    hands.reach(worker)();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'HANDS_FULL', retryable: true });
    return true;
  }
}

describe('the hands of a worker', () => {
  it('are what it announced and one more, polls and leases together', () => {
    const hands = new Hands(() => 0);
    hands.announced(A, 2);
    hands.reach(A);
    const second = hands.reach(A);
    second(lease(1));
    expect(isFull(hands, A)).toBe(false);
    hands.reach(A);
    expect([isFull(hands, A), isFull(hands, B)]).toEqual([true, false]);
    hands.ended(A, lease(1));
    expect(isFull(hands, A)).toBe(false);
  });

  it('let go of a lease that is not renewed', () => {
    let nowMs = 0;
    const hands = new Hands(() => nowMs);
    for (const n of [1, 2]) hands.reach(A)(lease(n));
    expect(isFull(hands, A)).toBe(true);
    nowMs += LOCK_DURATION_MS;
    hands.renewed(A, lease(1));
    hands.renewed(A, lease(2));
    nowMs += LOCK_DURATION_MS;
    expect(isFull(hands, A)).toBe(true);
    nowMs += 1;
    expect(isFull(hands, A)).toBe(false);
  });

  it('remember no crowd that holds nothing', () => {
    const hands = new Hands(() => 0);
    for (let n = 0; n < 10_000; n++) hands.announced(`0x${n.toString(16).padStart(40, '0')}`, 3);
    expect(hands.size).toBeLessThan(5_000);
  });
});
