/**
 * The compact form of a proving key: what a wallet has to download, from which the zkey comes back byte for byte.
 *
 * The same container as the zkey's under another magic, section for section in the same order; section 0 comes first:
 *   0      SHA-256 of the zkey, 32 bytes │ its size u64
 *   4      coefficients: entries u32 │ values u32 │ values, 32 bytes each, the most frequent first │ four streams of
 *          variable-length integers, each after its size u32:
 *            runs     2·row + matrix of each run of entries, as the difference to the run before
 *            lengths  entries of each run
 *            signals  difference to the entry before, zigzag
 *            indices  of the value
 *   5…9    points: count u32 │ a bit for each point, 1 unless it is infinity │ abscissae of the others with the sign
 *          in the highest bit (see `curve/decompress.ts`)
 *   others as they are.
 *
 * Why: of a key's bytes about two thirds are coefficients, few of them distinct; and a point's ordinate follows from
 * its abscissa up to sign. Nothing here is trusted: the reader compares the hash of what it rebuilt.
 */
import { type FormatFailure, viewOf } from './container.js';

export const COMPACT_MAGIC = 'tzkc';
export const COMPACT_VERSION = 1;
export const COMPACT_HEADER = 0;
export const HASH_BYTES = 32;
export const COMPACT_HEADER_BYTES = HASH_BYTES + 8;
export const COEFFICIENT_SECTION = 4;
/** Bytes of a point's abscissa in the sections of points. */
export const ABSCISSA_BYTES: Readonly<Record<number, number>> = { 5: 32, 6: 32, 7: 64, 8: 32, 9: 32 };

const BITS = 7;
const MORE = 1 << BITS;
const LARGEST = 2 ** 32;

export function zigzag(difference: number): number {
  return difference < 0 ? -2 * difference - 1 : 2 * difference;
}

export function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

/** A growing list of non-negative integers, seven bits a byte, lowest first. */
export class VariableWriter {
  private bytes = new Uint8Array(1 << 16);
  private length = 0;

  push(value: number): void {
    if (this.length + 8 > this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    let rest = value;
    for (; rest >= MORE; rest = Math.floor(rest / MORE)) this.bytes[this.length++] = (rest % MORE) | MORE;
    this.bytes[this.length++] = rest;
  }

  /** Size u32 and the bytes. */
  finish(): Uint8Array {
    const out = new Uint8Array(4 + this.length);
    viewOf(out).setUint32(0, this.length, true);
    out.set(this.bytes.subarray(0, this.length), 4);
    return out;
  }
}

export class VariableReader {
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
    private readonly fail: FormatFailure,
  ) {}

  /** @throws the format's error at the end, for a number of 2^33 or more, or for more bytes than such a number takes */
  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= MORE) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw this.fail(`more ${this.what}`, `an end after ${this.bytes.length} bytes`);
      value += (byte % MORE) * scale;
      if (value >= 2 * LARGEST || scale > LARGEST) throw this.fail(`${this.what} below 2^33`, String(value));
      if (byte < MORE) return value;
    }
  }

  /** @throws the format's error unless everything was read */
  end(): void {
    if (this.at !== this.bytes.length) throw this.fail(`${this.at} bytes of ${this.what}`, String(this.bytes.length));
  }
}
