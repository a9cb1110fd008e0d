/** zkey → compact key, see `compact.ts`. What is returned has been expanded again and compared. */
import {
  ABSCISSA_BYTES,
  COEFFICIENT_SECTION,
  COMPACT_HEADER,
  COMPACT_HEADER_BYTES,
  COMPACT_MAGIC,
  COMPACT_VERSION,
  HASH_BYTES,
  VariableWriter,
  zigzag,
} from './compact.js';
import { expandKey, sha256 } from './compactReader.js';
import { type FormatFailure, formatFailure, memoryReader, openContainer, viewOf } from './container.js';
import { COEFFICIENT_BYTES, openZkey } from './zkey.js';

const VALUE_AT = 12;
const SIGN_BIT = 0x80;

/** The points' bits and abscissae. */
function compactPoints(bytes: Uint8Array, abscissaBytes: number): Uint8Array {
  const pointBytes = 2 * abscissaBytes;
  const count = bytes.length / pointBytes;
  const bits = new Uint8Array(Math.ceil(count / 8));
  const abscissae = new Uint8Array(count * abscissaBytes);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const point = bytes.subarray(i * pointBytes, (i + 1) * pointBytes);
    if (point.every((byte) => byte === 0)) continue;
    bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
    const to = kept++ * abscissaBytes;
    abscissae.set(point.subarray(0, abscissaBytes), to);
    if (signOf(point.subarray(abscissaBytes)) === 1) {
      const last = to + abscissaBytes - 1;
      abscissae[last] = (abscissae[last] as number) | SIGN_BIT;
    }
  }
  const head = new Uint8Array(4);
  viewOf(head).setUint32(0, count, true);
  return concatenate([head, bits, abscissae.subarray(0, kept * abscissaBytes)]);
}

/** Parity of the ordinate's first component that is not zero. */
function signOf(ordinate: Uint8Array): number {
  const first = ordinate.subarray(0, 32);
  return ((first.every((byte) => byte === 0) ? ordinate[32] : first[0]) as number) & 1;
}

function compactCoefficients(bytes: Uint8Array, fail: FormatFailure): Uint8Array {
  const view = viewOf(bytes);
  const count = view.getUint32(0, true);
  const key = (at: number): string => String.fromCharCode(...bytes.subarray(at + VALUE_AT, at + COEFFICIENT_BYTES));
  const uses = new Map<string, { at: number; times: number }>();
  for (let at = 4; at < bytes.length; at += COEFFICIENT_BYTES) {
    const value = key(at);
    const known = uses.get(value);
    if (known) known.times++;
    else uses.set(value, { at, times: 1 });
  }
  const ranked = [...uses].sort(([, a], [, b]) => b.times - a.times || a.at - b.at);
  const index = new Map(ranked.map(([value], i) => [value, i]));
  const [runs, lengths, signals, indices] = Array.from({ length: 4 }, () => new VariableWriter()) as [
    VariableWriter,
    VariableWriter,
    VariableWriter,
    VariableWriter,
  ];
  let [run, length, signal] = [-1, 0, 0];
  for (let at = 4; at < bytes.length; at += COEFFICIENT_BYTES) {
    const next = 2 * view.getUint32(at + 4, true) + view.getUint32(at, true);
    if (next !== run) {
      if (next < run) throw fail('coefficients in the order of rows, A before B', 'another order');
      if (length > 0) lengths.push(length);
      runs.push(next - Math.max(run, 0));
      [run, length] = [next, 0];
    }
    length++;
    const nextSignal = view.getUint32(at + 8, true);
    signals.push(zigzag(nextSignal - signal));
    signal = nextSignal;
    indices.push(index.get(key(at)) as number);
  }
  if (length > 0) lengths.push(length);
  const head = new Uint8Array(8);
  viewOf(head).setUint32(0, count, true);
  viewOf(head).setUint32(4, ranked.length, true);
  const values = ranked.map(([, { at }]) => bytes.subarray(at + VALUE_AT, at + COEFFICIENT_BYTES));
  return concatenate([head, ...values, runs.finish(), lengths.finish(), signals.finish(), indices.finish()]);
}

/**
 * @param zkey the bytes of a .zkey
 * @returns the bytes of its compact form
 * @throws TacitError ZKEY_FORMAT for a file that is no usable key, or that would not come back byte for byte
 */
export async function compactKey(zkey: Uint8Array): Promise<Uint8Array> {
  openZkey(memoryReader(zkey));
  const fail = formatFailure('ZKEY_FORMAT', 'a proving key that cannot be compacted');
  const { sections } = openContainer(memoryReader(zkey), 'zkey', [1], fail);
  const header = new Uint8Array(COMPACT_HEADER_BYTES);
  header.set(await sha256(zkey));
  viewOf(header).setBigUint64(HASH_BYTES, BigInt(zkey.length), true);
  const parts: [type: number, content: Uint8Array][] = [[COMPACT_HEADER, header]];
  for (const [type, { offset, sizeBytes }] of sections) {
    const bytes = zkey.subarray(offset, offset + sizeBytes);
    const abscissaBytes = ABSCISSA_BYTES[type];
    if (type === COEFFICIENT_SECTION) parts.push([type, compactCoefficients(bytes, fail)]);
    else parts.push([type, abscissaBytes === undefined ? bytes : compactPoints(bytes, abscissaBytes)]);
  }
  const compact = concatenate([
    fileHead(parts.length),
    ...parts.flatMap(([type, content]) => [sectionHead(type, content.length), content]),
  ]);
  await expandKey(compact);
  return compact;
}

function fileHead(sections: number): Uint8Array {
  const head = new Uint8Array(12);
  head.set(new TextEncoder().encode(COMPACT_MAGIC));
  viewOf(head).setUint32(4, COMPACT_VERSION, true);
  viewOf(head).setUint32(8, sections, true);
  return head;
}

function sectionHead(type: number, sizeBytes: number): Uint8Array {
  const head = new Uint8Array(12);
  viewOf(head).setUint32(0, type, true);
  viewOf(head).setBigUint64(4, BigInt(sizeBytes), true);
  return head;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
