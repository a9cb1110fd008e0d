/**
 * iden3's container: a four-letter type, a version, then numbered sections. r1cs, wtns, zkey and ptau files are all
 * written in it. Layout: type[4] version u32 count u32, then per section id u32, length u64, bytes; little-endian.
 */
import { TacitError } from '../protocol/errors.js';

export interface Section {
  readonly offset: number;
  readonly length: number;
}

const HEADER_BYTES = 12;
const SECTION_HEADER_BYTES = 12;

/** First section of each id. @throws TacitError FILE_FORMAT on a wrong type or a truncated file */
export function readSections(bytes: Uint8Array, type: string): Map<number, Section> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const got = bytes.length < HEADER_BYTES ? '' : String.fromCharCode(...bytes.subarray(0, 4));
  if (got !== type) throw new TacitError('FILE_FORMAT', 'wrong file type', { expected: type, got: JSON.stringify(got) });
  const sections = new Map<number, Section>();
  let offset = HEADER_BYTES;
  for (let i = view.getUint32(8, true); i > 0; i--) {
    if (offset + SECTION_HEADER_BYTES > bytes.length) throw truncated(type);
    const id = view.getUint32(offset, true);
    const length = Number(view.getBigUint64(offset + 4, true));
    offset += SECTION_HEADER_BYTES;
    if (offset + length > bytes.length) throw truncated(type);
    if (!sections.has(id)) sections.set(id, { offset, length });
    offset += length;
  }
  return sections;
}

/** @throws TacitError FILE_FORMAT */
export function requireSection(sections: Map<number, Section>, id: number, type: string): Section {
  const section = sections.get(id);
  if (section === undefined) throw new TacitError('FILE_FORMAT', `section missing in a ${type} file`, { expected: `section ${id}` });
  return section;
}

/** The bytes in front of the first section. */
export function fileHeader(type: string, version: number, sectionCount: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  for (let i = 0; i < 4; i++) header[i] = type.charCodeAt(i);
  const view = new DataView(header.buffer);
  view.setUint32(4, version, true);
  view.setUint32(8, sectionCount, true);
  return header;
}

/** The bytes in front of a section's contents. */
export function sectionHeader(id: number, length: number): Uint8Array {
  const header = new Uint8Array(SECTION_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, id, true);
  view.setBigUint64(4, BigInt(length), true);
  return header;
}

/** Little-endian unsigned integer of 32 bytes. */
export function readUint256(view: DataView, offset: number): bigint {
  return (
    view.getBigUint64(offset, true) |
    (view.getBigUint64(offset + 8, true) << 64n) |
    (view.getBigUint64(offset + 16, true) << 128n) |
    (view.getBigUint64(offset + 24, true) << 192n)
  );
}

const LOW_64 = (1n << 64n) - 1n;

/** Little-endian unsigned integer of 32 bytes; `value` in [0, 2^256). */
export function writeUint256(view: DataView, offset: number, value: bigint): void {
  view.setBigUint64(offset, value & LOW_64, true);
  view.setBigUint64(offset + 8, (value >> 64n) & LOW_64, true);
  view.setBigUint64(offset + 16, (value >> 128n) & LOW_64, true);
  view.setBigUint64(offset + 24, value >> 192n, true);
}

function truncated(type: string): TacitError {
  return new TacitError('FILE_FORMAT', `${type} file is truncated`, { expected: 'complete sections' });
}
