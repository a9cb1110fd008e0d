/**
 * Digits of scalars and the counting sort of a window: the parts of Pippenger's method that touch every scalar.
 *
 * A scalar is stored as two halves (`splitKernel.ts`) of 128 bits. To a half h is added Σ 2^(c−1)·2^(c·w) over all windows but
 * the last + 2^127; then the signed digit of window w is its plain c-bit digit minus 2^(c−1), with no carry between windows. The
 * last window takes what is left of the 128 bits, minus half of its range. The sum is formed anew for every digit: it takes
 * a nanosecond, and a copy of all scalars for every width of windows would take megabytes.
 */

import { PACKED_BYTES } from '../field/parameters.js';
import { type FunctionRef, I32, I64, i32, i64, type Local, type Operand, select } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

const WORD_BITS = 64;

export interface DigitKernels {
  /**
   * (halves, indices, n, offset, position, mask, bias, digits, counts): digits[i], and counts[|digit|]++ if not 0. Halves of
   * neighbouring scalars are 32 bytes apart; what is added to them are the 16 bytes at `offset`.
   */
  readonly count: FunctionRef;
  /** (digits, n, positions, order, base, size): order[positions[|digit|]++] = address of base i, odd if negative. */
  readonly place: FunctionRef;
}

export function defineDigitKernels(module: ModuleBuilder): DigitKernels {
  const word = (base: Operand, index: Operand): Operand => i32.add(base, i32.shl(index, i32.const(2)));
  const count = module.func('msm_count', [I32, I32, I32, I32, I32, I32, I32, I32, I32], [], (f) => {
    const [halves, indices, n, offset, position, mask, bias, digits, counts] = Array.from({ length: 9 }, (_, i) => f.param(i)) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const [offsetLow, offsetHigh] = [f.let(I64, i64.load(offset)), f.let(I64, i64.load(offset, 8))];
    const inLow = f.let(I32, i32.ltU(position, i32.const(WORD_BITS)));
    const shift = f.let(I64, i64.extendU(i32.and(position, i32.const(WORD_BITS - 1))));
    const back = f.let(I64, i64.sub(i64.const(WORD_BITS - 1), shift));
    const [digit, size, slot, half] = f.locals(I32, 4) as [Local, Local, Local, Local];
    const [low, high] = f.locals(I64, 2) as [Local, Local];
    const zero = i64.const(0);
    f.while(
      () => n,
      () => {
        f.set(half, i32.add(halves, i32.mul(i32.load(indices), i32.const(PACKED_BYTES))));
        f.set(low, i64.add(i64.load(half), offsetLow));
        f.set(high, i64.add(i64.add(i64.load(half, 8), offsetHigh), i64.extendU(i64.ltU(low, offsetLow))));
        // A digit lies in the high word, or begins in the low one.
        const above = i64.shl(i64.shl(select(high, zero, inLow), i64.const(1)), back);
        const plain = i64.or(i64.shrU(select(low, high, inLow), shift), above);
        f.set(digit, i32.sub(i32.and(i32.wrap(plain), mask), bias));
        f.do(i32.store(digits, digit));
        f.set(size, i32.shrS(digit, i32.const(31)));
        f.set(size, i32.sub(i32.xor(digit, size), size));
        f.set(slot, word(counts, size));
        f.do(i32.store(slot, i32.add(i32.load(slot), i32.const(1))));
        f.increase(indices, 4);
        f.increase(digits, 4);
        f.increase(n, -1);
      },
    );
  });
  const place = module.func('msm_place', [I32, I32, I32, I32, I32, I32], [], (f) => {
    const [digits, n, positions, order, base, size] = [0, 1, 2, 3, 4, 5].map((i) => f.param(i)) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const [digit, sign, slot, position] = f.locals(I32, 4) as [Local, Local, Local, Local];
    f.while(
      () => n,
      () => {
        f.set(digit, i32.load(digits));
        f.if(digit, () => {
          f.set(sign, i32.shrS(digit, i32.const(31)));
          f.set(slot, word(positions, i32.sub(i32.xor(digit, sign), sign)));
          f.set(position, i32.load(slot));
          f.do(i32.store(word(order, position), i32.sub(base, sign)));
          f.do(i32.store(slot, i32.add(position, i32.const(1))));
        });
        f.increase(digits, 4);
        f.set(base, i32.add(base, size));
        f.increase(n, -1);
      },
    );
  });
  return { count, place };
}
