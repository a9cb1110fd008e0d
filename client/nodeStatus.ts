/**
 * What a node says of a transfer. A soft confirmation in it is checked against the operator that the contract names
 * before anybody sees it.
 */
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { verifySoftConfirmation } from '../protocol/softConfirmation.js';
import type { SoftConfirmation, TransferStatus } from '../queue/service.js';
import type { WalletEnvironment } from './environment.js';

/**
 * Confirmations found good, by environment and transfer: who waits is shown the same one at every look, and a signature costs
 * more than the rest of the look together.
 */
const found = new WeakMap<WalletEnvironment, Map<Hex, SoftConfirmation>>();

/**
 * Undefined where there is no node, it does not answer now, or it does not know the transfer.
 * @throws TacitError SOFT_CONFIRMATION_SIGNER, SIGNATURE_INVALID, and the node's own refusals
 */
export async function nodeStatus(environment: WalletEnvironment, id: Hex): Promise<TransferStatus | undefined> {
  const { node } = environment;
  if (node === undefined) return undefined;
  let status: TransferStatus | undefined;
  try {
    status = await node.status(id);
  } catch (error) {
    if (isTacitError(error) && error.retryable) return undefined;
    throw error;
  }
  if (status?.confirmation !== undefined) assertConfirmation(environment, id, status.confirmation);
  return status;
}

function assertConfirmation(environment: WalletEnvironment, id: Hex, confirmation: SoftConfirmation): void {
  if (confirmation.recordHash !== id)
    throw new TacitError('SOFT_CONFIRMATION_SIGNER', 'the confirmation is about another transfer', {
      expected: id,
      got: confirmation.recordHash,
    });
  const known = found.get(environment) ?? new Map<Hex, SoftConfirmation>();
  if (isSame(known.get(id), confirmation)) return;
  verifySoftConfirmation(confirmation, environment.domain, environment.operator);
  found.set(environment, known.set(id, confirmation));
}

function isSame(a: SoftConfirmation | undefined, b: SoftConfirmation): boolean {
  return a?.recordHash === b.recordHash && a.sequence === b.sequence && a.sealedIndex === b.sealedIndex && a.signature === b.signature;
}
