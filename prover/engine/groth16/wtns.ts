/**
 * Reads a witness: section 1 is width u32 │ r │ count u32, section 2 the values, 32 little-endian bytes each.
 * Invariants: BN254's scalar field, as many values as the key has variables, the first one 1, all below r.
 */
import { TacitError } from '../../../protocol/errors.js';
import { SCALAR_FIELD } from '../field/parameters.js';
import { type ByteReader, firstNotBelow, formatFailure, openContainer, readInteger, readSection, sectionOf, viewOf } from './container.js';

const FIELD_BYTES = 32;

/**
 * @param target where the values' bytes go, if not to memory of their own
 * @returns the values' bytes
 * @throws TacitError WTNS_FORMAT, WITNESS_MISMATCH
 */
export function readWitness(reader: ByteReader, variables: number, target?: Uint8Array): Uint8Array {
  const fail = formatFailure('WTNS_FORMAT', 'not a witness over BN254');
  const container = openContainer(reader, 'wtns', [2], fail);
  const headerBytes = 4 + FIELD_BYTES + 4;
  const header = readSection(container, sectionOf(container, 1, 'header', headerBytes), 0, headerBytes);
  const view = viewOf(header);
  if (view.getUint32(0, true) !== FIELD_BYTES || readInteger(header, 4) !== SCALAR_FIELD.prime) {
    throw fail("BN254's scalar field", 'another field');
  }
  const count = view.getUint32(4 + FIELD_BYTES, true);
  const section = sectionOf(container, 2, 'values', count * FIELD_BYTES);
  if (count !== variables) {
    throw new TacitError('WITNESS_MISMATCH', 'witness and proving key belong to different circuits', {
      expected: `${variables} witness entries`,
      got: String(count),
    });
  }
  const values = readSection(container, section, 0, section.sizeBytes, target);
  const tooLarge = firstNotBelow(values, SCALAR_FIELD.prime);
  if (tooLarge >= 0) throw fail('values below r', `a larger one at index ${tooLarge}`);
  if (readInteger(values, 0) !== 1n) throw fail('the constant 1 as first value', 'another value');
  return values;
}
