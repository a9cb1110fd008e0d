/**
 * EVM addresses as text and as numbers: 20 bytes, `0x` and 40 lower-case digits. Checksummed spellings are for
 * people; inside the protocol one address has one spelling.
 */
import { bytesToHex, hexToBytes, uintToBytes } from './bytes.js';
import { TacitError } from './errors.js';
import type { EvmAddress, Field } from './flavor.js';

export const EVM_ADDRESS_BYTES = 20;

/** @throws TacitError EVM_ADDRESS_INVALID */
export function assertEvmAddress(text: string, what: string): EvmAddress {
  if (!/^0x[0-9a-f]{40}$/.test(text)) {
    throw new TacitError('EVM_ADDRESS_INVALID', `${what} is not an address`, {
      expected: '0x and 40 lower-case hexadecimal digits',
      got: `${text.length} characters`,
    });
  }
  return text;
}

/** @throws TacitError EVM_ADDRESS_INVALID */
export function evmAddressToBytes(text: EvmAddress, what = 'address'): Uint8Array {
  return hexToBytes(assertEvmAddress(text, what), EVM_ADDRESS_BYTES);
}

/** The address as the integer below 2^160 that a circuit or a Keccak word carries. @throws TacitError EVM_ADDRESS_INVALID */
export function evmAddressToField(text: EvmAddress, what = 'address'): Field {
  return BigInt(assertEvmAddress(text, what));
}

/** Left-padded to 32 bytes, as Solidity's abi.encode does. @throws TacitError EVM_ADDRESS_INVALID */
export function evmAddressToWord(text: EvmAddress, what = 'address'): Uint8Array {
  return uintToBytes(evmAddressToField(text, what), 32);
}

/** @param bytes exactly 20 */
export function bytesToEvmAddress(bytes: Uint8Array): EvmAddress {
  const text: string = bytesToHex(bytes);
  return assertEvmAddress(text, 'address');
}
