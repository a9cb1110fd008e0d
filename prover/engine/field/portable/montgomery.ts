/**
 * Emits Montgomery multiplication on nine signed limbs held in 64-bit locals.
 *
 * The sum of products Σ ±a·b is reduced once, column by column (product scanning):
 *   1. column k collects a_i·b_(k−i) of every product and q_i·M_(k−1−i) of the limbs folded so far;
 *   2. for k < 8 its lowest 29 bits are the next q_k: clearing them costs nothing, as q·(M·2^29 − 1) turns them
 *      into carries of higher columns (see `foldLimbs`);
 *   3. column 8 uses the plain q_8 = t·(−p⁻¹) and q_8·p, which brings the value back to the size of p;
 *   4. columns 9…17 are the result. An `addend` joins there and is normalised by the carries that run anyway, and
 *      `liftBy` = k puts k·p on top by using q_8 + k·2^29 in place of q_8.
 *
 * Invariants: limbs in (−2^29, 2^29) give column sums below 9·2^58 per product; products·weights may reach 6 before
 * 64 bits overflow (weight 2 for a sum of two). The result has limbs 0…7 in [0, 2^29) and a small signed top limb,
 * and lies in (−ε, 2p + ε) + addend + k·p with ε = |Σ a·b| / R.
 */
import { at, type Expr, type FunctionBuilder, I64, i64, type Local, type Operand } from '../../wasm/assembler.js';
import { ESTIMATE_BITS, LIMB_BITS, LIMB_COUNT, LIMB_MASK, type PortableParameters } from './parameters.js';

/** Nine limbs, each a local or an expression. */
export type Limbs = readonly Operand[];

export interface ProductTerm {
  readonly a: readonly Local[];
  readonly b: readonly Local[];
  /** Subtract the product in place of adding it. */
  readonly negative?: boolean;
}

export interface ProductOptions {
  /** Limbs added to the reduced result. */
  readonly addend?: Limbs;
  /** How many primes to add (64-bit, small, may be negative). */
  readonly liftBy?: Operand;
}

const TOP = LIMB_COUNT - 1;
const shift = i64.const(LIMB_BITS);
const mask = i64.const(LIMB_MASK);

export function loadLimbs(f: FunctionBuilder, pointer: Operand, offset = 0): Local[] {
  return Array.from({ length: LIMB_COUNT }, (_, i) => f.let(I64, i64.load32s(pointer, offset + 4 * i)));
}

export function storeLimbs(f: FunctionBuilder, pointer: Operand, limbs: Limbs, offset = 0): void {
  limbs.forEach((limb, i) => {
    f.do(i64.store32(pointer, limb, offset + 4 * i));
  });
}

/** Puts each limb into a local of its own. */
export function materialise(f: FunctionBuilder, limbs: readonly Expr[]): Local[] {
  return limbs.map((limb) => f.let(I64, limb));
}

export function addLimbs(a: Limbs, b: Limbs): Expr[] {
  return a.map((limb, i) => i64.add(limb, at(b, i)));
}

export function subtractLimbs(a: Limbs, b: Limbs): Expr[] {
  return a.map((limb, i) => i64.sub(limb, at(b, i)));
}

/** Carries upwards so that limbs 0…7 are in [0, 2^29). */
export function normalise(f: FunctionBuilder, limbs: Limbs): Local[] {
  const out: Local[] = [];
  let carry: Expr | undefined;
  limbs.forEach((limb, i) => {
    const total = f.let(I64, carry ? i64.add(limb, carry) : limb);
    out.push(i < TOP ? f.let(I64, i64.and(total, mask)) : total);
    carry = i64.shrS(total, shift);
  });
  return out;
}

/** About how many primes a value with this top limb holds, rounded to the nearest integer (off by less than one). */
export function estimatePrimes(field: PortableParameters, topLimb: Operand): Expr {
  const scaled = i64.mul(topLimb, i64.const(field.topEstimate));
  return i64.shrS(i64.add(scaled, i64.const(2 ** (ESTIMATE_BITS - 1))), i64.const(ESTIMATE_BITS));
}

/** value − estimate·p, normalised: lies in (−p, p). Costs nine multiplications by constants. */
export function reduceByEstimate(f: FunctionBuilder, field: PortableParameters, limbs: Limbs): Local[] {
  const count = f.let(I64, estimatePrimes(field, at(limbs, TOP)));
  return normalise(
    f,
    limbs.map((limb, i) => i64.sub(limb, i64.mul(count, i64.const(at(field.limbs, i))))),
  );
}

/** The reduced sum of products, see the head of this file. */
export function montgomery(
  f: FunctionBuilder,
  field: PortableParameters,
  terms: readonly ProductTerm[],
  options: ProductOptions = {},
): Local[] {
  return reduceColumns(
    f,
    field,
    (column, add) => {
      for (const { a, b, negative } of terms) {
        for (let i = Math.max(0, column - TOP); i <= Math.min(column, TOP); i++) {
          add(i64.mul(at(a, i), at(b, column - i)), negative ?? false);
        }
      }
    },
    options,
  );
}

/** The reduced sum of squares: mixed products are taken once, with a doubled factor. A square counts as one product. */
export function montgomerySquares(
  f: FunctionBuilder,
  field: PortableParameters,
  roots: readonly (readonly Local[])[],
  options: ProductOptions = {},
): Local[] {
  const terms = roots.map((a) => ({ a, doubled: a.map((limb) => f.let(I64, i64.add(limb, limb))) }));
  return reduceColumns(
    f,
    field,
    (column, add) => {
      for (const { a, doubled } of terms) {
        for (let i = Math.max(0, column - TOP); 2 * i <= column; i++) {
          const j = column - i;
          if (j <= TOP) add(i64.mul(at(i === j ? a : doubled, i), at(a, j)), false);
        }
      }
    },
    options,
  );
}

function reduceColumns(
  f: FunctionBuilder,
  field: PortableParameters,
  collect: (column: number, add: ColumnAdder) => void,
  options: ProductOptions,
): Local[] {
  const columns = new ColumnReducer(f, field, options);
  for (let column = 0; column < COLUMNS; column++) columns.step((add) => collect(column, add));
  return columns.result;
}

/** Adds a value to the current column, or subtracts it. */
export type ColumnAdder = (value: Operand, negative: boolean) => void;

/** Columns of a product of nine limbs by nine, and one for the last carry. */
export const COLUMNS = 2 * LIMB_COUNT;

/** The reduction of one value, column after column; several may run side by side. */
export class ColumnReducer {
  readonly result: Local[] = [];
  private readonly folded: Local[] = [];
  private column = 0;
  private carry: Local | undefined;
  private last: Local | undefined;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly field: PortableParameters,
    private readonly options: ProductOptions,
  ) {}

  step(collect: (add: ColumnAdder) => void): void {
    const { f, field, column, options } = this;
    let sum: Local | undefined;
    const add: ColumnAdder = (value, negative) => {
      if (sum) sum = f.let(I64, negative ? i64.sub(sum, value) : i64.add(sum, value));
      else sum = f.let(I64, negative ? i64.sub(i64.const(0), value) : value);
    };
    collect(add);
    if (options.addend && column >= LIMB_COUNT) add(at(options.addend, column - LIMB_COUNT), false);
    this.folded.forEach((q, i) => {
      const j = column - 1 - i;
      if (j >= 0 && j <= TOP) add(i64.mul(q, i64.const(at(field.foldLimbs, j))), false);
    });
    if (this.last && column - TOP <= TOP) add(i64.mul(this.last, i64.const(at(field.limbs, column - TOP))), false);
    if (this.carry) add(this.carry, false);
    this.finish(sum ?? f.let(I64, i64.const(0)));
    this.column++;
  }

  /** Takes the column's lowest 29 bits as a folded limb or as a limb of the result, and carries the rest. */
  private finish(sum: Local): void {
    const { f, field, column, options } = this;
    let total = sum;
    if (column < TOP) this.folded.push(f.let(I64, i64.and(total, mask)));
    else if (column === TOP) {
      const q = i64.and(i64.mul(total, i64.const(field.negativeInverse)), mask);
      this.last = f.let(I64, options.liftBy ? i64.add(q, i64.shl(options.liftBy, shift)) : q);
      total = f.let(I64, i64.add(total, i64.mul(this.last, i64.const(at(field.limbs, 0)))));
    } else this.result.push(column < COLUMNS - 1 ? f.let(I64, i64.and(total, mask)) : total);
    this.carry = f.let(I64, i64.shrS(total, shift));
  }
}
