/**
 * The functions of the quadratic extension F_q[u]/(u² + 1) on elements in memory: c0 | c1.
 *
 * How products and squares are taken is the backend's choice (`portable/quadratic.ts`, `wide/quadratic.ts`); the rest
 * is written once, component by component. Invariants as in `operations.ts`.
 */

import { INVERSE_SCRATCH_BYTES } from '../sizes.js';
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type GlobalRef,
  getGlobal,
  I32,
  i32,
  type Local,
  type Operand,
} from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import type { Arithmetic, Element, PairOperand, QuadraticArithmetic } from './arithmetic.js';
import { type CoordinateField, constantElement, type PrimeField } from './operations.js';

const pointers = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

type Combine = (f: FunctionBuilder, a: Element, b: Element) => Element;

/** Both components of an element in memory, or of two combined. */
function pairAt(f: FunctionBuilder, { load, representation }: Arithmetic, a: Operand, b?: Operand, combine?: Combine): PairOperand {
  const part = (offset: number) => (): Element => {
    const first = load(f, a, offset);
    return b && combine ? combine(f, first, load(f, b, offset)) : first;
  };
  return { c0: part(0), c1: part(representation.elementBytes) };
}

/** a⁻¹ = conjugate(a) / (c0² + c1²). */
function defineInverse(module: ModuleBuilder, base: PrimeField): FunctionRef {
  const { arithmetic, bytes } = base;
  return module.func('q2_inverse', pointers(3), [], (f) => {
    const [d, a, scratch] = [f.param(0), f.param(1), f.param(2)];
    const norm = f.let(I32, i32.add(scratch, i32.const(INVERSE_SCRATCH_BYTES)));
    const imaginary = f.let(I32, i32.add(norm, i32.const(bytes)));
    const [d1, a1] = [f.let(I32, i32.add(d, i32.const(bytes))), f.let(I32, i32.add(a, i32.const(bytes)))];
    f.do(call(base.square, norm, a), call(base.square, imaginary, a1), call(base.add, norm, norm, imaginary));
    f.do(call(base.inverse, norm, norm, scratch));
    arithmetic.store(f, imaginary, arithmetic.difference(f, arithmetic.load(f, i32.const(base.zeroAt)), arithmetic.load(f, a1)));
    f.do(call(base.mul, d, a, norm), call(base.mul, d1, imaginary, norm));
  });
}

/** What the quadratic extension has beyond any coordinate field. */
export interface QuadraticField extends CoordinateField {
  /** (d, a, b): d = the norm of a − b, c0² + c1², an element of the base field. */
  readonly normOfDiff: FunctionRef;
}

/**
 * Defines the functions of the quadratic extension in the module.
 * @param scratch holds the address of at least `quadratic.scratchBytes` that belong to the thread
 */
export function defineQuadraticField(
  module: ModuleBuilder,
  base: PrimeField,
  quadratic: QuadraticArithmetic,
  scratch: GlobalRef,
): QuadraticField {
  const { arithmetic, bytes } = base;
  const constant = (...coordinates: bigint[]): number => constantElement(module, arithmetic, ...coordinates);
  const own = (f: FunctionBuilder): Local => f.let(I32, getGlobal(scratch));
  const pair = (f: FunctionBuilder, a: number, b?: number, combine?: Combine): PairOperand =>
    pairAt(f, arithmetic, f.param(a), b === undefined ? undefined : f.param(b), combine);
  const componentwise = (suffix: string, combine: Combine): FunctionRef =>
    module.func(`q2_${suffix}`, pointers(3), [], (f) => {
      const { c0, c1 } = pair(f, 1, 2, combine);
      arithmetic.store(f, f.param(0), c0());
      arithmetic.store(f, f.param(0), c1(), bytes);
    });
  return {
    name: 'q2',
    bytes: 2 * bytes,
    constant,
    zeroAt: constant(0n, 0n),
    oneAt: constant(1n, 0n),
    mul: module.func('q2_mul', pointers(3), [], (f) => {
      quadratic.multiply(f, own(f), f.param(0), f.param(1), pair(f, 2));
    }),
    square: module.func('q2_square', pointers(2), [], (f) => quadratic.square(f, own(f), f.param(0), f.param(1))),
    add: componentwise('add', arithmetic.sum),
    sub: componentwise('sub', arithmetic.difference),
    mulDiff: module.func('q2_mulDiff', pointers(5), [], (f) => {
      quadratic.multiply(f, own(f), f.param(0), f.param(1), pair(f, 2, 3, arithmetic.looseDifference), f.param(4));
    }),
    mulByDiff: module.func('q2_mulByDiff', pointers(4), [], (f) => {
      quadratic.multiply(f, own(f), f.param(0), f.param(1), pair(f, 2, 3, arithmetic.looseDifference));
    }),
    squareMinus: module.func('q2_squareMinus', pointers(4), [], (f) => {
      quadratic.square(f, own(f), f.param(0), f.param(1), pair(f, 2, 3, arithmetic.looseSum));
    }),
    normOfDiff: module.func('q2_normOfDiff', pointers(3), [], (f) => {
      const { c0, c1 } = pair(f, 1, 2, arithmetic.looseDifference);
      arithmetic.store(f, f.param(0), arithmetic.sumOfSquares(f, c0(), c1()));
    }),
    inverse: defineInverse(module, base),
    isZero: module.func('q2_isZero', [I32], [I32], (f) => {
      f.do(i32.and(call(base.isZero, f.param(0)), call(base.isZero, i32.add(f.param(0), i32.const(bytes)))));
    }),
  };
}
