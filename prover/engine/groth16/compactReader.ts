/**
 * Compact key → zkey, see `compact.ts`. Ordinates are computed by the kernels, on all threads.
 *
 * The rebuilt bytes are compared with the hash in the file; a page has SHA-256 in secure contexts only (https, localhost),
 * as it has shared memory.
 */
import { TacitError } from '../../../protocol/errors.js';
import { compiledKernels } from '../compiled.js';
import { DECOMPRESS_SCRATCH_BYTES } from '../curve/decompress.js';
import { chooseBackend } from '../field/backends.js';
import { createInstance, createMemory } from '../instance.js';
import { createPool } from '../pool/pool.js';
import type { Task } from '../pool/task.js';
import {
  ABSCISSA_BYTES,
  COEFFICIENT_SECTION,
  COMPACT_HEADER,
  COMPACT_HEADER_BYTES,
  COMPACT_MAGIC,
  COMPACT_VERSION,
  HASH_BYTES,
  unzigzag,
  VariableReader,
} from './compact.js';
import {
  type ByteReader,
  type Container,
  type FormatFailure,
  formatFailure,
  memoryReader,
  openContainer,
  readSection,
  sectionOf,
  viewOf,
} from './container.js';
import { COEFFICIENT_BYTES } from './zkey.js';

/** Points whose ordinates are one task. */
const POINTS_PER_TASK = 1024;
const ZKEY_VERSION = 1;
const HEAD_BYTES = 12;
const VALUE_BYTES = 32;

/** @throws TacitError ZKEY_FORMAT where the platform has no SHA-256 */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto;
  if (!subtle) {
    throw new TacitError('ZKEY_FORMAT', 'a compact key cannot be checked here', { expected: 'a secure context', got: 'no SHA-256' });
  }
  return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Points of one section: where their abscissae stand, and where in the zkey the whole points belong. */
interface PackedPoints {
  readonly abscissae: Uint8Array;
  readonly abscissaBytes: number;
  /** Offsets in the zkey, one for each abscissa. */
  readonly places: Uint32Array;
}

/** Writes one section after another and remembers the points that are still to be computed. */
class Expansion {
  readonly zkey: Uint8Array;
  readonly points: PackedPoints[] = [];
  private at = HEAD_BYTES;

  constructor(
    private readonly container: Container,
    sizeBytes: number,
  ) {
    this.zkey = new Uint8Array(sizeBytes);
    this.zkey.set(new TextEncoder().encode('zkey'));
    viewOf(this.zkey).setUint32(4, ZKEY_VERSION, true);
    viewOf(this.zkey).setUint32(8, container.sections.size - 1, true);
  }

  get end(): number {
    return this.at;
  }

  section(type: number, content: Uint8Array): void {
    const { fail } = this.container;
    const abscissaBytes = ABSCISSA_BYTES[type];
    if (type === COEFFICIENT_SECTION) expandCoefficients(content, (sizeBytes) => this.take(type, sizeBytes), fail);
    else if (abscissaBytes !== undefined) this.addPoints(type, content, abscissaBytes);
    else this.take(type, content.length).set(content);
  }

  /** The place of the next section's contents, its head written. */
  private take(type: number, sizeBytes: number): Uint8Array {
    const { zkey, at, container } = this;
    if (at + HEAD_BYTES + sizeBytes > zkey.length) {
      throw container.fail(`at most ${zkey.length} bytes in all`, `${at + HEAD_BYTES + sizeBytes} with section ${type}`);
    }
    const view = viewOf(zkey);
    view.setUint32(at, type, true);
    view.setBigUint64(at + 4, BigInt(sizeBytes), true);
    this.at = at + HEAD_BYTES + sizeBytes;
    return zkey.subarray(at + HEAD_BYTES, this.at);
  }

  private addPoints(type: number, content: Uint8Array, abscissaBytes: number): void {
    const { fail } = this.container;
    if (content.length < 4) throw fail(`a count of points in section ${type}`, `${content.length} bytes`);
    const count = viewOf(content).getUint32(0, true);
    const bits = content.subarray(4, 4 + Math.ceil(count / 8));
    const abscissae = content.subarray(4 + bits.length);
    const to = this.take(type, count * 2 * abscissaBytes).byteOffset;
    const places: number[] = [];
    for (let i = 0; i < count; i++) if (((bits[i >> 3] ?? 0) >> (i & 7)) & 1) places.push(to + i * 2 * abscissaBytes);
    if (abscissae.length !== places.length * abscissaBytes) {
      throw fail(`${places.length} abscissae in section ${type}`, `${abscissae.length} bytes of them`);
    }
    this.points.push({ abscissae, abscissaBytes, places: Uint32Array.from(places) });
  }
}

/** @param take gives the place for so many bytes */
function expandCoefficients(content: Uint8Array, take: (sizeBytes: number) => Uint8Array, fail: FormatFailure): void {
  const view = viewOf(content);
  if (content.length < 8) throw fail('counts of coefficients', `${content.length} bytes`);
  const [count, distinct] = [view.getUint32(0, true), view.getUint32(4, true)];
  let at = 8 + distinct * VALUE_BYTES;
  const stream = (what: string): VariableReader => {
    if (at + 4 > content.length) throw fail(`a stream of ${what}`, `an end after ${content.length} bytes`);
    const sizeBytes = view.getUint32(at, true);
    const bytes = content.subarray(at + 4, at + 4 + sizeBytes);
    if (bytes.length !== sizeBytes) throw fail(`${sizeBytes} bytes of ${what}`, String(bytes.length));
    at += 4 + sizeBytes;
    return new VariableReader(bytes, what, fail);
  };
  const [runs, lengths, signals, indices] = ['runs', 'lengths', 'signals', 'indices'].map(stream) as [
    VariableReader,
    VariableReader,
    VariableReader,
    VariableReader,
  ];
  if (at !== content.length) throw fail(`${at} bytes of coefficients`, String(content.length));
  if (count > content.length) throw fail(`at most ${content.length} coefficients`, String(count));
  const out = take(4 + count * COEFFICIENT_BYTES);
  const outView = viewOf(out);
  outView.setUint32(0, count, true);
  let [run, left, signal] = [0, 0, 0];
  for (let i = 0, to = 4; i < count; i++, to += COEFFICIENT_BYTES) {
    if (left === 0) {
      run += runs.next();
      left = lengths.next();
      if (left === 0) throw fail('runs that are not empty', 'an empty one');
    }
    left--;
    signal += unzigzag(signals.next());
    const index = indices.next();
    if (index >= distinct) throw fail(`an index below ${distinct}`, String(index));
    outView.setUint32(to, run % 2, true);
    outView.setUint32(to + 4, Math.floor(run / 2), true);
    outView.setUint32(to + 8, signal, true);
    const from = 8 + index * VALUE_BYTES;
    out.set(content.subarray(from, from + VALUE_BYTES), to + 12);
  }
  if (left !== 0) throw fail(`${count} coefficients`, `${left} more in the last run`);
  for (const all of [runs, lengths, signals, indices]) all.end();
}

/** Computes the points in a memory of their own, on so many threads, and puts them into the zkey. */
async function placePoints(zkey: Uint8Array, points: readonly PackedPoints[], threads: number): Promise<void> {
  const compiled = await compiledKernels(chooseBackend('auto'));
  let next = Math.ceil(compiled.info.heapAt / 64) * 64;
  const take = (bytes: number): number => {
    next += bytes;
    return next - bytes;
  };
  const groups = points.map(({ abscissae }) => ({ input: take(abscissae.length), output: take(2 * abscissae.length) }));
  const tasks = points.flatMap(({ places, abscissaBytes }, group): Task[] => {
    const name = abscissaBytes === VALUE_BYTES ? 'g1_decompressMany' : 'g2_decompressMany';
    const { input, output } = groups[group] as { input: number; output: number };
    return Array.from({ length: Math.ceil(places.length / POINTS_PER_TASK) }, (_, i) => {
      const from = i * POINTS_PER_TASK * abscissaBytes;
      const count = Math.min(POINTS_PER_TASK, places.length - i * POINTS_PER_TASK);
      return { type: 'calls', calls: [[name, output + 2 * from, input + from, count, take(DECOMPRESS_SCRATCH_BYTES)]] };
    });
  });
  const instance = await createInstance(createMemory(next), 0, compiled);
  points.forEach(({ abscissae }, group) => {
    instance.bytes.set(abscissae, groups[group]?.input);
  });
  const pool = await createPool(
    instance,
    Array.from({ length: threads }, () => next),
  );
  try {
    await Promise.all(tasks.map((task) => pool.submit(task, 0)));
  } finally {
    await pool.close();
  }
  points.forEach(({ places, abscissaBytes }, group) => {
    const output = groups[group]?.output ?? 0;
    const size = 2 * abscissaBytes;
    places.forEach((place, i) => {
      zkey.set(instance.bytes.subarray(output + i * size, output + (i + 1) * size), place);
    });
  });
}

/**
 * @param compact the bytes of a compact key
 * @returns the zkey that it was made from, byte for byte
 * @throws TacitError ZKEY_FORMAT
 */
export async function expandKey(compact: Uint8Array, threads = 1): Promise<Uint8Array> {
  const fail = formatFailure('ZKEY_FORMAT', 'not a usable compact proving key');
  const container = openContainer(memoryReader(compact), COMPACT_MAGIC, [COMPACT_VERSION], fail);
  const head = readSection(container, sectionOf(container, COMPACT_HEADER, 'header', COMPACT_HEADER_BYTES), 0, COMPACT_HEADER_BYTES);
  const sizeBytes = Number(viewOf(head).getBigUint64(HASH_BYTES, true));
  // Coefficients shrink most: 44 bytes to three at least.
  const largest = compact.length * (COEFFICIENT_BYTES / 2);
  if (sizeBytes < HEAD_BYTES || sizeBytes > largest) throw fail(`a zkey of ${HEAD_BYTES} to ${largest} bytes`, String(sizeBytes));
  const expansion = new Expansion(container, sizeBytes);
  for (const [type, section] of container.sections) {
    if (type !== COMPACT_HEADER) expansion.section(type, readSection(container, section, 0, section.sizeBytes));
  }
  if (expansion.end !== sizeBytes) throw fail(`${sizeBytes} bytes in all`, String(expansion.end));
  await placePoints(expansion.zkey, expansion.points, threads);
  const [expected, got] = [head.subarray(0, HASH_BYTES), await sha256(expansion.zkey)].map(hex) as [string, string];
  if (expected !== got) throw fail(`a zkey with SHA-256 ${expected}`, got);
  return expansion.zkey;
}

/** The zkey itself, or the one that a compact key stands for. @throws TacitError ZKEY_FORMAT */
export async function expandedReader(reader: ByteReader, threads: number): Promise<ByteReader> {
  const magic = new TextEncoder().encode(COMPACT_MAGIC);
  const first = reader.read(0, magic.length);
  if (first.length < magic.length || first.some((byte, i) => byte !== magic[i])) return reader;
  return memoryReader(await expandKey(reader.read(0, reader.sizeBytes), threads));
}
