/** `tacit dev`: a devnet on this machine, kept up until interrupted. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DEVNET_TOKEN, type Devnet, startDevnet } from '../devnet/network.js';
import { writeSecret } from '../devnet/secret.js';
import { TacitError } from '../protocol/errors.js';
import { untilEnd } from './lifetime.js';
import { type CommandResult, runs, say, toJson } from './output.js';
import { progressBars } from './progress.js';
import { portNumber } from './watchFlags.js';

interface DevOptions {
  readonly dir: string;
  readonly workers: string;
  readonly rpcPort: string;
  readonly nodePort: string;
  readonly opsPort: string;
}

/** A wallet that waits for a block on top of its settlement shall not wait for the next payment. */
const IDLE_BLOCK_MS = 2_000;

const EXAMPLES = `
Examples:
  tacit dev
  tacit dev --dir ./my-devnet --workers 1 --rpc-port 9545

It prints what wallets and auditors need (RPC, contract, node, assets) and writes the private key of a funded L1
account to <dir>/faucet.key, and Redis' URL to <dir>/redis.url. Everything ends with the command; the folder is new each time.
With --json it prints these facts as one line when the devnet is up, and a second line when it has ended.`;

export function registerDev(program: Command): void {
  const command = program
    .command('dev')
    .description('run chain, Redis, contract, node and workers on this machine until interrupted (insecure keys)')
    .option('--dir <dir>', 'folder for journals, keys and logs', '.tacit-dev')
    .option('--workers <n>', 'worker processes', '2')
    .option('--rpc-port <port>', "port of the chain's RPC", '8545')
    .option('--node-port <port>', "port of the node's gateway", '8080')
    .option('--ops-port <port>', "port of the node's server for operators: `tacit farm status`", '9464')
    .addHelpText('after', EXAMPLES);
  runs<DevOptions>(command, (options) => runDev(options, command.opts<{ json?: boolean }>().json === true));
}

async function runDev(options: DevOptions, json: boolean): Promise<CommandResult> {
  const dir = join(options.dir, new Date().toISOString().replace(/[:.]/g, '-'));
  mkdirSync(dir, { recursive: true });
  const bars = progressBars();
  const devnet = await startDevnet({
    dir,
    workers: wholeNumber('workers', options.workers),
    rpcPort: portNumber('rpc-port', options.rpcPort),
    nodePort: portNumber('node-port', options.nodePort),
    opsPort: portNumber('ops-port', options.opsPort),
    idleBlockMs: IDLE_BLOCK_MS,
    log: say,
    onProgress: ({ circuit, phase, fraction }) => bars.report(`${phase} ${circuit}`, fraction),
  });
  try {
    bars.close();
    const files = {
      faucetKeyFile: writeSecret(join(dir, 'faucet.key'), devnet.accounts[2]?.privateKey ?? ''),
      redisUrlFile: writeSecret(join(dir, 'redis.url'), devnet.redisUrl),
    };
    const facts = { ...factsOf(devnet), ...files, workerKeyFiles: devnet.workers.map(({ name }) => join(dir, `${name}.json`)), dir };
    // The facts are wanted while the devnet runs, so they do not wait for the command's result.
    process.stdout.write(`${json ? toJson(facts) : describe(facts)}\n`);
    const ended = await untilEnd();
    return { value: { ended }, text: `devnet ended (${ended})` };
  } finally {
    await devnet.stop();
  }
}

function factsOf({ rpcUrl, rollup, nodeUrl, opsUrl, assets, redis, domain }: Devnet) {
  return { rpcUrl, chainId: domain.chainId, contract: rollup.address, nodeUrl, opsUrl, assets, redis };
}

interface Files {
  readonly faucetKeyFile: string;
  readonly redisUrlFile: string;
  readonly workerKeyFiles: readonly string[];
  readonly dir: string;
}

function describe(facts: ReturnType<typeof factsOf> & Files): string {
  const assets = facts.assets.map(
    ({ id, symbol, token }) => `  asset ${id}     ${symbol}${id === 0 ? '' : ` at ${token} (anybody may mint)`}`,
  );
  return [
    'Devnet is up. Interrupt (Ctrl-C) to end it.',
    `  RPC         ${facts.rpcUrl} (chain ${facts.chainId})`,
    `  contract    ${facts.contract}`,
    `  node        ${facts.nodeUrl}`,
    `  operators   ${facts.opsUrl ?? 'none'} (tacit farm status --node URL)`,
    ...assets,
    `  Redis       ${facts.redis}; its URL is in ${facts.redisUrlFile}`,
    `  workers     ${facts.workerKeyFiles.join(', ') || 'none'}`,
    `  L1 key      ${facts.faucetKeyFile} (an account with 10,000 ETH; insecure, known to everybody)`,
    `  logs        ${join(facts.dir, 'logs')}`,
    '',
    `The token is ${DEVNET_TOKEN.name} (${DEVNET_TOKEN.symbol}), ${DEVNET_TOKEN.decimals} decimals.`,
  ].join('\n');
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new TacitError('USAGE', `--${option} is not a whole number`, { expected: 'digits', got: text });
}
