/**
 * Affine points from their abscissae, y = √(x³ + b), for key files that store one coordinate.
 *
 * q ≡ 3 (mod 4): w = a^((q−3)/4) gives √a = w·a where a is a square, and then w = 1/√a.
 * In F_q², for a = c0 + c1·u: s = √(c0² + c1²), and t = (c0 ± s)/2 is a square for one of the signs; √a = √t + c1/(2√t)·u.
 * What stands in for the root of a non-square is not checked here: files of compressed points carry a hash of the result.
 * A real non-square a has a root of another form; whoever compresses must check that points come back.
 *
 * A compressed point is its abscissa in the files' Montgomery form (32 or 64 bytes); the highest bit of its last byte is
 * the sign: the parity of the ordinate's file integer, of its first component that is not zero. As q is odd, negation
 * flips it.
 * Source of the root in F_q²: Adj, Rodríguez-Henríquez, "Square root computation over even extension fields" (2012).
 */
import type { CoordinateField, PrimeField } from '../field/operations.js';
import { inverseModulo, PACKED_BYTES } from '../field/parameters.js';
import { INVERSE_SCRATCH_BYTES } from '../sizes.js';
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

const SLOTS = 12;
const SIGN_BIT = 7;
const LOW_BITS = 0x7f;

/** Scratch of the kernels here, for any representation. */
export const DECOMPRESS_SCRATCH_BYTES = INVERSE_SCRATCH_BYTES * 2;

/** Elements of the base field in the scratch, two neighbours being one of the extension; then a table for powers. */
interface Workspace {
  readonly slot: (i: number) => Operand;
  readonly table: Local;
}

function workspace(f: FunctionBuilder, base: PrimeField, scratch: Local): Workspace {
  const slots = Array.from({ length: SLOTS }, (_, i) => f.let(I32, i32.add(scratch, i32.const(i * base.bytes))));
  return { slot: (i) => slots[i] as Local, table: f.let(I32, i32.add(scratch, i32.const(SLOTS * base.bytes))) };
}

/** Copies the abscissa to d without its sign; @returns the sign. */
function takeSign(f: FunctionBuilder, d: Local, a: Local, bytes: number): Local {
  copyBytes(f, d, a, bytes);
  const last = f.let(I32, i32.load8u(a, bytes - 1));
  f.do(i32.store8(d, i32.and(last, i32.const(LOW_BITS)), bytes - 1));
  return f.let(I32, i32.shrU(last, i32.const(SIGN_BIT)));
}

function each(f: FunctionBuilder, inputBytes: number, body: (d: Local, a: Local) => void): void {
  const [d, a, n] = [f.param(0), f.param(1), f.param(2)];
  f.while(
    () => n,
    () => {
      body(d, a);
      f.increase(d, 2 * inputBytes);
      f.increase(a, inputBytes);
      f.increase(n, -1);
    },
  );
}

/** (d, a, n, scratch): 32-byte abscissae to 64-byte points of y² = x³ + b. */
function defineFirst(module: ModuleBuilder, base: PrimeField, b: bigint): FunctionRef {
  const bAt = base.constant(b);
  return module.func('g1_decompressMany', [I32, I32, I32, I32], [], (f) => {
    const { slot, table } = workspace(f, base, f.param(3));
    const [x, square, w, y] = [slot(0), slot(1), slot(2), slot(3)];
    each(f, PACKED_BYTES, (d, a) => {
      const sign = takeSign(f, d, a, PACKED_BYTES);
      const out = f.let(I32, i32.add(d, i32.const(PACKED_BYTES)));
      f.do(call(base.unpackMany, x, d, i32.const(1), i32.const(base.enterFromFileAt)));
      f.do(call(base.square, square, x), call(base.mul, square, square, x), call(base.add, square, square, i32.const(bAt)));
      f.do(call(base.rootPower, w, square, table), call(base.mul, y, w, square));
      f.do(call(base.packForFile, out, y));
      f.if(i32.ne(i32.and(i32.load8u(out), i32.const(1)), sign), () => {
        f.do(call(base.sub, y, i32.const(base.zeroAt), y), call(base.packForFile, out, y));
      });
    });
  });
}

/** (d, a, n, scratch): 64-byte abscissae to 128-byte points of the twist. */
function defineSecond(module: ModuleBuilder, base: PrimeField, quadratic: CoordinateField, b: readonly [bigint, bigint]): FunctionRef {
  const bAt = quadratic.constant(...b);
  const halfAt = base.constant(inverseModulo(2n, base.field.prime));
  const half = i32.const(halfAt);
  return module.func('g2_decompressMany', [I32, I32, I32, I32], [], (f) => {
    const { slot, table } = workspace(f, base, f.param(3));
    const [x, a0, a1, norm, s, t, w, u] = [slot(0), slot(2), slot(3), slot(4), slot(5), slot(6), slot(7), slot(8)];
    const [y0, y1] = [slot(10), slot(11)];
    each(f, 2 * PACKED_BYTES, (d, a) => {
      const sign = takeSign(f, d, a, 2 * PACKED_BYTES);
      const [out0, out1] = [2, 3].map((i) => f.let(I32, i32.add(d, i32.const(i * PACKED_BYTES)))) as [Local, Local];
      f.do(call(base.unpackMany, x, d, i32.const(2), i32.const(base.enterFromFileAt)));
      f.do(call(quadratic.square, a0, x), call(quadratic.mul, a0, a0, x), call(quadratic.add, a0, a0, i32.const(bAt)));
      f.do(call(base.square, norm, a0), call(base.square, s, a1), call(base.add, norm, norm, s));
      f.do(call(base.rootPower, w, norm, table), call(base.mul, s, w, norm));
      const halve = (): void => f.do(call(base.mul, t, t, half), call(base.rootPower, w, t, table));
      f.do(call(base.add, t, a0, s));
      halve();
      f.do(call(base.square, u, w), call(base.mul, u, u, t), call(base.sub, u, u, i32.const(base.oneAt)));
      f.if(i32.eqz(call(base.isZero, u)), () => {
        f.do(call(base.sub, t, a0, s));
        halve();
      });
      f.do(call(base.mul, y0, w, t), call(base.mul, y1, a1, half), call(base.mul, y1, y1, w));
      const pack = (): void => f.do(call(base.packForFile, out0, y0), call(base.packForFile, out1, y1));
      pack();
      const zero = Array.from({ length: 4 }, (_, i) => i64.load(out0, 8 * i)).reduce((all, word) => i64.or(all, word));
      const deciding = f.let(I32, out0);
      f.if(i64.eqz(f.let(I64, zero)), () => f.set(deciding, out1));
      f.if(i32.ne(i32.and(i32.load8u(deciding), i32.const(1)), sign), () => {
        f.do(call(quadratic.sub, y0, i32.const(quadratic.zeroAt), y0));
        pack();
      });
    });
  });
}

/** Defines the decompression of points of both curves. */
export function defineDecompression(
  module: ModuleBuilder,
  base: PrimeField,
  quadratic: CoordinateField,
  b: { readonly g1: bigint; readonly g2: readonly [bigint, bigint] },
): void {
  defineFirst(module, base, b.g1);
  defineSecond(module, base, quadratic, b.g2);
}
