import { describe, expect, it } from 'vitest';
import type { LaneInspection, WorkerInspection } from '../../aggregator/inspect.js';
import { backlogOf } from '../../operations/backlog.js';
import type { Lane } from '../../queue/farmOptions.js';

const lane = (name: Lane, waiting: number, provingMs?: number): LaneInspection => ({
  lane: name,
  waiting,
  active: 0,
  failed: 0,
  ...(provingMs === undefined ? {} : { provingMs }),
});
const worker = (lanes: Lane[], provingMs: WorkerInspection['provingMs'] = {}, concurrency = 1): WorkerInspection => ({
  address: `0x${'11'.repeat(20)}`,
  lanes,
  sealKeyUntil: 0,
  concurrency,
  provingMs,
});
const backlog = (lanes: LaneInspection[], workers: WorkerInspection[]) => backlogOf({ farm: { lanes, workers } });

describe('the work that waits', () => {
  it('counts a proof with what the lane takes, else with what its workers say, else with a guess', () => {
    const workers = [worker(['update_8'], { update_8: 9_000 }), worker(['update_8'], { update_8: 5_000 }), worker(['transfer_1'])];
    const lanes = [lane('update_8', 2), lane('transfer_8', 1, 3_000), lane('transfer_1', 1)];
    const { proofSeconds, workSeconds } = backlog(lanes, workers) ?? {};
    expect(Object.fromEntries(proofSeconds ?? [])).toEqual({ update_8: 9, transfer_8: 3, transfer_1: 1 });
    expect(workSeconds).toBe(2 * 9 + 3 + 1);
  });

  it('a lane that one worker serves waits for that one, whoever else is there', () => {
    const lanes = [lane('update_8', 10, 6_000), lane('transfer_1', 10, 1_000)];
    const [big, small] = [worker(['update_8', 'transfer_1']), worker(['transfer_1'])];
    expect(backlog(lanes, [big])?.drainSeconds).toBe(70);
    expect(backlog(lanes, [big, small, small])?.drainSeconds).toBe(60);
    expect(backlog(lanes, [big, big, small])?.drainSeconds).toBe(30);
    expect(backlog(lanes, [worker(['update_8', 'transfer_1'], {}, 4)])?.drainSeconds).toBe(17.5);
  });

  it('work that nobody serves never ends; none takes no time', () => {
    expect(backlog([lane('update_8', 1)], [worker(['transfer_1'])])?.drainSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(backlog([lane('update_8', 0)], [])?.drainSeconds).toBe(0);
    expect(backlogOf({})).toBeUndefined();
  });
});
