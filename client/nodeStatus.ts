/**
 * What a node says of a transfer. A soft confirmation in it is checked against the operator that the contract names
 * before anybody sees it.
 */
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { verifySoftConfirmation } from '../protocol/softConfirmation.js';
import type { TransferStatus } from '../queue/service.js';
import type { WalletEnvironment } from './environment.js';

/**
 * Undefined where there is no node, it does not answer now, or it does not know the transfer.
 * @throws TacitError SOFT_CONFIRMATION_SIGNER, SIGNATURE_INVALID, and the node's own refusals
 */
export async function nodeStatus({ node, domain, operator }: WalletEnvironment, id: Hex): Promise<TransferStatus | undefined> {
  if (node === undefined) return undefined;
  let status: TransferStatus | undefined;
  try {
    status = await node.status(id);
  } catch (error) {
    if (isTacitError(error) && error.retryable) return undefined;
    throw error;
  }
  const confirmation = status?.confirmation;
  if (confirmation !== undefined) {
    if (confirmation.recordHash !== id)
      throw new TacitError('SOFT_CONFIRMATION_SIGNER', 'the confirmation is about another transfer', {
        expected: id,
        got: confirmation.recordHash,
      });
    verifySoftConfirmation(confirmation, domain, operator);
  }
  return status;
}
