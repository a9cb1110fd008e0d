/**
 * How much proving waits: the signal that a farm is scaled by.
 *
 *   work_s   = Σ over lanes of (waiting + active jobs) · median proving seconds of the lane
 *   drain_s  = work_s / workers: how long until the farm is idle if nothing else comes
 *
 * A lane that has proven nothing yet is counted with its circuit's share of a stated first guess.
 */
import type { LaneInspection, NodeInspection } from '../aggregator/inspect.js';
import { CIRCUITS } from '../protocol/circuit.js';

export interface Backlog {
  /** Seconds of one worker's proving. */
  readonly workSeconds: number;
  /** Seconds until the farm is idle; Infinity where work waits and nobody is there. */
  readonly drainSeconds: number;
}

/** Seconds that a transfer or an update slot takes on two cores of 2020s hardware, until the lane has shown its own time. */
const FIRST_GUESS_SECONDS_PER_ENTRY = 1;

export function backlogOf({ farm }: Pick<NodeInspection, 'farm'>): Backlog | undefined {
  if (farm === undefined) return undefined;
  const workSeconds = farm.lanes.reduce((sum, lane) => sum + laneSeconds(lane), 0);
  const workers = farm.workers.length;
  return { workSeconds, drainSeconds: workSeconds === 0 ? 0 : workSeconds / workers };
}

export function laneSeconds({ lane, waiting, active, provingMs }: LaneInspection): number {
  const seconds = provingMs === undefined ? FIRST_GUESS_SECONDS_PER_ENTRY * CIRCUITS[lane].size : provingMs / 1000;
  return (waiting + active) * seconds;
}
