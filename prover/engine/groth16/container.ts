/**
 * The container that .zkey and .wtns files share, read piece by piece from a file or from memory.
 *
 * magic (4 ASCII) │ version u32 │ sections u32, then for each section type u32 │ size u64 │ bytes; little-endian.
 * Invariants: a section that is asked for occurs exactly once, lies inside the source, and has the asked size.
 * Source: the iden3 binary file format as written by snarkjs.
 */
import { TacitError } from '../../../protocol/errors.js';

const HEADER_BYTES = 12;
const SECTION_HEADER_BYTES = 12;
const MOST_SECTIONS = 64;

/** Random access to bytes. */
export interface ByteReader {
  readonly sizeBytes: number;
  /** Bytes that may be fewer than asked for at the end; a view of `target` if one is given (as long as the request). */
  read(offset: number, lengthBytes: number, target?: Uint8Array): Uint8Array;
  close(): void;
}

/** Makes the error of one kind of file. */
export type FormatFailure = (expected: string, got: string, cause?: unknown) => TacitError;

export interface Section {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Container {
  readonly reader: ByteReader;
  readonly fail: FormatFailure;
  readonly sections: ReadonlyMap<number, Section>;
}

export function memoryReader(bytes: Uint8Array): ByteReader {
  return {
    sizeBytes: bytes.length,
    read: (offset, lengthBytes, target) => {
      const found = bytes.subarray(offset, offset + lengthBytes);
      if (!target) return found;
      target.set(found);
      return target.subarray(0, found.length);
    },
    close: () => undefined,
  };
}

export function formatFailure(code: string, message: string): FormatFailure {
  return (expected, got, cause) => new TacitError(code, message, { expected, got, cause });
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads the table of sections and checks that every section lies inside the source. */
export function openContainer(reader: ByteReader, magic: string, versions: readonly number[], fail: FormatFailure): Container {
  const head = reader.read(0, HEADER_BYTES);
  if (head.length < HEADER_BYTES || String.fromCharCode(...head.subarray(0, 4)) !== magic) {
    throw fail(`a file that begins with "${magic}"`, `${reader.sizeBytes} other bytes`);
  }
  const view = viewOf(head);
  const version = view.getUint32(4, true);
  if (!versions.includes(version)) throw fail(`version ${versions.join(' or ')}`, String(version));
  const count = view.getUint32(8, true);
  if (count > MOST_SECTIONS) throw fail(`at most ${MOST_SECTIONS} sections`, String(count));
  const sections = new Map<number, Section>();
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const bytes = reader.read(at, SECTION_HEADER_BYTES);
    if (bytes.length < SECTION_HEADER_BYTES) throw fail(`${count} sections`, `an end before section ${i + 1}`);
    const sectionView = viewOf(bytes);
    const type = sectionView.getUint32(0, true);
    const sizeBytes = Number(sectionView.getBigUint64(4, true));
    at += SECTION_HEADER_BYTES;
    if (at + sizeBytes > reader.sizeBytes) throw fail(`${sizeBytes} bytes in section ${type}`, String(reader.sizeBytes - at));
    if (sections.has(type)) throw fail(`one section ${type}`, 'two');
    sections.set(type, { offset: at, sizeBytes });
    at += sizeBytes;
  }
  return { reader, fail, sections };
}

/** The section of a type, of exactly the given size where one is given. */
export function sectionOf(container: Container, type: number, name: string, sizeBytes?: number): Section {
  const section = container.sections.get(type);
  if (!section) throw container.fail(`a section ${type} (${name})`, 'none');
  if (sizeBytes !== undefined && section.sizeBytes !== sizeBytes) {
    throw container.fail(`${sizeBytes} bytes of ${name}`, String(section.sizeBytes));
  }
  return section;
}

/** Bytes of a section that must be there in full; they are put into `target` if there is one. */
export function readSection(container: Container, section: Section, offset: number, lengthBytes: number, target?: Uint8Array): Uint8Array {
  const bytes = container.reader.read(section.offset + offset, lengthBytes, target?.subarray(0, lengthBytes));
  if (bytes.length !== lengthBytes) throw container.fail(`${lengthBytes} more bytes`, String(bytes.length));
  return bytes;
}

/** An unsigned little-endian integer of 32 bytes. */
export function readInteger(bytes: Uint8Array, offset: number): bigint {
  const view = viewOf(bytes);
  let value = 0n;
  for (let word = 3; word >= 0; word--) value = (value << 64n) | view.getBigUint64(offset + 8 * word, true);
  return value;
}

/** 32 little-endian bytes. */
export function writeInteger(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = viewOf(bytes);
  for (let word = 0; word < 4; word++) view.setBigUint64(8 * word, BigInt.asUintN(64, value >> BigInt(64 * word)), true);
  return bytes;
}

/** Index of the first 32-byte integer that is not below the limit, or −1. Compares whole words first. */
export function firstNotBelow(bytes: Uint8Array, limit: bigint): number {
  const top = Number(limit >> 224n);
  const view = viewOf(bytes);
  for (let offset = 0; offset + 32 <= bytes.length; offset += 32) {
    const word = view.getUint32(offset + 28, true);
    if (word > top || (word === top && readInteger(bytes, offset) >= limit)) return offset / 32;
  }
  return -1;
}
