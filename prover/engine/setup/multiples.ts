/**
 * Multiples of one point from a table of its multiples: for each window all results receive their table point in one
 * batch of affine additions.
 *
 * The table holds d·2^(c·w)·G for every window w and every digit d in 1…2^(c−1). A scalar is written in signed digits
 * in base 2^c: a digit above 2^(c−1) gives way to its difference to 2^c and a carry; a negative digit takes the table's
 * point with a tag.
 */

import type { Curve } from '../curve/points.js';
import { PACKED_BYTES } from '../field/parameters.js';
import { ENTRY_BYTES } from '../sizes.js';
import { call, type FunctionRef, I32, i32, i64, type Local, type Operand, select } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

const SCALAR_BITS = 8 * PACKED_BYTES;

/**
 * (table, scalars, n, results, carries, list, scratch, windowBits, windows): n results for scalars of 32 little-endian
 * bytes below the group order. Carries: n bytes; list: n entries. Up to three bytes behind the scalars are read.
 */
export function defineMultiples(module: ModuleBuilder, curve: Curve, batchAdd: FunctionRef): void {
  module.func(
    `${curve.name}_multiples`,
    Array.from({ length: 9 }, () => I32),
    [],
    (f) => {
      const [table, scalars, n, results, carries, list, scratch, bits, windows] = Array.from({ length: 9 }, (_, i) => f.param(i)) as [
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
      const [scalar, result, carry, entry, entries, digit, from, mask, left] = f.locals(I32, 9) as [
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
      const half = f.let(I32, i32.shl(i32.const(1), i32.sub(bits, i32.const(1))));
      const size = i32.const(curve.affineBytes);
      const eachResult = (body: () => void): void => {
        f.set(scalar, scalars);
        f.set(result, results);
        f.set(carry, carries);
        f.set(left, n);
        f.while(
          () => left,
          () => {
            body();
            f.increase(scalar, PACKED_BYTES);
            f.increase(result, curve.affineBytes);
            f.increase(carry, 1);
            f.increase(left, -1);
          },
        );
      };
      eachResult(() => {
        for (let offset = 0; offset < curve.affineBytes; offset += 8) f.do(i64.store(result, i64.const(0), offset));
        f.do(i32.store8(carry, i32.const(0)));
      });
      f.set(from, i32.const(0));
      f.while(
        () => windows,
        () => {
          // The last window ends where the scalar does.
          const rest = i32.sub(i32.const(SCALAR_BITS), from);
          const width = f.let(I32, select(bits, rest, i32.leU(bits, rest)));
          f.set(mask, i32.sub(i32.shl(i32.const(1), width), i32.const(1)));
          f.set(entry, list);
          f.set(entries, i32.const(0));
          eachResult(() => {
            const word: Operand = i32.load(i32.add(scalar, i32.shrU(from, i32.const(3))));
            const plain = i32.and(i32.shrU(word, i32.and(from, i32.const(7))), mask);
            f.set(digit, i32.add(plain, i32.load8u(carry)));
            const over = f.let(I32, i32.gtU(digit, half));
            f.do(i32.store8(carry, over));
            const magnitude = f.let(I32, select(i32.sub(i32.shl(half, i32.const(1)), digit), digit, over));
            f.if(magnitude, () => {
              const row = i32.add(table, i32.mul(i32.sub(magnitude, i32.const(1)), size));
              f.do(i32.store(entry, result), i32.store(entry, i32.add(row, over), 4), i32.store(entry, result, 8));
              f.increase(entry, ENTRY_BYTES);
              f.increase(entries, 1);
            });
          });
          f.if(entries, () => f.do(call(batchAdd, list, entries, scratch)));
          f.set(table, i32.add(table, i32.mul(half, size)));
          f.set(from, i32.add(from, bits));
          f.increase(windows, -1);
        },
      );
    },
  );
}
