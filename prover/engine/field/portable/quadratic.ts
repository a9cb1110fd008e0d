/**
 * Products in the quadratic extension on the portable backend: three products of limbs (Karatsuba) and one reduction
 * for each component,
 *   c0 = a0·b0 − a1·b1,  c1 = (a0 + a1)(b0 + b1) − a0·b0 − a1·b1.
 * The columns of (a0 + a1)(b0 + b1) may overflow 64 bits; what is left after the subtractions does not.
 * A square is c0 = (a0 + a1)(a0 − a1), c1 = 2·a0·a1.
 * Invariant: a component's limbs must be normalised, or one difference of such.
 */
import { at, type Expr, type FunctionBuilder, I64, i64, type Local, type Operand } from '../../wasm/assembler.js';
import type { Element, PairOperand, QuadraticArithmetic } from '../arithmetic.js';
import type { Field } from '../parameters.js';
import { PORTABLE } from '../representation.js';
import { minus } from './arithmetic.js';
import { addLimbs, COLUMNS, ColumnReducer, loadLimbs, materialise, montgomery, storeLimbs, subtractLimbs } from './montgomery.js';
import { LIMB_COUNT, type PortableParameters, portableParameters } from './parameters.js';

const { elementBytes } = PORTABLE;
/** Columns of a product of nine limbs by nine. */
const PRODUCT_COLUMNS = COLUMNS - 1;
/** Offsets of the three products' columns in the scratch. */
const REAL = 0;
const IMAGINARY = 8 * PRODUCT_COLUMNS;
const MIXED = 2 * IMAGINARY;
/** A finished component waits here while the other one is computed. */
const FINISHED = 3 * IMAGINARY;
/** a0 + a1 */
const SUM = FINISHED + elementBytes;

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
function storeColumns(f: FunctionBuilder, scratch: Operand, offset: number, a: Place, b: Element): void {
  for (let column = 0; column < PRODUCT_COLUMNS; column++) {
    let sum: Local | undefined;
    for (let i = Math.max(0, column - LIMB_COUNT + 1); i <= Math.min(column, LIMB_COUNT - 1); i++) {
      const product = i64.mul(i64.load32s(a.pointer, a.offset + 4 * i), at(b, column - i));
      sum = f.let(I64, sum ? i64.add(sum, product) : product);
    }
    if (sum) f.do(i64.store(scratch, sum, offset + 8 * column));
  }
}

/** d = a·b − less */
function multiply(
  f: FunctionBuilder,
  parameters: PortableParameters,
  scratch: Operand,
  d: Operand,
  a: Operand,
  b: PairOperand,
  less?: Operand,
): void {
  storeLimbs(f, scratch, addLimbs(loadLimbs(f, a), loadLimbs(f, a, elementBytes)), SUM);
  storeColumns(f, scratch, REAL, { pointer: a, offset: 0 }, b.c0());
  storeColumns(f, scratch, IMAGINARY, { pointer: a, offset: elementBytes }, b.c1());
  storeColumns(f, scratch, MIXED, { pointer: scratch, offset: SUM }, materialise(f, addLimbs(b.c0(), b.c1())));
  const load = (offset: number, column: number): Expr => i64.load(scratch, offset + 8 * column);
  const reduced = (lessOffset: number, column: (k: number) => Expr): Local[] => {
    const columns = new ColumnReducer(f, parameters, minus(f, parameters, less && loadLimbs(f, less, lessOffset)));
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
  const c1 = reduced(elementBytes, (k) => i64.sub(i64.sub(load(MIXED, k), load(REAL, k)), load(IMAGINARY, k)));
  storeLimbs(f, d, c1, elementBytes);
  storeLimbs(f, d, loadLimbs(f, scratch, FINISHED));
}

/** d = a² − less */
function square(f: FunctionBuilder, parameters: PortableParameters, scratch: Operand, d: Operand, a: Operand, less?: PairOperand): void {
  const [c0, c1] = [loadLimbs(f, a), loadLimbs(f, a, elementBytes)];
  const [sum, difference] = [materialise(f, addLimbs(c0, c1)), materialise(f, subtractLimbs(c0, c1))];
  storeLimbs(f, scratch, montgomery(f, parameters, [{ a: sum, b: difference }], minus(f, parameters, less?.c0())), FINISHED);
  const real = loadLimbs(f, a);
  const doubled = materialise(f, addLimbs(real, real));
  const imaginary = montgomery(f, parameters, [{ a: doubled, b: loadLimbs(f, a, elementBytes) }], minus(f, parameters, less?.c1()));
  storeLimbs(f, d, imaginary, elementBytes);
  storeLimbs(f, d, loadLimbs(f, scratch, FINISHED));
}

export function portableQuadratic(field: Field): QuadraticArithmetic {
  const parameters = portableParameters(field);
  return {
    scratchBytes: SUM + elementBytes,
    multiply: (f, scratch, d, a, b, less) => multiply(f, parameters, scratch, d, a, b, less),
    square: (f, scratch, d, a, less) => square(f, parameters, scratch, d, a, less),
  };
}
