/**
 * Constants of the optimal ate pairing on BN254, derived from the curve's parameter u.
 * Source: Vercauteren, "Optimal pairings" (2010); u as in EIP-197's curve.
 */
import { XI_REAL } from '../curve/equation.js';
import { BASE_FIELD } from '../field/parameters.js';
import { type Element, multiply } from '../reference/field.js';

/** p and r are values of the BN polynomials at u. */
export const CURVE_PARAMETER = 4965661367192848881n;
/** The Miller loop runs over the bits of 6u + 2. */
export const LOOP_LENGTH = 6n * CURVE_PARAMETER + 2n;

/** Signed digits −1, 0, 1 of which no two neighbours are set, the highest first. */
export function signedDigits(value: bigint): number[] {
  const digits: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 1n) {
    const digit = rest & 1n ? 2n - (rest & 3n) : 0n;
    digits.push(Number(digit));
    rest -= digit;
  }
  return digits.reverse();
}

/** ξ^exponent in F_q2. */
function powerOfXi(exponent: bigint): Element {
  let result: Element = [1n, 0n];
  let square: Element = [BigInt(XI_REAL), 1n];
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** ξ^(k·(p^power − 1)/6): what the power-th Frobenius multiplies the coefficient of w^k by. */
export function frobeniusFactor(power: number, k: number): Element {
  return powerOfXi((BigInt(k) * (BASE_FIELD.prime ** BigInt(power) - 1n)) / 6n);
}
