/** `tacit farm admit|ban`: the operator's word about a worker. It goes before what was counted, and stays. */
import type { Command } from 'commander';
import { TacitError } from '../protocol/errors.js';
import { type CommandResult, runs } from './output.js';
import { readSecret } from './prompt.js';

interface JudgeOptions {
  readonly node: string;
  readonly passwordFile?: string;
}

const VERBS = [
  { verb: 'admit', what: 'let a worker in, or in again: its points are whole, what was counted stays on record' },
  { verb: 'ban', what: 'let a worker have no more jobs, until it is admitted' },
];
/** As the operator's server calls its user (operations/server.ts). */
const USER = 'operator';

export function registerFarmWorkers(farm: Command, defaultUrl: string): void {
  for (const { verb, what } of VERBS) {
    const command = farm
      .command(`${verb} <address>`)
      .description(what)
      .option('--node <url>', "the operator's server of the node (its --ops-port)", process.env.TACIT_OPS_URL ?? defaultUrl)
      .option('--password-file <file>', 'a file with the operator’s password (mode 600), else TACIT_BOARD_PASSWORD, else it is asked for')
      .addHelpText('after', `\nExample:\n  tacit farm ${verb} 0x… --password-file board.pass`);
    runs<JudgeOptions>(command, (options, [address]) => judge(verb, address ?? '', options));
  }
}

async function judge(verb: string, address: string, { node, passwordFile }: JudgeOptions): Promise<CommandResult> {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address))
    throw new TacitError('USAGE', 'not an address', { expected: '0x and 40 hexadecimal digits', got: address });
  const known = passwordFile === undefined ? process.env.TACIT_BOARD_PASSWORD : undefined;
  const password = known ?? (await readSecret('operator’s password', passwordFile, '--password-file'));
  const url = `${node.replace(/\/$/, '')}/workers/${address.toLowerCase()}/${verb}`;
  const authorization = `Basic ${Buffer.from(`${USER}:${password}`).toString('base64')}`;
  const response = await fetch(url, { method: 'POST', headers: { authorization } }).catch((cause: unknown) => {
    throw new TacitError('NODE_UNREACHABLE', 'no operator’s server answers', {
      expected: 'a node that was started with --ops-port',
      got: node,
      retryable: true,
      cause,
    });
  });
  if (response.status === 401) throw new TacitError('OPERATOR_PASSWORD', 'the operator’s server wants another password');
  if (!response.ok)
    throw new TacitError('NODE_FOREIGN', 'the operator’s server takes no word about workers', {
      expected: 'a node that was started with TACIT_BOARD_PASSWORD set',
      got: `HTTP ${response.status}`,
    });
  const record = (await response.json()) as { points: number; standing: string };
  const text = `${address.toLowerCase()}: ${verb === 'ban' ? 'banned' : 'admitted'}, ${record.points.toFixed(0)} points`;
  const hint = verb === 'ban' ? '\nA worker with a Redis user of its own keeps it: ACL DELUSER takes that away.' : '';
  return { value: record, text: `${text}${hint}` };
}
