/**
 * A worker's configuration: which circuits it serves and how it shares its machine, chosen from measurements (calibrate.ts)
 * and kept in a file that `tacit worker serve --config` reads.
 *
 * Choice: a circuit is served where its proof fits into the memory and comes well within the time that a node waits for it. Of
 * the plans that serve most circuits, the one is taken that proves most in an hour (geometric mean over the circuits). There is
 * no secret in it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { MAX_CONCURRENCY } from '../queue/announce.js';
import { LANES, type Lane } from '../queue/farmOptions.js';
import type { MachineFacts, Measurement, Plan } from './calibrate.js';
import { BACKEND_NAMES, type BackendName } from './prove.js';

export interface LaneConfig {
  readonly circuit: Lane;
  /** Median time of a proof under this plan. */
  readonly provingMs: number;
  readonly peakMemoryBytes: number;
}

export interface WorkerConfig extends Plan {
  readonly version: 1;
  readonly backend: BackendName;
  readonly lanes: readonly LaneConfig[];
  /** What was measured and is not served, with the reason. */
  readonly left: readonly { readonly circuit: Lane; readonly reason: string }[];
  readonly machine: MachineFacts;
  /** ISO 8601. */
  readonly measuredAt: string;
}

/** Of the memory that is free; the rest is for the operating system's files and for other proofs' being larger. */
const MEMORY_SHARE = 0.8;
/** A machine that is busy for once must not miss the node's limit. */
const TIME_SHARE = 0.5;
/** Keys that a proving process keeps (backends/wasm.ts): circuits take turns. */
const RESIDENT_KEYS = 2;
const MEBIBYTE = 2 ** 20;

export interface ConfigTerms {
  readonly backend: BackendName;
  readonly machine: MachineFacts;
  /** How long a node waits for a proof, in milliseconds. */
  readonly limitMs: Readonly<Record<CircuitName, number>>;
  readonly measuredAt: string;
}

/** @throws TacitError CALIBRATION_EMPTY where no circuit can be served */
export function chooseConfig(measured: readonly Measurement[], terms: ConfigTerms): WorkerConfig {
  const plans = [...new Map(measured.map(({ threads, concurrency }) => [`${threads} ${concurrency}`, { threads, concurrency }])).values()];
  const ranked = plans
    .map((plan) => ({ plan, ...servable(measured, plan, terms) }))
    .sort((a, b) => b.served.length - a.served.length || rate(b.served, b.plan) - rate(a.served, a.plan));
  const [best] = ranked;
  if (best === undefined || best.served.length === 0)
    throw new TacitError('CALIBRATION_EMPTY', 'this machine can serve none of the circuits', {
      expected: 'enough memory and time for one',
      got: best?.left.map(({ circuit, reason }) => `${circuit}: ${reason}`).join('; ') ?? 'nothing measured',
    });
  const lanes = best.served.map(({ circuit, provingMs, peakMemoryBytes }) => ({ circuit, provingMs, peakMemoryBytes }));
  const { backend, machine, measuredAt } = terms;
  return { version: 1, backend, ...best.plan, lanes, left: best.left, machine, measuredAt };
}

/** What of the measured can be served under a plan: without those that need more than there is, the largest first. */
function servable(measured: readonly Measurement[], plan: Plan, { machine, limitMs }: ConfigTerms) {
  const left: { circuit: Lane; reason: string }[] = [];
  const circuits = [...new Set(measured.map(({ circuit }) => circuit))];
  let served = circuits.flatMap((circuit): Measurement[] => {
    const found = measured.find((one) => one.circuit === circuit && one.threads === plan.threads && one.concurrency === plan.concurrency);
    const limit = TIME_SHARE * limitMs[circuit];
    if (found !== undefined && found.provingMs <= limit) return [found];
    left.push({ circuit, reason: found === undefined ? 'not measured under this plan' : `${found.provingMs} ms, more than ${limit} ms` });
    return [];
  });
  const budget = (MEMORY_SHARE * machine.memoryBytes) / plan.concurrency;
  while (served.length > 0 && residentBytes(served) > budget) {
    const largest = served.reduce((a, b) => (b.peakMemoryBytes > a.peakMemoryBytes ? b : a));
    left.push({
      circuit: largest.circuit,
      reason: `${inMebibytes(residentBytes(served))} MiB of keys and proofs, more than ${inMebibytes(budget)} MiB for each of ${plan.concurrency}`,
    });
    served = served.filter((one) => one !== largest);
  }
  return { served, left };
}

/** What one proving process may come to hold. */
function residentBytes(served: readonly Measurement[]): number {
  const peaks = served.map(({ peakMemoryBytes }) => peakMemoryBytes).sort((a, b) => b - a);
  return peaks.slice(0, RESIDENT_KEYS).reduce((sum, bytes) => sum + bytes, 0);
}

/** Proofs a second, geometric mean. */
function rate(served: readonly Measurement[], { concurrency }: Plan): number {
  const logs = served.map(({ provingMs }) => Math.log((1_000 * concurrency) / provingMs));
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / served.length);
}

function inMebibytes(bytes: number): number {
  return Math.round(bytes / MEBIBYTE);
}

const lane = z.enum(LANES as [Lane, ...Lane[]]);
const MAX_THREADS = 64;
const shape = z.strictObject({
  version: z.literal(1),
  backend: z.enum(BACKEND_NAMES as [BackendName, ...BackendName[]]),
  concurrency: z.int().min(1).max(MAX_CONCURRENCY),
  threads: z.int().min(1).max(MAX_THREADS),
  lanes: z.array(z.strictObject({ circuit: lane, provingMs: z.int().positive(), peakMemoryBytes: z.int().nonnegative() })).min(1),
  left: z.array(z.strictObject({ circuit: lane, reason: z.string() })),
  machine: z.strictObject({ cpu: z.string(), cores: z.int().positive(), memoryBytes: z.int().positive() }),
  measuredAt: z.iso.datetime(),
});

export async function saveConfig(path: string, config: WorkerConfig): Promise<void> {
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`);
}

/** @throws TacitError FILE_MISSING, WORKER_CONFIG */
export async function loadConfig(path: string): Promise<WorkerConfig> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TacitError('FILE_MISSING', 'cannot read the worker’s configuration', { got: path, cause });
  });
  try {
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    throw new TacitError('WORKER_CONFIG', 'not a configuration of a worker; run `tacit worker calibrate` again', { got: path, cause });
  }
}
