/** The two field backends and how one is chosen. */
import type { Arithmetic, QuadraticArithmetic } from './arithmetic.js';
import type { Field } from './parameters.js';
import { portableArithmetic } from './portable/arithmetic.js';
import { portableQuadratic } from './portable/quadratic.js';
import type { BackendName } from './representation.js';

/** What a backend can emit. */
export interface Backend {
  arithmetic(field: Field): Arithmetic;
  quadratic(field: Field): QuadraticArithmetic;
}

export const BACKENDS: Readonly<Record<BackendName, Backend>> = {
  portable: { arithmetic: portableArithmetic, quadratic: portableQuadratic },
  wide: { arithmetic: portableArithmetic, quadratic: portableQuadratic },
};
