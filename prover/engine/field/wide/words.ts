/**
 * Sums and differences of 256-bit integers: four 64-bit words, two 128-bit instructions and a carry between them.
 */
import { at, type FunctionBuilder, I64, i64, type Local, type Operand, wide } from '../../wasm/assembler.js';

export type Words = readonly Operand[];

const ones = i64.const(-1);
const SIGN_SHIFT = i64.const(63);
const zero = i64.const(0);

/** a + b modulo 2^256. */
export function addWords(f: FunctionBuilder, a: Words, b: Words): Local[] {
  const [s0, s1] = f.letWide(wide.add(at(a, 0), at(a, 1), at(b, 0), at(b, 1)));
  // Carry out of the low half: the majority of (a, b, not sum) in the highest bit.
  const either = i64.and(i64.or(at(a, 1), at(b, 1)), i64.xor(s1, ones));
  const carry = f.let(I64, i64.shrU(i64.or(i64.and(at(a, 1), at(b, 1)), either), SIGN_SHIFT));
  const [t2, t3] = f.letWide(wide.add(at(a, 2), at(a, 3), at(b, 2), at(b, 3)));
  return [s0, s1, ...f.letWide(wide.add(t2, t3, carry, zero))];
}

/** a − b modulo 2^256: the top bit is the sign where the difference lies within 2^255 of zero. */
export function subtractWords(f: FunctionBuilder, a: Words, b: Words): Local[] {
  const [d0, d1] = f.letWide(wide.sub(at(a, 0), at(a, 1), at(b, 0), at(b, 1)));
  // Borrow out of the low half: the majority of (not a, b, difference) in the highest bit.
  const notA = f.let(I64, i64.xor(at(a, 1), ones));
  const borrow = f.let(I64, i64.shrU(i64.or(i64.and(notA, at(b, 1)), i64.and(i64.or(notA, at(b, 1)), d1)), SIGN_SHIFT));
  const [t2, t3] = f.letWide(wide.sub(at(a, 2), at(a, 3), at(b, 2), at(b, 3)));
  return [d0, d1, ...f.letWide(wide.sub(t2, t3, borrow, zero))];
}

/** −1 where the top bit of a 256-bit integer is set, else 0. */
export function signMask(f: FunctionBuilder, a: Words): Local {
  return f.let(I64, i64.shrS(at(a, 3), SIGN_SHIFT));
}
