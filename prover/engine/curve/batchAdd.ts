/**
 * Many independent affine additions that share one inversion (Montgomery's trick).
 *
 * The work list holds triples (first, second, result) of addresses; an odd address asks for the point's negative.
 *   1. forward: products[i+1] = products[i]·(x2 − x1); a pair that the formula does not cover (equal abscissae,
 *      infinity) is settled on the spot and leaves the list;
 *   2. one inversion of the last product;
 *   3. backward: 1/(x2 − x1) = u·products[i], u ← u·(x2 − x1), λ = (y2 − y1)/(x2 − x1),
 *      x3 = λ² − x1 − x2, y3 = λ·(x1 − x3) − y1.
 * Six multiplications an addition. Results must not overlap the operands of other entries of the list.
 *
 * Spotting exceptions costs one 32-bit multiplication: a difference of few primes' size that is a multiple j·p has
 * lowest limb j·p mod 2^29 with a tiny j, and infinity has a zero lowest limb. A hit is then decided exactly.
 */

import { addLimbs, loadLimbs, materialise, montgomery, montgomerySquare, storeLimbs, subtractLimbs } from '../field/montgomery.js';
import { INVERSE_SCRATCH_BYTES, minus } from '../field/operations.js';
import { ELEMENT_BYTES, type FieldParameters, LIMB_BITS } from '../field/parameters.js';
import { call, type FunctionBuilder, type FunctionRef, I32, I64, i32, i64, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import { type Curve, copyBytes, untagged } from './points.js';

/** Bytes of a work-list entry. */
export const ENTRY_BYTES = 12;
/** Multiples of the prime up to this one are recognised in a difference of two coordinates. */
const LARGEST_MULTIPLE = 32;
const SLOT_COUNT = 7;
const CACHE_LINE_BYTES = 64;

/** Scratch of `batchAdd` for a list of n entries. */
export function batchAddScratchBytes(elementBytes: number, entries: number): number {
  return SLOT_COUNT * elementBytes + INVERSE_SCRATCH_BYTES + 2 * elementBytes + (entries + 1) * elementBytes;
}

interface Slots {
  readonly inverse: Operand;
  readonly running: Operand;
  readonly slope: Operand;
  readonly y1: Operand;
  readonly y2: Operand;
  readonly x3: Operand;
  readonly temporary: Operand;
  readonly table: Operand;
  readonly products: Operand;
}

function slotsOf(f: FunctionBuilder, curve: Curve, scratch: Local): Slots {
  const size = curve.field.bytes;
  const slot = (i: number): Local => f.let(I32, i32.add(scratch, i32.const(i * size)));
  return {
    inverse: slot(0),
    running: slot(1),
    slope: slot(2),
    y1: slot(3),
    y2: slot(4),
    x3: slot(5),
    temporary: slot(6),
    table: slot(SLOT_COUNT),
    products: f.let(I32, i32.add(scratch, i32.const((SLOT_COUNT + 2) * size + INVERSE_SCRATCH_BYTES))),
  };
}

/** Address of the ordinate of a tagged point, negated into `slot` where the tag asks for it. */
function ordinate(f: FunctionBuilder, curve: Curve, tagged: Local, slot: Operand): Local {
  const { field } = curve;
  const y = f.let(I32, i32.add(untagged(tagged), i32.const(field.bytes)));
  f.if(i32.and(tagged, i32.const(1)), () => {
    f.do(call(field.sub, slot, i32.const(field.zeroAt), y));
    f.set(y, slot);
  });
  return y;
}

/** x3 and y3 from the slope; the result may overwrite an operand of its own entry. */
function finish(f: FunctionBuilder, curve: Curve, s: Slots, d: Operand, x1: Operand, y1: Operand, x2: Operand): void {
  const { field } = curve;
  f.do(call(field.squareMinus, s.x3, s.slope, x1, x2));
  f.do(call(field.mulDiff, i32.add(d, i32.const(field.bytes)), s.slope, x1, s.x3, y1));
  copyBytes(f, d, s.x3, field.bytes);
}

/** (d, first, second, scratch) → 1 if the pair was exceptional and its sum now stands at d, else 0. */
function defineException(module: ModuleBuilder, curve: Curve): FunctionRef {
  const { field } = curve;
  return module.func(`${curve.name}_exception`, [I32, I32, I32, I32], [I32], (f) => {
    const [d, first, second] = [f.param(0), f.param(1), f.param(2)];
    const s = slotsOf(f, curve, f.param(3));
    const x1 = f.let(I32, untagged(first));
    const x2 = f.let(I32, untagged(second));
    const settle = (body: () => void): void => {
      body();
      f.return(i32.const(1));
    };
    f.if(call(curve.isInfinity, x1), () => settle(() => f.do(call(curve.copy, d, second))));
    f.if(call(curve.isInfinity, x2), () => settle(() => f.do(call(curve.copy, d, first))));
    f.do(call(field.sub, s.temporary, x2, x1));
    f.if(i32.eqz(call(field.isZero, s.temporary)), () => f.return(i32.const(0)));
    const y1 = ordinate(f, curve, first, s.y1);
    const y2 = ordinate(f, curve, second, s.y2);
    f.do(call(field.sub, s.temporary, y2, y1));
    f.if(
      call(field.isZero, s.temporary),
      () => {
        // Doubling: slope 3·x1² / 2·y1.
        f.do(call(field.add, s.temporary, y1, y1));
        f.do(call(field.inverse, s.inverse, s.temporary, s.table));
        f.do(call(field.square, s.temporary, x1));
        f.do(call(field.add, s.slope, s.temporary, s.temporary));
        f.do(call(field.add, s.temporary, s.temporary, s.slope));
        f.do(call(field.mul, s.slope, s.temporary, s.inverse));
        finish(f, curve, s, d, x1, y1, x2);
      },
      () => {
        copyBytes(f, d, i32.const(field.zeroAt), field.bytes);
        copyBytes(f, i32.add(d, i32.const(field.bytes)), i32.const(field.zeroAt), field.bytes);
      },
    );
    f.do(i32.const(1));
  });
}

/** Whether a pair may be exceptional, judged by the lowest limbs of the abscissae. */
function suspicious(inverse: number, x1: Operand, x2: Operand): Operand {
  const unused = 32 - LIMB_BITS;
  const difference = i32.sub(i32.load(x2), i32.load(x1));
  const multiple = i32.shrS(i32.shl(i32.mul(difference, i32.const(inverse)), i32.const(unused)), i32.const(unused));
  const small = i32.leU(i32.add(multiple, i32.const(LARGEST_MULTIPLE)), i32.const(2 * LARGEST_MULTIPLE));
  return i32.or(i32.or(small, i32.eqz(i32.load(x1))), i32.eqz(i32.load(x2)));
}

/**
 * Reads a word of every cache line that the list's points lie in, before any arithmetic.
 *
 * The points of a bucket come from all over the key. Met one by one between multiplications, their cache misses would
 * be waited for one by one; in a loop that does nothing else, the processor has a dozen of them under way at once.
 */
function touchPoints(f: FunctionBuilder, curve: Curve, list: Local, end: Local, sink: Operand): void {
  const entry = f.let(I32, list);
  const sum = f.let(I32, i32.const(0));
  f.while(
    () => i32.ltU(entry, end),
    () => {
      for (const tagged of [i32.load(entry, 0), i32.load(entry, 4)]) {
        const point = f.let(I32, untagged(tagged));
        for (let offset = 0; offset < curve.affineBytes; offset += CACHE_LINE_BYTES) f.set(sum, i32.add(sum, i32.load(point, offset)));
        f.set(sum, i32.add(sum, i32.load(point, curve.affineBytes - 4)));
      }
      f.increase(entry, ENTRY_BYTES);
    },
  );
  f.do(i32.store(sink, sum));
}

/** The two multiplying steps of an addition, as statements on addresses. */
export interface AdditionSteps {
  /** Before the forward loop: the running product is one; it is stored at `product`. */
  begin(product: Local): void;
  /** running ← running·(x2 − x1), stored at `product`. */
  accumulate(product: Local, x1: Local, x2: Local): void;
  /** Step 3 for one entry whose earlier product stands at `product`. */
  complete(product: Local, first: Local, second: Local, x1: Local, x2: Local, d: Local): void;
}

/** Steps by calls of the field's functions: for fields whose products are much dearer than a call. */
function stepsByCalls(f: FunctionBuilder, curve: Curve, s: Slots): AdditionSteps {
  const { field } = curve;
  return {
    begin: (product) => copyBytes(f, product, i32.const(field.oneAt), field.bytes),
    accumulate: (product, x1, x2) => {
      f.do(call(field.mulByDiff, product, i32.sub(product, i32.const(field.bytes)), x2, x1));
    },
    complete: (product, first, second, x1, x2, d) => {
      f.do(call(field.mul, s.inverse, s.running, product));
      f.do(call(field.mulByDiff, s.running, s.running, x2, x1));
      const y1 = ordinate(f, curve, first, s.y1);
      const y2 = ordinate(f, curve, second, s.y2);
      f.do(call(field.mulByDiff, s.slope, s.inverse, y2, y1));
      finish(f, curve, s, d, x1, y1, x2);
    },
  };
}

/** ± the ordinate of a tagged point, without a branch. Limbs lie in (−2^29, 2^29). */
function signedOrdinate(f: FunctionBuilder, x: Local, tagged: Local): Local[] {
  const sign = f.let(I64, i64.sub(i64.const(0), i64.extendU(i32.and(tagged, i32.const(1)))));
  return loadLimbs(f, x, ELEMENT_BYTES).map((limb) => f.let(I64, i64.sub(i64.xor(limb, sign), sign)));
}

/**
 * Steps with the products written out in place, for a prime field.
 *
 * What one product leaves for the next goes through memory although locals would do: stores and loads keep the
 * compiler from mixing the products, which would need far more registers than there are.
 */
function stepsInline(f: FunctionBuilder, curve: Curve, s: Slots, field: FieldParameters): AdditionSteps {
  const difference = (a: readonly Local[], b: readonly Local[]): Local[] => materialise(f, subtractLimbs(a, b));
  const load = (pointer: Operand): Local[] => loadLimbs(f, pointer);
  return {
    begin: (product) => storeLimbs(f, product, load(i32.const(curve.field.oneAt))),
    accumulate: (product, x1, x2) => {
      const before = load(i32.sub(product, i32.const(ELEMENT_BYTES)));
      storeLimbs(f, product, montgomery(f, field, [{ a: before, b: difference(load(x2), load(x1)) }]));
    },
    complete: (product, first, second, x1, x2, d) => {
      storeLimbs(f, s.inverse, montgomery(f, field, [{ a: load(s.running), b: load(product) }]));
      storeLimbs(f, s.running, montgomery(f, field, [{ a: load(s.running), b: difference(load(x2), load(x1)) }]));
      const rise = difference(signedOrdinate(f, x2, second), signedOrdinate(f, x1, first));
      storeLimbs(f, s.slope, montgomery(f, field, [{ a: load(s.inverse), b: rise }]));
      const x3 = montgomerySquare(f, field, load(s.slope), minus(f, field, materialise(f, addLimbs(load(x1), load(x2)))));
      storeLimbs(f, s.x3, x3);
      const run = difference(load(x1), load(s.x3));
      const y3 = montgomery(f, field, [{ a: load(s.slope), b: run }], minus(f, field, signedOrdinate(f, x1, first)));
      storeLimbs(f, d, y3, ELEMENT_BYTES);
      storeLimbs(f, d, load(s.x3));
    },
  };
}

/**
 * Defines (list, n, scratch). The list is consumed.
 * @param inlineField set for a curve over a prime field: its products are written out in place
 */
export function defineBatchAdd(module: ModuleBuilder, curve: Curve, primeInverse: number, inlineField?: FieldParameters): FunctionRef {
  const { field } = curve;
  const exception = defineException(module, curve);
  return module.func(`${curve.name}_batchAdd`, [I32, I32, I32], [], (f) => {
    const [list, n, scratch] = [f.param(0), f.param(1), f.param(2)];
    const s = slotsOf(f, curve, scratch);
    const steps = inlineField ? stepsInline(f, curve, s, inlineField) : stepsByCalls(f, curve, s);
    const [from, to, end, product] = f.locals(I32, 4) as [Local, Local, Local, Local];
    const [first, second, d, x1, x2] = f.locals(I32, 5) as [Local, Local, Local, Local, Local];
    const readEntry = (entry: Local): void => {
      f.set(first, i32.load(entry, 0));
      f.set(second, i32.load(entry, 4));
      f.set(d, i32.load(entry, 8));
      f.set(x1, untagged(first));
      f.set(x2, untagged(second));
    };
    f.set(from, list);
    f.set(to, list);
    f.set(product, s.products);
    f.set(end, i32.add(list, i32.mul(n, i32.const(ENTRY_BYTES))));
    touchPoints(f, curve, list, end, s.temporary);
    steps.begin(product);
    f.while(
      () => i32.ltU(from, end),
      () => {
        readEntry(from);
        f.increase(from, ENTRY_BYTES);
        f.block((settled) => {
          f.if(suspicious(primeInverse, x1, x2), () => {
            f.branchIf(settled, call(exception, d, first, second, scratch));
          });
          f.increase(product, field.bytes);
          steps.accumulate(product, x1, x2);
          f.do(i32.store(to, first, 0), i32.store(to, second, 4), i32.store(to, d, 8));
          f.increase(to, ENTRY_BYTES);
        });
      },
    );
    f.if(i32.eq(to, list), () => f.return());
    f.do(call(field.inverse, s.running, product, s.table));
    f.while(
      () => i32.ne(to, list),
      () => {
        f.increase(to, -ENTRY_BYTES);
        f.increase(product, -field.bytes);
        readEntry(to);
        steps.complete(product, first, second, x1, x2, d);
      },
    );
  });
}
