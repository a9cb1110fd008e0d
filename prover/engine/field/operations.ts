/**
 * The functions of one prime field on elements in memory. Operands are addresses; a result may overwrite an operand.
 *
 * `mulDiff` and `squareMinus` are the steps of affine point addition: the differences are formed limb by limb while
 * loading, and what is subtracted at the end joins the reduction, so that an addition needs no pass of its own.
 *
 * Invariants: results of mul, square, mulDiff, squareMinus lie in (−p, 4p); add and sub only normalise limbs, so a
 * few of them may follow one another. `canonical`, `pack` and `isZero` accept any value below 2^9 primes.
 */
import { call, type FunctionBuilder, type FunctionRef, I32, I64, i32, i64, type Local, type Operand, select } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import {
  addLimbs,
  at,
  estimatePrimes,
  loadLimbs,
  materialise,
  montgomery,
  montgomerySquare,
  normalise,
  storeLimbs,
  subtractLimbs,
} from './montgomery.js';
import {
  ELEMENT_BYTES,
  FILE_MONTGOMERY_BITS,
  type FieldParameters,
  LIMB_BITS,
  LIMB_COUNT,
  LIMB_MASK,
  PACKED_BYTES,
  powerModulo,
  toLimbs,
} from './parameters.js';

const TOP = LIMB_COUNT - 1;
const WINDOW_BITS = 4;
/** Scratch an inversion needs: its table of sixteen powers. */
export const INVERSE_SCRATCH_BYTES = ELEMENT_BYTES << WINDOW_BITS;

/** What curve formulas need of a coordinate field, prime or quadratic. */
export interface CoordinateField {
  readonly name: string;
  readonly bytes: number;
  readonly zeroAt: number;
  readonly oneAt: number;
  /** (d, a, b): d = a·b */
  readonly mul: FunctionRef;
  /** (d, a): d = a² */
  readonly square: FunctionRef;
  /** (d, a, b): d = a + b */
  readonly add: FunctionRef;
  /** (d, a, b): d = a − b */
  readonly sub: FunctionRef;
  /** (d, a, b, c, e): d = a·(b − c) − e */
  readonly mulDiff: FunctionRef;
  /** (d, a, b, c): d = a·(b − c) */
  readonly mulByDiff: FunctionRef;
  /** (d, a, b, c): d = a² − b − c */
  readonly squareMinus: FunctionRef;
  /** (d, a, scratch): d = a⁻¹, and 0 for 0 */
  readonly inverse: FunctionRef;
  /** (a) → 1 if a ≡ 0 */
  readonly isZero: FunctionRef;
}

export interface PrimeField extends CoordinateField {
  readonly parameters: FieldParameters;
  /** (d, a): the representative in [0, p), still in Montgomery form. */
  readonly canonical: FunctionRef;
  /** (d, a): leaves Montgomery form and writes 32 bytes, little-endian. */
  readonly pack: FunctionRef;
  /** (d, a, n, factor): n times 32 little-endian bytes → element · factor. */
  readonly unpackMany: FunctionRef;
  /** (d, a, n): n times `pack`. */
  readonly packMany: FunctionRef;
  readonly enterAt: number;
  readonly enterFromFileAt: number;
}

/** Constant element in the module's data. */
export function constantElement(module: ModuleBuilder, ...values: bigint[]): number {
  return module.constant(new Uint8Array(Int32Array.from(values.flatMap((value) => toLimbs(value))).buffer));
}

const pointers = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

/** value − p where that is not negative, else value. */
function subtractOnce(f: FunctionBuilder, field: FieldParameters, limbs: readonly Local[]): Local[] {
  const difference = normalise(
    f,
    limbs.map((limb, i) => i64.sub(limb, i64.const(at(field.limbs, i)))),
  );
  const fits = f.let(I32, i64.geS(at(difference, TOP), i64.const(0)));
  return limbs.map((limb, i) => f.let(I64, select(at(difference, i), limb, fits)));
}

/** The representative in [0, p) of element·factor/R, for a factor in [0, p). */
function canonicalProduct(f: FunctionBuilder, field: FieldParameters, a: readonly Local[], factor: bigint): Local[] {
  const constant = toLimbs(factor).map((limb) => f.let(I64, i64.const(limb)));
  const prime = field.limbs.map((limb) => i64.const(limb));
  let value = montgomery(f, field, [{ a, b: constant }], { addend: prime });
  for (let i = 0; i < 4; i++) value = subtractOnce(f, field, value);
  return value;
}

/** Writes canonical limbs as four 64-bit words. */
function packLimbs(f: FunctionBuilder, pointer: Operand, limbs: readonly Local[]): void {
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
export function unpackLimbs(f: FunctionBuilder, pointer: Operand): Local[] {
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

/** d = a^(p−2) with windows of four bits. */
function defineInverse(
  module: ModuleBuilder,
  name: string,
  field: FieldParameters,
  mul: FunctionRef,
  square: FunctionRef,
  oneAt: number,
): FunctionRef {
  const digits = [...(field.prime - 2n).toString(16)].map((digit) => Number.parseInt(digit, 16));
  const digitsAt = module.constant(Uint8Array.from(digits));
  return module.func(`${name}_inverse`, pointers(3), [], (f) => {
    const [d, a, table] = [f.param(0), f.param(1), f.param(2)];
    const entry = (index: Operand): Operand => i32.add(table, i32.mul(index, i32.const(ELEMENT_BYTES)));
    storeLimbs(f, table, loadLimbs(f, i32.const(oneAt)));
    const i = f.let(I32, i32.const(1));
    f.while(
      () => i32.ltU(i, i32.const(1 << WINDOW_BITS)),
      () => {
        f.do(call(mul, entry(i), entry(i32.sub(i, i32.const(1))), a));
        f.increase(i, 1);
      },
    );
    storeLimbs(f, d, loadLimbs(f, i32.const(oneAt)));
    f.set(i, i32.const(0));
    f.while(
      () => i32.ltU(i, i32.const(digits.length)),
      () => {
        for (let bit = 0; bit < WINDOW_BITS; bit++) f.do(call(square, d, d));
        f.do(call(mul, d, d, entry(i32.load8u(i, digitsAt))));
        f.increase(i, 1);
      },
    );
  });
}

/** Loops a body over n items with two running pointers. */
function eachOf(f: FunctionBuilder, n: Local, d: Local, dStep: number, a: Local, aStep: number, body: () => void): void {
  f.while(
    () => n,
    () => {
      body();
      f.increase(d, dStep);
      f.increase(a, aStep);
      f.increase(n, -1);
    },
  );
}

/** Defines all functions of a prime field in the module. */
export function definePrimeField(module: ModuleBuilder, field: FieldParameters): PrimeField {
  const name = field.name;
  const zeroAt = constantElement(module, 0n);
  const oneAt = constantElement(module, field.one);
  const mul = module.func(`${name}_mul`, pointers(3), [], (f) => {
    const [a, b] = [loadLimbs(f, f.param(1)), loadLimbs(f, f.param(2))];
    storeLimbs(f, f.param(0), montgomery(f, field, [{ a, b }]));
  });
  const square = module.func(`${name}_square`, pointers(2), [], (f) => {
    storeLimbs(f, f.param(0), montgomerySquare(f, field, loadLimbs(f, f.param(1))));
  });
  const add = module.func(`${name}_add`, pointers(3), [], (f) => {
    const sum = addLimbs(loadLimbs(f, f.param(1)), loadLimbs(f, f.param(2)));
    storeLimbs(f, f.param(0), normalise(f, sum));
  });
  const sub = module.func(`${name}_sub`, pointers(3), [], (f) => {
    const difference = subtractLimbs(loadLimbs(f, f.param(1)), loadLimbs(f, f.param(2)));
    storeLimbs(f, f.param(0), normalise(f, difference));
  });
  const mulDiff = module.func(`${name}_mulDiff`, pointers(5), [], (f) => {
    const a = loadLimbs(f, f.param(1));
    const b = materialise(f, subtractLimbs(loadLimbs(f, f.param(2)), loadLimbs(f, f.param(3))));
    storeLimbs(f, f.param(0), montgomery(f, field, [{ a, b }], minus(f, field, loadLimbs(f, f.param(4)))));
  });
  const mulByDiff = module.func(`${name}_mulByDiff`, pointers(4), [], (f) => {
    const a = loadLimbs(f, f.param(1));
    const b = materialise(f, subtractLimbs(loadLimbs(f, f.param(2)), loadLimbs(f, f.param(3))));
    storeLimbs(f, f.param(0), montgomery(f, field, [{ a, b }]));
  });
  const squareMinus = module.func(`${name}_squareMinus`, pointers(4), [], (f) => {
    const a = loadLimbs(f, f.param(1));
    const less = materialise(f, addLimbs(loadLimbs(f, f.param(2)), loadLimbs(f, f.param(3))));
    storeLimbs(f, f.param(0), montgomerySquare(f, field, a, minus(f, field, less)));
  });
  const inverse = defineInverse(module, name, field, mul, square, oneAt);
  const canonical = module.func(`${name}_canonical`, pointers(2), [], (f) => {
    storeLimbs(f, f.param(0), canonicalProduct(f, field, loadLimbs(f, f.param(1)), field.one));
  });
  const isZero = module.func(`${name}_isZero`, [I32], [I32], (f) => {
    const value = canonicalProduct(f, field, loadLimbs(f, f.param(0)), field.one);
    f.do(i64.eqz(value.slice(1).reduce((all, limb) => f.let(I64, i64.or(all, limb)), at(value, 0))));
  });
  const pack = module.func(`${name}_pack`, pointers(2), [], (f) => {
    packLimbs(f, f.param(0), canonicalProduct(f, field, loadLimbs(f, f.param(1)), 1n));
  });
  const fileFactor = powerModulo(2n, FILE_MONTGOMERY_BITS, field.prime);
  const packForFile = module.func(`${name}_packForFile`, pointers(2), [], (f) => {
    packLimbs(f, f.param(0), canonicalProduct(f, field, loadLimbs(f, f.param(1)), fileFactor));
  });
  module.func(`${name}_packForFileMany`, pointers(3), [], (f) => {
    const [d, a] = [f.param(0), f.param(1)];
    eachOf(f, f.param(2), d, PACKED_BYTES, a, ELEMENT_BYTES, () => f.do(call(packForFile, d, a)));
  });
  const packMany = module.func(`${name}_packMany`, pointers(3), [], (f) => {
    const [d, a] = [f.param(0), f.param(1)];
    eachOf(f, f.param(2), d, 32, a, ELEMENT_BYTES, () => f.do(call(pack, d, a)));
  });
  const unpackMany = module.func(`${name}_unpackMany`, pointers(4), [], (f) => {
    const [d, a] = [f.param(0), f.param(1)];
    const factor = loadLimbs(f, f.param(3));
    eachOf(f, f.param(2), d, ELEMENT_BYTES, a, 32, () => {
      storeLimbs(f, d, montgomery(f, field, [{ a: unpackLimbs(f, a), b: factor }]));
    });
  });
  return {
    name,
    parameters: field,
    bytes: ELEMENT_BYTES,
    zeroAt,
    oneAt,
    mul,
    square,
    add,
    sub,
    mulDiff,
    mulByDiff,
    squareMinus,
    inverse,
    canonical,
    isZero,
    pack,
    packMany,
    unpackMany,
    enterAt: constantElement(module, field.enter),
    enterFromFileAt: constantElement(module, field.enterFromFile),
  };
}

/** Options that subtract an element and put back as many primes as it holds. */
export function minus(f: FunctionBuilder, field: FieldParameters, less: readonly Local[]): { addend: Operand[]; liftBy: Local } {
  return {
    addend: less.map((limb) => i64.sub(i64.const(0), limb)),
    liftBy: f.let(I64, estimatePrimes(field, at(less, TOP))),
  };
}
