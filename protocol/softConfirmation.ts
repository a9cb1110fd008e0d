/**
 * The operator's signed promise to include a transfer: EIP-712 over the record's hash, a running number, and the seal
 * that holds it (0 while it is in none). Whoever holds two promises that contradict one another can show them.
 */
import { hexToBytes, uintToBytes } from './bytes.js';
import { type DigestSigner, recoverSigner, typedDigest } from './eip712.js';
import { TacitError } from './errors.js';
import type { EvmAddress, Hex } from './flavor.js';
import type { Domain } from './record.js';

export interface SoftConfirmationContent {
  /** recordHash of the transfer, 32 bytes. */
  readonly recordHash: Hex;
  /** Running number of the operator's confirmations, uint64, from 1. */
  readonly sequence: number;
  /** 0: not in a seal yet; else index of the seal + 1, uint64. */
  readonly sealedIndex: number;
}

export interface SignedSoftConfirmation extends SoftConfirmationContent {
  /** 65 bytes. */
  readonly signature: Hex;
}

const TYPE = 'SoftConfirmation(bytes32 recordHash,uint64 sequence,uint64 sealedIndex)';

/** @throws TacitError HEX_INVALID, UINT_RANGE */
export function softConfirmationDigest({ recordHash, sequence, sealedIndex }: SoftConfirmationContent, domain: Domain): Uint8Array {
  return typedDigest(domain, TYPE, [hexToBytes(recordHash, 32), uint64Word(sequence), uint64Word(sealedIndex)]);
}

export async function signSoftConfirmation(
  content: SoftConfirmationContent,
  domain: Domain,
  sign: DigestSigner,
): Promise<SignedSoftConfirmation> {
  const { recordHash, sequence, sealedIndex } = content;
  return { recordHash, sequence, sealedIndex, signature: await sign(softConfirmationDigest(content, domain)) };
}

/** @throws TacitError SIGNATURE_INVALID, SOFT_CONFIRMATION_SIGNER */
export function verifySoftConfirmation(confirmation: SignedSoftConfirmation, domain: Domain, operator: EvmAddress): void {
  const signer = recoverSigner(softConfirmationDigest(confirmation, domain), confirmation.signature);
  if (signer !== operator)
    throw new TacitError('SOFT_CONFIRMATION_SIGNER', 'the confirmation was signed by somebody else', { expected: operator, got: signer });
}

function uint64Word(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TacitError('UINT_RANGE', 'not a whole number', { expected: '0 to 2^53 − 1', got: String(value) });
  return uintToBytes(value, 32);
}
