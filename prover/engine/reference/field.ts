/**
 * Readable twins of the field kernels on bigints: slow, obvious, and the oracle of their tests.
 * An element is an array of its coordinates over F_q: one for F_q, two for F_q[u]/(u² + 1).
 */
import { BASE_FIELD, inverseModulo } from '../field/parameters.js';

export type Element = readonly bigint[];

const { prime } = BASE_FIELD;

export function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

export const add = (a: Element, b: Element): Element => a.map((x, i) => modulo(x + (b[i] as bigint), prime));
export const subtract = (a: Element, b: Element): Element => a.map((x, i) => modulo(x - (b[i] as bigint), prime));
export const isZero = (a: Element): boolean => a.every((x) => x === 0n);
export const equal = (a: Element, b: Element): boolean => a.every((x, i) => x === b[i]);

export function multiply(a: Element, b: Element): Element {
  const [a0, a1] = a as [bigint, bigint?];
  const [b0, b1] = b as [bigint, bigint?];
  if (a1 === undefined || b1 === undefined) return [modulo(a0 * b0, prime)];
  return [modulo(a0 * b0 - a1 * b1, prime), modulo(a0 * b1 + a1 * b0, prime)];
}

/** a times its conjugate: an element of F_q. */
export function norm(a: Element): bigint {
  return a.reduce((sum, x) => modulo(sum + x * x, prime), 0n);
}

export function invert(a: Element): Element {
  const [a0, a1] = a as [bigint, bigint?];
  if (a1 === undefined) return [inverseModulo(a0, prime)];
  const inverse = inverseModulo(norm(a), prime);
  return [modulo(a0 * inverse, prime), modulo(-a1 * inverse, prime)];
}
