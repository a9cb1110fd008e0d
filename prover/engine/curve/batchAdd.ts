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
 * Exceptions are spotted by a cheap look at the abscissae's lowest limbs; a hit is then decided exactly.
 */

import type { Arithmetic, Element } from '../field/arithmetic.js';
import type { PrimeField } from '../field/operations.js';
import type { QuadraticField } from '../field/quadratic.js';
import { ADDITION_SLOTS, ENTRY_BYTES, INVERSE_SCRATCH_BYTES } from '../sizes.js';
import {
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
import { type Curve, untagged } from './points.js';

const CACHE_LINE_BYTES = 64;

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
    table: slot(ADDITION_SLOTS),
    products: f.let(I32, i32.add(scratch, i32.const((ADDITION_SLOTS + 2) * size + INVERSE_SCRATCH_BYTES))),
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
interface AdditionSteps {
  /** Before the forward loop: the running product is one; it is stored at `product`. */
  begin(product: Local): void;
  /** running ← running·(x2 − x1), stored at `product`. */
  accumulate(product: Local, x1: Local, x2: Local): void;
  /** Step 3 for one entry whose earlier product stands at `product`. */
  complete(product: Local, first: Local, second: Local, x1: Local, x2: Local, d: Local): void;
}

/**
 * Steps over the quadratic extension, by calls of the field's functions. Norms are inverted in place of differences:
 * 1/d = conjugate(d)/N(d), so that the products which share the inversion are products of the base field.
 * An entry's products are two base field elements: the running product, then the entry's own norm.
 */
function stepsByNorms(f: FunctionBuilder, curve: Curve, s: Slots, base: PrimeField, quadratic: QuadraticField): AdditionSteps {
  const stride = quadratic.bytes;
  const offset = (pointer: Operand, bytes: number): Operand => i32.add(pointer, i32.const(bytes));
  return {
    begin: (product) => copyBytes(f, product, i32.const(base.oneAt), base.bytes),
    accumulate: (product, x1, x2) => {
      f.do(call(quadratic.normOfDiff, offset(product, base.bytes), x2, x1));
      f.do(call(base.mul, product, offset(product, -stride), offset(product, base.bytes)));
    },
    complete: (product, first, second, x1, x2, d) => {
      f.do(call(base.mul, s.temporary, s.running, product));
      f.do(call(base.mul, s.running, s.running, offset(product, stride + base.bytes)));
      f.do(call(base.mulByDiff, s.inverse, s.temporary, x2, x1));
      f.do(call(base.mulByDiff, offset(s.inverse, base.bytes), s.temporary, offset(x1, base.bytes), offset(x2, base.bytes)));
      const y1 = ordinate(f, curve, first, s.y1);
      const y2 = ordinate(f, curve, second, s.y2);
      f.do(call(quadratic.mulByDiff, s.slope, s.inverse, y2, y1));
      finish(f, curve, s, d, x1, y1, x2);
    },
  };
}

/** ± the ordinate of a tagged point, without a branch. */
function signedOrdinate(f: FunctionBuilder, arithmetic: Arithmetic, x: Local, tagged: Local): Element {
  const sign = f.let(I64, i64.sub(i64.const(0), i64.extendU(i32.and(tagged, i32.const(1)))));
  return arithmetic.negateWhere(f, sign, arithmetic.load(f, x, arithmetic.representation.elementBytes));
}

/**
 * Steps with the products written out in place, for a prime field.
 *
 * What one product leaves for the next goes through memory although locals would do: stores and loads keep the
 * compiler from mixing the products, which would need far more registers than there are.
 */
function stepsInline(f: FunctionBuilder, s: Slots, base: PrimeField): AdditionSteps {
  const { arithmetic } = base;
  const { elementBytes } = arithmetic.representation;
  const load = (pointer: Operand): Element => arithmetic.load(f, pointer);
  const store = (pointer: Operand, element: Element): void => arithmetic.store(f, pointer, element);
  const product = (a: Element, b: Element, less?: Element): Element => arithmetic.product(f, a, b, less);
  const difference = (a: Element, b: Element): Element => arithmetic.looseDifference(f, a, b);
  return {
    begin: (at) => store(at, load(i32.const(base.oneAt))),
    accumulate: (at, x1, x2) => {
      const before = load(i32.sub(at, i32.const(elementBytes)));
      store(at, product(before, difference(load(x2), load(x1))));
    },
    complete: (at, first, second, x1, x2, d) => {
      store(s.inverse, product(load(s.running), load(at)));
      store(s.running, product(load(s.running), difference(load(x2), load(x1))));
      const rise = difference(signedOrdinate(f, arithmetic, x2, second), signedOrdinate(f, arithmetic, x1, first));
      store(s.slope, product(load(s.inverse), rise));
      store(s.x3, arithmetic.square(f, load(s.slope), arithmetic.looseSum(f, load(x1), load(x2))));
      const run = difference(load(x1), load(s.x3));
      const y3 = product(load(s.slope), run, signedOrdinate(f, arithmetic, x1, first));
      arithmetic.store(f, d, y3, elementBytes);
      store(d, load(s.x3));
    },
  };
}

/**
 * Defines (list, n, scratch). The list is consumed.
 * @param quadratic the curve's coordinate field where that is not the base field itself
 */
export function defineBatchAdd(module: ModuleBuilder, curve: Curve, base: PrimeField, quadratic?: QuadraticField): FunctionRef {
  const { field } = curve;
  const { arithmetic } = base;
  const exception = defineException(module, curve);
  return module.func(`${curve.name}_batchAdd`, [I32, I32, I32], [], (f) => {
    const [list, n, scratch] = [f.param(0), f.param(1), f.param(2)];
    const s = slotsOf(f, curve, scratch);
    const steps = quadratic ? stepsByNorms(f, curve, s, base, quadratic) : stepsInline(f, s, base);
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
          f.if(arithmetic.maybeEqualOrZero(f, x1, x2), () => {
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
    f.do(call(base.inverse, s.running, product, s.table));
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
