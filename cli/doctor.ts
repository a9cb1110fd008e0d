/**
 * `tacit doctor`: looks at everything that this machine and its settings would need, says what is wrong and how to mend it.
 * Exit code 0: all well; 1: something is unsafe or broken; 2: something could not be decided.
 */
import type { Command } from 'commander';
import { checkChain } from '../operations/checks/chain.js';
import type { Check } from '../operations/checks/check.js';
import { checkGpu } from '../operations/checks/gpu.js';
import { checkJournal } from '../operations/checks/journal.js';
import { checkArtifacts, checkMachine, checkNode } from '../operations/checks/machine.js';
import { checkRedisUrl } from '../operations/checks/redis.js';
import { TacitError } from '../protocol/errors.js';
import { type CommandResult, runs } from './output.js';

interface DoctorOptions {
  readonly journal?: string;
  readonly redis?: string;
  readonly durable?: boolean;
  readonly rpc?: string;
  readonly contract?: string;
  readonly chainId?: string;
}

const EXAMPLES = `
Examples:
  tacit doctor
  tacit doctor --rpc http://127.0.0.1:8545 --contract 0x… --chain-id 31337
  REDIS_URL=redis://:secret@10.0.0.2:6379 tacit doctor --durable
Exit code: 0 all well, 1 something is unsafe or broken, 2 something could not be looked at.`;

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('check this machine, its artifacts, Redis and the chain; say how to mend what is wrong')
    .option('--journal <dir>', 'read a node’s journal through, in a process of its own')
    .option('--redis <url>', 'Redis to look at (default: REDIS_URL)')
    .option('--durable', 'jobs are promised to survive a restart of Redis: refuse one that keeps nothing on disk')
    .option('--rpc <url>', 'JSON-RPC of the chain to look at')
    .option('--contract <address>', 'rollup contract to look at (with --rpc)')
    .option('--chain-id <n>', 'the chain that is meant: refuse another (with --rpc)')
    .addHelpText('after', EXAMPLES);
  runs<DoctorOptions>(command, runDoctor);
}

async function runDoctor(options: DoctorOptions): Promise<CommandResult> {
  const chain = await checkChain(chainQuestion(options));
  const checks = [
    checkNode(),
    checkMachine(),
    await checkGpu(),
    ...(await checkArtifacts(chain.production)),
    ...(await checkRedisUrl(options.redis ?? process.env.REDIS_URL, options.durable === true)),
    ...chain.checks,
    ...(options.journal === undefined ? [] : [checkJournal(options.journal)]),
  ];
  const wrong = checks.some(({ state }) => state === 'wrong');
  const unknown = checks.some(({ state }) => state === 'unknown');
  return {
    value: { healthy: !wrong && !unknown, checks },
    text: checks.map(describe).join('\n'),
    exitCode: wrong ? 1 : unknown ? 2 : 0,
  };
}

function chainQuestion({ rpc, contract, chainId }: DoctorOptions): Parameters<typeof checkChain>[0] {
  if (chainId !== undefined && !/^[1-9]\d{0,18}$/.test(chainId))
    throw new TacitError('USAGE', '--chain-id is not the id of a chain', { expected: 'a whole number', got: chainId });
  return {
    ...(rpc === undefined ? {} : { rpc }),
    ...(contract === undefined ? {} : { contract }),
    ...(chainId === undefined ? {} : { chainId: BigInt(chainId) }),
  };
}

const MARKS: Readonly<Record<Check['state'], string>> = { ok: '✓', wrong: '✗', unknown: '?', skipped: '–' };
const NAME_WIDTH = 20;

function describe({ name, state, found, mend }: Check): string {
  const line = `${MARKS[state]} ${name.padEnd(NAME_WIDTH)} ${found}`;
  return mend === undefined ? line : `${line}\n  ${' '.repeat(NAME_WIDTH)} mend: ${mend}`;
}
