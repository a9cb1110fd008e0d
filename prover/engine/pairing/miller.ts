/**
 * Miller loops of the optimal ate pairing, many at once: all pairs share the squarings of the common value.
 *
 *   f ← 1, T_i ← Q_i; for each digit of 6u + 2 after the first:
 *     f ← f²;  for each pair: f ← f·(tangent at T_i)(P_i), T_i ← 2T_i;
 *     and where the digit is ±1: f ← f·(line through T_i and ±Q_i)(P_i), T_i ← T_i ± Q_i;
 *   at last the lines through π(Q_i) and −π²(Q_i), π the Frobenius map carried to the twist.
 *
 * T is homogeneous (x = X/Z, y = Y/Z). Lines are sparse: l0 + l1·w + l2·w³, up to a factor in F_q2 which the final
 * exponentiation removes. Source: Costello, Lange, Naehrig, "Faster Pairing Computations on Curves with High-Degree
 * Twists" (2010); Aranha, Karabina, Longa, Gebotys, López, "Faster Explicit Formulas for Computing Pairings over
 * Ordinary Curves" (2011).
 */
import { call, copyBytes, type FunctionRef, I32, i32, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import { frobeniusFactor, LOOP_LENGTH, signedDigits } from './parameters.js';
import { DODECIC, Formula, SCRATCH_12, type Tower } from './tower.js';

/** A pair in memory: P affine in G1, Q affine in G2, T homogeneous; the first two are given. In elements of F_q2. */
const P = 0;
const Q = 1;
const T = 3;
export const PAIR_ELEMENTS = 6;
/** Scratch of the loop, in elements of F_q2. */
const LINE_ELEMENTS = 3;
const STEP_ELEMENTS = 10;
export const MILLER_SCRATCH = LINE_ELEMENTS + STEP_ELEMENTS + SCRATCH_12;

const params = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

export interface Miller {
  /** (pairs, n, f, scratch): f becomes the product of the loops' values. */
  readonly loops: FunctionRef;
  /** (d, a): π of an affine point of the twist. */
  readonly frobenius: FunctionRef;
}

/** (d, a, factor): d = a·factor for a factor in F_q. */
function defineMulByBase(module: ModuleBuilder, { base }: Tower): FunctionRef {
  return module.func('q2_mulByBase', params(3), [], (f) => {
    const imaginary = (pointer: Operand): Operand => i32.add(pointer, i32.const(base.bytes));
    f.do(call(base.mul, f.param(0), f.param(1), f.param(2)), call(base.mul, imaginary(f.param(0)), imaginary(f.param(1)), f.param(2)));
  });
}

/**
 * (pair, line, s): the tangent at T, at P, and T ← 2T.
 * With B = Y², E = 3b'·Z², F = 3E, H = 2YZ: line = −H·y_P, 3X²·x_P, E − B; X' = 2XY(B − F), Y' = (B + F)² − 12E², Z' = 4BH.
 */
function defineDouble(module: ModuleBuilder, tower: Tower, mulByBase: FunctionRef, tripleBAt: number): FunctionRef {
  return module.func('miller_double', params(3), [], (f) => {
    const o = new Formula(f, tower.quadratic);
    const [pair, line, s] = [0, 1, 2].map((i) => f.param(i)) as [Local, Local, Local];
    const [x, y, z] = [0, 1, 2].map((k) => o.at(pair, T + k)) as [Operand, Operand, Operand];
    const yOfP = i32.add(pair, i32.const(tower.base.bytes));
    const [b, e, f3, h, t, u] = [0, 1, 2, 3, 4, 5].map((k) => o.at(s, k)) as [Operand, Operand, Operand, Operand, Operand, Operand];
    o.square(b, y);
    o.square(t, z);
    o.mul(e, t, i32.const(tripleBAt));
    o.add(f3, e, e, e);
    o.mul(h, y, z);
    o.add(h, h, h);
    o.square(t, x);
    o.add(u, t, t, t);
    f.do(call(mulByBase, o.at(line, 1), u, pair));
    o.sub(o.at(line, 2), e, b);
    o.sub(t, i32.const(tower.quadratic.zeroAt), h);
    f.do(call(mulByBase, line, t, yOfP));
    o.mul(x, x, y);
    o.sub(t, b, f3);
    o.add(t, t, t);
    o.mul(x, x, t);
    o.mul(z, b, h);
    o.add(z, z, z);
    o.add(z, z, z);
    o.add(t, b, f3);
    o.square(t, t);
    o.square(u, e);
    o.add(e, u, u, u);
    o.add(e, e, e);
    o.add(e, e, e);
    o.sub(y, t, e);
  });
}

/**
 * (pair, q, line, s): the line through T and the affine point q, at P, and T ← T + q.
 * With A = Y − y_q·Z, L = X − x_q·Z: line = L·y_P, −A·x_P, A·x_q − L·y_q;
 * C = A², D = L², E = L·D, F = Z·C, G = X·D, H = E + F − 2G; X' = L·H, Y' = A(G − H) − E·Y, Z' = Z·E.
 */
function defineAdd(module: ModuleBuilder, tower: Tower, mulByBase: FunctionRef): FunctionRef {
  return module.func('miller_add', params(4), [], (f) => {
    const o = new Formula(f, tower.quadratic);
    const [pair, q, line, s] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
    const [x, y, z] = [0, 1, 2].map((k) => o.at(pair, T + k)) as [Operand, Operand, Operand];
    const [xq, yq] = [q, o.at(q, 1)];
    const yOfP = i32.add(pair, i32.const(tower.base.bytes));
    const [a, l, c, e, g, h, t] = [0, 1, 2, 3, 4, 5, 6].map((k) => o.at(s, k)) as [
      Operand,
      Operand,
      Operand,
      Operand,
      Operand,
      Operand,
      Operand,
    ];
    o.mul(t, yq, z);
    o.sub(a, y, t);
    o.mul(t, xq, z);
    o.sub(l, x, t);
    o.mul(t, a, xq);
    o.mul(h, l, yq);
    o.sub(o.at(line, 2), t, h);
    f.do(call(mulByBase, line, l, yOfP));
    o.sub(t, i32.const(tower.quadratic.zeroAt), a);
    f.do(call(mulByBase, o.at(line, 1), t, pair));
    o.square(c, a);
    o.square(t, l);
    o.mul(e, l, t);
    o.mul(g, x, t);
    o.mul(t, z, c);
    o.add(h, e, t);
    o.sub(h, h, g, g);
    o.mul(x, l, h);
    o.sub(g, g, h);
    o.mul(g, g, a);
    o.mul(t, e, y);
    o.sub(y, g, t);
    o.mul(z, z, e);
  });
}

/** π(x, y) = (x̄·ξ^((p−1)/3), ȳ·ξ^((p−1)/2)) */
function defineFrobenius(module: ModuleBuilder, tower: Tower): FunctionRef {
  const { quadratic, conjugate2 } = tower;
  const factors = [2, 3].map((k) => quadratic.constant(...frobeniusFactor(1, k)));
  return module.func('g2_frobenius', params(2), [], (f) => {
    const o = new Formula(f, quadratic);
    factors.forEach((factor, k) => {
      f.do(call(conjugate2, o.at(f.param(0), k), o.at(f.param(1), k)));
      o.mul(o.at(f.param(0), k), o.at(f.param(0), k), i32.const(factor));
    });
  });
}

export function defineMiller(module: ModuleBuilder, tower: Tower, tripleBAt: number): Miller {
  const { quadratic, square12, mulByLine } = tower;
  const mulByBase = defineMulByBase(module, tower);
  const double = defineDouble(module, tower, mulByBase, tripleBAt);
  const add = defineAdd(module, tower, mulByBase);
  const frobenius = defineFrobenius(module, tower);
  const digits = signedDigits(LOOP_LENGTH).slice(1);
  // Digits as bytes: 0, 1 or 2 for −1.
  const digitsAt = module.constant(Uint8Array.from(digits, (digit) => (digit + 3) % 3));
  const loops = module.func('miller_loops', params(4), [], (f) => {
    const o = new Formula(f, quadratic);
    const [pairs, n, value, scratch] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
    const line = f.let(I32, scratch);
    const [point, step, rest] = [LINE_ELEMENTS, LINE_ELEMENTS + 2, LINE_ELEMENTS + STEP_ELEMENTS].map((k) =>
      f.let(I32, o.at(scratch, k)),
    ) as [Local, Local, Local];
    const [pair, left, i, digit] = f.locals(I32, 4) as [Local, Local, Local, Local];
    const eachPair = (body: () => void): void => {
      f.set(pair, pairs);
      f.set(left, n);
      f.while(
        () => left,
        () => {
          body();
          f.increase(pair, PAIR_ELEMENTS * quadratic.bytes);
          f.increase(left, -1);
        },
      );
    };
    const multiplyIn = (): void => f.do(call(mulByLine, value, line, rest));
    const throughPoint = (): void => {
      f.do(call(add, pair, point, line, step));
      multiplyIn();
    };
    copyBytes(f, value, i32.const(quadratic.oneAt), quadratic.bytes);
    for (let k = 1; k < DODECIC; k++) o.copy(o.at(value, k), i32.const(quadratic.zeroAt));
    eachPair(() => {
      for (let k = 0; k < 2; k++) o.copy(o.at(pair, T + k), o.at(pair, Q + k));
      o.copy(o.at(pair, T + 2), i32.const(quadratic.oneAt));
    });
    f.set(i, i32.const(0));
    f.while(
      () => i32.ltU(i, i32.const(digits.length)),
      () => {
        f.set(digit, i32.load8u(i, digitsAt));
        f.do(call(square12, value, value, rest));
        eachPair(() => {
          f.do(call(double, pair, line, step));
          multiplyIn();
          f.if(digit, () => {
            o.copy(point, o.at(pair, Q));
            o.copy(o.at(point, 1), o.at(pair, Q + 1));
            f.if(i32.eq(digit, i32.const(2)), () => o.sub(o.at(point, 1), i32.const(quadratic.zeroAt), o.at(pair, Q + 1)));
            throughPoint();
          });
        });
        f.increase(i, 1);
      },
    );
    eachPair(() => {
      f.do(call(frobenius, point, o.at(pair, Q)));
      throughPoint();
      // −π²(Q), which lies in `point` only after π(Q) has been used.
      f.do(call(frobenius, point, o.at(pair, Q)), call(frobenius, point, point));
      o.sub(o.at(point, 1), i32.const(quadratic.zeroAt), o.at(point, 1));
      throughPoint();
    });
  });
  return { loops, frobenius };
}

/** Offsets within a pair, in elements of F_q2. */
export const PAIR_PLACES = { g1: P, g2: Q } as const;
