/**
 * `npm run bench -- farm [--json] [--jobs n]`: how much of a farm's time is spent on proofs.
 *
 *   efficiency = seconds of proving that came out / (workers · seconds from the first job given out to the last answer seen)
 *
 * Measured with one and two real workers: processes of their own, one thread each, a real Redis, proofs of transfer(1) and
 * update(2) by turns. Two figures: `efficiency` counts a proof with the time that it took in that run, so what is missing is the
 * queue's; `againstOne` counts it with the median of the run with one worker, so that what the workers take from each other
 * (memory bandwidth, cycles) is missing too.
 *
 * Simulated up to sixteen workers: the queue, the leases and the node's side are the real ones, but a worker sleeps for as long
 * as a proof of the measured run took, since this machine has no sixteen cores. Small proofs are the hardest case: what a job
 * costs besides its proof is the same for all.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveArtifacts } from '../circuits/artifacts.js';
import { median } from '../prover/calibrate.js';
import { startRedis } from '../queue/redis.js';
import { commit } from './commit.js';
import { FARM_LANES } from './farmJobs.js';
import { type Crew, type FarmRun, type ProvingTimes, realCrew, runFarm, sleepingCrew } from './farmRun.js';

const REAL = [1, 2];
const SIMULATED = [1, 2, 4, 8, 16];
/** Of each worker; even, so that each circuit has its half. */
const DEFAULT_JOBS = 16;

export interface FarmRow {
  readonly workers: number;
  /** True: workers that sleep. */
  readonly simulated: boolean;
  readonly jobs: number;
  readonly wallSeconds: number;
  readonly provingSeconds: number;
  readonly efficiency: number;
  /** With the times of one worker alone; measured runs only. */
  readonly againstOne?: number;
}

export interface FarmResult {
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  /** Median of a proof in the run with one worker, by circuit. */
  readonly provingMs: Readonly<Record<string, number>>;
  readonly rows: readonly FarmRow[];
}

export async function benchFarm(args: string[]): Promise<void> {
  const jobs = Number(args[args.indexOf('--jobs') + 1]) || DEFAULT_JOBS;
  const result = await measureFarm(jobs);
  process.stdout.write(args.includes('--json') ? `${JSON.stringify(result, null, 2)}\n` : table(result));
}

async function measureFarm(jobs: number): Promise<FarmResult> {
  for (const lane of FARM_LANES) await resolveArtifacts(lane);
  const folder = await mkdtemp(join(tmpdir(), 'tacit-bench-farm-'));
  const redis = await startRedis({ url: '', dir: join(folder, 'redis') });
  const rows: FarmRow[] = [];
  let alone: FarmRun | undefined;
  try {
    for (const workers of REAL) {
      const crew = await realCrew(redis.url, folder, workers);
      // Every worker has both keys in memory before the clock starts.
      const run = await runWith(crew, async () => {
        await runFarm(redis.url, `warm-${workers}`, 2 * workers * FARM_LANES.length, crew);
        return runFarm(redis.url, `real-${workers}`, jobs * workers, crew);
      });
      alone ??= run;
      rows.push({ ...rowOf(workers, jobs * workers, run), simulated: false, againstOne: efficiencyOf(workers, run, alone) });
    }
    const recorded = (alone as FarmRun).times;
    for (const workers of SIMULATED) {
      const crew = await sleepingCrew(redis.url, workers, recorded);
      const run = await runWith(crew, () => runFarm(redis.url, `sleep-${workers}`, jobs * workers, crew));
      rows.push({ ...rowOf(workers, jobs * workers, run), simulated: true });
    }
    const provingMs = Object.fromEntries(FARM_LANES.map((lane) => [lane, median(recorded[lane])]));
    return { commit: commit(), cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, provingMs, rows };
  } finally {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runWith(crew: Crew, run: () => Promise<FarmRun>): Promise<FarmRun> {
  try {
    return await run();
  } finally {
    await crew.stop();
  }
}

function rowOf(workers: number, jobs: number, run: FarmRun): Omit<FarmRow, 'simulated'> {
  const seconds = sum(FARM_LANES.flatMap((lane) => run.times[lane])) / 1_000;
  return {
    workers,
    jobs,
    wallSeconds: round(run.wallMs / 1_000),
    provingSeconds: round(seconds),
    efficiency: efficiencyOf(workers, run, run),
  };
}

/** @param reference whose times a proof counts with: the run itself, or the one of a worker alone (its medians) */
export function efficiencyOf(workers: number, run: FarmRun, reference: FarmRun): number {
  const worth = (lane: keyof ProvingTimes): number =>
    reference === run ? sum(run.times[lane]) : run.times[lane].length * median(reference.times[lane]);
  return round(sum(FARM_LANES.map(worth)) / (workers * run.wallMs));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function table({ cpu, cores, provingMs, rows }: FarmResult): string {
  const head = '| workers | jobs | wall | proving | efficiency | against one alone |';
  const lines = rows.map(
    ({ workers, simulated, jobs, wallSeconds, provingSeconds, efficiency, againstOne }) =>
      `| ${workers}${simulated ? ' (simulated)' : ''} | ${jobs} | ${wallSeconds} s | ${provingSeconds} s | ${efficiency} | ${againstOne ?? ''} |`,
  );
  const times = Object.entries(provingMs).map(([lane, ms]) => `${lane} ${ms} ms`);
  return `${[`${cpu}, ${cores} cores; one thread a proof: ${times.join(', ')}`, '', head, '|---|---|---|---|---|---|', ...lines].join('\n')}\n`;
}
