/**
 * How a long public list is bound to a proof with three public inputs.
 *
 * A circuit commits with `h` (a sponge) to its own copy of the list. Only then is the challenge `z` drawn, by Keccak,
 * over h and over the list x that the reader has in hand. `y` is the polynomial with the coefficients x at z, which
 * the circuit computes from its copy. Two different lists of length L agree at a z drawn after both are fixed with
 * probability below L/p. Leave h or x out of the challenge and one of the lists can be chosen after it.
 *
 *   h = sponge(id; …)     z = keccak(tag ‖ chainId ‖ contract ‖ id ‖ h ‖ x) mod p     y = x_0·z^(L−1) + … + x_(L−1)
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToUint, concatBytes, uintToBytes } from './bytes.js';
import { CIRCUITS, type CircuitName, circuitById } from './circuit.js';
import { DOM_SPONGE, TAG_CHALLENGE } from './constants.js';
import { TacitError } from './errors.js';
import { evmAddressToField } from './evmAddress.js';
import { assertField, FIELD_MODULUS, fieldToBytes } from './field.js';
import type { EvmAddress, Field } from './flavor.js';
import { H } from './hash.js';
import { type Domain, domainWords, recordElements, type TransferRecord } from './record.js';

/** The public inputs of every circuit, in the circuits' order of declaration. */
export interface PublicInputs {
  readonly h: Field;
  readonly z: Field;
  readonly y: Field;
}

/** Elements absorbed by one permutation, beside the state. */
export const SPONGE_RATE = 15;

/** st ← H(DOM_SPONGE, id, n), then st ← H(st, next 15 elements), the last block filled with zeros. */
export function sponge(circuitId: number, elements: readonly Field[]): Field {
  let state = H(DOM_SPONGE, BigInt(circuitId), BigInt(elements.length));
  for (let at = 0; at < elements.length; at += SPONGE_RATE) {
    const block = elements.slice(at, at + SPONGE_RATE);
    while (block.length < SPONGE_RATE) block.push(0n);
    state = H(state, ...block);
  }
  return state;
}

/** z, below p. @param x the whole public list. @throws TacitError LIST_LENGTH, FIELD_RANGE, CIRCUIT_UNKNOWN */
export function challenge(circuitId: number, h: Field, x: readonly Field[], domain: Domain): Field {
  const { listLength, name } = circuitById(circuitId);
  if (x.length !== listLength)
    throw new TacitError('LIST_LENGTH', `public list of ${name} has the wrong length`, {
      expected: `${listLength} elements`,
      got: `${x.length}`,
    });
  const preimage = concatBytes(TAG_CHALLENGE, domainWords(domain), uintToBytes(circuitId, 32), fieldToBytes(h), ...x.map(fieldToBytes));
  return bytesToUint(keccak_256(preimage)) % FIELD_MODULUS;
}

/** x_0·z^(L−1) + … + x_(L−1) mod p. */
export function horner(x: readonly Field[], z: Field): Field {
  let y = 0n;
  for (const element of x) y = (y * z + assertField(element, 'list element')) % FIELD_MODULUS;
  return y;
}

/** The three public inputs that belong to a list and a prover's commitment. */
export function publicInputsOf(circuitId: number, h: Field, x: readonly Field[], domain: Domain): PublicInputs {
  const z = challenge(circuitId, h, x, domain);
  return { h, z, y: horner(x, z) };
}

export function publicSignals(inputs: PublicInputs): [Field, Field, Field] {
  return [inputs.h, inputs.z, inputs.y];
}

/** x of a transfer proof: anchor, prover, then nine elements a record. */
export function transferList(anchor: Field, prover: EvmAddress, records: readonly TransferRecord[], domain: Domain): Field[] {
  return [anchor, evmAddressToField(prover, 'prover'), ...records.flatMap((record) => recordElements(record, domain))];
}

/** h of a transfer proof: over anchor, prover and the messages M of its K records. @throws TacitError LIST_LENGTH */
export function transferSponge(circuit: CircuitName, anchor: Field, prover: EvmAddress, messages: readonly Field[]): Field {
  const { id, size } = CIRCUITS[circuit];
  if (messages.length !== size)
    throw new TacitError('LIST_LENGTH', `${circuit} takes another number of transfers`, { expected: `${size}`, got: `${messages.length}` });
  return sponge(id, [anchor, evmAddressToField(prover, 'prover'), ...messages]);
}
