/**
 * The wide backend: four words of 64 bits and 128-bit instructions, for runtimes with the WebAssembly wide-arithmetic
 * proposal. See `montgomery.ts` for the method.
 *
 * Every element, settled, stored or loose, lies in [0, 2p): sums and differences are brought back at once, which costs
 * a few instructions and leaves nothing to keep account of.
 */
import { at, type FunctionBuilder, I64, i32, i64, type Operand, select } from '../../wasm/assembler.js';
import type { Arithmetic, Element } from '../arithmetic.js';
import type { Field } from '../parameters.js';
import { toLimbs, WIDE } from '../representation.js';
import { reducedProducts, subtractWhereFits, type WideParameters, wideParameters } from './montgomery.js';
import { addWords, signMask, subtractWords } from './words.js';

const WORDS = WIDE.limbCount;
const WORD_BYTES = 8;

export function load(f: FunctionBuilder, pointer: Operand, offset = 0): Element {
  return Array.from({ length: WORDS }, (_, i) => f.let(I64, i64.load(pointer, offset + WORD_BYTES * i)));
}

export function store(f: FunctionBuilder, pointer: Operand, element: Element, offset = 0): void {
  element.forEach((word, i) => {
    f.do(i64.store(pointer, word, offset + WORD_BYTES * i));
  });
}

/** a + b, less 2p where it has them. */
export function sum(f: FunctionBuilder, parameters: WideParameters, a: Element, b: Element): Element {
  return subtractWhereFits(f, addWords(f, a, b), parameters.twicePrime);
}

/** a − b, and 2p on top where it is negative. */
export function difference(f: FunctionBuilder, parameters: WideParameters, a: Element, b: Element): Element {
  const plain = subtractWords(f, a, b);
  const negative = signMask(f, plain);
  const lift = parameters.twicePrime.map((word) => f.let(I64, i64.and(word, negative)));
  return addWords(f, plain, lift);
}

/** True where the lowest words differ by 0 or ±p, as those of congruent elements in [0, 2p) must, or one is zero. */
function maybeEqualOrZero({ lowest }: WideParameters, a: Operand, b: Operand): Operand {
  const apart = i32.sub(i32.load(b), i32.load(a));
  const congruent = i32.or(i32.or(i32.eqz(apart), i32.eq(apart, i32.const(lowest))), i32.eq(apart, i32.const(-lowest)));
  return i32.or(congruent, i32.or(i32.eqz(i32.load(a)), i32.eqz(i32.load(b))));
}

export function wideArithmetic(field: Field): Arithmetic {
  const parameters = wideParameters(field);
  const add = (f: FunctionBuilder, a: Element, b: Element): Element => sum(f, parameters, a, b);
  const subtract = (f: FunctionBuilder, a: Element, b: Element): Element => difference(f, parameters, a, b);
  const product = (f: FunctionBuilder, a: Element, b: Element, less?: Element): Element => {
    const reduced = reducedProducts(f, parameters, [{ a, b }]);
    return less ? subtract(f, reduced, less) : reduced;
  };
  return {
    representation: WIDE,
    field,
    load,
    store,
    product,
    square: (f, a, less) => product(f, a, a, less),
    sumOfSquares: (f, a, b) => {
      const squares = [a, b].map((x) => ({ a: x, b: x }));
      return subtractWhereFits(f, reducedProducts(f, parameters, squares), parameters.twicePrime);
    },
    sum: add,
    difference: subtract,
    looseSum: add,
    looseDifference: subtract,
    settle: (_, a) => a,
    butterfly: (f, a, b, w) => {
      const scaled = product(f, b, w);
      return [add(f, a, scaled), subtract(f, a, scaled)];
    },
    negateWhere: (f, mask, a) => {
      const zero = Array.from({ length: WORDS }, () => f.let(I64, i64.const(0)));
      const negative = subtract(f, zero, a);
      return a.map((word, i) => f.let(I64, select(at(negative, i), word, i32.wrap(mask))));
    },
    canonicalProduct: (f, a, factor) => {
      const constant = toLimbs(WIDE, factor).map((word) => f.let(I64, i64.const(word)));
      return subtractWhereFits(f, product(f, a, constant), parameters.prime);
    },
    pack: store,
    unpack: load,
    maybeEqualOrZero: (_, a, b) => maybeEqualOrZero(parameters, a, b),
  };
}
