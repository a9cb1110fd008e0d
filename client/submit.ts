/**
 * Handing a prepared transfer to a node. Idempotent: the record's hash names it, the same bytes may be sent again.
 *
 * A refusal for good frees the notes. Everything else (no answer, a busy node) leaves them reserved, because the node
 * may have what was sent.
 */
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import type { TransferStatus } from '../queue/service.js';
import { nodeOf, type WalletEnvironment } from './environment.js';
import type { StoredTransfer } from './state.js';
import type { Wallet } from './wallet.js';

export interface SubmitOptions {
  readonly signal?: AbortSignal;
}

/** A busy node is asked again after 0.25, 0.5, 1, 2, 4 s. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 250;
/** Refusals after which this record can never be settled, or never by this node. */
const FINAL = new Set([
  'NULLIFIER_SPENT',
  'NULLIFIER_RESERVED',
  'NULLIFIER_FORCED',
  'FEE_TOO_LOW',
  'PAIR_UNDERPAID',
  'FEE_ASSET',
  'PROOF_INVALID',
  'SUBMISSION_MALFORMED',
  'WITHDRAWAL_ASSET',
]);

/**
 * @returns the node's first word on it
 * @throws TacitError NULLIFIER_SPENT, NULLIFIER_RESERVED, FEE_TOO_LOW, … (final); NODE_BUSY, NODE_UNREACHABLE, ANCHOR_UNKNOWN (retryable); TRANSFER_UNPREPARED
 */
export async function submit(
  wallet: Wallet,
  environment: WalletEnvironment,
  id: Hex,
  { signal }: SubmitOptions = {},
): Promise<TransferStatus> {
  const transfer = wallet.state.transfers.find((candidate) => candidate.id === id);
  if (transfer?.submission === undefined)
    throw new TacitError('TRANSFER_UNPREPARED', 'there is nothing to submit for this transfer', { got: id });
  try {
    const status = await submitPatiently(environment, transfer.submission, signal);
    await wallet.change(() => {
      if (transfer.status === 'reserved' || transfer.status === 'rejected') transfer.status = 'submitted';
    });
    return status;
  } catch (error) {
    if (isTacitError(error) && FINAL.has(error.code) && !error.retryable) {
      await giveUp(wallet, transfer, error.code);
    }
    throw error;
  }
}

/** A node wants no more of it: the notes are free again, and the record stays in mind (select.ts). */
export async function giveUp(wallet: Wallet, transfer: StoredTransfer, reason: string): Promise<void> {
  await wallet.change(() => {
    transfer.status = 'rejected';
    transfer.reason = reason;
  });
}

async function submitPatiently(
  environment: WalletEnvironment,
  submission: Parameters<ReturnType<typeof nodeOf>['submit']>[0],
  signal: AbortSignal | undefined,
): Promise<TransferStatus> {
  const node = nodeOf(environment);
  for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs *= 2) {
    try {
      return await node.submit(submission);
    } catch (error) {
      if (isTacitError(error, 'SUBMISSION_CONFLICT')) return await known(environment, submission.id, error);
      if (!isTacitError(error, 'NODE_BUSY') || attempt === ATTEMPTS || signal?.aborted === true) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** The node has this record already, with another proof or seal: that serves as well. */
async function known(environment: WalletEnvironment, id: Hex, conflict: TacitError): Promise<TransferStatus> {
  const status = await nodeOf(environment).status(id);
  if (status === undefined) throw conflict;
  return status;
}
