/**
 * From sealed transfers to witnesses that are known to be true.
 *
 * In this order: is it in time, is it for this worker, does it open, is it the record it was sealed for, does every statement
 * of the transfer hold, does it lean on the root of the others. Only then are seconds of proving spent on it. What is wrong
 * with one is no fault of the others: it is named by its index.
 */
import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import { type Domain, recordHash } from '../protocol/record.js';
import { openJob, type SealedJob } from '../protocol/seal.js';
import { checkTransferWitness, decodeTransferWitness, type TransferWitness } from '../protocol/transfer.js';
import type { FarmRefusal, TransferJob } from '../queue/contracts.js';
import type { WorkerKeys } from './workerKeys.js';

export interface OpenedTransfers {
  /** In the job's order, the refused ones left out. */
  readonly witnesses: TransferWitness[];
  readonly refused: FarmRefusal['refused'];
}

/** Opens and checks every member of a job. Never throws for what is in one: the refused are named with their codes. */
export function openTransfers({ sealed, anchor }: TransferJob, keys: WorkerKeys, domain: Domain, nowSeconds: number): OpenedTransfers {
  const witnesses: TransferWitness[] = [];
  const refused: FarmRefusal['refused'] = [];
  for (const [index, member] of sealed.entries()) {
    try {
      const witness = openTransfer(member, keys, domain, nowSeconds);
      if (anchor !== undefined && bytesToHex(fieldToBytes(witness.anchor)) !== anchor)
        throw new TacitError('SEAL_ANCHOR', 'the witness leans on another root than its wallet said', { expected: anchor });
      witnesses.push(witness);
    } catch (error) {
      refused.push({ index, code: error instanceof TacitError ? error.code : 'WITNESS_FORMAT' });
    }
  }
  return { witnesses, refused };
}

/**
 * @throws TacitError SEAL_EXPIRED, SEAL_TAMPERED (another worker's key may open it), SEAL_RECORD, WITNESS_FORMAT,
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
  });
}
