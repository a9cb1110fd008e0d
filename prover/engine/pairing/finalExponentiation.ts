/**
 * Final exponentiation: f ↦ f^(k·(p^12 − 1)/r), where k = 2u(6u² + 3u + 1) is prime to r. The result is 1 exactly where
 * that of the plain exponent is, and that is all a verifier asks.
 *
 *   easy part: f ← f^((p^6 − 1)(p² + 1)), which leaves the cyclotomic subgroup: inversion is conjugation from here on;
 *   hard part: a chain of three powers by u, and Frobenius maps, which are nearly free.
 * Source: Fuentes-Castañeda, Knapp, Rodríguez-Henríquez, "Faster Hashing to G2" (2011), section 5.
 */
import { call, copyBytes, type FunctionRef, I32, i32, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import { CURVE_PARAMETER, frobeniusFactor, signedDigits } from './parameters.js';
import { DODECIC, Formula, SCRATCH_12, type Tower } from './tower.js';

const VALUES = 8;
/** Room for an inversion's table behind the functions' own. */
const INVERSION_ELEMENTS = 16;
/** Scratch in elements of F_q2. */
export const FINAL_SCRATCH = (VALUES + 2) * DODECIC + SCRATCH_12 + INVERSION_ELEMENTS;

/** Exponents of w at c0.c0 c0.c1 c0.c2 c1.c0 c1.c1 c1.c2. */
const POWERS_OF_W = [0, 2, 4, 1, 3, 5];

const params = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32);

/** (d, a): a^(p^power) */
function defineFrobenius(module: ModuleBuilder, tower: Tower, power: number): FunctionRef {
  const { quadratic, conjugate2 } = tower;
  const factors = POWERS_OF_W.map((k) => quadratic.constant(...frobeniusFactor(power, k)));
  return module.func(`f12_frobenius${power}`, params(2), [], (f) => {
    const o = new Formula(f, quadratic);
    factors.forEach((factor, k) => {
      const [d, a] = [o.at(f.param(0), k), o.at(f.param(1), k)];
      if (power % 2 === 1) f.do(call(conjugate2, d, a));
      o.mul(d, power % 2 === 1 ? d : a, i32.const(factor));
    });
  });
}

/** (d, a, s): a^(−u) for a in the cyclotomic subgroup. */
function definePower(module: ModuleBuilder, tower: Tower): FunctionRef {
  const { quadratic, cyclotomicSquare, mul12, conjugate12 } = tower;
  const bytes = DODECIC * quadratic.bytes;
  const digits = signedDigits(CURVE_PARAMETER).slice(1);
  const digitsAt = module.constant(Uint8Array.from(digits, (digit) => (digit + 3) % 3));
  return module.func('f12_powerByMinusU', params(3), [], (f) => {
    const [d, a, s] = [0, 1, 2].map((i) => f.param(i)) as [Local, Local, Local];
    const [inverse, power, rest] = [0, 1, 2].map((k) => f.let(I32, i32.add(s, i32.const(k * bytes)))) as [Local, Local, Local];
    const [i, digit] = f.locals(I32, 2) as [Local, Local];
    f.do(call(conjugate12, inverse, a));
    copyBytes(f, power, a, bytes);
    f.set(i, i32.const(0));
    f.while(
      () => i32.ltU(i, i32.const(digits.length)),
      () => {
        f.do(call(cyclotomicSquare, power, power, rest));
        f.set(digit, i32.load8u(i, digitsAt));
        f.if(i32.eq(digit, i32.const(1)), () => f.do(call(mul12, power, power, a, rest)));
        f.if(i32.eq(digit, i32.const(2)), () => f.do(call(mul12, power, power, inverse, rest)));
        f.increase(i, 1);
      },
    );
    f.do(call(conjugate12, d, power));
  });
}

/** (f, s): f ← its final power; f is not zero. */
export function defineFinalExponentiation(module: ModuleBuilder, tower: Tower): FunctionRef {
  const { quadratic, mul12, conjugate12, inverse12, cyclotomicSquare } = tower;
  const [frobenius1, frobenius2, frobenius3] = [1, 2, 3].map((power) => defineFrobenius(module, tower, power)) as [
    FunctionRef,
    FunctionRef,
    FunctionRef,
  ];
  const power = definePower(module, tower);
  return module.func('pairing_finalPower', params(2), [], (f) => {
    const bytes = DODECIC * quadratic.bytes;
    const value = f.param(0);
    const own = (k: number): Local => f.let(I32, i32.add(f.param(1), i32.const(k * bytes)));
    const [a, b, c, d, e, g, h, t] = Array.from({ length: VALUES }, (_, k) => own(k)) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const rest = own(VALUES);
    const mul = (to: Operand, x: Operand, y: Operand): void => f.do(call(mul12, to, x, y, rest));
    const square = (to: Operand, x: Operand): void => f.do(call(cyclotomicSquare, to, x, rest));
    const byMinusU = (to: Operand, x: Operand): void => f.do(call(power, to, x, rest));
    // Easy part.
    f.do(call(inverse12, a, value, rest), call(conjugate12, b, value));
    mul(a, a, b);
    f.do(call(frobenius2, b, a));
    mul(value, a, b);
    // Hard part. a = f^(−2u), b = f^(−4u), c = f^(−6u), d = f^(6u²), e = f^(−12u³).
    byMinusU(a, value);
    square(a, a);
    square(b, a);
    mul(c, b, a);
    byMinusU(d, c);
    square(e, d);
    byMinusU(e, e);
    f.do(call(conjugate12, c, c), call(conjugate12, e, e));
    mul(e, e, d);
    mul(e, e, c); // 12u³ + 6u² + 6u
    mul(g, e, a); // 12u³ + 6u² + 4u
    mul(h, e, d);
    mul(h, h, value); // 12u³ + 12u² + 6u + 1
    f.do(call(frobenius1, t, g));
    mul(h, t, h);
    f.do(call(frobenius2, t, e));
    mul(h, t, h);
    f.do(call(conjugate12, t, value));
    mul(g, t, g);
    f.do(call(frobenius3, t, g));
    mul(value, t, h);
  });
}
