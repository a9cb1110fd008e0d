/**
 * The scalar work of a key's set-up: Lagrange bases at a point, and the sums of constraint coefficients over them.
 *
 * Everything is composed of the field's own functions on elements in memory, so it runs on whatever backend they have.
 * Invariant: sums are reduced (multiplied by one) after every addition, since a wire may stand in any number of rows.
 */
import type { PrimeField } from '../field/operations.js';
import { PACKED_BYTES } from '../field/parameters.js';
import { INVERSE_SCRATCH_BYTES } from '../sizes.js';
import { call, type Expr, type FunctionBuilder, I32, i32, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

/** Matrices of a constraint: A, B and C. */
export const MATRICES = 3;
/** A term of a linear combination in r1cs files: wire u32, value. */
export const TERM_BYTES = 4 + PACKED_BYTES;
/** A coefficient in zkey files: matrix u32, row u32, wire u32, value. */
export const COEFFICIENT_BYTES = 12 + PACKED_BYTES;
/** Scratch that each call of these kernels needs: two elements and an inversion's. */
export function setupScratchBytes(elementBytes: number): number {
  return 2 * elementBytes + INVERSE_SCRATCH_BYTES;
}

const params = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);
const paramsOf = (f: FunctionBuilder, count: number): Local[] => Array.from({ length: count }, (_, i) => f.param(i));

/** Runs the body n times. */
function times(f: FunctionBuilder, n: Local, body: () => void): void {
  f.while(
    () => n,
    () => {
      body();
      f.increase(n, -1);
    },
  );
}

/**
 * (d, n, first, ratio, constants, differences, scratch): d[i] = scale·x_i/(τ − x_i) for x_i = first·ratio^i.
 * Constants: τ │ scale │ scale·τ; n elements of room for differences. No x_i may be τ.
 *
 *   1. forward: differences[i] = τ − x_i, d[i] = the product of all differences before i;
 *   2. one inversion of the whole product;
 *   3. backward: 1/(τ − x_i) = u·d[i], u ← u·differences[i]; as x/(τ − x) = τ/(τ − x) − 1, x_i is not needed again.
 */
function defineLagrange(module: ModuleBuilder, field: PrimeField): void {
  const { bytes, mul, sub, mulDiff, inverse } = field;
  module.func('setup_lagrange', params(7), [], (f) => {
    const [d, n, first, ratio, constants, differences, scratch] = paramsOf(f, 7) as [Local, Local, Local, Local, Local, Local, Local];
    const constant = (i: number): Operand => i32.add(constants, i32.const(i * bytes));
    const [x, product] = [f.let(I32, scratch), f.let(I32, i32.add(scratch, i32.const(bytes)))];
    const one = i32.const(field.oneAt);
    f.do(call(mul, x, first, one), call(mul, product, one, one));
    const left = f.let(I32, n);
    times(f, left, () => {
      f.do(call(sub, differences, constant(0), x), call(mul, d, product, one), call(mul, product, product, differences));
      f.do(call(mul, x, x, ratio));
      for (const pointer of [d, differences]) f.increase(pointer, bytes);
    });
    f.do(call(inverse, product, product, i32.add(scratch, i32.const(2 * bytes))));
    times(f, n, () => {
      for (const pointer of [d, differences]) f.increase(pointer, -bytes);
      f.do(call(mul, x, product, d), call(mul, product, product, differences));
      f.do(call(mulDiff, d, constant(2), x, i32.const(field.zeroAt), constant(1)));
    });
  });
}

/** What one kernel call adds up, and where. */
interface RowPlaces {
  readonly term: Local;
  readonly basis: Local;
  readonly product: Local;
  readonly output: Local;
}

/** sum += value·basis for the term at hand. */
function addTerm(f: FunctionBuilder, field: PrimeField, { term, basis, product }: RowPlaces, sum: Operand): void {
  const slot = f.let(I32, i32.add(sum, i32.mul(i32.load(term), i32.const(field.bytes))));
  f.do(call(field.unpackMany, product, i32.add(term, i32.const(4)), i32.const(1), basis));
  f.do(call(field.add, slot, slot, product), call(field.mul, slot, slot, i32.const(field.oneAt)));
}

/** Writes the term as a zkey's coefficient. */
function putCoefficient(f: FunctionBuilder, field: PrimeField, places: RowPlaces, matrix: number, row: Operand, factor: Operand): void {
  const { term, product, output } = places;
  f.do(i32.store(output, i32.const(matrix)), i32.store(output, row, 4), i32.store(output, i32.load(term), 8));
  f.do(call(field.unpackMany, product, i32.add(term, i32.const(4)), i32.const(1), factor));
  f.do(call(field.pack, i32.add(output, i32.const(12)), product));
  f.increase(output, COEFFICIENT_BYTES);
}

/**
 * (rows, n, firstRow, bases, sums, matrixBytes, coefficients, factor, scratch): for n constraints in the form of r1cs
 * files adds value·bases[row] to the sum of every term's wire and matrix, and writes the coefficients of A and B, times
 * the factor, in the form of zkey files. The matrices' sums stand matrixBytes apart.
 */
function defineRows(module: ModuleBuilder, field: PrimeField): void {
  module.func('setup_rows', params(9), [], (f) => {
    const [term, n, row, basis, sums, matrixBytes, output, factor, product] = paramsOf(f, 9) as [
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
    const places = { term, basis, product, output };
    const terms = f.local(I32);
    times(f, n, () => {
      for (let matrix = 0; matrix < MATRICES; matrix++) {
        const sum: Expr = i32.add(sums, i32.mul(matrixBytes, i32.const(matrix)));
        f.set(terms, i32.load(term));
        f.increase(term, 4);
        times(f, terms, () => {
          addTerm(f, field, places, sum);
          if (matrix < MATRICES - 1) putCoefficient(f, field, places, matrix, row, factor);
          f.increase(term, TERM_BYTES);
        });
      }
      f.increase(basis, field.bytes);
      f.increase(row, 1);
    });
  });
}

/** (d, a, n): d[i] += a[i]. */
function defineAddMany(module: ModuleBuilder, field: PrimeField): void {
  module.func('setup_addMany', params(3), [], (f) => {
    const [d, a, n] = paramsOf(f, 3) as [Local, Local, Local];
    times(f, n, () => {
      f.do(call(field.add, d, d, a), call(field.mul, d, d, i32.const(field.oneAt)));
      for (const pointer of [d, a]) f.increase(pointer, field.bytes);
    });
  });
}

/** (d, sums, matrixBytes, n, constants, scratch): 32-byte integers A·constants[0] + B·constants[1] + C·constants[2]. */
function defineCombine(module: ModuleBuilder, field: PrimeField): void {
  const { bytes, mul, add, pack } = field;
  module.func('setup_combine', params(6), [], (f) => {
    const [d, sums, matrixBytes, n, constants, scratch] = paramsOf(f, 6) as [Local, Local, Local, Local, Local, Local];
    const part = f.let(I32, i32.add(scratch, i32.const(bytes)));
    times(f, n, () => {
      for (let matrix = 0; matrix < MATRICES; matrix++) {
        const value = i32.add(sums, i32.mul(matrixBytes, i32.const(matrix)));
        f.do(call(mul, matrix === 0 ? scratch : part, value, i32.add(constants, i32.const(matrix * bytes))));
        if (matrix > 0) f.do(call(add, scratch, scratch, part));
      }
      f.do(call(pack, d, scratch));
      f.increase(d, PACKED_BYTES);
      f.increase(sums, bytes);
    });
  });
}

export function defineSetupKernels(module: ModuleBuilder, field: PrimeField): void {
  defineLagrange(module, field);
  defineRows(module, field);
  defineAddMany(module, field);
  defineCombine(module, field);
}
