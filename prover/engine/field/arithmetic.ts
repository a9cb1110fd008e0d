/**
 * What a backend emits: arithmetic on elements held in locals. The layers above (functions on memory, curves,
 * transforms) are written once against this interface.
 *
 * Ranges are the backend's own business. Three words say what the layers above must know:
 *   settled: fit for everything, of a few primes' size; what products leave;
 *   stored:  may be written to memory and read again, and be an operand of any product. A few sums and differences
 *            of stored elements may follow one another;
 *   loose:   the bare sum or difference of two stored elements (of up to 256 when only added up to be settled); it may be
 *            one operand of one product, be subtracted from a product, be added to once more, or be settled, and nothing else.
 */
import type { FunctionBuilder, Local, Operand } from '../wasm/assembler.js';
import type { Field } from './parameters.js';
import type { Representation } from './representation.js';

/** The limbs of an element, 64 bits wide each. */
export type Element = readonly Local[];

export interface Arithmetic {
  readonly representation: Representation;
  readonly field: Field;
  load(f: FunctionBuilder, pointer: Operand, offset?: number): Element;
  store(f: FunctionBuilder, pointer: Operand, element: Element, offset?: number): void;
  /** Settled a·b, or a·b − less. */
  product(f: FunctionBuilder, a: Element, b: Element, less?: Element): Element;
  /** Settled a², or a² − less. */
  square(f: FunctionBuilder, a: Element, less?: Element): Element;
  /** Settled a² + b², for stored a, b or bare differences of such. */
  sumOfSquares(f: FunctionBuilder, a: Element, b: Element): Element;
  /** Stored a + b. */
  sum(f: FunctionBuilder, a: Element, b: Element): Element;
  /** Stored a − b. */
  difference(f: FunctionBuilder, a: Element, b: Element): Element;
  looseSum(f: FunctionBuilder, a: Element, b: Element): Element;
  looseDifference(f: FunctionBuilder, a: Element, b: Element): Element;
  settle(f: FunctionBuilder, loose: Element): Element;
  /** Stored a + b·w and a − b·w: the butterfly of decimation in time. */
  butterfly(f: FunctionBuilder, a: Element, b: Element, w: Element): [sum: Element, difference: Element];
  /** ± a: the negative where the 64-bit mask is −1, a itself where it is 0. */
  negateWhere(f: FunctionBuilder, mask: Local, a: Element): Element;
  /** Settled 1/a, and 0 for 0, where the backend knows better than to take a power. */
  inverse?(f: FunctionBuilder, a: Element): Element;
  /** The representative in [0, p) of a·factor/R, for a stored a and a constant factor in [0, p). */
  canonicalProduct(f: FunctionBuilder, a: Element, factor: bigint): Element;
  /** Writes a representative in [0, p) as 32 little-endian bytes. */
  pack(f: FunctionBuilder, pointer: Operand, canonical: Element): void;
  /** Reads 32 little-endian bytes of an integer below 2p, which may be one operand of one product. */
  unpack(f: FunctionBuilder, pointer: Operand): Element;
  /**
   * A cheap 32-bit condition on two stored elements in memory: true wherever they are congruent or one is all zero bytes,
   * and now and then elsewhere.
   */
  maybeEqualOrZero(f: FunctionBuilder, a: Operand, b: Operand): Operand;
}

/** How a backend multiplies in the quadratic extension; the operands are pairs of stored elements in memory. */
export interface QuadraticArithmetic {
  /** Bytes of a thread's scratch that the two products use. */
  readonly scratchBytes: number;
  /** d = a·b − less */
  multiply(f: FunctionBuilder, scratch: Operand, d: Operand, a: Operand, b: PairOperand, less?: Operand): void;
  /** d = a² − less */
  square(f: FunctionBuilder, scratch: Operand, d: Operand, a: Operand, less?: PairOperand): void;
}

/** A pair whose components are emitted anew each time they are asked for: short lives keep registers free. */
export interface PairOperand {
  c0(): Element;
  c1(): Element;
}
