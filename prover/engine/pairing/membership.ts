/**
 * Whether a point of the twist, whose order is not prime, lies in the subgroup of order r. On BN curves a point Q of the
 * twist does exactly where
 *
 *   [u + 1]Q + ψ([u]Q) + ψ²([u]Q) = ψ³([2u]Q),   ψ the Frobenius map carried to the twist,
 *
 * a quarter of the work of multiplying by r. Source: Dai, Lin, Zhao, Zhou, "Fast Subgroup Membership Testings for G1,
 * G2 and GT on Pairing-friendly Curves" (2022).
 */
import type { Curve } from '../curve/points.js';
import { call, type FunctionRef, I32, i32, type Local, type Operand } from '../wasm/assembler.js';
import type { ModuleBuilder } from '../wasm/module.js';
import { CURVE_PARAMETER, signedDigits } from './parameters.js';

/** (a, s) → 1 if an affine point of the twist lies in the subgroup. Scratch: four projective points and that of `add` and `lower`. */
export function defineInSubgroup(module: ModuleBuilder, curve: Curve, frobenius: FunctionRef): void {
  const { field, add, lift, lower } = curve;
  const digits = signedDigits(CURVE_PARAMETER).slice(1);
  const digitsAt = module.constant(Uint8Array.from(digits, (digit) => (digit + 3) % 3));
  module.func(`${curve.name}_inSubgroup`, [I32, I32], [I32], (f) => {
    const [a, s] = [f.param(0), f.param(1)];
    const own = (k: number): Local => f.let(I32, i32.add(s, i32.const(k * curve.projectiveBytes)));
    const [point, negative, multiple, sum, rest] = [0, 1, 2, 3, 4].map(own) as [Local, Local, Local, Local, Local];
    const [i, digit] = f.locals(I32, 2) as [Local, Local];
    const negate = (p: Operand): void => {
      const y = i32.add(p, i32.const(field.bytes));
      f.do(call(field.sub, y, i32.const(field.zeroAt), y));
    };
    const plus = (d: Operand, p: Operand, q: Operand): void => f.do(call(add, d, p, q, rest));
    f.do(call(lift, point, a), call(lift, negative, a), call(lift, multiple, a));
    negate(negative);
    f.set(i, i32.const(0));
    f.while(
      () => i32.ltU(i, i32.const(digits.length)),
      () => {
        plus(multiple, multiple, multiple);
        f.set(digit, i32.load8u(i, digitsAt));
        f.if(i32.eq(digit, i32.const(1)), () => plus(multiple, multiple, point));
        f.if(i32.eq(digit, i32.const(2)), () => plus(multiple, multiple, negative));
        f.increase(i, 1);
      },
    );
    plus(sum, point, multiple);
    // `point` and `negative` are free now: the affine multiple, and its images.
    f.do(call(lower, point, multiple, rest));
    for (const last of [false, false, true]) {
      f.do(call(frobenius, point, point), call(lift, negative, point));
      if (last) {
        plus(negative, negative, negative);
        negate(negative);
      }
      plus(sum, sum, negative);
    }
    f.do(call(field.isZero, i32.add(sum, i32.const(2 * field.bytes))));
  });
}
