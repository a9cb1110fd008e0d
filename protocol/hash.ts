/**
 * H: Poseidon over BN254 with circomlib's parameters, one permutation for each count of inputs.
 * Source: Grassi et al., "Poseidon" (USENIX Security 2021); parameters and test vectors of circomlib.
 */
import { poseidon1 } from 'poseidon-lite/poseidon1';
import { poseidon2 } from 'poseidon-lite/poseidon2';
import { poseidon3 } from 'poseidon-lite/poseidon3';
import { poseidon4 } from 'poseidon-lite/poseidon4';
import { poseidon5 } from 'poseidon-lite/poseidon5';
import { poseidon10 } from 'poseidon-lite/poseidon10';
import { poseidon16 } from 'poseidon-lite/poseidon16';
import { TacitError } from './errors.js';
import { assertField } from './field.js';
import type { Field } from './flavor.js';

type Poseidon = (inputs: bigint[]) => bigint;

/** The arities that the protocol uses; each brings its own table of constants, so no other is loaded. */
const BY_ARITY: Readonly<Record<number, Poseidon>> = {
  1: poseidon1,
  2: poseidon2,
  3: poseidon3,
  4: poseidon4,
  5: poseidon5,
  10: poseidon10,
  16: poseidon16,
};

/**
 * Inputs of p or more are refused and not reduced, so that no two lists of integers are one list of field elements.
 * @throws TacitError FIELD_RANGE, HASH_ARITY for a count of inputs that the protocol does not use
 */
export function H(...inputs: Field[]): Field {
  const poseidon = BY_ARITY[inputs.length];
  if (poseidon === undefined) {
    throw new TacitError('HASH_ARITY', 'unsupported number of Poseidon inputs', {
      expected: Object.keys(BY_ARITY).join(', '),
      got: String(inputs.length),
    });
  }
  for (const input of inputs) assertField(input, 'hash input');
  return poseidon(inputs);
}
