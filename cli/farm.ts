/** `tacit farm …`: what an operator asks a running node. */
import type { Command } from 'commander';
import { describeFarm, type FarmStatus } from '../operations/farmStatus.js';
import { TacitError } from '../protocol/errors.js';
import { type CommandResult, runs } from './output.js';

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
    .addHelpText('after', `\nExample:\n  tacit node … --ops-port 9464\n  tacit farm status --node ${DEFAULT_URL}`);
  runs<StatusOptions>(status, readStatus);
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
