/**
 * From a sealed transfer to a witness that is known to be true.
 *
 * In this order: is it in time, is it for this worker, does it open, is it the record it was sealed for, does every statement
 * of the transfer hold. Only then is a second of proving spent on it.
 */
import { TacitError } from '../protocol/errors.js';
import { type Domain, recordHash } from '../protocol/record.js';
import { openJob, type SealedJob } from '../protocol/seal.js';
import { checkTransferWitness, decodeTransferWitness, type TransferWitness } from '../protocol/transfer.js';
import type { WorkerKeys } from './workerKeys.js';

/** True where the client chose this worker as one that may read the job. */
export function isAddressedTo(sealed: SealedJob, keys: WorkerKeys): boolean {
  return sealed.recipients.some((recipient) => recipient.address === keys.address);
}

/**
 * @throws TacitError SEAL_EXPIRED, SEAL_TAMPERED (retryable: another worker's key may open it), SEAL_RECORD, WITNESS_FORMAT,
 * TRANSFER_T1 … TRANSFER_T9
 */
export function openTransfer(sealed: SealedJob, keys: WorkerKeys, domain: Domain, nowSeconds: number): TransferWitness {
  const plaintext = open(sealed, keys, domain, nowSeconds);
  const witness = decodeTransferWitness(new TextDecoder().decode(plaintext));
  plaintext.fill(0);
  if (recordHash(witness.record, domain) !== sealed.recordHash)
    throw new TacitError('SEAL_RECORD', 'the sealed witness is of another record', { expected: sealed.recordHash });
  checkTransferWitness(witness, domain);
  return witness;
}

/** Tries the newest key first, then those still kept for jobs that were sealed before the last change. */
function open(sealed: SealedJob, keys: WorkerKeys, domain: Domain, nowSeconds: number): Uint8Array {
  const { recordHash: id, rosterId, expiry } = sealed;
  for (const secret of keys.sealSecrets) {
    try {
      return openJob(sealed, secret, keys.address, { domain, recordHash: id, rosterId, expiry }, nowSeconds);
    } catch (error) {
      if (!(error instanceof TacitError) || error.code !== 'SEAL_TAMPERED') throw error;
    } finally {
      secret.fill(0);
    }
  }
  throw new TacitError('SEAL_TAMPERED', 'the sealed job does not open', {
    expected: 'bytes sealed for this worker, record, chain and roster',
    retryable: true,
  });
}
