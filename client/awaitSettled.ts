/**
 * Following a transfer to its end. The node's word moves the display; only the chain, read by `sync`, ends the wait. The
 * node's events say when to look again.
 */
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import type { TransferStatus } from '../queue/service.js';
import type { WalletEnvironment } from './environment.js';
import { type NodeBell, openBell } from './nodeBell.js';
import { nodeStatus } from './nodeStatus.js';
import { LONGEST_PAUSE_MS, pauseAfter } from './pace.js';
import type { StoredTransfer } from './state.js';
import { giveUp } from './submit.js';
import { sync } from './sync.js';
import { transferOf } from './transfer.js';
import type { Wallet } from './wallet.js';

export interface AwaitOptions {
  /** Default: ten minutes. */
  readonly timeoutMs?: number;
  /** Between two looks. Default: 500, and more the longer it takes (pace.ts); 5,000 where the node tells its news. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
  /** Called with each new word of the node. */
  readonly onStatus?: (status: TransferStatus) => void;
}

const TIMEOUT_MS = 600_000;
const FIRST_PAUSE_MS = 500;

/**
 * Resolves when the transfer's record is on the chain at the confirmation depth.
 * @throws TacitError TRANSFER_FAILED when another transfer spent one of its notes; TRANSFER_REJECTED when the node gave it up; SOFT_CONFIRMATION_SIGNER; SEAL_EXPIRED (retryable: `resume` seals it again); WAIT_TIMEOUT, WAIT_CANCELLED (retryable)
 */
export async function awaitSettled(
  wallet: Wallet,
  environment: WalletEnvironment,
  id: Hex,
  options: AwaitOptions = {},
): Promise<StoredTransfer> {
  const bell = environment.node === undefined ? undefined : openBell(environment.node, id);
  try {
    return await follow(wallet, environment, id, options, bell);
  } finally {
    bell?.close();
  }
}

async function follow(
  wallet: Wallet,
  environment: WalletEnvironment,
  id: Hex,
  options: AwaitOptions,
  bell: NodeBell | undefined,
): Promise<StoredTransfer> {
  const beganMs = Date.now();
  const deadline = beganMs + (options.timeoutMs ?? TIMEOUT_MS);
  let shown = '';
  for (;;) {
    const status = await nodeStatus(environment, id);
    if (status !== undefined && status.status !== shown) {
      shown = status.status;
      options.onStatus?.(status);
    }
    if (status?.status === 'reseal')
      throw new TacitError('SEAL_EXPIRED', 'nobody proved the sealed job in time; seal it again', { got: id, retryable: true });
    // Without a node's word the chain is asked each time; with it, when there is something to see.
    const toSee = status === undefined || status.status === 'settled' || status.status === 'failed';
    if (toSee) await sync(wallet, environment);
    const transfer = transferOf(wallet, id);
    if (transfer.status === 'settled') return transfer;
    if (transfer.status === 'failed') throw new TacitError('TRANSFER_FAILED', transfer.reason ?? 'the transfer has failed', { got: id });
    if (status?.status === 'failed') await giveUp(wallet, transfer, status.reason ?? 'the node gave it up');
    if (transfer.status === 'rejected')
      throw new TacitError('TRANSFER_REJECTED', 'the node has given this transfer up; its notes are free again', {
        got: transfer.reason ?? id,
      });
    if (options.signal?.aborted)
      throw new TacitError('WAIT_CANCELLED', 'stopped waiting; the transfer goes on', { got: id, retryable: true });
    if (Date.now() >= deadline)
      throw new TacitError('WAIT_TIMEOUT', 'the transfer is not settled yet', { got: status?.status ?? transfer.status, retryable: true });
    const quietMs = options.pollMs ?? pauseAfter(Date.now() - beganMs, FIRST_PAUSE_MS);
    // Of new blocks on top of a settlement no event tells.
    const toldMs = options.pollMs ?? (toSee ? FIRST_PAUSE_MS : LONGEST_PAUSE_MS);
    await (bell?.wait({ quietMs, toldMs }) ?? new Promise((resolve) => setTimeout(resolve, quietMs)));
  }
}
