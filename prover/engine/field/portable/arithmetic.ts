/**
 * The portable backend: nine limbs of 29 bits, lazy sums, one reduction per product. See `montgomery.ts` for the
 * method and its bounds.
 *
 * Products lie in (−p, 4p) or, where something was subtracted, within as many primes around zero as the top limb's
 * estimate errs; stored values may reach 2^9 primes.
 */
import { at, type FunctionBuilder, I32, I64, i32, i64, type Local, type Operand, select } from '../../wasm/assembler.js';
import type { Arithmetic, Element } from '../arithmetic.js';
import type { Field } from '../parameters.js';
import { PORTABLE, powerOfTwo, toLimbs } from '../representation.js';
import { emitInverse } from './inversion.js';
import {
  addLimbs,
  estimatePrimes,
  loadLimbs,
  materialise,
  montgomery,
  montgomerySquares,
  normalise,
  type ProductOptions,
  reduceByEstimate,
  storeLimbs,
  subtractLimbs,
} from './montgomery.js';
import { LIMB_BITS, LIMB_COUNT, LIMB_MASK, type PortableParameters, portableParameters } from './parameters.js';

const TOP = LIMB_COUNT - 1;
/** Multiples of the prime up to this one are recognised in a difference of two stored elements. */
const LARGEST_MULTIPLE = 32;
/** Rounds of conditional subtraction that bring a product with p on top, in (0, 5p), below p. */
const SUBTRACTIONS = 4;

/** Options that subtract an element and put back as many primes as it holds. */
export function minus(f: FunctionBuilder, parameters: PortableParameters, less: Element | undefined): ProductOptions {
  if (!less) return {};
  return {
    addend: less.map((limb) => i64.sub(i64.const(0), limb)),
    liftBy: f.let(I64, estimatePrimes(parameters, at(less, TOP))),
  };
}

/** value − p where that is not negative, else value. */
function subtractOnce(f: FunctionBuilder, { limbs }: PortableParameters, value: Element): Element {
  const difference = normalise(
    f,
    value.map((limb, i) => i64.sub(limb, i64.const(at(limbs, i)))),
  );
  const fits = f.let(I32, i64.geS(at(difference, TOP), i64.const(0)));
  return value.map((limb, i) => f.let(I64, select(at(difference, i), limb, fits)));
}

/** Writes canonical limbs as four 64-bit words. */
function packLimbs(f: FunctionBuilder, pointer: Operand, limbs: Element): void {
  for (let word = 0; word < 4; word++) {
    const parts = limbs.flatMap((limb, i) => {
      const position = LIMB_BITS * i - 64 * word;
      if (position <= -LIMB_BITS || position >= 64) return [];
      return [position >= 0 ? i64.shl(limb, i64.const(position)) : i64.shrU(limb, i64.const(-position))];
    });
    f.do(
      i64.store(
        pointer,
        parts.reduce((sum, part) => i64.or(sum, part)),
        8 * word,
      ),
    );
  }
}

/** Reads 32 little-endian bytes as limbs. */
function unpackLimbs(f: FunctionBuilder, pointer: Operand): Local[] {
  const words = Array.from({ length: 4 }, (_, i) => f.let(I64, i64.load(pointer, 8 * i)));
  return Array.from({ length: LIMB_COUNT }, (_, i) => {
    const word = Math.floor((LIMB_BITS * i) / 64);
    const position = (LIMB_BITS * i) % 64;
    const low = i64.shrU(at(words, word), i64.const(position));
    const crosses = position + LIMB_BITS > 64 && word < 3;
    const bits = crosses ? i64.or(low, i64.shl(at(words, word + 1), i64.const(64 - position))) : low;
    return f.let(I64, i64.and(bits, i64.const(LIMB_MASK)));
  });
}

/**
 * Costs one 32-bit multiplication: a difference of few primes' size that is a multiple j·p has lowest limb
 * j·p mod 2^29 with a tiny j, and infinity has a zero lowest limb.
 */
function maybeEqualOrZero(inverse: number, a: Operand, b: Operand): Operand {
  const unused = 32 - LIMB_BITS;
  const difference = i32.sub(i32.load(b), i32.load(a));
  const multiple = i32.shrS(i32.shl(i32.mul(difference, i32.const(inverse)), i32.const(unused)), i32.const(unused));
  const small = i32.leU(i32.add(multiple, i32.const(LARGEST_MULTIPLE)), i32.const(2 * LARGEST_MULTIPLE));
  return i32.or(i32.or(small, i32.eqz(i32.load(a))), i32.eqz(i32.load(b)));
}

export function portableArithmetic(field: Field): Arithmetic {
  const parameters = portableParameters(field);
  const constant = (f: FunctionBuilder, value: bigint): Local[] => toLimbs(PORTABLE, value).map((limb) => f.let(I64, i64.const(limb)));
  const canonicalProduct: Arithmetic['canonicalProduct'] = (f, a, factor) => {
    const prime = parameters.limbs.map((limb) => i64.const(limb));
    let value: Element = montgomery(f, parameters, [{ a, b: constant(f, factor) }], { addend: prime });
    for (let i = 0; i < SUBTRACTIONS; i++) value = subtractOnce(f, parameters, value);
    return value;
  };
  return {
    representation: PORTABLE,
    field,
    load: loadLimbs,
    store: storeLimbs,
    product: (f, a, b, less) => montgomery(f, parameters, [{ a, b }], minus(f, parameters, less)),
    square: (f, a, less) => montgomerySquares(f, parameters, [a], minus(f, parameters, less)),
    sumOfSquares: (f, a, b) => montgomerySquares(f, parameters, [a, b]),
    sum: (f, a, b) => normalise(f, addLimbs(a, b)),
    difference: (f, a, b) => normalise(f, subtractLimbs(a, b)),
    looseSum: (f, a, b) => materialise(f, addLimbs(a, b)),
    looseDifference: (f, a, b) => materialise(f, subtractLimbs(a, b)),
    settle: (f, loose) => reduceByEstimate(f, parameters, loose),
    butterfly: (f, a, b, w) => {
      // The addend joins the product's own carries; a − b·w is what 2a leaves of the sum. Values grow by less than 3p.
      const sum = montgomery(f, parameters, [{ a: b, b: w }], { addend: a });
      const difference = a.map((limb, i) => i64.sub(i64.add(limb, limb), at(sum, i)));
      return [sum, normalise(f, difference)];
    },
    negateWhere: (f, mask, a) => a.map((limb) => f.let(I64, i64.sub(i64.xor(limb, mask), mask))),
    inverse: (f, a) => {
      // Out of Montgomery form and back into it.
      const inverse = emitInverse(f, parameters, canonicalProduct(f, a, 1n));
      return montgomery(f, parameters, [{ a: inverse, b: constant(f, powerOfTwo(field, 2 * PORTABLE.montgomeryBits)) }]);
    },
    canonicalProduct,
    pack: packLimbs,
    unpack: unpackLimbs,
    maybeEqualOrZero: (_, a, b) => maybeEqualOrZero(parameters.inverse, a, b),
  };
}
