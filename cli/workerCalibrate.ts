/** `tacit worker calibrate`: measures what each circuit takes on this machine and writes the configuration that follows. */
import type { Command } from 'commander';
import { DEFAULT_POLICY } from '../aggregator/config.js';
import { resolveArtifacts } from '../circuits/artifacts.js';
import { TacitError } from '../protocol/errors.js';
import { type Measurement, machineFacts, measure, type Plan, plansFor } from '../prover/calibrate.js';
import { BACKEND_NAMES } from '../prover/prove.js';
import { chooseConfig, saveConfig, type WorkerConfig } from '../prover/workerConfig.js';
import { LANES, type Lane } from '../queue/farmOptions.js';
import { type CommandResult, runs, say } from './output.js';
import { backendFrom, threadsFrom } from './prove.js';

interface CalibrateFlags {
  readonly out: string;
  readonly lanes: string;
  readonly runs: string;
  readonly backend: string;
  readonly threads?: string;
}

/** What a farm of usual policy gives out. update(32) takes gigabytes and is measured when it is asked for. */
const USUAL_LANES = 'transfer_1,transfer_8,update_8';
const HOUR_MS = 3_600_000;
const MEBIBYTE = 2 ** 20;

export function registerWorkerCalibrate(group: Command): void {
  const calibrate = group
    .command('calibrate')
    .description('measure time and memory of each circuit on this machine, and write the worker’s configuration')
    .option('--out <file>', 'where the configuration goes', 'worker-config.json')
    .option('--lanes <list>', `circuits to measure, of ${LANES.join(', ')}; what is not there yet is built`, USUAL_LANES)
    .option('--runs <n>', 'counted proofs of each process', '3')
    .option('--threads <n>', 'measure only this many threads a proof (default: every way to share the cores)')
    .option('--backend <name>', BACKEND_NAMES.join(', '), 'auto')
    .addHelpText('after', '\nExample:\n  tacit worker calibrate --lanes transfer_1,update_8\n  tacit worker --config worker-config.json …');
  runs<CalibrateFlags>(calibrate, runCalibrate);
}

async function runCalibrate(flags: CalibrateFlags): Promise<CommandResult> {
  const backend = backendFrom(flags.backend);
  if (!/^[1-9]\d?$/.test(flags.runs))
    throw new TacitError('OPTION_INVALID', '--runs is not a number', { expected: '1 to 99', got: flags.runs });
  const threads = threadsFrom(flags.threads);
  const machine = machineFacts();
  const plans: Plan[] = plansFor(machine.cores).filter((plan) => threads === undefined || plan.threads === threads);
  if (threads !== undefined && plans.length === 0) plans.push({ threads, concurrency: Math.max(1, Math.floor(machine.cores / threads)) });
  const measured: Measurement[] = [];
  for (const circuit of laneList(flags.lanes)) {
    const artifacts = await resolveArtifacts(circuit);
    for (const plan of plans) {
      const found = await measure(circuit, artifacts, plan, { backend, runs: Number(flags.runs) });
      measured.push(found);
      say(measurementLine(found));
    }
  }
  const config = chooseConfig(measured, { backend, machine, limitMs: DEFAULT_POLICY.proofLimitMs, measuredAt: new Date().toISOString() });
  await saveConfig(flags.out, config);
  return {
    value: { config, measured: measured.map((one) => ({ ...one, proofsPerHour: perHour(one) })) },
    text: summary(config, flags.out),
  };
}

function laneList(list: string): Lane[] {
  return list.split(',').map((name) => {
    const lane = LANES.find((known) => known === name.trim());
    if (lane === undefined) throw new TacitError('OPTION_INVALID', 'no such circuit', { expected: LANES.join(', '), got: name });
    return lane;
  });
}

/** Of the whole machine under the plan. */
function perHour({ provingMs, concurrency }: Measurement): number {
  return Math.round((HOUR_MS * concurrency) / provingMs);
}

function measurementLine(found: Measurement): string {
  const { circuit, concurrency, threads, provingMs, firstMs, cpuMs, peakMemoryBytes } = found;
  return `${circuit.padEnd(10)} ${concurrency} at a time, ${threads} thread${threads === 1 ? ' ' : 's'}: ${provingMs} ms a proof (first ${firstMs}, ${cpuMs} of processor time), ${perHour(found)} an hour, ${Math.round(peakMemoryBytes / MEBIBYTE)} MiB each`;
}

function summary({ lanes, left, concurrency, threads }: WorkerConfig, file: string): string {
  return [
    `serve ${lanes.map(({ circuit }) => circuit).join(', ')}: ${concurrency} proof${concurrency === 1 ? '' : 's'} at a time, ${threads} thread${threads === 1 ? '' : 's'} each`,
    ...left.map(({ circuit, reason }) => `not ${circuit}: ${reason}`),
    `written to ${file}; start with: tacit worker --config ${file} …`,
  ].join('\n');
}
