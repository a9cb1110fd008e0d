/** `tacit farm failed …`: jobs that gave up, and a file of one to look at elsewhere (`tacit worker replay`). */
import type { Command } from 'commander';
import { TacitError } from '../protocol/errors.js';
import { exportJob } from '../queue/exportedJob.js';
import { type DeadLetter, FarmQueue } from '../queue/farm.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type CommandResult, runs } from './output.js';

interface FailedFlags {
  readonly redis?: string;
  readonly rpc: string;
  readonly contract: string;
}

export function registerFarmFailed(farm: Command): void {
  const failed = farm.command('failed').description('jobs that the farm gave up; they are kept for a day');
  runs<FailedFlags>(withPlace(failed.command('list').description('list them, the latest first')), list);
  const one = failed
    .command('export')
    .argument('<id>', 'of the job, as `list` shows it')
    .description('print one as JSON, for `tacit worker replay`: a transfer stays sealed to its workers')
    .addHelpText(
      'after',
      '\nExample:\n  tacit farm failed export t-0a1b2c-7 --rpc … --contract 0x… > job.json\n  tacit worker replay job.json --keys worker.json',
    );
  runs<FailedFlags>(withPlace(one), exportOne);
}

function withPlace(command: Command): Command {
  return command
    .option('--redis <url>', 'Redis of the farm (default: REDIS_URL)')
    .requiredOption('--rpc <url>', 'JSON-RPC of the chain', process.env.TACIT_RPC)
    .requiredOption('--contract <address>', 'rollup contract', process.env.TACIT_CONTRACT);
}

function list(flags: FailedFlags): Promise<CommandResult> {
  return withFarm(flags, async (farm) => {
    const letters = await farm.deadLetters();
    return { value: letters, text: letters.length === 0 ? 'none' : letters.map(line).join('\n') };
  });
}

function exportOne(flags: FailedFlags, [id = '']: string[]): Promise<CommandResult> {
  return withFarm(flags, async (farm, domain) => {
    const found = await farm.deadLetter(id);
    if (found === undefined)
      throw new TacitError('JOB_UNKNOWN', 'no job of this id has failed', { got: id, expected: 'an id of `tacit farm failed list`' });
    const file = exportJob(found.job, found.letter, domain);
    return { value: file, text: JSON.stringify(file, null, 2) };
  });
}

async function withFarm(
  { redis, rpc, contract }: FailedFlags,
  act: (farm: FarmQueue, domain: Awaited<ReturnType<RollupContract['domain']>>) => Promise<CommandResult>,
): Promise<CommandResult> {
  const redisUrl = redis ?? process.env.REDIS_URL;
  if (redisUrl === undefined || redisUrl === '')
    throw new TacitError('OPTION_MISSING', 'no Redis given', { expected: '--redis URL or REDIS_URL' });
  const provider = await openRpc(rpc);
  try {
    const domain = await new RollupContract(contract, provider).domain();
    const farm = await FarmQueue.open({ redisUrl, domain });
    try {
      return await act(farm, domain);
    } finally {
      await farm.close();
    }
  } finally {
    provider.destroy();
  }
}

function line({ id, lane, reason, attempts, stalls, failedAtMs }: DeadLetter): string {
  return `${new Date(failedAtMs).toISOString()}  ${lane.padEnd(10)} ${id}  ${reason} (${attempts} tried, ${stalls} died)`;
}
