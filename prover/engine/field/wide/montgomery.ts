/**
 * Emits Montgomery products on four words of 64 bits: Σ a_t·b_t / 2^256 mod p for one or two products.
 *
 * Row i (operand scanning with the reduction interleaved):
 *   1. T ← T + Σ a_t·b_t,i;
 *   2. q ← T_0·(−p⁻¹) mod 2^64, T ← (T + q·p) / 2^64. The lowest word of T + q·p is zero by choice of q, so its carry is
 *      known without an addition: it is 1 unless T_0 was 0.
 *
 * Invariants, with every operand in [0, 2p]: T stays below 2p·2^64 for each product and p·2^64 for the reduction, in all
 * below 2^320, so five words hold it. One product leaves less than 2p (4p²/2^256 + p = 1.76p), two leave less than 2.52p
 * and are brought below 2p by a conditional subtraction.
 * Source: Koç, Acar, Kaliski, "Analyzing and comparing Montgomery multiplication algorithms" (1996), method CIOS.
 */
import { at, type FunctionBuilder, I32, I64, i64, type Local, type Operand, select, wide } from '../../wasm/assembler.js';
import type { Element } from '../arithmetic.js';
import { type Field, inverseModulo } from '../parameters.js';
import { toLimbs, WIDE } from '../representation.js';
import { subtractWords, type Words } from './words.js';

const WORDS = WIDE.limbCount;
const RADIX = 1n << BigInt(WIDE.limbBits);
const zero = i64.const(0);

export interface WideParameters {
  readonly field: Field;
  readonly prime: Words;
  readonly twicePrime: Words;
  /** −prime⁻¹ mod 2^64. */
  readonly negativeInverse: bigint;
  /** Lowest 32 bits of the prime. */
  readonly lowest: number;
}

export function wideParameters(field: Field): WideParameters {
  const words = (value: bigint): Words => toLimbs(WIDE, value).map((word) => i64.const(word));
  return {
    field,
    prime: words(field.prime),
    twicePrime: words(2n * field.prime),
    negativeInverse: RADIX - inverseModulo(field.prime, RADIX),
    lowest: Number(BigInt.asIntN(32, field.prime)),
  };
}

export interface Term {
  readonly a: Words;
  readonly b: Words;
}

/** T ← T + a·factor; @returns the word that the sum carries out of T's first four. */
function addRow(f: FunctionBuilder, sum: Local[], a: Words, factor: Operand): Local {
  let carry: Local | undefined;
  for (let j = 0; j < WORDS; j++) {
    let [low, high] = f.letWide(wide.mulU(at(a, j), factor));
    const before = sum[j];
    if (before) [low, high] = f.letWide(wide.add(low, high, before, zero));
    if (carry) [low, high] = f.letWide(wide.add(low, high, carry, zero));
    sum[j] = low;
    carry = high;
  }
  return carry as Local;
}

/** Σ a·b / 2^256 modulo p, within the bounds of the head of this file. */
export function reducedProducts(f: FunctionBuilder, { prime, negativeInverse }: WideParameters, terms: readonly Term[]): Local[] {
  const sum: Local[] = [];
  for (let row = 0; row < WORDS; row++) {
    let top: Operand | undefined;
    for (const { a, b } of terms) {
      const carry = addRow(f, sum, a, at(b, row));
      top = top ? f.let(I64, i64.add(top, carry)) : carry;
    }
    const lowest = at(sum, 0);
    const quotient = f.let(I64, i64.mul(lowest, i64.const(negativeInverse)));
    const [, firstHigh] = f.letWide(wide.mulU(quotient, at(prime, 0)));
    let carry = f.let(I64, i64.add(firstHigh, i64.extendU(i64.ne(lowest, zero))));
    for (let j = 1; j < WORDS; j++) {
      let [low, high] = f.letWide(wide.mulU(quotient, at(prime, j)));
      [low, high] = f.letWide(wide.add(low, high, at(sum, j), zero));
      [low, high] = f.letWide(wide.add(low, high, carry, zero));
      sum[j - 1] = low;
      carry = high;
    }
    sum[WORDS - 1] = f.let(I64, i64.add(top as Operand, carry));
  }
  return sum;
}

/** a − subtrahend where that is not negative, else a. The difference must lie within 2^255 of zero. */
export function subtractWhereFits(f: FunctionBuilder, a: Element, subtrahend: Words): Element {
  const difference = subtractWords(f, a, subtrahend);
  const fits = i64.geS(at(difference, WORDS - 1), zero);
  const condition = f.let(I32, fits);
  return a.map((word, i) => f.let(I64, select(at(difference, i), word, condition)));
}
