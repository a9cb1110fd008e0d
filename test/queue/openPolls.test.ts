import { describe, expect, it } from 'vitest';
import { OpenPolls } from '../../queue/openPolls.js';

const worker = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`;
const [greedy, modest, late] = [worker(1), worker(2), worker(3)];

describe('polls that are open at one time', () => {
  it('A15: a name with many gives one up for whoever has none, the one that has waited longest', () => {
    const polls = new OpenPolls(4);
    const ended: string[] = [];
    for (const n of [1, 2, 3]) polls.begin(greedy, () => ended.push(`greedy ${n}`));
    polls.begin(modest, () => ended.push('modest'));
    polls.begin(late, () => ended.push('late'));
    expect(ended).toEqual(['greedy 1']);
    // It has two of four now: one more for itself would take nothing but its own.
    expect(() => polls.begin(greedy, () => {})).toThrow(expect.objectContaining({ code: 'NODE_BUSY', retryable: true }));
    expect(ended).toEqual(['greedy 1']);
  });

  it('are all equal where each has one: one more is refused, until one ends', () => {
    const polls = new OpenPolls(2);
    const end = polls.begin(greedy, () => expect.unreachable());
    polls.begin(modest, () => expect.unreachable());
    expect(() => polls.begin(late, () => {})).toThrow(expect.objectContaining({ code: 'NODE_BUSY' }));
    end();
    polls.begin(late, () => expect.unreachable());
  });
});
