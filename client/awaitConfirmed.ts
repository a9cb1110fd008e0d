/** Waiting for the operator's signed promise: seconds, where settlement takes as long as a batch. */
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import type { TransferStatus } from '../queue/service.js';
import type { AwaitOptions } from './awaitSettled.js';
import { nodeOf, type WalletEnvironment } from './environment.js';
import { nodeStatus } from './nodeStatus.js';
import { pauseAfter } from './pace.js';

const TIMEOUT_MS = 600_000;
const FIRST_PAUSE_MS = 250;

/**
 * Resolves with a status that carries a verified soft confirmation.
 * @throws TacitError TRANSFER_FAILED, SEAL_EXPIRED (retryable: `resume`), SOFT_CONFIRMATION_SIGNER, NODE_MISSING, WAIT_TIMEOUT, WAIT_CANCELLED (retryable)
 */
export async function awaitConfirmed(environment: WalletEnvironment, id: Hex, options: AwaitOptions = {}): Promise<TransferStatus> {
  nodeOf(environment);
  const beganMs = Date.now();
  const deadline = beganMs + (options.timeoutMs ?? TIMEOUT_MS);
  let shown = '';
  for (;;) {
    const status = await nodeStatus(environment, id);
    if (status !== undefined && status.status !== shown) {
      shown = status.status;
      options.onStatus?.(status);
    }
    if (status?.confirmation !== undefined || status?.status === 'settled') return status;
    if (status?.status === 'failed') throw new TacitError('TRANSFER_FAILED', status.reason ?? 'the node gave the transfer up', { got: id });
    if (status?.status === 'reseal')
      throw new TacitError('SEAL_EXPIRED', 'nobody proved the sealed job in time; seal it again', { got: id, retryable: true });
    if (options.signal?.aborted)
      throw new TacitError('WAIT_CANCELLED', 'stopped waiting; the transfer goes on', { got: id, retryable: true });
    if (Date.now() >= deadline)
      throw new TacitError('WAIT_TIMEOUT', 'the transfer is not confirmed yet', { got: status?.status ?? 'no answer', retryable: true });
    await new Promise((resolve) => setTimeout(resolve, options.pollMs ?? pauseAfter(Date.now() - beganMs, FIRST_PAUSE_MS)));
  }
}
