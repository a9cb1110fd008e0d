/**
 * From a transaction's input to the argument of `settle(bytes)`, byte for byte as strict as the contract: selector,
 * offset 32, length, bytes, zeros up to a whole word, nothing after.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { ByteReader, bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';

const SELECTOR_BYTES = 4;
const WORD_BYTES = 32;

/** @throws CALLDATA_SHAPE, BYTES_SHORT, BYTES_TRAILING */
export function settleArgument(input: Hex): Uint8Array {
  const reader = new ByteReader(hexToBytes(input), 'calldata');
  const selector = keccak_256(new TextEncoder().encode('settle(bytes)')).slice(0, SELECTOR_BYTES);
  const got = reader.take(SELECTOR_BYTES);
  if (bytesToHex(got) !== bytesToHex(selector)) throw shape('the function is not settle(bytes)', bytesToHex(selector), bytesToHex(got));
  const offset = reader.uint(WORD_BYTES);
  if (offset !== BigInt(WORD_BYTES)) throw shape('the argument does not follow its head', '32', String(offset));
  const length = reader.uint(WORD_BYTES);
  if (length > BigInt(input.length)) throw shape('the length runs past the end', 'the length of the bytes', String(length));
  const argument = reader.take(Number(length));
  const padding = reader.take((WORD_BYTES - (argument.length % WORD_BYTES)) % WORD_BYTES);
  if (padding.some((byte) => byte !== 0)) throw shape('the padding is not zero', 'zeros', bytesToHex(padding));
  reader.end();
  return argument;
}

function shape(message: string, expected: string, got: string): TacitError {
  return new TacitError('CALLDATA_SHAPE', message, { expected, got });
}
