/**
 * The quadratic extension F_q[u]/(u² + 1): elements are c0 | c1, 72 bytes.
 *
 * A product's two components are sums of two products each, reduced once:
 *   c0 = a0·b0 − a1·b1,  c1 = a0·b1 + a1·b0.
 * A square is c0 = (a0 + a1)(a0 − a1), c1 = 2·a0·a1.
 * Invariants as in `operations.ts`; a component's limbs must be normalised, or one difference of such.
 */
import { call, type FunctionBuilder, type FunctionRef, I32, i32, i64, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import { addLimbs, loadLimbs, materialise, montgomery, normalise, type ProductOptions, storeLimbs, subtractLimbs } from './montgomery.js';
import { type CoordinateField, constantElement, minus, type PrimeField } from './operations.js';
import { ELEMENT_BYTES, type FieldParameters } from './parameters.js';

interface Pair {
  readonly c0: readonly Local[];
  readonly c1: readonly Local[];
}

const pointers = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

function loadPair(f: FunctionBuilder, pointer: Operand): Pair {
  return { c0: loadLimbs(f, pointer), c1: loadLimbs(f, pointer, ELEMENT_BYTES) };
}

function storePair(f: FunctionBuilder, pointer: Operand, { c0, c1 }: Pair): void {
  storeLimbs(f, pointer, c0);
  storeLimbs(f, pointer, c1, ELEMENT_BYTES);
}

type PairOptions = { readonly c0?: ProductOptions; readonly c1?: ProductOptions };

function multiply(f: FunctionBuilder, field: FieldParameters, a: Pair, b: Pair, options: PairOptions = {}): Pair {
  const c0 = montgomery(f, field, [{ a: a.c0, b: b.c0 }, { a: a.c1, b: b.c1, negative: true }], options.c0);
  const c1 = montgomery(f, field, [{ a: a.c0, b: b.c1 }, { a: a.c1, b: b.c0 }], options.c1);
  return { c0, c1 };
}

function squared(f: FunctionBuilder, field: FieldParameters, a: Pair, options: PairOptions = {}): Pair {
  const sum = materialise(f, addLimbs(a.c0, a.c1));
  const difference = materialise(f, subtractLimbs(a.c0, a.c1));
  const doubled = materialise(f, addLimbs(a.c0, a.c0));
  const c0 = montgomery(f, field, [{ a: sum, b: difference }], options.c0);
  const c1 = montgomery(f, field, [{ a: doubled, b: a.c1 }], options.c1);
  return { c0, c1 };
}

function minusPair(f: FunctionBuilder, field: FieldParameters, less: Pair): PairOptions {
  return { c0: minus(f, field, less.c0), c1: minus(f, field, less.c1) };
}

/** a⁻¹ = conjugate(a) / (c0² + c1²). */
function defineInverse(module: ModuleBuilder, base: PrimeField): FunctionRef {
  return module.func('q2_inverse', pointers(3), [], (f) => {
    const [d, a, scratch] = [f.param(0), f.param(1), f.param(2)];
    const norm = f.let(I32, i32.add(scratch, i32.const(ELEMENT_BYTES << 4)));
    const { c0, c1 } = loadPair(f, a);
    storeLimbs(f, norm, montgomery(f, base.parameters, [{ a: c0, b: c0 }, { a: c1, b: c1 }]));
    f.do(call(base.inverse, norm, norm, scratch));
    const inverse = loadLimbs(f, norm);
    const negated = materialise(f, c1.map((limb) => i64.sub(i64.const(0), limb)));
    storePair(f, d, {
      c0: montgomery(f, base.parameters, [{ a: c0, b: inverse }]),
      c1: montgomery(f, base.parameters, [{ a: negated, b: inverse }]),
    });
  });
}

/** Defines the functions of the quadratic extension in the module. */
export function defineQuadraticField(module: ModuleBuilder, base: PrimeField): CoordinateField {
  const field = base.parameters;
  const pairwise = (f: FunctionBuilder, combine: typeof addLimbs): void => {
    const [a, b] = [loadPair(f, f.param(1)), loadPair(f, f.param(2))];
    storePair(f, f.param(0), { c0: normalise(f, combine(a.c0, b.c0)), c1: normalise(f, combine(a.c1, b.c1)) });
  };
  return {
    name: 'q2',
    bytes: 2 * ELEMENT_BYTES,
    zeroAt: constantElement(module, 0n, 0n),
    oneAt: constantElement(module, field.one, 0n),
    mul: module.func('q2_mul', pointers(3), [], (f) => {
      storePair(f, f.param(0), multiply(f, field, loadPair(f, f.param(1)), loadPair(f, f.param(2))));
    }),
    square: module.func('q2_square', pointers(2), [], (f) => {
      storePair(f, f.param(0), squared(f, field, loadPair(f, f.param(1))));
    }),
    add: module.func('q2_add', pointers(3), [], (f) => pairwise(f, addLimbs)),
    sub: module.func('q2_sub', pointers(3), [], (f) => pairwise(f, subtractLimbs)),
    mulDiff: module.func('q2_mulDiff', pointers(5), [], (f) => {
      const [a, b, c, e] = [1, 2, 3, 4].map((i) => loadPair(f, f.param(i))) as [Pair, Pair, Pair, Pair];
      const difference = { c0: materialise(f, subtractLimbs(b.c0, c.c0)), c1: materialise(f, subtractLimbs(b.c1, c.c1)) };
      storePair(f, f.param(0), multiply(f, field, a, difference, minusPair(f, field, e)));
    }),
    squareMinus: module.func('q2_squareMinus', pointers(4), [], (f) => {
      const [a, b, c] = [1, 2, 3].map((i) => loadPair(f, f.param(i))) as [Pair, Pair, Pair];
      const less = { c0: materialise(f, addLimbs(b.c0, c.c0)), c1: materialise(f, addLimbs(b.c1, c.c1)) };
      storePair(f, f.param(0), squared(f, field, a, minusPair(f, field, less)));
    }),
    inverse: defineInverse(module, base),
    isZero: module.func('q2_isZero', [I32], [I32], (f) => {
      f.do(i32.and(call(base.isZero, f.param(0)), call(base.isZero, i32.add(f.param(0), i32.const(ELEMENT_BYTES)))));
    }),
  };
}
