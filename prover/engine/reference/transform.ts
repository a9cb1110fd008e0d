/** Readable twin of the transform kernels: polynomials evaluated by Horner's rule. */
import { inverseModulo, powerModulo, SCALAR_FIELD } from '../field/parameters.js';
import { modulo } from './field.js';

const { prime } = SCALAR_FIELD;

/** Values of a polynomial at shift·root^i. */
export function evaluate(coefficients: readonly bigint[], root: bigint, shift: bigint): bigint[] {
  return coefficients.map((_, i) => {
    const x = modulo(shift * powerModulo(root, BigInt(i), prime), prime);
    return coefficients.reduceRight((value, c) => modulo(value * x + c, prime), 0n);
  });
}

/** Coefficients of the polynomial with the given values at root^i. */
export function interpolate(values: readonly bigint[], root: bigint): bigint[] {
  const scale = inverseModulo(BigInt(values.length), prime);
  return evaluate(values, inverseModulo(root, prime), 1n).map((value) => modulo(value * scale, prime));
}
