/**
 * Splits scalars into halves for the endomorphism (`curve/endomorphism.ts`).
 *
 * All numbers are cut into limbs of 29 bits, so that a column of products fits 64 bits:
 *   1. c_j = ⌊k·G_j / 2^261⌉ with G_j = ⌊2^261·B/r⌉. The lowest columns are left out: they move c_j by less than 2^-20, so that
 *      it is the nearest integer or, near a half, one beside it, for which the halves' bound has room;
 *   2. k1 and k2 modulo 2^128, which is enough for signed halves within ±2^126: what overflows the last column does not matter.
 */
import { SHORT_BASIS } from '../curve/endomorphism.js';
import { PACKED_BYTES, SCALAR_FIELD } from '../field/parameters.js';
import { HALF_BYTES } from '../sizes.js';
import { at, type Expr, type FunctionBuilder, type FunctionRef, I32, I64, i32, i64, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

const LIMB_BITS = 29;
const LIMB_MASK = (1 << LIMB_BITS) - 1;
const SCALAR_LIMBS = 9;
/** Limbs that cover the 128 bits of a half, the last one in part. */
const HALF_LIMBS = 5;
/** Columns of k·G below this one are left out. */
const FIRST_COLUMN = 7;
const WORD_BITS = 64;
const zero = i64.const(0);

function limbsOf(value: bigint): number[] {
  const limbs: number[] = [];
  for (let rest = value; rest > 0n; rest >>= BigInt(LIMB_BITS)) limbs.push(Number(rest & BigInt(LIMB_MASK)));
  return limbs;
}

/** ⌊2^261·b/r⌉ */
function reciprocal(b: bigint): number[] {
  const { prime: r } = SCALAR_FIELD;
  return limbsOf(((b << BigInt(LIMB_BITS * SCALAR_LIMBS + 1)) + r) / (2n * r));
}

/** sum + Σ a_i·b_j over i + j = column, or sum − Σ. */
function addColumn(sum: Operand, a: readonly Operand[], b: readonly number[], column: number, negative = false): Operand {
  return a.reduce<Operand>((total, limb, i) => {
    const factor = b[column - i];
    if (factor === undefined) return total;
    return (negative ? i64.sub : i64.add)(total, i64.mul(limb, i64.const(factor)));
  }, sum);
}

/** The scalar's limbs from its four words. */
function loadScalar(f: FunctionBuilder, pointer: Operand): Local[] {
  const words = Array.from({ length: PACKED_BYTES / 8 }, (_, i) => f.let(I64, i64.load(pointer, 8 * i)));
  return Array.from({ length: SCALAR_LIMBS }, (_, i) => {
    const [word, position] = [Math.floor((LIMB_BITS * i) / WORD_BITS), (LIMB_BITS * i) % WORD_BITS];
    const low = i64.shrU(at(words, word), i64.const(position));
    const crosses = position + LIMB_BITS > WORD_BITS && word + 1 < words.length;
    const bits = crosses ? i64.or(low, i64.shl(at(words, word + 1), i64.const(WORD_BITS - position))) : low;
    return f.let(I64, i64.and(bits, i64.const(LIMB_MASK)));
  });
}

/** Step 1. */
function quotient(f: FunctionBuilder, scalar: readonly Local[], factor: readonly number[]): Local[] {
  const half = i64.const(2 ** (LIMB_BITS - 1));
  const carry = f.let(I64, zero);
  const limbs: Local[] = [];
  for (let column = FIRST_COLUMN; column <= SCALAR_LIMBS + factor.length - 2; column++) {
    const start = column === SCALAR_LIMBS - 1 ? i64.add(carry, half) : carry;
    const total = f.let(I64, addColumn(start, scalar, factor, column));
    if (column >= SCALAR_LIMBS) limbs.push(f.let(I64, i64.and(total, i64.const(LIMB_MASK))));
    f.set(carry, i64.shrU(total, i64.const(LIMB_BITS)));
  }
  return [...limbs, carry];
}

/** Step 2's carries; writes the half. */
function storeHalf(f: FunctionBuilder, pointer: Operand, columns: readonly Operand[]): void {
  let carry: Local | undefined;
  const limbs = columns.map((column) => {
    const total = f.let(I64, carry ? i64.add(column, carry) : column);
    carry = f.let(I64, i64.shrS(total, i64.const(LIMB_BITS)));
    return f.let(I64, i64.and(total, i64.const(LIMB_MASK)));
  });
  const word = (parts: readonly Expr[]): Expr => parts.reduce((all, part) => i64.or(all, part));
  const limb = (i: number, shift: number): Expr =>
    shift >= 0 ? i64.shl(at(limbs, i), i64.const(shift)) : i64.shrU(at(limbs, i), i64.const(-shift));
  const low = word([limb(0, 0), limb(1, LIMB_BITS), limb(2, 2 * LIMB_BITS)]);
  const high = word([limb(2, 2 * LIMB_BITS - WORD_BITS), limb(3, 3 * LIMB_BITS - WORD_BITS), limb(4, 4 * LIMB_BITS - WORD_BITS)]);
  f.do(i64.store(pointer, high, 8), i64.store(pointer, low));
}

/** Defines (d, a, n): n times, a 32-byte scalar below r becomes its two halves of 16 bytes, modulo 2^128. d may be a. */
export function defineSplit(module: ModuleBuilder): FunctionRef {
  const { a1, b1, a2, b2 } = SHORT_BASIS;
  return module.func('msm_split', [I32, I32, I32], [], (f) => {
    const [d, a, n] = [0, 1, 2].map((i) => f.param(i)) as [Local, Local, Local];
    f.while(
      () => n,
      () => {
        const scalar = loadScalar(f, a);
        const c1 = quotient(f, scalar, reciprocal(b2));
        const c2 = quotient(f, scalar, reciprocal(-b1));
        const columns = Array.from({ length: HALF_LIMBS }, (_, column) => column);
        const first = columns.map((column) =>
          addColumn(addColumn(at(scalar, column), c1, limbsOf(a1), column, true), c2, limbsOf(a2), column, true),
        );
        const second = columns.map((column) => addColumn(addColumn(zero, c1, limbsOf(-b1), column), c2, limbsOf(b2), column, true));
        storeHalf(f, d, first);
        storeHalf(f, i32.add(d, i32.const(HALF_BYTES)), second);
        f.increase(d, PACKED_BYTES);
        f.increase(a, PACKED_BYTES);
        f.increase(n, -1);
      },
    );
  });
}
