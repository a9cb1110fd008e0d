/**
 * Points of one curve y² = x³ + b in memory, affine and projective.
 *
 * Affine: x | y, with all-zero bytes for the point at infinity ((0, 0) is on neither curve).
 * Projective: X | Y | Z with x = X/Z, y = Y/Z and (0 : 1 : 0) for infinity.
 *
 * `add` is complete: it is right for every pair of points, doubling and infinity included, since neither curve has a
 * point of order two. Source: Renes, Costello, Batina, "Complete addition formulas for prime order elliptic curves"
 * (2016), algorithm 7.
 */

import type { CoordinateField } from '../field/operations.js';
import { call, copyBytes, type FunctionRef, I32, I64, i32, i64, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

export interface Curve {
  readonly name: string;
  readonly field: CoordinateField;
  readonly affineBytes: number;
  readonly projectiveBytes: number;
  /** (d, a, b, scratch): projective sum. Scratch: ten elements. */
  readonly add: FunctionRef;
  /** (d, a): affine → projective. */
  readonly lift: FunctionRef;
  /** (d, a, scratch): projective → affine; infinity becomes zeros. Scratch: that of an inversion and two elements. */
  readonly lower: FunctionRef;
  /** (d, tagged): copies an affine point; an odd address asks for its negative. */
  readonly copy: FunctionRef;
  /** (a) → 1 if the affine point is infinity. */
  readonly isInfinity: FunctionRef;
  /** (points, n, scratch): writes at `scratch` how many affine points from the first on lie on the curve. Scratch: two elements. */
  readonly onCurve: FunctionRef;
}

/** Address of a tagged pointer: point addresses are multiples of four, the lowest bit asks for the negative. */
export function untagged(pointer: Operand): Operand {
  return i32.and(pointer, i32.const(-2));
}

/** One step of a formula: result, operation, operands, all by slot name. */
type Step = readonly [d: string, op: 'mul' | 'add' | 'sub', a: string, b: string];

const COMPLETE_ADDITION: readonly Step[] = [
  ['t0', 'mul', 'X1', 'X2'],
  ['t1', 'mul', 'Y1', 'Y2'],
  ['t2', 'mul', 'Z1', 'Z2'],
  ['t3', 'add', 'X1', 'Y1'],
  ['t4', 'add', 'X2', 'Y2'],
  ['t3', 'mul', 't3', 't4'],
  ['t4', 'add', 't0', 't1'],
  ['t3', 'sub', 't3', 't4'],
  ['t4', 'add', 'Y1', 'Z1'],
  ['x', 'add', 'Y2', 'Z2'],
  ['t4', 'mul', 't4', 'x'],
  ['x', 'add', 't1', 't2'],
  ['t4', 'sub', 't4', 'x'],
  ['x', 'add', 'X1', 'Z1'],
  ['y', 'add', 'X2', 'Z2'],
  ['x', 'mul', 'x', 'y'],
  ['y', 'add', 't0', 't2'],
  ['y', 'sub', 'x', 'y'],
  ['x', 'add', 't0', 't0'],
  ['t0', 'add', 'x', 't0'],
  ['t2', 'mul', 'b3', 't2'],
  ['z', 'add', 't1', 't2'],
  ['t1', 'sub', 't1', 't2'],
  ['y', 'mul', 'b3', 'y'],
  ['x', 'mul', 't4', 'y'],
  ['t2', 'mul', 't3', 't1'],
  ['X3', 'sub', 't2', 'x'],
  ['y', 'mul', 'y', 't0'],
  ['t1', 'mul', 't1', 'z'],
  ['Y3', 'add', 't1', 'y'],
  ['t0', 'mul', 't0', 't3'],
  ['z', 'mul', 'z', 't4'],
  ['Z3', 'add', 'z', 't0'],
];
const SLOTS = ['t0', 't1', 't2', 't3', 't4', 'x', 'y', 'z'];

function defineAdd(module: ModuleBuilder, name: string, field: CoordinateField, b3At: number): FunctionRef {
  return module.func(`${name}_add`, [I32, I32, I32, I32], [], (f) => {
    const address = (slot: string): Operand => {
      if (slot === 'b3') return i32.const(b3At);
      const own = SLOTS.indexOf(slot);
      if (own >= 0) return i32.add(f.param(3), i32.const(own * field.bytes));
      const operand = { '1': 1, '2': 2, '3': 0 }[slot.charAt(1)] ?? 0;
      return i32.add(f.param(operand), i32.const('XYZ'.indexOf(slot.charAt(0)) * field.bytes));
    };
    for (const [d, op, a, b] of COMPLETE_ADDITION) f.do(call(field[op], address(d), address(a), address(b)));
  });
}

/** y² = x³ + b, as 3·(y² − x³) − 3·b = 0: the constant that is there is 3·b. */
function defineOnCurve(module: ModuleBuilder, name: string, field: CoordinateField, b3At: number): FunctionRef {
  return module.func(`${name}_onCurve`, [I32, I32, I32], [], (f) => {
    const [points, n, scratch] = [f.param(0), f.param(1), f.param(2)];
    const [t, u] = [scratch, f.let(I32, i32.add(scratch, i32.const(field.bytes)))];
    const good = f.let(I32, i32.const(0));
    f.block((bad) => {
      f.while(
        () => i32.ltU(good, n),
        () => {
          f.do(call(field.square, t, points));
          f.do(call(field.mul, t, t, points));
          f.do(call(field.square, u, i32.add(points, i32.const(field.bytes))));
          f.do(call(field.sub, t, u, t));
          f.do(call(field.add, u, t, t));
          f.do(call(field.add, t, t, u));
          f.do(call(field.sub, t, t, i32.const(b3At)));
          f.branchIf(bad, i32.eqz(call(field.isZero, t)));
          f.increase(points, 2 * field.bytes);
          f.increase(good, 1);
        },
      );
    });
    f.do(i32.store(scratch, good));
  });
}

/** Defines the point functions of a curve whose 3·b stands at `b3At`. */
export function defineCurve(module: ModuleBuilder, name: string, field: CoordinateField, b3At: number): Curve {
  const size = field.bytes;
  const isInfinity = module.func(`${name}_isInfinity`, [I32], [I32], (f) => {
    const all = f.let(I64, i64.const(0));
    for (let offset = 0; offset < 2 * size; offset += 8) f.set(all, i64.or(all, i64.load(f.param(0), offset)));
    f.do(i64.eqz(all));
  });
  const copy = module.func(`${name}_copy`, [I32, I32], [], (f) => {
    const [d, tagged] = [f.param(0), f.param(1)];
    const a = f.let(I32, untagged(tagged));
    copyBytes(f, d, a, 2 * size);
    f.if(i32.and(tagged, i32.const(1)), () => {
      f.do(call(field.sub, i32.add(d, i32.const(size)), i32.const(field.zeroAt), i32.add(a, i32.const(size))));
    });
  });
  const lift = module.func(`${name}_lift`, [I32, I32], [], (f) => {
    const [d, a] = [f.param(0), f.param(1)];
    f.if(
      call(isInfinity, a),
      () => {
        copyBytes(f, d, i32.const(field.zeroAt), size);
        copyBytes(f, i32.add(d, i32.const(size)), i32.const(field.oneAt), size);
        copyBytes(f, i32.add(d, i32.const(2 * size)), i32.const(field.zeroAt), size);
      },
      () => {
        copyBytes(f, d, a, 2 * size);
        copyBytes(f, i32.add(d, i32.const(2 * size)), i32.const(field.oneAt), size);
      },
    );
  });
  const lower = module.func(`${name}_lower`, [I32, I32, I32], [], (f) => {
    const [d, a, scratch] = [f.param(0), f.param(1), f.param(2)];
    const z = f.let(I32, i32.add(a, i32.const(2 * size)));
    const rest = f.let(I32, i32.add(scratch, i32.const(2 * size)));
    f.do(call(field.inverse, scratch, z, rest));
    f.do(call(field.mul, d, a, scratch));
    f.do(call(field.mul, i32.add(d, i32.const(size)), i32.add(a, i32.const(size)), scratch));
    f.if(call(field.isZero, z), () => {
      for (let offset = 0; offset < 2 * size; offset += 8) f.do(i64.store(d, i64.const(0), offset));
    });
  });
  return {
    name,
    field,
    affineBytes: 2 * size,
    projectiveBytes: 3 * size,
    add: defineAdd(module, name, field, b3At),
    lift,
    lower,
    copy,
    isInfinity,
    onCurve: defineOnCurve(module, name, field, b3At),
  };
}
