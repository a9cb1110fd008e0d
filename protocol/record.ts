/**
 * The public record of a transfer: what the chain sees of it, its packed bytes, and the message its owners sign.
 *
 * The bytes are canonical: one record has one encoding, and `readRecord` refuses every other spelling. Layout,
 * big-endian (widths in bytes):
 *
 *   flags 1 │ nf1 31 │ nf2 31 │ cm1 32 │ cm2 32 │ E 32 │ ct1 32 │ ct2 32 │ [outAsset 4 │ outValue 16 │ recipient 20]
 *   │ fee 0, 4, 8 or 12 │ [feeAsset 4]
 *
 * flags: bit 0 a withdrawal follows, bit 1 a fee asset follows, bits 2–3 the width of the fee in units of four bytes
 * (the smallest that holds it), bits 4–7 zero. A private transfer takes 223 to 239 bytes.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { ByteReader, bytesToHex, bytesToUint, concatBytes, uintToBytes } from './bytes.js';
import {
  AMOUNT_BITS,
  ASSET_BITS,
  DOM_TX,
  FEE_BITS,
  NULLIFIER_BITS,
  NULLIFIER_MAX,
  TAG_EXT,
  TAG_RECORD,
  ZERO_ADDRESS,
} from './constants.js';
import { TacitError } from './errors.js';
import { assertEvmAddress, bytesToEvmAddress, EVM_ADDRESS_BYTES, evmAddressToBytes, evmAddressToWord } from './evmAddress.js';
import { assertField, FIELD_MODULUS, fieldFromBytes, fieldToBytes } from './field.js';
import type { Amount, AssetId, EvmAddress, Field, Hex } from './flavor.js';
import { H } from './hash.js';

export interface TransferRecord {
  /** Nullifiers of the two inputs, 0 < nf < 2^248 − 1, different from one another. */
  readonly nf1: Field;
  readonly nf2: Field;
  /** Commitments of the two outputs. */
  readonly cm1: Field;
  readonly cm2: Field;
  /** Withdrawal: asset (uint32) and value (uint128) that leave the rollup for `recipient`; all three zero when there is none. */
  readonly outAsset: AssetId;
  readonly outValue: Amount;
  readonly recipient: EvmAddress;
  /** Fee: asset (uint32) and value (uint96); both zero when there is none. */
  readonly feeAsset: AssetId;
  readonly fee: Amount;
  /** E, the sender's one-time X25519 key, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** The two encrypted outputs, 32 bytes each. */
  readonly ciphertexts: readonly [Uint8Array, Uint8Array];
}

/** Where a record counts: one rollup contract on one chain. */
export interface Domain {
  readonly chainId: bigint;
  readonly contract: EvmAddress;
}

export const CIPHERTEXT_BYTES = 32;
export const EPHEMERAL_BYTES = 32;
const NULLIFIER_BYTES = NULLIFIER_BITS / 8;
const ASSET_BYTES = 4;
const AMOUNT_BYTES = AMOUNT_BITS / 8;

const FLAG_WITHDRAWAL = 0b0001;
const FLAG_FEE_ASSET = 0b0010;
const FEE_WIDTH_SHIFT = 2;
const FEE_WIDTH_UNIT_BYTES = 4;
const FLAGS_USED = 0b1111;

/**
 * Every rule that the contract applies to a record by itself, before any proof.
 * @throws TacitError RECORD_NULLIFIER, RECORD_NULLIFIERS_EQUAL, FIELD_RANGE, RECORD_WIDTH, RECORD_WITHDRAWAL, RECORD_FEE, EVM_ADDRESS_INVALID
 */
export function assertRecordRules(record: TransferRecord): void {
  for (const [name, nf] of [
    ['nf1', record.nf1],
    ['nf2', record.nf2],
  ] as const) {
    if (nf <= 0n || nf >= NULLIFIER_MAX)
      throw new TacitError('RECORD_NULLIFIER', `${name} is out of range`, {
        expected: '0 < nf < 2^248 − 1',
        got: nf <= 0n ? 'zero or less' : '2^248 − 1 or more',
      });
  }
  if (record.nf1 === record.nf2)
    throw new TacitError('RECORD_NULLIFIERS_EQUAL', 'a record spends one note twice', { expected: 'two different nullifiers' });
  assertField(record.cm1, 'cm1');
  assertField(record.cm2, 'cm2');
  assertUint(record.outAsset, ASSET_BITS, 'outAsset');
  assertUint(record.outValue, AMOUNT_BITS, 'outValue');
  assertUint(record.feeAsset, ASSET_BITS, 'feeAsset');
  assertUint(record.fee, FEE_BITS, 'fee');
  assertEvmAddress(record.recipient, 'recipient');
  assertSize(record.ephemeral, EPHEMERAL_BYTES, 'ephemeral key');
  for (const ciphertext of record.ciphertexts) assertSize(ciphertext, CIPHERTEXT_BYTES, 'ciphertext');
  if (record.outValue === 0n && (record.outAsset !== 0 || record.recipient !== ZERO_ADDRESS)) {
    throw new TacitError('RECORD_WITHDRAWAL', 'no value is withdrawn, yet an asset or a recipient is named', {
      expected: 'outAsset and recipient zero',
    });
  }
  if (record.fee === 0n && record.feeAsset !== 0)
    throw new TacitError('RECORD_FEE', 'no fee is paid, yet a fee asset is named', { expected: 'feeAsset zero' });
}

/** The packed bytes. @throws TacitError as assertRecordRules */
export function encodeRecord(record: TransferRecord): Uint8Array {
  assertRecordRules(record);
  const feeWidth = feeWidthUnits(record.fee);
  const withdrawal = record.outValue > 0n;
  const flags = (withdrawal ? FLAG_WITHDRAWAL : 0) | (record.feeAsset !== 0 ? FLAG_FEE_ASSET : 0) | (feeWidth << FEE_WIDTH_SHIFT);
  return concatBytes(
    uintToBytes(flags, 1),
    uintToBytes(record.nf1, NULLIFIER_BYTES),
    uintToBytes(record.nf2, NULLIFIER_BYTES),
    fieldToBytes(record.cm1),
    fieldToBytes(record.cm2),
    record.ephemeral,
    ...record.ciphertexts,
    ...(withdrawal
      ? [uintToBytes(record.outAsset, ASSET_BYTES), uintToBytes(record.outValue, AMOUNT_BYTES), evmAddressToBytes(record.recipient)]
      : []),
    uintToBytes(record.fee, feeWidth * FEE_WIDTH_UNIT_BYTES),
    ...(record.feeAsset !== 0 ? [uintToBytes(record.feeAsset, ASSET_BYTES)] : []),
  );
}

/** Exactly one record, nothing after it. @throws TacitError as readRecord, BYTES_TRAILING */
export function decodeRecord(bytes: Uint8Array): TransferRecord {
  const reader = new ByteReader(bytes, 'record');
  const record = readRecord(reader);
  reader.end();
  return record;
}

/**
 * The next record of a longer text.
 * @throws TacitError RECORD_FLAGS, RECORD_NOT_CANONICAL, BYTES_SHORT, and as assertRecordRules
 */
export function readRecord(reader: ByteReader): TransferRecord {
  const flags = reader.small(1);
  if ((flags & ~FLAGS_USED) !== 0)
    throw new TacitError('RECORD_FLAGS', 'unknown record flags', { expected: 'bits 4 to 7 zero', got: `0x${flags.toString(16)}` });
  const nf1 = reader.uint(NULLIFIER_BYTES);
  const nf2 = reader.uint(NULLIFIER_BYTES);
  const cm1 = fieldFromBytes(reader.take(32), 'cm1');
  const cm2 = fieldFromBytes(reader.take(32), 'cm2');
  const ephemeral = reader.take(EPHEMERAL_BYTES);
  const ciphertexts: [Uint8Array, Uint8Array] = [reader.take(CIPHERTEXT_BYTES), reader.take(CIPHERTEXT_BYTES)];
  const withdrawal = (flags & FLAG_WITHDRAWAL) !== 0;
  const outAsset = withdrawal ? reader.small(ASSET_BYTES) : 0;
  const outValue = withdrawal ? reader.uint(AMOUNT_BYTES) : 0n;
  const recipient = withdrawal ? bytesToEvmAddress(reader.take(EVM_ADDRESS_BYTES)) : ZERO_ADDRESS;
  const feeWidth = flags >> FEE_WIDTH_SHIFT;
  const fee = bytesToUint(reader.take(feeWidth * FEE_WIDTH_UNIT_BYTES));
  const feeAsset = (flags & FLAG_FEE_ASSET) !== 0 ? reader.small(ASSET_BYTES) : 0;

  if (withdrawal && outValue === 0n)
    throw new TacitError('RECORD_NOT_CANONICAL', 'a withdrawal of nothing', { expected: 'no withdrawal flag, or a value' });
  if (feeWidthUnits(fee) !== feeWidth)
    throw new TacitError('RECORD_NOT_CANONICAL', 'the fee is wider than it needs to be', {
      expected: `${feeWidthUnits(fee) * FEE_WIDTH_UNIT_BYTES} bytes`,
      got: `${feeWidth * FEE_WIDTH_UNIT_BYTES}`,
    });
  if ((flags & FLAG_FEE_ASSET) !== 0 && feeAsset === 0)
    throw new TacitError('RECORD_NOT_CANONICAL', 'the native coin is named as fee asset', {
      expected: 'no fee asset flag, or an asset other than 0',
    });
  const record: TransferRecord = { nf1, nf2, cm1, cm2, outAsset, outValue, recipient, feeAsset, fee, ephemeral, ciphertexts };
  assertRecordRules(record);
  return record;
}

/** Binds what the circuits do not look into: recipient, one-time key, ciphertexts, and the rollup itself. */
export function recordExt(record: TransferRecord, domain: Domain): Field {
  const preimage = concatBytes(
    TAG_EXT,
    domainWords(domain),
    evmAddressToWord(record.recipient, 'recipient'),
    record.ephemeral,
    ...record.ciphertexts,
  );
  return bytesToUint(keccak_256(preimage)) % FIELD_MODULUS;
}

/** The nine field elements of a record, in the order in which circuits, contract and signers read them. */
export function recordElements(record: TransferRecord, domain: Domain): Field[] {
  const { nf1, nf2, cm1, cm2, outAsset, outValue, feeAsset, fee } = record;
  return [nf1, nf2, cm1, cm2, BigInt(outAsset), outValue, BigInt(feeAsset), fee, recordExt(record, domain)];
}

/** M, which the owners of both inputs sign. */
export function recordMessage(record: TransferRecord, domain: Domain): Field {
  return H(DOM_TX, ...recordElements(record, domain));
}

/** A transfer's identity outside the circuits: Keccak-256 of its packed bytes under the rollup's domain. */
export function recordHash(record: TransferRecord, domain: Domain): Hex {
  return bytesToHex(keccak_256(concatBytes(TAG_RECORD, domainWords(domain), encodeRecord(record))));
}

/** chainId and contract, one 32-byte word each. */
export function domainWords(domain: Domain): Uint8Array {
  return concatBytes(uintToBytes(domain.chainId, 32), evmAddressToWord(domain.contract, 'contract'));
}

/** 0 for no fee, else the smallest count of four-byte units that holds it. */
function feeWidthUnits(fee: Amount): number {
  let units = 0;
  for (let rest = fee; rest > 0n; rest >>= BigInt(8 * FEE_WIDTH_UNIT_BYTES)) units++;
  return units;
}

function assertUint(value: bigint | number, bits: number, what: string): void {
  const ok =
    typeof value === 'number' ? Number.isSafeInteger(value) && value >= 0 && value < 2 ** bits : value >= 0n && value < 1n << BigInt(bits);
  if (!ok) throw new TacitError('RECORD_WIDTH', `${what} is out of range`, { expected: `uint${bits}` });
}

function assertSize(bytes: Uint8Array, sizeBytes: number, what: string): void {
  if (bytes.length !== sizeBytes)
    throw new TacitError('RECORD_WIDTH', `${what} has the wrong size`, { expected: `${sizeBytes} bytes`, got: `${bytes.length}` });
}
