/**
 * After a crash, a lost connection or an expired seal: every open transfer is brought to a node again, as it was signed.
 * What the node knows is left alone; what it does not is proven or sealed again where needed, and sent. With `prove` given,
 * it is proven there from now on, wherever it was to be proven before. Half of a pair whose other half was refused for good is
 * given up: no node settles it alone.
 */
import { isTacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { nodeOf, type WalletEnvironment } from './environment.js';
import { isOpen, type StoredTransfer } from './state.js';
import { giveUp } from './submit.js';
import { sync } from './sync.js';
import { assertOwnNotes, dispatch, keptWitness, type ProveWhere, type SendOptions } from './transfer.js';
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
  for (const transfer of byPayment(wallet.state.transfers.filter(isOpen)))
    resumed.push({ id: transfer.id, outcome: await resumeOne(wallet, environment, transfer, options) });
  return resumed;
}

/** Of a pair the half that pays goes first, as in `send`: without it the other is not sent. */
function byPayment(open: readonly StoredTransfer[]): StoredTransfer[] {
  return [...open.filter(({ kind }) => kind === 'fee'), ...open.filter(({ kind }) => kind !== 'fee')];
}

async function resumeOne(wallet: Wallet, environment: WalletEnvironment, transfer: StoredTransfer, options: SendOptions): Promise<string> {
  const status = await nodeOf(environment).status(transfer.id);
  if (status?.status === 'failed') {
    await giveUp(wallet, transfer, status.reason ?? 'the node gave it up');
    return 'rejected';
  }
  if (status !== undefined && status.status !== 'reseal') {
    await wallet.change(() => {
      transfer.status = 'submitted';
    });
    return status.status;
  }
  if (wallet.state.transfers.some(({ id, status: end }) => id === transfer.pairedWith && end === 'rejected')) {
    await giveUp(wallet, transfer, 'PAIR_INCOMPLETE');
    return 'rejected';
  }
  try {
    if (options.prove !== undefined && options.prove !== transfer.prove)
      await moveTo(wallet, transfer, options.prove, options.receivedNotesToo === true);
    const [answer] = await dispatch(wallet, environment, [{ id: transfer.id, witness: keptWitness(transfer) }], options);
    return answer?.status ?? 'queued';
  } catch (error) {
    if (isTacitError(error)) return error.code;
    throw error;
  }
}

async function moveTo(wallet: Wallet, transfer: StoredTransfer, where: ProveWhere, receivedNotesToo: boolean): Promise<void> {
  if (where === 'farm' && !receivedNotesToo)
    assertOwnNotes(
      wallet,
      wallet.state.notes.filter(({ nf }) => transfer.inputs.includes(nf)),
    );
  await wallet.change(() => {
    transfer.prove = where;
    delete transfer.submission;
  });
}
