/**
 * The functions of one prime field on elements in memory. Operands are addresses; a result may overwrite an operand.
 *
 * `mulDiff` and `squareMinus` are the steps of affine point addition: the differences are formed while loading, and
 * what is subtracted at the end joins the reduction where the backend gains by it.
 *
 * Invariants: all results are stored elements in the sense of `arithmetic.ts`; those of mul, square, mulDiff and
 * squareMinus are settled. `canonical`, `pack` and `isZero` accept any stored element.
 */

import { POWER_WINDOW_BITS } from '../sizes.js';
import {
  at,
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
import type { Arithmetic, Element } from './arithmetic.js';
import { FILE_MONTGOMERY_BITS, type Field, inverseModulo, PACKED_BYTES } from './parameters.js';
import { encodeElement, powerOfTwo } from './representation.js';

/** What curve formulas need of a coordinate field, prime or quadratic. */
export interface CoordinateField {
  readonly name: string;
  readonly bytes: number;
  readonly zeroAt: number;
  readonly oneAt: number;
  /** Places an element with these coordinates, plain integers, in the module's data; @returns its address */
  readonly constant: (...coordinates: bigint[]) => number;
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
  readonly field: Field;
  readonly arithmetic: Arithmetic;
  /** (d, a): the representative in [0, p), still in Montgomery form. */
  readonly canonical: FunctionRef;
  /** (d, a): leaves Montgomery form and writes 32 bytes, little-endian. */
  readonly pack: FunctionRef;
  /** (d, a): enters the files' Montgomery form and writes 32 bytes, little-endian. */
  readonly packForFile: FunctionRef;
  /** (d, a, scratch): d = a^⌊(p−3)/4⌋, from which square roots follow where p ≡ 3 (mod 4); scratch as for `inverse`. */
  readonly rootPower: FunctionRef;
  /** (d, a, n, factor): n times 32 little-endian bytes → element · factor. */
  readonly unpackMany: FunctionRef;
  /** (d, a, n): n times `pack`. */
  readonly packMany: FunctionRef;
  /** R mod p in Montgomery form: the factor by which plain integers enter. */
  readonly enterAt: number;
  /** The factor by which integers in the files' Montgomery form enter. */
  readonly enterFromFileAt: number;
}

/** Places an element, given by its coordinates as plain integers, in the module's data. */
export function constantElement(module: ModuleBuilder, { representation, field }: Arithmetic, ...coordinates: bigint[]): number {
  const bytes = new Uint8Array(coordinates.length * representation.elementBytes);
  coordinates.forEach((x, i) => {
    bytes.set(encodeElement(representation, field, x), i * representation.elementBytes);
  });
  return module.constant(bytes);
}

const pointers = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

/** (d, a, scratch): d = a^exponent with windows of four bits. */
function definePower(
  module: ModuleBuilder,
  { field, representation }: Arithmetic,
  suffix: string,
  exponent: bigint,
  mul: FunctionRef,
  square: FunctionRef,
  oneAt: number,
): FunctionRef {
  const digits = [...exponent.toString(16)].map((digit) => Number.parseInt(digit, 16));
  const digitsAt = module.constant(Uint8Array.from(digits));
  return module.func(`${field.name}_${suffix}`, pointers(3), [], (f) => {
    const [d, a, table] = [f.param(0), f.param(1), f.param(2)];
    const entry = (index: Operand): Operand => i32.add(table, i32.mul(index, i32.const(representation.elementBytes)));
    copyBytes(f, table, i32.const(oneAt), representation.elementBytes);
    const i = f.let(I32, i32.const(1));
    f.while(
      () => i32.ltU(i, i32.const(1 << POWER_WINDOW_BITS)),
      () => {
        f.do(call(mul, entry(i), entry(i32.sub(i, i32.const(1))), a));
        f.increase(i, 1);
      },
    );
    copyBytes(f, d, i32.const(oneAt), representation.elementBytes);
    f.set(i, i32.const(0));
    f.while(
      () => i32.ltU(i, i32.const(digits.length)),
      () => {
        for (let bit = 0; bit < POWER_WINDOW_BITS; bit++) f.do(call(square, d, d));
        f.do(call(mul, d, d, entry(i32.load8u(i, digitsAt))));
        f.increase(i, 1);
      },
    );
  });
}

/** (d, a, scratch): by the backend's own method, or as a^(p−2). */
function defineInverse(module: ModuleBuilder, arithmetic: Arithmetic, mul: FunctionRef, square: FunctionRef, oneAt: number): FunctionRef {
  const { field, inverse } = arithmetic;
  if (!inverse) return definePower(module, arithmetic, 'inverse', field.prime - 2n, mul, square, oneAt);
  return module.func(`${field.name}_inverse`, pointers(3), [], (f) => {
    arithmetic.store(f, f.param(0), inverse(f, arithmetic.load(f, f.param(1))));
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

/** Conversions between memory and the 32-byte integers of files and scalars. */
function defineConversions(
  module: ModuleBuilder,
  arithmetic: Arithmetic,
): Pick<PrimeField, 'pack' | 'packForFile' | 'packMany' | 'unpackMany'> {
  const { field, representation } = arithmetic;
  const { name } = field;
  const { elementBytes } = representation;
  const packTimes = (suffix: string, factor: bigint): FunctionRef =>
    module.func(`${name}_${suffix}`, pointers(2), [], (f) => {
      arithmetic.pack(f, f.param(0), arithmetic.canonicalProduct(f, arithmetic.load(f, f.param(1)), factor));
    });
  const many = (one: FunctionRef): FunctionRef =>
    module.func(`${one.name}Many`, pointers(3), [], (f) => {
      const [d, a] = [f.param(0), f.param(1)];
      eachOf(f, f.param(2), d, PACKED_BYTES, a, elementBytes, () => f.do(call(one, d, a)));
    });
  const pack = packTimes('pack', 1n);
  const packMany = many(pack);
  const packForFile = packTimes('packForFile', powerOfTwo(field, Number(FILE_MONTGOMERY_BITS)));
  many(packForFile);
  const unpackMany = module.func(`${name}_unpackMany`, pointers(4), [], (f) => {
    const [d, a] = [f.param(0), f.param(1)];
    const factor = arithmetic.load(f, f.param(3));
    eachOf(f, f.param(2), d, elementBytes, a, PACKED_BYTES, () => {
      arithmetic.store(f, d, arithmetic.product(f, arithmetic.unpack(f, a), factor));
    });
  });
  return { pack, packForFile, packMany, unpackMany };
}

/** Defines all functions of a prime field in the module. */
export function definePrimeField(module: ModuleBuilder, arithmetic: Arithmetic): PrimeField {
  const { field, representation } = arithmetic;
  const { name } = field;
  const constant = (...coordinates: bigint[]): number => constantElement(module, arithmetic, ...coordinates);
  const [zeroAt, oneAt] = [constant(0n), constant(1n)];
  const one = powerOfTwo(field, representation.montgomeryBits);
  /** A function whose result goes to its first parameter and whose other parameters are operands. */
  const define = (
    suffix: string,
    operands: number,
    body: (f: FunctionBuilder, ...elements: [Element, ...Element[]]) => Element,
  ): FunctionRef =>
    module.func(`${name}_${suffix}`, pointers(operands + 1), [], (f) => {
      const elements = Array.from({ length: operands }, (_, i) => arithmetic.load(f, f.param(i + 1)));
      arithmetic.store(f, f.param(0), body(f, ...(elements as [Element, ...Element[]])));
    });
  const { product, looseDifference, looseSum } = arithmetic;
  const mul = define('mul', 2, (f, a, b) => product(f, a, b as Element));
  const square = define('square', 1, (f, a) => arithmetic.square(f, a));
  return {
    name,
    field,
    arithmetic,
    bytes: representation.elementBytes,
    constant,
    zeroAt,
    oneAt,
    mul,
    square,
    add: define('add', 2, (f, a, b) => arithmetic.sum(f, a, b as Element)),
    sub: define('sub', 2, (f, a, b) => arithmetic.difference(f, a, b as Element)),
    mulDiff: define('mulDiff', 4, (f, a, b, c, e) => product(f, a, looseDifference(f, b as Element, c as Element), e)),
    mulByDiff: define('mulByDiff', 3, (f, a, b, c) => product(f, a, looseDifference(f, b as Element, c as Element))),
    squareMinus: define('squareMinus', 3, (f, a, b, c) => arithmetic.square(f, a, looseSum(f, b as Element, c as Element))),
    inverse: defineInverse(module, arithmetic, mul, square, oneAt),
    rootPower: definePower(module, arithmetic, 'rootPower', (field.prime - 3n) / 4n, mul, square, oneAt),
    canonical: define('canonical', 1, (f, a) => arithmetic.canonicalProduct(f, a, one)),
    isZero: module.func(`${name}_isZero`, [I32], [I32], (f) => {
      const value = arithmetic.canonicalProduct(f, arithmetic.load(f, f.param(0)), one);
      f.do(i64.eqz(value.slice(1).reduce((all, limb) => f.let(I64, i64.or(all, limb)), at(value, 0))));
    }),
    ...defineConversions(module, arithmetic),
    enterAt: constant(one),
    enterFromFileAt: constant(one * inverseModulo(powerOfTwo(field, Number(FILE_MONTGOMERY_BITS)), field.prime)),
  };
}
