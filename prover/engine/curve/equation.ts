/**
 * The curves' equations: y² = x³ + 3 over F_q, and on the twist y² = x³ + 3/ξ over F_q² with ξ = 9 + u.
 * Source: EIP-196, EIP-197.
 */
import { BASE_FIELD, inverseModulo } from '../field/parameters.js';

/** b of G1's curve. */
export const CURVE_B = 3n;
/** Real part of ξ. */
export const XI_REAL = 9;

/** b of the twist: 3/(9 + u) = 3·(9 − u)/82. */
export function twistB(): [real: bigint, imaginary: bigint] {
  const { prime } = BASE_FIELD;
  const scale = (CURVE_B * inverseModulo(BigInt(XI_REAL * XI_REAL + 1), prime)) % prime;
  return [(scale * BigInt(XI_REAL)) % prime, (prime - scale) % prime];
}
