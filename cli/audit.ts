/**
 * `tacit audit`, `tacit export`, `tacit verify-batch`: everything checked again, from L1 data or from a file.
 *
 * Exit code 0 valid, 1 invalid, 2 undecided: the data at hand does not settle it, or could not be had.
 */
import { type Command, InvalidArgumentError } from 'commander';
import type { OnProgress } from '../auditor/audit.js';
import { verifyBatchFile } from '../auditor/batch.js';
import { type ConfirmationSource, judgeConfirmationFiles, readConfirmationFile } from '../auditor/confirmationFiles.js';
import type { AuditReport, Verdict } from '../auditor/finding.js';
import { auditFromRpc, exportArchive, exportBatch, type LiveAuditOptions } from '../auditor/live.js';
import { auditArchive } from '../auditor/offline.js';
import { auditJson, auditText, batchText, confirmationsText } from '../auditor/text.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { type CommandResult, EXIT_FAILED, EXIT_OK, EXIT_UNDECIDED, runs } from './output.js';
import { progressBars } from './progress.js';

const EXIT_CODES: Record<Verdict, 0 | 1 | 2> = { valid: EXIT_OK, invalid: EXIT_FAILED, undecided: EXIT_UNDECIDED };

interface ChainOptions {
  readonly rpc?: string;
  readonly contract?: string;
  readonly fromBlock?: number;
}

type AuditOptions = ChainOptions & { archive?: string };

const AUDIT_EXAMPLES = `
Examples:
  tacit audit --rpc http://127.0.0.1:8545 --contract 0x…
  tacit audit --rpc https://… --contract 0x… --from-block 19000000 --json
  tacit audit --archive rollup.json
Exit code: 0 valid, 1 invalid, 2 cannot decide.`;

const CONFIRMATION_CODES = { kept: EXIT_OK, broken: EXIT_FAILED, undecided: EXIT_UNDECIDED } as const;

const CONFIRMATION_EXAMPLES = `
Examples:
  tacit audit confirmation promise.json --rpc http://127.0.0.1:8545 --contract 0x…
  tacit audit confirmation a.json b.json --archive rollup.json --json
A file is a soft confirmation, or a node's answer about a transfer. With the record beside it ("record": "0x…", packed)
a rival that took its note is found; several files are held against one another too.
Exit code: 0 kept, 1 broken, 2 cannot decide (still pending, for one).`;

const EXPORT_EXAMPLES = `
Examples:
  tacit export --rpc http://127.0.0.1:8545 --contract 0x… --out rollup.json
  tacit export --rpc http://127.0.0.1:8545 --contract 0x… --settlement 3 --out batch.json
The archive holds what the RPC said, audited or not; the exit code is the audit's.`;

const BATCH_EXAMPLES = `
Example:
  tacit verify-batch batch.json
The format is docs/schemas/batch.schema.json. Exit code: 0 valid, 1 invalid, 2 cannot decide.`;

export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('check a rollup again: both trees, every proof, every root, from L1 data alone')
    .option('--archive <file>', 'check an exported archive instead, offline')
    .addHelpText('after', AUDIT_EXAMPLES);
  runs<AuditOptions>(withChainOptions(audit), (options) => deciding(() => runAudit(options)));

  const confirmation = audit
    .command('confirmation')
    .argument('<file...>', 'soft confirmations, each in a file')
    .description('hold the operator’s signed promises against L1: kept, broken, or not yet to be said')
    .option('--archive <file>', 'against an exported archive instead, offline')
    .addHelpText('after', CONFIRMATION_EXAMPLES);
  runs<AuditOptions>(withChainOptions(confirmation), (options, files) => deciding(() => runConfirmation(options, files)));

  const exporting = program
    .command('export')
    .description('write all that an offline audit needs into one file')
    .requiredOption('--out <file>', 'the file to write')
    .option('--settlement <n>', 'write the fold of this settlement (batch.json) instead', wholeNumber)
    .addHelpText('after', EXPORT_EXAMPLES);
  runs<ChainOptions & { out: string; settlement?: number }>(withChainOptions(exporting), (options) => deciding(() => runExport(options)));

  const batch = program
    .command('verify-batch')
    .argument('<file>', 'a batch.json')
    .description('verify the fold of one settlement, offline')
    .addHelpText('after', BATCH_EXAMPLES);
  runs(batch, (_options, [file]) => deciding(() => runVerifyBatch(file ?? '')));
}

function withChainOptions(command: Command): Command {
  return command
    .option('--rpc <url>', "the chain's JSON-RPC, the only source (default: TACIT_RPC)")
    .option('--contract <address>', 'the rollup contract (default: TACIT_CONTRACT)')
    .option('--from-block <n>', "first block to read; default the contract's own", wholeNumber);
}

async function runAudit({ archive, ...chain }: AuditOptions): Promise<CommandResult> {
  return withBars(async (onProgress) => {
    if (archive === undefined) return reportResult(await auditFromRpc(liveOptions(chain, onProgress)));
    assertAlone(chain);
    return reportResult(await auditArchive(archive, onProgress));
  });
}

async function runConfirmation({ archive, ...chain }: AuditOptions, paths: readonly string[]): Promise<CommandResult> {
  const files = await Promise.all(paths.map(readConfirmationFile));
  return withBars(async (onProgress) => {
    if (archive !== undefined) assertAlone(chain);
    const source: ConfirmationSource = archive === undefined ? liveOptions(chain, onProgress) : { archive };
    const report = await judgeConfirmationFiles(files, source, onProgress);
    return { value: report, text: confirmationsText(report), exitCode: CONFIRMATION_CODES[report.verdict] };
  });
}

function assertAlone({ rpc, contract }: ChainOptions): void {
  if (rpc !== undefined || contract !== undefined) throw usage('--archive stands alone, without --rpc and --contract');
}

async function runExport({ out, settlement, ...chain }: ChainOptions & { out: string; settlement?: number }): Promise<CommandResult> {
  return withBars(async (onProgress) => {
    const options = { ...liveOptions(chain, onProgress), file: out };
    const report = settlement === undefined ? await exportArchive(options) : await exportBatch({ ...options, settlement });
    const { value, text, exitCode } = reportResult(report);
    return { value: { file: out, audit: value }, text: `${text}\n  written to   ${out}`, exitCode: exitCode ?? EXIT_OK };
  });
}

async function runVerifyBatch(file: string): Promise<CommandResult> {
  const report = await verifyBatchFile(file);
  return { value: report, text: batchText(report), exitCode: EXIT_CODES[report.verdict] };
}

function reportResult(report: AuditReport): CommandResult {
  return { value: auditJson(report), text: auditText(report), exitCode: EXIT_CODES[report.verdict] };
}

/** An error means that nothing was found out, whatever its cause: verdict undecided. */
async function deciding(run: () => Promise<CommandResult>): Promise<CommandResult> {
  try {
    return await run();
  } catch (error) {
    if (!isTacitError(error)) throw error;
    const value = { verdict: 'undecided', valid: false, error: error.toJSON() };
    return { value, text: `UNDECIDED  ${error.message} [${error.code}]`, exitCode: EXIT_UNDECIDED };
  }
}

/** The environment's words are no options: they do not stand beside --archive. */
function liveOptions(options: ChainOptions, onProgress: OnProgress): LiveAuditOptions {
  const { rpc = process.env.TACIT_RPC, contract = process.env.TACIT_CONTRACT, fromBlock } = options;
  if (rpc === undefined || contract === undefined) throw usage('--rpc and --contract name the chain and the rollup');
  return { rpcUrl: rpc, contract, onProgress, ...(fromBlock === undefined ? {} : { fromBlock }) };
}

async function withBars<T>(work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  const bars = progressBars();
  try {
    return await work(({ phase, fraction }) => bars.report(phase === 'read' ? 'reading L1' : 'verifying', fraction));
  } finally {
    bars.close();
  }
}

function wholeNumber(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(text)) throw new InvalidArgumentError('a whole number is expected.');
  return Number(text);
}

function usage(message: string): TacitError {
  return new TacitError('USAGE', message, { expected: 'see --help' });
}
