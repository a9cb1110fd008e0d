/**
 * Products in the quadratic extension on the wide backend: two products of words under one reduction for each
 * component,
 *   c0 = a0·b0 + (2p − a1)·b1,  c1 = a0·b1 + a1·b0.
 * Karatsuba's method would save a quarter of the multiplications and spend as much on 512-bit additions.
 * A square is c0 = (a0 + a1)(a0 − a1), c1 = 2·a0·a1.
 */
import type { FunctionBuilder, Operand } from '../../wasm/assembler.js';
import type { PairOperand, QuadraticArithmetic } from '../arithmetic.js';
import type { Field } from '../parameters.js';
import { WIDE } from '../representation.js';
import { difference, load, store, sum } from './arithmetic.js';
import { reducedProducts, subtractWhereFits, type Term, type WideParameters, wideParameters } from './montgomery.js';
import { subtractWords } from './words.js';

const { elementBytes } = WIDE;

/** d = a·b − less; the first component waits in the scratch, since d may be an operand. */
function multiply(
  f: FunctionBuilder,
  parameters: WideParameters,
  scratch: Operand,
  d: Operand,
  a: Operand,
  b: PairOperand,
  less?: Operand,
): void {
  const component = (terms: readonly Term[], offset: number): ReturnType<typeof load> => {
    const value = subtractWhereFits(f, reducedProducts(f, parameters, terms), parameters.twicePrime);
    return less ? difference(f, parameters, value, load(f, less, offset)) : value;
  };
  const [b0, b1] = [b.c0(), b.c1()];
  const negated = subtractWords(f, parameters.twicePrime, load(f, a, elementBytes));
  const real = [
    { a: load(f, a), b: b0 },
    { a: negated, b: b1 },
  ];
  store(f, scratch, component(real, 0));
  const imaginary = [
    { a: load(f, a), b: b1 },
    { a: load(f, a, elementBytes), b: b0 },
  ];
  store(f, d, component(imaginary, elementBytes), elementBytes);
  store(f, d, load(f, scratch));
}

/** d = a² − less */
function square(f: FunctionBuilder, parameters: WideParameters, scratch: Operand, d: Operand, a: Operand, less?: PairOperand): void {
  const [a0, a1] = [load(f, a), load(f, a, elementBytes)];
  const product = (x: typeof a0, y: typeof a0, minus: typeof a0 | undefined): typeof a0 => {
    const value = reducedProducts(f, parameters, [{ a: x, b: y }]);
    return minus ? difference(f, parameters, value, minus) : value;
  };
  store(f, scratch, product(sum(f, parameters, a0, a1), difference(f, parameters, a0, a1), less?.c0()));
  store(f, d, product(sum(f, parameters, a0, a0), a1, less?.c1()), elementBytes);
  store(f, d, load(f, scratch));
}

export function wideQuadratic(field: Field): QuadraticArithmetic {
  const parameters = wideParameters(field);
  return {
    scratchBytes: elementBytes,
    multiply: (f, scratch, d, a, b, less) => multiply(f, parameters, scratch, d, a, b, less),
    square: (f, scratch, d, a, less) => square(f, parameters, scratch, d, a, less),
  };
}
