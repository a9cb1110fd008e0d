/**
 * How much proving waits: the signal that a farm is scaled by.
 *
 *   proof_s(lane) = median of the lane's latest proofs
 *                   else of what its workers say that a proof takes there (`tacit worker calibrate`), else a stated first guess
 *   work_s(lane)  = (waiting + active jobs) · proof_s(lane)
 *   drain_s       = max over sets of lanes with work: work of the set / proofs at a time of the workers that serve any of them
 *
 * No order of proving ends sooner than `drain_s`, and where work is finely divided one ends then (max-flow, min-cut): a
 * worker that serves other lanes only does not make the one that waits look well served.
 */
import type { LaneInspection, NodeInspection, WorkerInspection } from '../aggregator/inspect.js';
import { CIRCUITS } from '../protocol/circuit.js';
import type { Lane } from '../queue/farmOptions.js';

export interface Backlog {
  /** Seconds of one proving process. */
  readonly workSeconds: number;
  /** By lane, what a proof is counted with. */
  readonly proofSeconds: ReadonlyMap<Lane, number>;
  /** Seconds until the farm is idle; Infinity where work waits that nobody serves. */
  readonly drainSeconds: number;
}

/** Seconds that a transfer or an update slot takes on two cores of 2020s hardware, until somebody has measured. */
const FIRST_GUESS_SECONDS_PER_ENTRY = 1;

export function backlogOf({ farm }: Pick<NodeInspection, 'farm'>): Backlog | undefined {
  if (farm === undefined) return undefined;
  const proofSeconds = new Map(farm.lanes.map((lane) => [lane.lane, proofSecondsOf(lane, farm.workers)]));
  const busy = farm.lanes.filter(({ waiting, active }) => waiting + active > 0);
  const work = new Map(busy.map(({ lane, waiting, active }) => [lane, (waiting + active) * (proofSeconds.get(lane) as number)]));
  return {
    workSeconds: sum([...work.values()]),
    proofSeconds,
    drainSeconds: Math.max(0, ...subsets([...work.keys()]).map((lanes) => drainOf(lanes, work, farm.workers))),
  };
}

function proofSecondsOf({ lane, provingMs }: LaneInspection, workers: readonly WorkerInspection[]): number {
  const announced = workers.flatMap((worker) => worker.provingMs[lane] ?? []).sort((a, b) => a - b);
  const ms = provingMs ?? announced[Math.floor(announced.length / 2)];
  return ms === undefined ? FIRST_GUESS_SECONDS_PER_ENTRY * CIRCUITS[lane].size : ms / 1000;
}

function drainOf(lanes: readonly Lane[], work: ReadonlyMap<Lane, number>, workers: readonly WorkerInspection[]): number {
  const hands = workers.filter((worker) => worker.lanes.some((lane) => lanes.includes(lane)));
  return sum(lanes.map((lane) => work.get(lane) ?? 0)) / sum(hands.map(({ concurrency }) => concurrency));
}

/** All but the empty one; there are as few lanes as circuits. */
function subsets(lanes: readonly Lane[]): Lane[][] {
  const count = 2 ** lanes.length - 1;
  return Array.from({ length: count }, (_, i) => lanes.filter((_lane, bit) => ((i + 1) >> bit) % 2 === 1));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
