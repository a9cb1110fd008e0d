/**
 * The tower over F_q2 in which pairings take their values, and its functions on elements in memory:
 *
 *   F_q6 = F_q2[v]/(v³ − ξ) as c0 | c1 | c2,   F_q12 = F_q6[w]/(w² − v) as c0 | c1,   ξ = 9 + u.
 *
 * Products by Karatsuba's method; a square in F_q12 by (c0 + c1)(c0 + v·c1); elements of the cyclotomic subgroup, which
 * the first half of the final exponentiation leaves, are squared by Granger and Scott's formulas: three squares over F_q4.
 *
 * Invariants: every F_q12 result is settled (see field/arithmetic.ts), so the sums inside of one function never run out
 * of room; a result may overwrite an operand. All functions take a scratch address last; each says how much it needs.
 * Source: Devegili, Ó hÉigeartaigh, Scott, Dahab, "Multiplication and Squaring on Pairing-Friendly Fields" (2006);
 * Granger, Scott, "Faster Squaring in the Cyclotomic Subgroup of Sixth Degree Extensions" (2010).
 */
import { XI_REAL } from '../curve/equation.js';
import type { CoordinateField, PrimeField } from '../field/operations.js';
import { call, copyBytes, type FunctionBuilder, type FunctionRef, I32, i32, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';

/** Elements of F_q2 in an element of F_q6 and of F_q12. */
export const SEXTIC = 3;
export const DODECIC = 6;

/** Scratch of the functions, in elements of F_q2. */
const SCRATCH_6 = 8;
export const SCRATCH_12 = 4 * SEXTIC + SCRATCH_6;

export interface Tower {
  readonly base: PrimeField;
  readonly quadratic: CoordinateField;
  /** (d, a): d = ξ·a in F_q2, settled. */
  readonly mulByXi: FunctionRef;
  /** (d, a): the conjugate in F_q2. */
  readonly conjugate2: FunctionRef;
  /** (d, a, b, s): products in F_q6 and F_q12. */
  readonly mul6: FunctionRef;
  readonly mul12: FunctionRef;
  /** (d, a, s) */
  readonly square12: FunctionRef;
  /** (d, a, s), for a in the cyclotomic subgroup. */
  readonly cyclotomicSquare: FunctionRef;
  /** (d, a): c0 − c1·w, the inverse in the cyclotomic subgroup. */
  readonly conjugate12: FunctionRef;
  /** (d, a, s) */
  readonly inverse12: FunctionRef;
  /** (f, l, s): f ← f·(l0 + l1·w + l2·w³), a line's value. */
  readonly mulByLine: FunctionRef;
}

const params = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

/** Emits formulas over F_q2; operands are addresses. */
export class Formula {
  constructor(
    private readonly f: FunctionBuilder,
    private readonly field: CoordinateField,
  ) {}

  /** The k-th element behind a pointer. */
  at(pointer: Operand, k: number): Operand {
    return k === 0 ? pointer : i32.add(pointer, i32.const(k * this.field.bytes));
  }

  mul(d: Operand, a: Operand, b: Operand): void {
    this.f.do(call(this.field.mul, d, a, b));
  }

  square(d: Operand, a: Operand): void {
    this.f.do(call(this.field.square, d, a));
  }

  /** d = a + b + … */
  add(d: Operand, a: Operand, b: Operand, ...more: Operand[]): void {
    this.f.do(call(this.field.add, d, a, b));
    for (const c of more) this.f.do(call(this.field.add, d, d, c));
  }

  /** d = a − b − … */
  sub(d: Operand, a: Operand, b: Operand, ...more: Operand[]): void {
    this.f.do(call(this.field.sub, d, a, b));
    for (const c of more) this.f.do(call(this.field.sub, d, d, c));
  }

  copy(d: Operand, a: Operand): void {
    copyBytes(this.f, d, a, this.field.bytes);
  }
}

/** (d, a): each component settled. */
function defineSettle(module: ModuleBuilder, { arithmetic, bytes }: PrimeField): FunctionRef {
  return module.func('q2_settle', params(2), [], (f) => {
    for (const offset of [0, bytes]) arithmetic.store(f, f.param(0), arithmetic.settle(f, arithmetic.load(f, f.param(1), offset)), offset);
  });
}

/** (9 + u)(a0 + a1·u) = (9·a0 − a1) + (a0 + 9·a1)·u */
function defineMulByXi(module: ModuleBuilder, { arithmetic, bytes }: PrimeField): FunctionRef {
  return module.func('q2_mulByXi', params(2), [], (f) => {
    const load = (offset: number) => arithmetic.load(f, f.param(1), offset);
    const nine = (offset: number) => {
      let value = load(offset);
      for (let doubled = 1; doubled < XI_REAL - 1; doubled *= 2) value = arithmetic.sum(f, value, value);
      return arithmetic.sum(f, value, load(offset));
    };
    const real = arithmetic.settle(f, arithmetic.looseDifference(f, nine(0), load(bytes)));
    const imaginary = arithmetic.settle(f, arithmetic.looseSum(f, nine(bytes), load(0)));
    arithmetic.store(f, f.param(0), real);
    arithmetic.store(f, f.param(0), imaginary, bytes);
  });
}

export function defineTower(module: ModuleBuilder, base: PrimeField, quadratic: CoordinateField): Tower {
  const settle = defineSettle(module, base);
  const mulByXi = defineMulByXi(module, base);
  const size = quadratic.bytes;
  const define = (name: string, count: number, body: (f: FunctionBuilder, o: Formula) => void): FunctionRef =>
    module.func(name, params(count), [], (f) => body(f, new Formula(f, quadratic)));
  const each = (name: string, elements: number, operation: 'add' | 'sub'): FunctionRef =>
    define(name, 3, (f, o) => {
      for (let k = 0; k < elements; k++) o[operation](o.at(f.param(0), k), o.at(f.param(1), k), o.at(f.param(2), k));
    });
  const [add6, sub6] = [each('f6_add', SEXTIC, 'add'), each('f6_sub', SEXTIC, 'sub')];
  const conjugate2 = define('q2_conjugate', 2, (f) => {
    const imaginary = (pointer: Operand): Operand => i32.add(pointer, i32.const(base.bytes));
    copyBytes(f, f.param(0), f.param(1), base.bytes);
    f.do(call(base.sub, imaginary(f.param(0)), i32.const(base.zeroAt), imaginary(f.param(1))));
  });
  const settle12 = define('f12_settle', 1, (f, o) => {
    for (let k = 0; k < DODECIC; k++) f.do(call(settle, o.at(f.param(0), k), o.at(f.param(0), k)));
  });
  /** (d, a): d = v·a; d differs from a. */
  const mulByV = define('f6_mulByV', 2, (f, o) => {
    f.do(call(mulByXi, f.param(0), o.at(f.param(1), 2)));
    o.copy(o.at(f.param(0), 1), f.param(1));
    o.copy(o.at(f.param(0), 2), o.at(f.param(1), 1));
  });
  const mul6 = defineMul6(define, mulByXi);
  const half = (pointer: Operand, k: number): Operand => (k === 0 ? pointer : i32.add(pointer, i32.const(k * SEXTIC * size)));
  const mul12 = define('f12_mul', 4, (f) => {
    const [d, a, b, s] = [0, 1, 2, 3].map((i) => f.param(i)) as [Operand, Operand, Operand, Operand];
    const [low, high, mixed, sum, rest] = [0, 1, 2, 3, 4].map((k) => half(s, k)) as [Operand, Operand, Operand, Operand, Operand];
    f.do(call(mul6, low, a, b, rest), call(mul6, high, half(a, 1), half(b, 1), rest));
    f.do(call(add6, mixed, a, half(a, 1)), call(add6, sum, b, half(b, 1)), call(mul6, mixed, mixed, sum, rest));
    f.do(call(sub6, mixed, mixed, low), call(sub6, half(d, 1), mixed, high));
    f.do(call(mulByV, sum, high), call(add6, d, low, sum), call(settle12, d));
  });
  const square12 = define('f12_square', 3, (f) => {
    // c0 = (a0 + a1)(a0 + v·a1) − m − v·m and c1 = 2m with m = a0·a1.
    const [d, a, s] = [0, 1, 2].map((i) => f.param(i)) as [Operand, Operand, Operand];
    const [m, sum, other, moved, rest] = [0, 1, 2, 3, 4].map((k) => half(s, k)) as [Operand, Operand, Operand, Operand, Operand];
    f.do(call(mul6, m, a, half(a, 1), rest), call(mulByV, moved, half(a, 1)));
    f.do(call(add6, sum, a, half(a, 1)), call(add6, other, a, moved), call(mul6, sum, sum, other, rest));
    f.do(call(mulByV, moved, m), call(sub6, sum, sum, m), call(sub6, d, sum, moved));
    f.do(call(add6, half(d, 1), m, m), call(settle12, d));
  });
  const conjugate12 = define('f12_conjugate', 2, (f, o) => {
    copyBytes(f, f.param(0), f.param(1), SEXTIC * size);
    for (let k = SEXTIC; k < DODECIC; k++) o.sub(o.at(f.param(0), k), i32.const(quadratic.zeroAt), o.at(f.param(1), k));
  });
  const inverse6 = defineInverse6(define, quadratic, mulByXi);
  const inverse12 = define('f12_inverse', 3, (f, o) => {
    // (a0 − a1·w)/(a0² − v·a1²)
    const [d, a, s] = [0, 1, 2].map((i) => f.param(i)) as [Operand, Operand, Operand];
    const [norm, square, moved, , rest] = [0, 1, 2, 3, 4].map((k) => half(s, k)) as [Operand, Operand, Operand, Operand, Operand];
    f.do(call(mul6, norm, a, a, rest), call(mul6, square, half(a, 1), half(a, 1), rest));
    f.do(call(mulByV, moved, square), call(sub6, norm, norm, moved), call(inverse6, norm, norm, rest));
    f.do(call(mul6, d, a, norm, rest), call(mul6, half(d, 1), half(a, 1), norm, rest));
    for (let k = SEXTIC; k < DODECIC; k++) o.sub(o.at(d, k), i32.const(quadratic.zeroAt), o.at(d, k));
    f.do(call(settle12, d));
  });
  const cyclotomicSquare = defineCyclotomicSquare(define, mulByXi, settle12);
  const mulByLine = defineMulByLine(define, { mulByXi, mul6, add6, sub6, settle12 }, size);
  return {
    base,
    quadratic,
    mulByXi,
    conjugate2,
    mul6,
    mul12,
    square12,
    cyclotomicSquare,
    conjugate12,
    inverse12,
    mulByLine,
  };
}

type Define = (name: string, count: number, body: (f: FunctionBuilder, o: Formula) => void) => FunctionRef;

/** With v_i = a_i·b_i: c0 = v0 + ξ((a1 + a2)(b1 + b2) − v1 − v2), c1 = (a0 + a1)(b0 + b1) − v0 − v1 + ξ·v2, c2 = (a0 + a2)(b0 + b2) − v0 − v2 + v1. */
function defineMul6(define: Define, mulByXi: FunctionRef): FunctionRef {
  return define('f6_mul', 4, (f, o) => {
    const [d, a, b, s] = [0, 1, 2, 3].map((i) => f.param(i)) as [Operand, Operand, Operand, Operand];
    const v = (k: number): Operand => o.at(s, k);
    const crossed = (k: number): Operand => o.at(s, SEXTIC + k);
    const [left, right] = [o.at(s, 2 * SEXTIC), o.at(s, 2 * SEXTIC + 1)];
    for (let k = 0; k < SEXTIC; k++) o.mul(v(k), o.at(a, k), o.at(b, k));
    for (let k = 0; k < SEXTIC; k++) {
      // crossed(k) = a_i·b_j + a_j·b_i for the other two indices.
      const [i, j] = [(k + 1) % SEXTIC, (k + 2) % SEXTIC];
      o.add(left, o.at(a, i), o.at(a, j));
      o.add(right, o.at(b, i), o.at(b, j));
      o.mul(left, left, right);
      o.sub(crossed(k), left, v(i), v(j));
    }
    f.do(call(mulByXi, left, crossed(0)), call(mulByXi, right, v(2)));
    o.add(o.at(d, 0), v(0), left);
    o.add(o.at(d, 1), crossed(2), right);
    o.add(o.at(d, 2), crossed(1), v(1));
  });
}

/** With t0 = a0² − ξ·a1·a2, t1 = ξ·a2² − a0·a1, t2 = a1² − a0·a2: (t0, t1, t2)/(a0·t0 + ξ(a2·t1 + a1·t2)). */
function defineInverse6(define: Define, quadratic: CoordinateField, mulByXi: FunctionRef): FunctionRef {
  return define('f6_inverse', 3, (f, o) => {
    const [d, a, s] = [0, 1, 2].map((i) => f.param(i)) as [Operand, Operand, Operand];
    const [a0, a1, a2] = [o.at(a, 0), o.at(a, 1), o.at(a, 2)];
    const [t0, t1, t2, x, y] = [0, 1, 2, 3, 4].map((k) => o.at(s, k)) as [Operand, Operand, Operand, Operand, Operand];
    o.square(t0, a0);
    o.mul(x, a1, a2);
    f.do(call(mulByXi, x, x));
    o.sub(t0, t0, x);
    o.square(x, a2);
    f.do(call(mulByXi, t1, x));
    o.mul(x, a0, a1);
    o.sub(t1, t1, x);
    o.square(t2, a1);
    o.mul(x, a0, a2);
    o.sub(t2, t2, x);
    o.mul(x, a2, t1);
    o.mul(y, a1, t2);
    o.add(x, x, y);
    f.do(call(mulByXi, x, x));
    o.mul(y, a0, t0);
    o.add(x, x, y);
    // An inversion's table needs more room than is left here; it stands behind this function's own.
    f.do(call(quadratic.inverse, x, x, o.at(s, SCRATCH_6)));
    o.mul(o.at(d, 0), t0, x);
    o.mul(o.at(d, 1), t1, x);
    o.mul(o.at(d, 2), t2, x);
  });
}

/**
 * The element as three pairs over F_q4 = F_q2[y]/(y² − ξ), (z0, z1), (z2, z3), (z4, z5), standing at w^0 w^3, w^1 w^4, w^2 w^5.
 * With (t, t') = the square of a pair: z0 ← 3t − 2z0, z1 ← 3t' + 2z1; and crosswise, with one factor ξ, for the other two.
 */
function defineCyclotomicSquare(define: Define, mulByXi: FunctionRef, settle12: FunctionRef): FunctionRef {
  return define('f12_cyclotomicSquare', 3, (f, o) => {
    const [d, a, s] = [0, 1, 2].map((i) => f.param(i)) as [Operand, Operand, Operand];
    const t = (k: number): Operand => o.at(s, k);
    const [x, y] = [o.at(s, DODECIC), o.at(s, DODECIC + 1)];
    /** Places of z0 … z5 among c0.c0 c0.c1 c0.c2 c1.c0 c1.c1 c1.c2. */
    const place = [0, 4, 3, 2, 1, 5] as const;
    const z = (pointer: Operand, k: number): Operand => o.at(pointer, place[k] as number);
    for (let pair = 0; pair < SEXTIC; pair++) {
      const [left, right] = [z(a, 2 * pair), z(a, 2 * pair + 1)];
      o.square(x, left);
      o.square(y, right);
      o.add(t(2 * pair + 1), left, right);
      o.square(t(2 * pair + 1), t(2 * pair + 1));
      o.sub(t(2 * pair + 1), t(2 * pair + 1), x, y);
      f.do(call(mulByXi, y, y));
      o.add(t(2 * pair), x, y);
    }
    f.do(call(mulByXi, t(5), t(5)));
    const difference = (k: number, from: Operand): void => {
      o.sub(x, from, z(a, k));
      o.add(z(d, k), x, x, from);
    };
    const sum = (k: number, from: Operand): void => {
      o.add(x, from, z(a, k));
      o.add(z(d, k), x, x, from);
    };
    difference(0, t(0));
    sum(1, t(1));
    sum(2, t(5));
    difference(3, t(4));
    difference(4, t(2));
    sum(5, t(3));
    f.do(call(settle12, d));
  });
}

interface LineParts {
  readonly mulByXi: FunctionRef;
  readonly mul6: FunctionRef;
  readonly add6: FunctionRef;
  readonly sub6: FunctionRef;
  readonly settle12: FunctionRef;
}

/**
 * The line is L = l0 + (l1 + l2·v)·w. By Karatsuba: A = f0·l0, B = f1·(l1 + l2·v), E = (f0 + f1)(l0 + l1 + l2·v);
 * f0 ← A + v·B, f1 ← E − A − B.
 */
function defineMulByLine(define: Define, { mulByXi, add6, sub6, settle12 }: LineParts, size: number): FunctionRef {
  /** (d, a, x, y, s): a·(x + y·v): five products. */
  const mulByTwo = define('f6_mulByTwo', 5, (f, o) => {
    const [d, a, x, y, s] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Operand, Operand, Operand, Operand, Operand];
    const [p, q, m, n, t] = [0, 1, 2, 3, 4].map((k) => o.at(s, k)) as [Operand, Operand, Operand, Operand, Operand];
    o.mul(p, o.at(a, 0), x);
    o.mul(q, o.at(a, 1), y);
    o.add(m, o.at(a, 0), o.at(a, 1));
    o.add(t, x, y);
    o.mul(m, m, t);
    o.sub(m, m, p, q);
    o.mul(n, o.at(a, 2), y);
    f.do(call(mulByXi, n, n));
    o.mul(t, o.at(a, 2), x);
    o.add(o.at(d, 0), p, n);
    o.copy(o.at(d, 1), m);
    o.add(o.at(d, 2), t, q);
  });
  return define('f12_mulByLine', 3, (f, o) => {
    const [d, l, s] = [0, 1, 2].map((i) => f.param(i)) as [Operand, Operand, Operand];
    const high = i32.add(d, i32.const(SEXTIC * size));
    const [a, b, e, rest] = [0, 1, 2, 3].map((k) => o.at(s, k * SEXTIC)) as [Operand, Operand, Operand, Operand];
    const sum = o.at(s, 4 * SEXTIC - 1);
    for (let k = 0; k < SEXTIC; k++) o.mul(o.at(a, k), o.at(d, k), l);
    f.do(call(mulByTwo, b, high, o.at(l, 1), o.at(l, 2), rest));
    f.do(call(add6, e, d, high));
    o.add(sum, l, o.at(l, 1));
    f.do(call(mulByTwo, e, e, sum, o.at(l, 2), o.at(s, 4 * SEXTIC)));
    f.do(call(sub6, e, e, a), call(sub6, high, e, b));
    // f0 = A + v·B
    f.do(call(mulByXi, rest, o.at(b, 2)));
    o.add(o.at(d, 0), o.at(a, 0), rest);
    o.add(o.at(d, 1), o.at(a, 1), o.at(b, 0));
    o.add(o.at(d, 2), o.at(a, 2), o.at(b, 1));
    f.do(call(settle12, d));
  });
}
