/** `bin/tacit wallet …` in a process of its own, with a death to die on the way. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../circuits/paths.js';
import { formatAmount } from '../../client/amount.js';
import type { WalletAct, WalletDeath, WalletOrder, WalletReport } from './walletMessages.js';

const OWNER_ONLY = 0o600;
const ETHER_DECIMALS = 18;

export interface CommandEnd {
  /** How often each point was passed; undefined where the command was killed. */
  readonly passages: WalletReport['passages'] | undefined;
  /** Standard output, JSON. */
  readonly output: string;
}

/**
 * @param death where to kill it; to the end where absent
 * @throws Error when the command itself fails
 */
export async function walletCommand(act: WalletAct | 'resume', order: Omit<WalletOrder, 'act'>, death?: WalletDeath): Promise<CommandEnd> {
  const passagesFile = `${order.path}.passages`;
  rmSync(passagesFile, { force: true });
  const trap = pathToFileURL(join(packageRoot(), 'dist', 'test', 'chaos', 'walletTrapPreload.js')).href;
  const child = spawn(process.execPath, ['--import', trap, join(packageRoot(), 'bin', 'tacit'), 'wallet', ...argumentsOf(act, order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CHAOS_PASSAGES: passagesFile,
      ...(death === undefined ? {} : { CHAOS_DEATH: JSON.stringify(death) }),
    },
  });
  let [output, complaint] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended = await new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  if (ended === 'SIGKILL') return { passages: undefined, output };
  if (ended !== 0 || !existsSync(passagesFile)) throw new Error(`tacit wallet ${act} ended with ${ended}: ${complaint}${output}`);
  return { passages: JSON.parse(readFileSync(passagesFile, 'utf8')) as WalletReport['passages'], output };
}

function argumentsOf(act: WalletAct | 'resume', order: Omit<WalletOrder, 'act'>): string[] {
  const { path, passphrase, rpcUrl, nodeUrl, payee, recipient, depositor, valueWei } = order;
  const wallet = ['--wallet', path, '--passphrase-file', secretFile(`${path}.passphrase`, passphrase), '--rpc', rpcUrl, '--json'];
  const amount = ['--amount', formatAmount(BigInt(valueWei), ETHER_DECIMALS)];
  const farm = ['--node', nodeUrl, '--prove', 'farm', '--received-notes-too', '--yes'];
  switch (act) {
    case 'pay':
      return ['pay', '--to', payee, ...amount, '--wait', 'accepted', ...wallet, ...farm];
    case 'withdraw':
      return ['withdraw', '--to', recipient, ...amount, '--wait', 'accepted', ...wallet, ...farm];
    case 'deposit':
      return ['deposit', ...amount, '--key-file', secretFile(`${path}.key`, depositor), ...wallet];
    case 'scan':
      return ['balance', ...wallet];
    case 'resume':
      return ['resume', ...wallet, ...farm];
  }
}

function secretFile(path: string, secret: string): string {
  writeFileSync(path, `${secret}\n`, { mode: OWNER_ONLY });
  return path;
}
