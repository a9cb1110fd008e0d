/**
 * The .wtns file: header (field size, modulus, count), then the witness, 32 bytes an element, little-endian. Source:
 * iden3's witness format, version 2, as snarkjs and rapidsnark read it.
 */
import { TacitError } from '../protocol/errors.js';
import { FIELD_MODULUS } from '../protocol/field.js';
import { fileHeader, readSections, readUint256, requireSection, sectionHeader, writeUint256 } from './binfile.js';

const TYPE = 'wtns';
const VERSION = 2;
const SECTION_HEADER = 1;
const SECTION_VALUES = 2;
const FIELD_BYTES = 32;
const HEADER_LENGTH = 4 + FIELD_BYTES + 4;

/** @param values the elements' bytes, 32 each, little-endian, canonical */
export function encodeWtns(values: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(header.buffer);
  view.setUint32(0, FIELD_BYTES, true);
  writeUint256(view, 4, FIELD_MODULUS);
  view.setUint32(4 + FIELD_BYTES, values.length / FIELD_BYTES, true);
  const parts = [
    fileHeader(TYPE, VERSION, 2),
    sectionHeader(SECTION_HEADER, header.length),
    header,
    sectionHeader(SECTION_VALUES, values.length),
    values,
  ];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** The witness as integers; element 0 is 1. @throws TacitError FILE_FORMAT */
export function decodeWtns(bytes: Uint8Array): bigint[] {
  const sections = readSections(bytes, TYPE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { offset: head, length: headLength } = requireSection(sections, SECTION_HEADER, TYPE);
  if (headLength !== HEADER_LENGTH)
    throw new TacitError('FILE_FORMAT', 'witness header', { expected: `${HEADER_LENGTH} bytes`, got: String(headLength) });
  if (view.getUint32(head, true) !== FIELD_BYTES || readUint256(view, head + 4) !== FIELD_MODULUS) {
    throw new TacitError('FILE_FORMAT', 'witness over another field', { expected: 'the BN254 scalar field' });
  }
  const values = requireSection(sections, SECTION_VALUES, TYPE);
  const count = view.getUint32(head + 4 + FIELD_BYTES, true);
  if (values.length !== count * FIELD_BYTES)
    throw new TacitError('FILE_FORMAT', 'witness length', { expected: `${count} elements`, got: `${values.length} bytes` });
  const witness = Array.from({ length: count }, (_, i) => readUint256(view, values.offset + i * FIELD_BYTES));
  if (witness.some((value) => value >= FIELD_MODULUS))
    throw new TacitError('FILE_FORMAT', 'a witness value is no field element', { expected: 'values below r' });
  return witness;
}

/** A witness as a file, the inverse of decodeWtns. */
export function wtnsOf(witness: readonly bigint[]): Uint8Array {
  const values = new DataView(new ArrayBuffer(witness.length * FIELD_BYTES));
  witness.forEach((value, i) => {
    writeUint256(values, i * FIELD_BYTES, value);
  });
  return encodeWtns(new Uint8Array(values.buffer));
}
