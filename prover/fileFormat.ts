/**
 * What a .zkey and a .wtns say of themselves, read before any work is spent on them.
 *
 * Both are iden3 binary files: magic (4 ASCII) │ version u32 │ sections u32, then per section type u32 │ size u64 │
 * bytes, all little-endian. A zkey's section 1 names the protocol (1 = Groth16); section 2 begins with the byte width
 * and value of q, then of r, then variables u32 and public inputs u32. A wtns' section 1 is width u32, r, count u32.
 */
import { TacitError } from '../protocol/errors.js';
import { FIELD_MODULUS } from '../protocol/field.js';
import { BASE_FIELD_MODULUS } from '../protocol/proof.js';

export interface ZkeyHeader {
  /** Witness entries, the constant 1 included. */
  variables: number;
  publicInputs: number;
}

const GROTH16 = 1;
const FIELD_BYTES = 32;
const SECTION_HEADER_BYTES = 12;
const FILE_HEADER_BYTES = 12;
const ZKEY_PROTOCOL_SECTION = 1;
const ZKEY_GROTH16_SECTION = 2;
const WTNS_HEADER_SECTION = 1;
const WTNS_VALUES_SECTION = 2;

/** @throws TacitError ZKEY_FORMAT */
export function readZkeyHeader(bytes: Uint8Array): ZkeyHeader {
  const fail = failure('ZKEY_FORMAT', 'not a Groth16 proving key on BN254');
  const sections = readSections(bytes, 'zkey', fail);
  const protocol = sections.get(ZKEY_PROTOCOL_SECTION);
  if (protocol === undefined || protocol.byteLength < 4 || protocol.getUint32(0, true) !== GROTH16)
    throw fail('protocol 1 (Groth16)', protocol === undefined ? 'none' : 'another');
  const header = sections.get(ZKEY_GROTH16_SECTION);
  if (header === undefined || header.byteLength < 2 * (4 + FIELD_BYTES) + 8) throw fail('a Groth16 header', 'none');
  if (header.getUint32(0, true) !== FIELD_BYTES || littleEndian(header, 4) !== BASE_FIELD_MODULUS)
    throw fail("BN254's base field", 'another curve');
  const scalars = 4 + FIELD_BYTES;
  if (header.getUint32(scalars, true) !== FIELD_BYTES || littleEndian(header, scalars + 4) !== FIELD_MODULUS)
    throw fail("BN254's scalar field", 'another curve');
  const counts = 2 * (4 + FIELD_BYTES);
  return { variables: header.getUint32(counts, true), publicInputs: header.getUint32(counts + 4, true) };
}

/** @returns how many field elements the witness holds. @throws TacitError WTNS_FORMAT */
export function readWitnessLength(bytes: Uint8Array): number {
  const fail = failure('WTNS_FORMAT', 'not a witness over BN254');
  const sections = readSections(bytes, 'wtns', fail);
  const header = sections.get(WTNS_HEADER_SECTION);
  const values = sections.get(WTNS_VALUES_SECTION);
  if (header === undefined || values === undefined || header.byteLength < 4 + FIELD_BYTES + 4) throw fail('a header and values', 'less');
  if (header.getUint32(0, true) !== FIELD_BYTES || littleEndian(header, 4) !== FIELD_MODULUS)
    throw fail("BN254's scalar field", 'another field');
  const count = header.getUint32(4 + FIELD_BYTES, true);
  if (values.byteLength !== count * FIELD_BYTES) throw fail(`${count * FIELD_BYTES} bytes of values`, `${values.byteLength}`);
  return count;
}

/** Refuses a witness of another circuit before a backend meets it. @throws TacitError ZKEY_FORMAT, WTNS_FORMAT, WITNESS_MISMATCH */
export function assertMatching(zkey: Uint8Array, witness: Uint8Array): ZkeyHeader {
  const header = readZkeyHeader(zkey);
  const entries = readWitnessLength(witness);
  if (entries !== header.variables) {
    throw new TacitError('WITNESS_MISMATCH', 'witness and proving key belong to different circuits', {
      expected: `${header.variables} witness entries`,
      got: String(entries),
    });
  }
  return header;
}

type Failure = (expected: string, got: string) => TacitError;

function failure(code: string, message: string): Failure {
  return (expected, got) => new TacitError(code, message, { expected, got });
}

/** Sections by type; a type that occurs twice keeps its first. */
function readSections(bytes: Uint8Array, magic: string, fail: Failure): Map<number, DataView> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER_BYTES || String.fromCharCode(...bytes.subarray(0, 4)) !== magic)
    throw fail(`a file that begins with "${magic}"`, `${bytes.length} other bytes`);
  const count = view.getUint32(8, true);
  const sections = new Map<number, DataView>();
  let at = FILE_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (at + SECTION_HEADER_BYTES > bytes.length) throw fail(`${count} sections`, `an end inside section ${i + 1}`);
    const type = view.getUint32(at, true);
    const sizeBytes = Number(view.getBigUint64(at + 4, true));
    at += SECTION_HEADER_BYTES;
    if (at + sizeBytes > bytes.length) throw fail(`${sizeBytes} bytes in section ${type}`, `${bytes.length - at}`);
    if (!sections.has(type)) sections.set(type, new DataView(bytes.buffer, bytes.byteOffset + at, sizeBytes));
    at += sizeBytes;
  }
  return sections;
}

function littleEndian(view: DataView, offset: number): bigint {
  let value = 0n;
  for (let i = FIELD_BYTES - 8; i >= 0; i -= 8) value = (value << 64n) | view.getBigUint64(offset + i, true);
  return value;
}
