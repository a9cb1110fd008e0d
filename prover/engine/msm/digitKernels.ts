/**
 * Digits of scalars and the counting sort of a window: the parts of Pippenger's method that touch every scalar.
 *
 * A scalar is stored as two halves (`splitKernel.ts`) of 128 bits, a half h as h + Σ 2^(c−1)·2^(c·w) over all windows but the
 * last + 2^127; then the signed digit of window w is its plain c-bit digit minus 2^(c−1), with no carry between windows. The
 * last window takes what is left of the 128 bits, minus half of its range.
 */

import { PACKED_BYTES } from '../field/parameters.js';
import { type FunctionRef, I32, I64, i32, i64, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

export interface DigitKernels {
  /** (scalars, indices, n, byteOffset, shift, mask, bias, digits, counts): digits[i], and counts[|digit|]++ if not 0. */
  readonly count: FunctionRef;
  /** (digits, n, positions, order, base, size): order[positions[|digit|]++] = address of base i, odd if negative. */
  readonly place: FunctionRef;
}

export function defineDigitKernels(module: ModuleBuilder): DigitKernels {
  const word = (base: Operand, index: Operand): Operand => i32.add(base, i32.shl(index, i32.const(2)));
  const count = module.func('msm_count', [I32, I32, I32, I32, I32, I32, I32, I32, I32], [], (f) => {
    const [scalars, indices, n, byteOffset, shift, mask, bias, digits, counts] = Array.from({ length: 9 }, (_, i) => f.param(i)) as [
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
    const wide = f.let(I64, i64.extendU(shift));
    const [digit, size, slot] = f.locals(I32, 3) as [Local, Local, Local];
    f.set(scalars, i32.add(scalars, byteOffset));
    f.while(
      () => n,
      () => {
        const source = i32.add(scalars, i32.mul(i32.load(indices), i32.const(PACKED_BYTES)));
        f.set(digit, i32.sub(i32.and(i32.wrap(i64.shrU(i64.load(source), wide)), mask), bias));
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
