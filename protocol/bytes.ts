/**
 * Bytes, hexadecimal and fixed-width big-endian integers; every decoder here rejects what is not canonical.
 */
import { TacitError } from './errors.js';
import type { Hex } from './flavor.js';

const HEX_DIGITS = '0123456789abcdef';

/** `0x` and lower-case digits. */
export function bytesToHex(bytes: Uint8Array): Hex {
  let text = '0x';
  for (const byte of bytes) text += (HEX_DIGITS[byte >> 4] as string) + (HEX_DIGITS[byte & 0xf] as string);
  return text;
}

/**
 * Reads `0x…`; upper-case digits are accepted.
 * @param sizeBytes when given, the exact size wanted
 * @throws TacitError HEX_INVALID
 */
export function hexToBytes(text: string, sizeBytes?: number): Uint8Array {
  const wanted = sizeBytes === undefined ? '0x and an even count of hexadecimal digits' : `0x and ${2 * sizeBytes} hexadecimal digits`;
  // Texts come out of other people's JSON, whatever their type says.
  const got = () => (typeof text === 'string' ? `${text.length} characters` : typeof text);
  const invalid = () => new TacitError('HEX_INVALID', 'not a hexadecimal string', { expected: wanted, got: got() });
  if (typeof text !== 'string') throw invalid();
  // Length first: a caller who names a size never pays for a longer text.
  if (text.length % 2 !== 0 || (sizeBytes !== undefined && text.length !== 2 + 2 * sizeBytes) || !text.startsWith('0x')) throw invalid();
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let i = 0; i < bytes.length; i++) {
    const high = digitOf(text.charCodeAt(2 + 2 * i));
    const low = digitOf(text.charCodeAt(3 + 2 * i));
    if (high < 0 || low < 0) throw invalid();
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** Value of a hexadecimal digit, given as its character code; −1 for any other character. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20; // ASCII: upper and lower case differ in this bit
  return lower >= 0x61 && lower <= 0x66 && code < 0x80 ? lower - 0x57 : -1;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Big-endian.
 * @throws TacitError UINT_RANGE when value is negative, needs more than sizeBytes, or is a number that is no exact integer
 */
export function uintToBytes(value: bigint | number, sizeBytes: number): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new TacitError('UINT_RANGE', 'not an exact integer', { expected: 'a bigint, or a whole number up to 2^53 − 1' });
  let rest = BigInt(value);
  if (rest < 0n || rest >= 1n << BigInt(8 * sizeBytes)) {
    throw new TacitError('UINT_RANGE', 'integer out of range', {
      expected: `0 to 2^${8 * sizeBytes} − 1`,
      got: rest < 0n ? 'a negative integer' : `an integer of ${rest.toString(2).length} bits`,
    });
  }
  const bytes = new Uint8Array(sizeBytes);
  for (let i = sizeBytes - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Big-endian, any length. */
export function bytesToUint(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(bytesToHex(bytes));
}

/** Time depends on the lengths only. JavaScript engines promise nothing; this is as good as the language allows. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Reads fixed widths from the front; never past the end. */
export class ByteReader {
  #at = 0;
  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {}

  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  /** A copy of the next sizeBytes bytes. @throws TacitError BYTES_SHORT */
  take(sizeBytes: number): Uint8Array {
    if (this.remaining < sizeBytes) {
      throw new TacitError('BYTES_SHORT', `${this.what} ends early`, {
        expected: `${sizeBytes} bytes at offset ${this.#at}`,
        got: `${this.remaining}`,
      });
    }
    this.#at += sizeBytes;
    return this.bytes.slice(this.#at - sizeBytes, this.#at);
  }

  uint(sizeBytes: number): bigint {
    return bytesToUint(this.take(sizeBytes));
  }

  /** At most 6 bytes, so that the result is exact. */
  small(sizeBytes: 1 | 2 | 3 | 4 | 5 | 6): number {
    return Number(this.uint(sizeBytes));
  }

  /** @throws TacitError BYTES_TRAILING */
  end(): void {
    if (this.remaining !== 0) {
      throw new TacitError('BYTES_TRAILING', `${this.what} goes on after its end`, {
        expected: `${this.#at} bytes`,
        got: `${this.bytes.length}`,
      });
    }
  }
}
