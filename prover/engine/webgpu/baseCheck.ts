/**
 * Whether the bases arrived on the device, and the device adds them up: one random combination of all of them, computed
 * there and by the pool's threads.
 *
 * Each base gets a random scalar ρ of 29 bits. The device gets the scalars ρ·F with F = Σ 2^(32j), j = 0…7, which is ρ in
 * each of eight words: below 2^253, so below r, with digits everywhere. The pool computes F·Σ ρ·base, an eighth of a sum's
 * work. What this finds: if bases on the device differ from the key's, or sums are off by anything that does not
 * depend on ρ, the two agree with a probability of at most 2^−29 (for one base that differs by D ≠ 0, exactly one ρ hides
 * it). What it cannot find: faults that come and go. Those are found by the equation that every finished proof is held against.
 */
import type { G1Name, KeyBases, SumPoint } from '../groth16/helper.js';

const SCALAR_WORDS = 8;
const WORD_BITS = 32n;
/** r is a little above 2^253: with 29 bits in the highest word a scalar is below it. */
const RANDOM_BITS = 29;
/** Most bytes that `getRandomValues` gives at once (Web Cryptography API). */
const RANDOM_CHUNK_WORDS = 65_536 / 4;

/** F. */
export const REPEATED = Array.from({ length: SCALAR_WORDS }, (_, j) => 1n << (WORD_BITS * BigInt(j))).reduce((a, b) => a + b);

export interface CheckScalars {
  /** ρ, 32 bytes each. */
  readonly short: Uint8Array;
  /** ρ·F, 32 bytes each. */
  readonly long: Uint8Array;
}

export function randomCheckScalars(count: number): CheckScalars {
  const short = new Uint32Array(SCALAR_WORDS * count);
  const long = new Uint32Array(SCALAR_WORDS * count);
  const random = new Uint32Array(RANDOM_CHUNK_WORDS);
  for (let i = 0; i < count; i++) {
    const at = i % RANDOM_CHUNK_WORDS;
    if (at === 0) globalThis.crypto.getRandomValues(random);
    const value = (random[at] as number) >>> (Number(WORD_BITS) - RANDOM_BITS);
    short[SCALAR_WORDS * i] = value;
    long.fill(value, SCALAR_WORDS * i, SCALAR_WORDS * (i + 1));
  }
  return { short: new Uint8Array(short.buffer), long: new Uint8Array(long.buffer) };
}

/** @param onDevice the sum by the device, for scalars as `SumHelper.sum` gets them */
export async function basesAgree(key: KeyBases, name: G1Name, onDevice: (scalars: Uint8Array) => Promise<SumPoint>): Promise<boolean> {
  const { short, long } = randomCheckScalars(key.counts[name]);
  // Both are waited for, also where one fails: the pool's sum uses the key's memory.
  const [theirs, ours] = await Promise.allSettled([onDevice(long), key.sumOnPool(name, short, REPEATED)]);
  if (theirs.status === 'rejected') throw theirs.reason;
  if (ours.status === 'rejected') throw ours.reason;
  return theirs.value?.x === ours.value?.x && theirs.value?.y === ours.value?.y;
}
