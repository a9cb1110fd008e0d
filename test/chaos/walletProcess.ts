/** One act of a real wallet in a process of its own, killed with SIGKILL at a chosen touch of the world (walletTrap.ts). */
import type { WalletOrder, WalletReport } from './walletMessages.js';
import { wrapTheWorld } from './walletTrap.js';

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
  const passages = wrapTheWorld(order.death);
  perform(order).then(
    () => process.send?.({ passages } satisfies WalletReport, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit(0));
