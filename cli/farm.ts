/** `tacit farm …`: what an operator asks a running node. */
import type { Command } from 'commander';
import { describeFarm, type FarmStatus } from '../operations/farmStatus.js';
import { TacitError } from '../protocol/errors.js';
import { workerAclLine } from '../queue/acl.js';
import { LANES, type Lane } from '../queue/farmOptions.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { registerFarmFailed } from './farmFailed.js';
import { registerFarmWorkers } from './farmWorkers.js';
import { type CommandResult, runs } from './output.js';
import { readSecret } from './prompt.js';

interface AclOptions {
  readonly user: string;
  readonly address: string;
  readonly passwordFile?: string;
  readonly rpc: string;
  readonly contract: string;
  readonly lanes: string;
}

interface StatusOptions {
  readonly node: string;
}

const DEFAULT_URL = 'http://127.0.0.1:9464';

export function registerFarm(program: Command): void {
  const farm = program.command('farm').description('look after a node and its workers');
  const status = farm
    .command('status')
    .description('queues, workers, ages, rates, gas and money of a node')
    .option('--node <url>', "the operator's server of the node (its --ops-port)", process.env.TACIT_OPS_URL ?? DEFAULT_URL)
    .addHelpText(
      'after',
      `\nExample:\n  tacit node … --ops-port 9464\n  tacit farm status --node ${DEFAULT_URL}\nExit code: 0 all well, 1 a part of the node is in trouble, 2 no node answers.`,
    );
  runs<StatusOptions>(status, readStatus);
  const acl = farm
    .command('acl')
    .description("print the line of Redis' aclfile that lets one worker do its work and nothing else")
    .requiredOption('--user <name>', "the worker's Redis user")
    .requiredOption('--address <address>', "the worker's address, as `tacit worker` prints it")
    .option('--password-file <file>', 'a file with the password (mode 600), else it is asked for; only its hash is printed')
    .requiredOption('--rpc <url>', 'JSON-RPC of the chain', process.env.TACIT_RPC)
    .requiredOption('--contract <address>', 'rollup contract', process.env.TACIT_CONTRACT)
    .option('--lanes <list>', `circuits that the worker serves, of ${LANES.join(', ')}`, LANES.join(','))
    .addHelpText('after', ACL_EXAMPLE);
  runs<AclOptions>(acl, printAcl);
  registerFarmWorkers(farm, DEFAULT_URL);
  registerFarmFailed(farm);
}

const ACL_EXAMPLE = `
Example:
  tacit farm acl --user worker-1 --address 0x… --password-file worker-1.pass --rpc … --contract 0x… >> /etc/redis/users.acl
  redis-cli ACL LOAD
The worker then starts with REDIS_URL=redis://worker-1:PASSWORD@…`;

async function printAcl({ user, address, passwordFile, rpc, contract, lanes }: AclOptions): Promise<CommandResult> {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address))
    throw new TacitError('USAGE', '--address is not an address', { expected: '0x and 40 hexadecimal digits', got: address });
  const password = await readSecret('password', passwordFile, '--password-file');
  const provider = await openRpc(rpc);
  try {
    const domain = await new RollupContract(contract, provider).domain();
    const line = workerAclLine({ user, password, address: address.toLowerCase(), lanes: laneNames(lanes) }, domain);
    return { value: { line }, text: line };
  } finally {
    provider.destroy();
  }
}

function laneNames(list: string): Lane[] {
  return list.split(',').map((name) => {
    const lane = LANES.find((known) => known === name.trim());
    if (lane === undefined) throw new TacitError('USAGE', '--lanes names no circuit', { expected: LANES.join(', '), got: name });
    return lane;
  });
}

/** Exit code 1 where a part of the node is in trouble. */
async function readStatus({ node }: StatusOptions): Promise<CommandResult> {
  const status = await fetchStatus(node);
  return { value: status, text: describeFarm(status), exitCode: Object.keys(status.problems).length === 0 ? 0 : 1 };
}

async function fetchStatus(node: string): Promise<FarmStatus> {
  const url = `${node.replace(/\/$/, '')}/status`;
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new TacitError('NODE_UNREACHABLE', 'no operator’s server answers', {
      expected: 'a node that was started with --ops-port',
      got: url,
      retryable: true,
      cause,
    });
  }
  const body: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
  if (!isFarmStatus(body))
    throw new TacitError('NODE_FOREIGN', 'what answers there is not the operator’s server of a node', {
      expected: 'its status',
      got: `HTTP ${response.status} at ${url}`,
    });
  return body;
}

function isFarmStatus(body: unknown): body is FarmStatus {
  return typeof body === 'object' && body !== null && 'transfers' in body && 'contractQueue' in body && 'problems' in body;
}
