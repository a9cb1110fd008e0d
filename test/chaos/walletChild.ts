/** One act of a real wallet in a process of its own. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';
import type { WalletOrder, WalletReport } from './walletMessages.js';

/** @returns how often each point was passed; undefined where the wallet was killed, as the order's `death` says */
export async function walletAct(order: WalletOrder): Promise<WalletReport['passages'] | undefined> {
  const child = fork(join(packageRoot(), 'dist', 'test', 'chaos', 'walletProcess.js'), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const told = new Promise<WalletReport | undefined>((resolve, reject) => {
    child.once('message', (report: WalletReport) => resolve(report));
    child.once('exit', (code, signal) => (signal === 'SIGKILL' ? resolve(undefined) : reject(new Error(`the wallet ended with ${code}`))));
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.send(order);
  const report = await told;
  await ended;
  return report?.passages;
}
