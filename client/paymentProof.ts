/**
 * Showing a third party what was paid to whom. The payer hands over the record and the one-time secret e of that one
 * transfer; anyone recomputes from it the payee's one-time keys and the commitment that stands on the chain.
 *
 * It says nothing about the payer's other transfers, and it cannot be made without e: the seed alone cannot rebuild it,
 * so it is gone with the wallet file. Whether the record is on the chain is for the reader to look up.
 */
import { decodeAddress } from '../protocol/address.js';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { decodeMemo, decryptNote } from '../protocol/encryption.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId, Hex } from '../protocol/flavor.js';
import { commitment } from '../protocol/note.js';
import { deriveForSender, streamKey, x25519Public } from '../protocol/onetime.js';
import { type Domain, decodeRecord, recordHash } from '../protocol/record.js';
import { transferOf } from './transfer.js';
import type { Wallet } from './wallet.js';

/** Plain JSON. */
export interface PaymentProof {
  /** Packed. */
  readonly record: Hex;
  readonly e: Hex;
  /** The payee's address. */
  readonly to: string;
}

export interface ProvenPayment {
  /** Hash of the record, to be looked up on the chain. */
  readonly id: Hex;
  readonly asset: AssetId;
  readonly value: Amount;
  readonly memo: string;
}

/** @throws TacitError TRANSFER_UNKNOWN, PAYMENT_PROOF (a withdrawal is public anyway) */
export function provePayment(wallet: Wallet, id: Hex): PaymentProof {
  const { kind, record, e, to } = transferOf(wallet, id);
  if (kind !== 'payment') throw new TacitError('PAYMENT_PROOF', 'only a payment to an address can be proven', { got: kind });
  return { record, e, to };
}

/** @throws TacitError PAYMENT_PROOF when the record pays this address nothing under this secret; ADDRESS_…, RECORD_… */
export function verifyPayment(proof: PaymentProof, domain: Domain): ProvenPayment {
  const record = decodeRecord(hexToBytes(proof.record));
  const address = decodeAddress(proof.to);
  const e = hexToBytes(proof.e, 32);
  const E = x25519Public(e);
  if (bytesToHex(E) !== bytesToHex(record.ephemeral)) throw new TacitError('PAYMENT_PROOF', 'the secret is not that of this record');
  for (const k of [0, 1] as const) {
    const cm = k === 0 ? record.cm1 : record.cm2;
    const oneTime = deriveForSender(e, address, k, 'transfer');
    const { asset, value, memo } = decryptNote(record.ciphertexts[k], streamKey(oneTime.sharedSecret, E, address.V, k, cm, 'transfer'));
    if (value !== 0n && commitment({ owner: oneTime.owner, asset, value }) === cm)
      return { id: recordHash(record, domain), asset, value, memo: decodeMemo(memo) };
  }
  throw new TacitError('PAYMENT_PROOF', 'this record pays that address nothing');
}
