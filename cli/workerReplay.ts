/** `tacit worker replay FILE`: a failed job done again here, without the farm, to see what happens. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { TacitError } from '../protocol/errors.js';
import { WorkerKeys } from '../prover/workerKeys.js';
import { type ReplayReport, replayJob } from '../prover/workerReplay.js';
import { type ExportedJob, parseExportedJob } from '../queue/exportedJob.js';
import { type CommandResult, EXIT_FAILED, EXIT_OK, runs } from './output.js';
import { backendFrom, threadsFrom } from './prove.js';
import { workerArtifacts } from './workerArtifacts.js';

interface ReplayFlags {
  readonly keys: string;
  readonly node?: string;
  readonly threads?: string;
  readonly backend: string;
}

export function registerWorkerReplay(group: Command): void {
  const replay = group
    .command('replay')
    .argument('<file>', 'what `tacit farm failed export` printed')
    .description('open a failed job with this worker’s keys, check and prove it, and say what happened; the farm is not touched')
    .requiredOption('--keys <file>', 'worker keys; a transfer opens only for a worker that it was sealed to')
    .option('--node <url>', 'gateway of a node to get the circuit’s files from')
    .option('--threads <n>', 'threads the proof uses')
    .option('--backend <name>', 'as for serve', 'auto')
    .addHelpText(
      'after',
      '\nExit code: 0 the job can be proven here, 1 it cannot. Witness and proof are not kept and not shown.\n\nExample:\n  tacit worker replay job.json --keys worker.json',
    );
  runs<ReplayFlags>(replay, runReplay);
}

async function runReplay(flags: ReplayFlags, [path = '']: string[]): Promise<CommandResult> {
  const [backend, threads] = [backendFrom(flags.backend), threadsFrom(flags.threads)];
  const keys = await WorkerKeys.read(flags.keys);
  const file = parseExportedJob(await readJob(path));
  const artifacts = await workerArtifacts(file.job.circuit, flags.node);
  const report = await replayJob(file, keys, { artifacts, backend, ...(threads === undefined ? {} : { threads }) });
  return { value: report, text: describe(report, file, keys.address), exitCode: report.code === undefined ? EXIT_OK : EXIT_FAILED };
}

async function readJob(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TacitError('FILE_MISSING', 'cannot read the job', { got: path, cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    // Without the parser's words, which quote the file.
    throw new TacitError('JOB_FILE', 'the file of the job is not JSON', { got: path });
  }
}

const DONE_TEXT = {
  addressed: 'it is sealed to this worker',
  opened: 'it opens, and every witness is true',
  proved: 'it is proven',
  verified: 'the proof verifies',
} as const;

function describe(report: ReplayReport, { failure, job }: ExportedJob, worker: string): string {
  const steps = report.done.map((step) => (step === 'opened' && job.kind === 'update' ? 'its input is whole' : DONE_TEXT[step]));
  return [
    `job ${report.job} (${report.circuit}), failed ${new Date(failure.failedAtMs).toISOString()}: ${failure.reason}`,
    ...report.payments.map((payment, i) => `  member ${i}: ${payment}`),
    `worker ${worker}:`,
    ...steps.map((text) => `  ok  ${text}`),
    ...(report.refused ?? []).map(({ index, code }) => `  no  member ${index}: ${code}${hint(code)}`),
    ...(report.code === undefined ? [`  ${report.provingMs} ms; here the job can be done`] : [`  no  ${report.code}${hint(report.code)}`]),
  ].join('\n');
}

/** Only codes are told, never what a witness holds. */
const HINTS: Readonly<Record<string, string>> = {
  SEAL_TAMPERED: 'it was changed, or the key that it was sealed for has been destroyed: seal keys live two days',
  SEAL_EXPIRED: 'it came to the worker after its seal had expired',
  ARTIFACT_KEY: 'this machine has the key of another version of the circuit',
  SEAL_RECIPIENT: 'take it to one of the workers that its wallet chose',
};

function hint(code: string): string {
  return HINTS[code] === undefined ? '' : ` (${HINTS[code]})`;
}
