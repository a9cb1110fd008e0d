/**
 * One act of a real wallet in a process of its own, killed with SIGKILL at a chosen touch of the world: around each rename
 * that makes a new state of its file the file, around each request to the node, before each question to the chain. The
 * functions of Node that the wallet calls are wrapped from outside; the wallet itself knows nothing of it.
 */
import fs from 'node:fs/promises';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { WalletOrder, WalletPoint, WalletReport } from './walletMessages.js';

const passages: Partial<Record<WalletPoint, number>> = {};
let death: WalletOrder['death'];

function pass(point: WalletPoint): void {
  const passage = (passages[point] ?? 0) + 1;
  passages[point] = passage;
  if (death?.point === point && death.passage === passage) process.kill(process.pid, 'SIGKILL');
}

function wrapTheWorld(): void {
  const { rename } = fs;
  fs.rename = async (from, to) => {
    pass('disk:before');
    await rename(from, to);
    pass('disk:after');
  };
  syncBuiltinESMExports();
  const { fetch: ask } = globalThis;
  globalThis.fetch = async (...request) => {
    pass('node:before');
    const response = await ask(...request);
    pass('node:after');
    return response;
  };
  const { request } = http;
  http.request = ((...args: Parameters<typeof request>) => {
    pass('chain:before');
    return request(...args);
  }) as typeof request;
}

async function perform({ act, path, passphrase, rpcUrl, contract, nodeUrl, ...order }: WalletOrder): Promise<void> {
  // Imported after the wrapping, so that everything that is captured at import is the wrapped one.
  const { connect } = await import('../../client/environment.js');
  const { openWallet } = await import('../../client/openWallet.js');
  const environment = await connect({ rpcUrl, contract, nodeUrl });
  const wallet = await openWallet({ path, passphrase });
  const { sync } = await import('../../client/sync.js');
  const value = BigInt(order.valueWei);
  const farm = { prove: 'farm', receivedNotesToo: true } as const;
  await sync(wallet, environment);
  if (act === 'pay') {
    const { pay } = await import('../../client/pay.js');
    await pay(wallet, environment, { to: order.payee, asset: 0, value, ...farm });
  } else if (act === 'withdraw') {
    const { withdraw } = await import('../../client/withdraw.js');
    await withdraw(wallet, environment, { recipient: order.recipient, asset: 0, value, ...farm });
  } else if (act === 'deposit') {
    const { deposit } = await import('../../client/deposit.js');
    await deposit(wallet, environment, { privateKey: order.depositor, asset: 0, value });
  }
  await wallet.close();
  environment.close();
}

process.once('message', (order: WalletOrder) => {
  death = order.death;
  wrapTheWorld();
  perform(order).then(
    () => process.send?.({ passages } satisfies WalletReport, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit(0));
