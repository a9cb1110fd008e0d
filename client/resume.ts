/**
 * After a crash, a lost connection or an expired seal: every open transfer is brought to a node again, as it was signed.
 * What the node knows is left alone; what it does not is proven or sealed again where needed, and sent.
 */
import { isTacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { nodeOf, type WalletEnvironment } from './environment.js';
import { isOpen, type StoredTransfer } from './state.js';
import { sync } from './sync.js';
import { dispatch, keptWitness, type SendOptions } from './transfer.js';
import type { Wallet } from './wallet.js';

export interface Resumed {
  readonly id: Hex;
  /** What the node says of it, or the code of the error that stopped it. */
  readonly outcome: string;
}

/** @throws TacitError RPC_UNREACHABLE, NODE_UNREACHABLE, NODE_MISSING */
export async function resume(wallet: Wallet, environment: WalletEnvironment, options: SendOptions = {}): Promise<Resumed[]> {
  await sync(wallet, environment);
  const resumed: Resumed[] = [];
  for (const transfer of wallet.state.transfers.filter(isOpen)) resumed.push({ id: transfer.id, outcome: await resumeOne(wallet, environment, transfer, options) });
  return resumed;
}

async function resumeOne(wallet: Wallet, environment: WalletEnvironment, transfer: StoredTransfer, options: SendOptions): Promise<string> {
  const status = await nodeOf(environment).status(transfer.id);
  if (status !== undefined && status.status !== 'reseal') {
    await wallet.change(() => {
      transfer.status = 'submitted';
    });
    return status.status;
  }
  try {
    const [answer] = await dispatch(wallet, environment, [{ id: transfer.id, witness: keptWitness(transfer) }], options);
    return answer?.status ?? 'queued';
  } catch (error) {
    if (isTacitError(error)) return error.code;
    throw error;
  }
}
