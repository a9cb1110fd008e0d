/**
 * The quadratic extension F_q[u]/(u² + 1): elements are c0 | c1, 72 bytes.
 *
 * A product takes three products of limbs (Karatsuba) and one reduction for each component:
 *   c0 = a0·b0 − a1·b1,  c1 = (a0 + a1)(b0 + b1) − a0·b0 − a1·b1.
 * The columns of (a0 + a1)(b0 + b1) may overflow 64 bits; what is left after the subtractions does not.
 * A square is c0 = (a0 + a1)(a0 − a1), c1 = 2·a0·a1.
 * Invariants as in `operations.ts`; a component's limbs must be normalised, or one difference of such.
 */
import {
  call,
  type Expr,
  type FunctionBuilder,
  type FunctionRef,
  type GlobalRef,
  getGlobal,
  I32,
  I64,
  i32,
  i64,
  type Local,
  type Operand,
} from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import {
  addLimbs,
  at,
  COLUMNS,
  ColumnReducer,
  loadLimbs,
  materialise,
  montgomery,
  normalise,
  type ProductOptions,
  storeLimbs,
  subtractLimbs,
} from './montgomery.js';
import { type CoordinateField, constantElement, minus, type PrimeField } from './operations.js';
import { ELEMENT_BYTES, type FieldParameters, LIMB_COUNT } from './parameters.js';

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

/** Columns of a product of nine limbs by nine. */
const PRODUCT_COLUMNS = COLUMNS - 1;
/** What the functions of this field need of the thread's scratch. */
export const QUADRATIC_SCRATCH_BYTES = 3 * 8 * PRODUCT_COLUMNS + 2 * ELEMENT_BYTES;

/** Where nine limbs stand. */
interface Place {
  readonly pointer: Operand;
  readonly offset: number;
}

/**
 * Writes the columns of a plain product, without carries, as 64-bit words.
 *
 * Why through memory, and why `a` is read anew for every column: the compiler may reorder pure operations, and left
 * to itself it computes all columns side by side, more than the registers hold. Loads stay behind earlier stores.
 */
function storeColumns(f: FunctionBuilder, scratch: Operand, offset: number, a: Place, b: readonly Local[]): void {
  for (let column = 0; column < PRODUCT_COLUMNS; column++) {
    let sum: Local | undefined;
    for (let i = Math.max(0, column - LIMB_COUNT + 1); i <= Math.min(column, LIMB_COUNT - 1); i++) {
      const product = i64.mul(i64.load32s(a.pointer, a.offset + 4 * i), at(b, column - i));
      sum = f.let(I64, sum ? i64.add(sum, product) : product);
    }
    if (sum) f.do(i64.store(scratch, sum, offset + 8 * column));
  }
}

/** Offsets of the three products' columns in the scratch. */
const REAL = 0;
const IMAGINARY = 8 * PRODUCT_COLUMNS;
const MIXED = 2 * IMAGINARY;
/** A finished component waits here while the other one is computed. */
const FINISHED = 3 * IMAGINARY;
/** a0 + a1 */
const SUM = FINISHED + ELEMENT_BYTES;

interface PairOperand {
  c0(): Local[];
  c1(): Local[];
}

function operandAt(f: FunctionBuilder, pointer: Operand): PairOperand {
  return { c0: () => loadLimbs(f, pointer), c1: () => loadLimbs(f, pointer, ELEMENT_BYTES) };
}

function differenceAt(f: FunctionBuilder, a: Operand, b: Operand): PairOperand {
  const part = (offset: number): Local[] => materialise(f, subtractLimbs(loadLimbs(f, a, offset), loadLimbs(f, b, offset)));
  return { c0: () => part(0), c1: () => part(ELEMENT_BYTES) };
}

/** d = a·b − less */
function multiply(
  f: FunctionBuilder,
  field: FieldParameters,
  scratch: Operand,
  d: Operand,
  a: Operand,
  b: PairOperand,
  less?: Operand,
): void {
  storeLimbs(f, scratch, addLimbs(loadLimbs(f, a), loadLimbs(f, a, ELEMENT_BYTES)), SUM);
  storeColumns(f, scratch, REAL, { pointer: a, offset: 0 }, b.c0());
  storeColumns(f, scratch, IMAGINARY, { pointer: a, offset: ELEMENT_BYTES }, b.c1());
  storeColumns(f, scratch, MIXED, { pointer: scratch, offset: SUM }, materialise(f, addLimbs(b.c0(), b.c1())));
  const load = (offset: number, column: number): Expr => i64.load(scratch, offset + 8 * column);
  const reduced = (lessOffset: number, column: (k: number) => Expr): Local[] => {
    const columns = new ColumnReducer(f, field, less ? minus(f, field, loadLimbs(f, less, lessOffset)) : {});
    for (let k = 0; k < COLUMNS; k++) {
      columns.step((add) => {
        if (k < PRODUCT_COLUMNS) add(column(k), false);
      });
    }
    return columns.result;
  };
  storeLimbs(
    f,
    scratch,
    reduced(0, (k) => i64.sub(load(REAL, k), load(IMAGINARY, k))),
    FINISHED,
  );
  const c1 = reduced(ELEMENT_BYTES, (k) => i64.sub(i64.sub(load(MIXED, k), load(REAL, k)), load(IMAGINARY, k)));
  storeLimbs(f, d, c1, ELEMENT_BYTES);
  storeLimbs(f, d, loadLimbs(f, scratch, FINISHED));
}

/** d = a² − less */
function squareInto(
  f: FunctionBuilder,
  field: FieldParameters,
  scratch: Operand,
  d: Operand,
  a: Operand,
  less?: (offset: number) => Local[],
): void {
  const options = (offset: number): ProductOptions => (less ? minus(f, field, less(offset)) : {});
  const [c0, c1] = [loadLimbs(f, a), loadLimbs(f, a, ELEMENT_BYTES)];
  const [sum, difference] = [materialise(f, addLimbs(c0, c1)), materialise(f, subtractLimbs(c0, c1))];
  storeLimbs(f, scratch, montgomery(f, field, [{ a: sum, b: difference }], options(0)), FINISHED);
  const real = loadLimbs(f, a);
  const doubled = materialise(f, addLimbs(real, real));
  storeLimbs(f, d, montgomery(f, field, [{ a: doubled, b: loadLimbs(f, a, ELEMENT_BYTES) }], options(ELEMENT_BYTES)), ELEMENT_BYTES);
  storeLimbs(f, d, loadLimbs(f, scratch, FINISHED));
}

/** a⁻¹ = conjugate(a) / (c0² + c1²). */
function defineInverse(module: ModuleBuilder, base: PrimeField): FunctionRef {
  return module.func('q2_inverse', pointers(3), [], (f) => {
    const [d, a, scratch] = [f.param(0), f.param(1), f.param(2)];
    const norm = f.let(I32, i32.add(scratch, i32.const(ELEMENT_BYTES << 4)));
    const { c0, c1 } = loadPair(f, a);
    storeLimbs(
      f,
      norm,
      montgomery(f, base.parameters, [
        { a: c0, b: c0 },
        { a: c1, b: c1 },
      ]),
    );
    f.do(call(base.inverse, norm, norm, scratch));
    const inverse = loadLimbs(f, norm);
    const negated = materialise(
      f,
      c1.map((limb) => i64.sub(i64.const(0), limb)),
    );
    storePair(f, d, {
      c0: montgomery(f, base.parameters, [{ a: c0, b: inverse }]),
      c1: montgomery(f, base.parameters, [{ a: negated, b: inverse }]),
    });
  });
}

/** Defines the functions of the quadratic extension in the module. */
/** @param scratch holds the address of at least `QUADRATIC_SCRATCH_BYTES` that belong to the thread */
export function defineQuadraticField(module: ModuleBuilder, base: PrimeField, scratch: GlobalRef): CoordinateField {
  const field = base.parameters;
  const own = (f: FunctionBuilder): Local => f.let(I32, getGlobal(scratch));
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
      multiply(f, field, own(f), f.param(0), f.param(1), operandAt(f, f.param(2)));
    }),
    square: module.func('q2_square', pointers(2), [], (f) => squareInto(f, field, own(f), f.param(0), f.param(1))),
    add: module.func('q2_add', pointers(3), [], (f) => pairwise(f, addLimbs)),
    sub: module.func('q2_sub', pointers(3), [], (f) => pairwise(f, subtractLimbs)),
    mulDiff: module.func('q2_mulDiff', pointers(5), [], (f) => {
      multiply(f, field, own(f), f.param(0), f.param(1), differenceAt(f, f.param(2), f.param(3)), f.param(4));
    }),
    mulByDiff: module.func('q2_mulByDiff', pointers(4), [], (f) => {
      multiply(f, field, own(f), f.param(0), f.param(1), differenceAt(f, f.param(2), f.param(3)));
    }),
    squareMinus: module.func('q2_squareMinus', pointers(4), [], (f) => {
      squareInto(f, field, own(f), f.param(0), f.param(1), (offset) =>
        materialise(f, addLimbs(loadLimbs(f, f.param(2), offset), loadLimbs(f, f.param(3), offset))),
      );
    }),
    inverse: defineInverse(module, base),
    isZero: module.func('q2_isZero', [I32], [I32], (f) => {
      f.do(i32.and(call(base.isZero, f.param(0)), call(base.isZero, i32.add(f.param(0), i32.const(ELEMENT_BYTES)))));
    }),
  };
}
