/**
 * Layers of the number-theoretic transform and the pointwise steps between transforms.
 *
 * Decimation in frequency takes natural order to bit-reversed order, decimation in time takes it back, so that a
 * transform, a pointwise step and a transform back need no reordering at all.
 *   frequency: (a, b) → (a + b, (b − a)·w)      time: (a, b) → (a + b·w, a − b·w)
 * Frequency layers read the roots of time layers backwards: ω^−k = −ω^(n/2−k), and the sign is in the difference.
 * Frequency layers settle their sums; in time layers the backend may let values grow a little with every layer.
 */

import type { Arithmetic, Element } from '../field/arithmetic.js';
import type { PrimeField } from '../field/operations.js';
import { PACKED_BYTES } from '../field/parameters.js';
import {
  at,
  call,
  copyBytes,
  type FunctionBuilder,
  type FunctionRef,
  I32,
  I64,
  i32,
  i64,
  type Local,
  type Operand,
} from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

export interface TransformKernels {
  /**
   * (data, blocks, half, roots, rootStep): one frequency layer of blocks of 2·half elements; rootStep in bytes, below zero,
   * from `roots`, where ω^(n/2) stands.
   */
  readonly frequencyLayer: FunctionRef;
  /** (data, blocks, half, roots, rootStep): one time layer. */
  readonly timeLayer: FunctionRef;
  /** As the layers, for one part of one block: (a, b, count, roots, rootStep). */
  readonly frequencyPart: FunctionRef;
  readonly timePart: FunctionRef;
  /** (d, a, b, n): pointwise d = a·b. */
  readonly multiplyMany: FunctionRef;
  /** (d, a, b, c, n): 32-byte integers a·b − c. */
  readonly quotientMany: FunctionRef;
  /** (d, rows, columns, low, high): d[i·columns + j] ← d[i·columns + j]·low[j]·high[i]. */
  readonly scale: FunctionRef;
  /** (d, n, first, ratio): d[i] = first·ratio^i. */
  readonly powers: FunctionRef;
}

type Butterfly = (f: FunctionBuilder, a: Element, b: Element, w: Element) => [Element, Element];

function definePart(module: ModuleBuilder, name: string, arithmetic: Arithmetic, butterfly: Butterfly): FunctionRef {
  const { elementBytes } = arithmetic.representation;
  return module.func(name, [I32, I32, I32, I32, I32], [], (f) => {
    const [a, b, n, root, rootStep] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
    f.while(
      () => n,
      () => {
        const [sum, difference] = butterfly(f, arithmetic.load(f, a), arithmetic.load(f, b), arithmetic.load(f, root));
        arithmetic.store(f, a, sum);
        arithmetic.store(f, b, difference);
        f.increase(a, elementBytes);
        f.increase(b, elementBytes);
        f.increase(root, rootStep);
        f.increase(n, -1);
      },
    );
  });
}

/** A whole layer; the first butterfly of a block multiplies a − b or b by 1. */
function defineLayer(module: ModuleBuilder, name: string, elementBytes: number, part: FunctionRef, first: FunctionRef): FunctionRef {
  return module.func(name, [I32, I32, I32, I32, I32], [], (f) => {
    const [data, blocks, half, roots, rootStep] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
    const halfBytes = f.let(I32, i32.mul(half, i32.const(elementBytes)));
    const rest = f.let(I32, i32.sub(half, i32.const(1)));
    const [second, secondRoot] = [f.local(I32), f.let(I32, i32.add(roots, rootStep))];
    f.while(
      () => blocks,
      () => {
        f.do(call(first, data, i32.add(data, halfBytes)));
        f.set(second, i32.add(data, i32.const(elementBytes)));
        f.if(rest, () => f.do(call(part, second, i32.add(second, halfBytes), rest, secondRoot, rootStep)));
        f.set(data, i32.add(data, i32.shl(halfBytes, i32.const(1))));
        f.increase(blocks, -1);
      },
    );
  });
}

/** (a, b): a butterfly with w = 1. Both results are settled: unlike after a product, sums alone would double in every layer. */
function defineFirst(module: ModuleBuilder, name: string, arithmetic: Arithmetic): FunctionRef {
  return module.func(name, [I32, I32], [], (f) => {
    const [a, b] = [arithmetic.load(f, f.param(0)), arithmetic.load(f, f.param(1))];
    const sum = arithmetic.settle(f, arithmetic.looseSum(f, a, b));
    const difference = arithmetic.settle(f, arithmetic.looseDifference(f, a, b));
    arithmetic.store(f, f.param(0), sum);
    arithmetic.store(f, f.param(1), difference);
  });
}

export function defineTransformKernels(module: ModuleBuilder, field: PrimeField): TransformKernels {
  const { arithmetic, bytes } = field;
  const first = defineFirst(module, 'ntt_first', arithmetic);
  const frequencyPart = definePart(module, 'ntt_frequencyPart', arithmetic, (f, a, b, w) => {
    const sum = arithmetic.settle(f, arithmetic.looseSum(f, a, b));
    return [sum, arithmetic.product(f, arithmetic.looseDifference(f, b, a), w)];
  });
  const timePart = definePart(module, 'ntt_timePart', arithmetic, arithmetic.butterfly);
  const steps = (f: FunctionBuilder, n: Local, moves: readonly [Local, number][], body: () => void): void => {
    f.while(
      () => n,
      () => {
        body();
        for (const [pointer, bytes] of moves) f.increase(pointer, bytes);
        f.increase(n, -1);
      },
    );
  };
  const multiplyMany = module.func('ntt_multiplyMany', [I32, I32, I32, I32], [], (f) => {
    const [d, a, b] = [f.param(0), f.param(1), f.param(2)];
    steps(
      f,
      f.param(3),
      [
        [d, bytes],
        [a, bytes],
        [b, bytes],
      ],
      () => f.do(call(field.mul, d, a, b)),
    );
  });
  const quotientMany = module.func('ntt_quotientMany', [I32, I32, I32, I32, I32], [], (f) => {
    const [d, a, b, c] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
    const zero = i32.const(field.zeroAt);
    steps(
      f,
      f.param(4),
      [
        [d, PACKED_BYTES],
        [a, bytes],
        [b, bytes],
        [c, bytes],
      ],
      () => {
        f.do(call(field.mulDiff, a, a, b, zero, c));
        f.do(call(field.pack, d, a));
      },
    );
  });
  const scale = module.func('ntt_scale', [I32, I32, I32, I32, I32], [], (f) => {
    const [d, rows, columns, low, high] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
    const [left, factor] = f.locals(I32, 2) as [Local, Local];
    f.while(
      () => rows,
      () => {
        f.set(left, columns);
        f.set(factor, low);
        steps(
          f,
          left,
          [
            [d, bytes],
            [factor, bytes],
          ],
          () => f.do(call(field.mul, d, d, factor), call(field.mul, d, d, high)),
        );
        f.increase(high, bytes);
        f.increase(rows, -1);
      },
    );
  });
  const powers = module.func('ntt_powers', [I32, I32, I32, I32], [], (f) => {
    const [d, n, first, ratio] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
    copyBytes(f, d, first, bytes);
    f.while(
      () => i32.gtU(n, i32.const(1)),
      () => {
        f.do(call(field.mul, i32.add(d, i32.const(bytes)), d, ratio));
        f.increase(d, bytes);
        f.increase(n, -1);
      },
    );
  });
  return {
    frequencyPart,
    timePart,
    multiplyMany,
    quotientMany,
    scale,
    powers,
    frequencyLayer: defineLayer(module, 'ntt_frequencyLayer', bytes, frequencyPart, first),
    timeLayer: defineLayer(module, 'ntt_timeLayer', bytes, timePart, first),
  };
}

/** Bytes of a sparse matrix entry: signal index, coefficient index. */
export const MATRIX_ENTRY_BYTES = 8;
/** Coefficients with these indices are +1 and −1 and cost no multiplication. */
export const COEFFICIENT_ONE = 0;
export const COEFFICIENT_MINUS_ONE = 1;
const TERMS_BETWEEN_REDUCTIONS = 256;

/** (d, rowStarts, rows, entries, coefficients, witness): d[row] = Σ coefficient·witness over the row's entries. */
export function defineMatrixKernel(module: ModuleBuilder, field: PrimeField): FunctionRef {
  const { arithmetic, bytes } = field;
  return module.func('qap_rows', [I32, I32, I32, I32, I32, I32], [], (f) => {
    const [d, starts, rows, entries, coefficients, witness] = [0, 1, 2, 3, 4, 5].map((i) => f.param(i)) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const sum = f.locals(I64, arithmetic.representation.limbCount);
    const [entry, end, signal, coefficient] = f.locals(I32, 4) as [Local, Local, Local, Local];
    const entryAddress = (index: Operand): Operand => i32.add(entries, i32.mul(index, i32.const(MATRIX_ENTRY_BYTES)));
    const accumulate = (values: Element): void => {
      values.forEach((value, i) => {
        f.set(at(sum, i), value);
      });
    };
    const reduce = (): void => accumulate(arithmetic.settle(f, sum));
    f.while(
      () => rows,
      () => {
        for (const limb of sum) f.set(limb, i64.const(0));
        f.set(entry, entryAddress(i32.load(starts)));
        f.set(end, entryAddress(i32.load(starts, 4)));
        f.while(
          () => i32.ltU(entry, end),
          () => {
            f.set(signal, i32.add(witness, i32.mul(i32.load(entry), i32.const(bytes))));
            f.set(coefficient, i32.load(entry, 4));
            const w = arithmetic.load(f, signal);
            f.if(
              i32.leU(coefficient, i32.const(COEFFICIENT_MINUS_ONE)),
              () =>
                f.if(
                  coefficient,
                  () => accumulate(arithmetic.looseDifference(f, sum, w)),
                  () => accumulate(arithmetic.looseSum(f, sum, w)),
                ),
              () => {
                const any = w.slice(1).reduce<Operand>((all, limb) => i64.or(all, limb), at(w, 0));
                f.if(i64.ne(any, i64.const(0)), () => {
                  const c = arithmetic.load(f, i32.add(coefficients, i32.mul(coefficient, i32.const(bytes))));
                  accumulate(arithmetic.looseSum(f, sum, arithmetic.product(f, w, c)));
                });
              },
            );
            f.increase(entry, MATRIX_ENTRY_BYTES);
            const turn = i32.const(TERMS_BETWEEN_REDUCTIONS * MATRIX_ENTRY_BYTES - 1);
            f.if(i32.eqz(i32.and(i32.sub(end, entry), turn)), reduce);
          },
        );
        reduce();
        arithmetic.store(f, d, sum);
        f.increase(d, bytes);
        f.increase(starts, 4);
        f.increase(rows, -1);
      },
    );
  });
}
