/**
 * `npm start`: the main job on a devnet of its own, with progress, a summary, and exit code 0 only when every payment is
 * settled, every balance right and the audit valid.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../circuits/paths.js';
import { runMainJob } from '../devnet/mainJob.js';
import { DEVNET_TOKEN } from '../devnet/network.js';
import { type DevnetAsset, type Payment, parsePayments } from '../devnet/payments.js';
import { jsonSummary, succeeded, textSummary } from '../devnet/summary.js';
import { TacitError } from '../protocol/errors.js';
import { reportError, say, toJson } from './output.js';
import { progressBars } from './progress.js';

interface StartOptions {
  readonly payments: string;
  readonly home: string;
  readonly workers: string;
  readonly json?: boolean;
  readonly keep?: boolean;
}

const ASSETS: readonly DevnetAsset[] = [
  { symbol: 'ETH', decimals: 18, faucetLimit: 1_000_000n * 10n ** 18n },
  { symbol: DEVNET_TOKEN.symbol, decimals: DEVNET_TOKEN.decimals, faucetLimit: 10n ** 18n },
];
/** What shells add to a signal's number for an exit code. */
const SIGNAL_EXIT = 128;
const STAGE_NAMES = { fund: 'deposits settled', prove: 'transfers proven', settle: 'transfers settled' } as const;

const program = new Command('npm start --')
  .description('private payments from wallet to settled root, on a devnet of its own')
  .option('--payments <file>', 'CSV: payer,payee,asset,amount,memo', join(packageRoot(), 'examples', 'payments.csv'))
  .option('--home <n>', 'so many payments, from the first, are proven by their payer', '1')
  .option('--workers <n>', 'worker processes that prove the others', '2')
  .option('--json', 'print one JSON object as the last line')
  .option('--keep', 'keep journals, wallets and logs')
  .addHelpText('after', '\nExamples:\n  npm start\n  npm start -- --payments my.csv --json');

await start(program.parse().opts<StartOptions>());
// All is stopped by now; idle connections to what is gone would hold the process for seconds more.
process.stdout.write('', () => process.exit());

async function start(options: StartOptions): Promise<void> {
  const json = options.json === true;
  const startedMs = Date.now();
  let dir: string | undefined;
  let clean = false;
  try {
    const payments = readPayments(options.payments);
    dir = mkdtempSync(join(tmpdir(), 'tacit-'));
    sayWhereOnInterrupt(dir);
    say(`${payments.length} payments; journals, wallets and logs in ${dir}`);
    const bars = progressBars();
    const result = await runMainJob({
      payments,
      dir,
      workers: wholeNumber('workers', options.workers),
      home: wholeNumber('home', options.home),
      log: say,
      onBuild: ({ circuit, phase, fraction }) => bars.report(`${phase} ${circuit}`, fraction),
      onStage: (stage, fraction) => bars.report(STAGE_NAMES[stage], fraction),
    });
    bars.close();
    const prepareMs = Number(process.env.TACIT_PREPARE_MS ?? 0);
    const timesMs = { prepare: prepareMs, ...result.timesMs, total: prepareMs + Date.now() - startedMs };
    process.stdout.write(`${json ? toJson(jsonSummary(result, timesMs)) : textSummary(result, timesMs)}\n`);
    clean = succeeded(result);
    process.exitCode = clean ? 0 : 1;
  } catch (error) {
    reportError(error, json);
  } finally {
    if (dir !== undefined && clean && options.keep !== true) rmSync(dir, { recursive: true, force: true });
    else if (dir !== undefined) say(`journals, wallets and logs are kept in ${dir}`);
  }
}

/** Whatever was started ends with this process; what it wrote stays. */
function sayWhereOnInterrupt(dir: string): void {
  for (const [signal, number] of Object.entries({ SIGINT: constants.signals.SIGINT, SIGTERM: constants.signals.SIGTERM })) {
    process.once(signal, () => {
      say(`\ninterrupted; journals, wallets and logs are kept in ${dir}`);
      process.exit(SIGNAL_EXIT + number);
    });
  }
}

function readPayments(path: string): Payment[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TacitError('PAYMENTS_MISSING', 'the payments file cannot be read', { expected: 'a CSV file', got: path, cause });
  }
  return parsePayments(text, ASSETS);
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new TacitError('USAGE', `--${option} is not a whole number`, { expected: '0 to 999', got: text });
}
