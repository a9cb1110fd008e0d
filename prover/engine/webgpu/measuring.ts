/**
 * Sums whose results are known without adding them up, to measure with: bases e·G with random e, random scalars k, and
 * the sum is (Σ k·e)·G.
 */
import { BASE_FIELD, FILE_MONTGOMERY_BITS, inverseModulo, PACKED_BYTES, SCALAR_FIELD } from '../field/parameters.js';
import { FixedBaseMultiplier } from '../fixedBase.js';
import { readInteger, writeInteger } from '../groth16/container.js';
import type { SumPoint } from '../groth16/helper.js';

/** The generator of G1. Source: EIP-196. */
const GENERATOR = [1n, 2n] as const;
/** Bases made between two turns of the event loop. */
const BASES_AT_ONCE = 1 << 14;
/** Most bytes that `getRandomValues` gives at once (Web Cryptography API). */
const RANDOM_CHUNK_BYTES = 65_536;
/** Leaves the lowest five bits of the highest byte: a scalar below 2^253, which is below r. */
const TOP_BYTE_MASK = 0x1f;

export interface MeasuringSum {
  /** 64 bytes each, in the form of files. */
  readonly bases: Uint8Array;
  /** 32 bytes each, little-endian, below r. */
  readonly scalars: Uint8Array;
  isSum(point: SumPoint): boolean;
}

export class MeasuringBases {
  private constructor(private readonly generator: FixedBaseMultiplier) {}

  static async create(): Promise<MeasuringBases> {
    const bytes = new Uint8Array(2 * PACKED_BYTES);
    GENERATOR.forEach((coordinate, i) => {
      bytes.set(writeInteger((coordinate << FILE_MONTGOMERY_BITS) % BASE_FIELD.prime), i * PACKED_BYTES);
    });
    return new MeasuringBases(await FixedBaseMultiplier.create('g1', bytes));
  }

  async make(count: number): Promise<MeasuringSum> {
    const [exponents, scalars] = [randomScalars(count), randomScalars(count)];
    const bases = new Uint8Array(2 * PACKED_BYTES * count);
    let sum = 0n;
    for (let from = 0; from < count; from += BASES_AT_ONCE) {
      const to = Math.min(count, from + BASES_AT_ONCE);
      bases.set(this.generator.multiply(exponents.subarray(PACKED_BYTES * from, PACKED_BYTES * to)), 2 * PACKED_BYTES * from);
      for (let i = from; i < to; i++) sum += readInteger(exponents, PACKED_BYTES * i) * readInteger(scalars, PACKED_BYTES * i);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const expected = fromFile(this.generator.multiply(writeInteger(sum % SCALAR_FIELD.prime)));
    return { bases, scalars, isSum: (point) => point?.x === expected?.x && point?.y === expected?.y };
  }
}

export function randomScalars(count: number): Uint8Array {
  const bytes = new Uint8Array(PACKED_BYTES * count);
  for (let at = 0; at < bytes.length; at += RANDOM_CHUNK_BYTES) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + RANDOM_CHUNK_BYTES));
  }
  for (let top = PACKED_BYTES - 1; top < bytes.length; top += PACKED_BYTES) bytes[top] = (bytes[top] as number) & TOP_BYTE_MASK;
  return bytes;
}

/** A point in the form of files, as plain integers. */
export function fromFile(bytes: Uint8Array): SumPoint {
  const { prime } = BASE_FIELD;
  const inverse = inverseModulo(1n << FILE_MONTGOMERY_BITS, prime);
  const [x, y] = [0, PACKED_BYTES].map((at) => (readInteger(bytes, at) * inverse) % prime) as [bigint, bigint];
  return x === 0n && y === 0n ? undefined : { x, y };
}
