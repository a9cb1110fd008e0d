/**
 * The matrices A and B of the constraint system, from the key's list of entries to compressed rows.
 *
 * A row's entries are (signal, coefficient index) pairs; the coefficients themselves are few and kept once, with +1
 * and −1 at the indices the row kernel treats without a multiplication.
 */
import { SCALAR_FIELD } from '../field/parameters.js';
import { COEFFICIENT_MINUS_ONE, COEFFICIENT_ONE } from '../ntt/kernels.js';
import { firstNotBelow, readSection, writeInteger } from './container.js';
import { COEFFICIENT_BYTES, type Zkey } from './zkey.js';

const VALUE_WORDS = 8;
const ENTRY_WORDS = COEFFICIENT_BYTES / 4;
const CHUNK_ENTRIES = 1 << 15;
/** Files hold value·2^512. */
const FILE_FACTOR_BITS = 512n;

/** Distinct 32-byte values, numbered in the order of their first appearance. */
class ValueTable {
  count = 0;
  private values = new Uint32Array(VALUE_WORDS * 1024);
  private slots = new Int32Array(4096).fill(-1);

  indexOf(words: Uint32Array, at: number): number {
    if (2 * this.count >= this.slots.length) this.grow();
    const slot = this.find(words, at);
    const known = this.slots[slot] as number;
    if (known >= 0) return known;
    if (VALUE_WORDS * (this.count + 1) > this.values.length) {
      const larger = new Uint32Array(2 * this.values.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values.set(words.subarray(at, at + VALUE_WORDS), VALUE_WORDS * this.count);
    this.slots[slot] = this.count;
    return this.count++;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.values.buffer, 0, 4 * VALUE_WORDS * this.count);
  }

  /** The slot of a value, or the free slot where it belongs. */
  private find(words: Uint32Array, at: number): number {
    const mask = this.slots.length - 1;
    let hash = 0;
    for (let i = 0; i < VALUE_WORDS; i++) hash = Math.imul(hash ^ (words[at + i] as number), 0x9e3779b1) ^ (hash >>> 15);
    for (let slot = (hash ^ (hash >>> 16)) & mask; ; slot = (slot + 1) & mask) {
      const known = this.slots[slot] as number;
      if (known < 0 || this.equals(known, words, at)) return slot;
    }
  }

  private equals(known: number, words: Uint32Array, at: number): boolean {
    for (let i = 0; i < VALUE_WORDS; i++) if (this.values[VALUE_WORDS * known + i] !== words[at + i]) return false;
    return true;
  }

  private grow(): void {
    this.slots = new Int32Array(2 * this.slots.length).fill(-1);
    for (let i = 0; i < this.count; i++) this.slots[this.find(this.values, VALUE_WORDS * i)] = i;
  }
}

export interface SparseMatrix {
  /** rows + 1 positions in `entries`, counted in entries. */
  readonly rowStarts: Uint32Array;
  /** signal, coefficient index, … */
  readonly entries: Uint32Array;
}

export interface Coefficients {
  readonly a: SparseMatrix;
  readonly b: SparseMatrix;
  /** Distinct values·2^512 mod r, 32 bytes each. */
  readonly values: Uint8Array;
}

function minusOneAndOne(): Uint32Array {
  const words = new Uint32Array(2 * VALUE_WORDS);
  const one = (1n << FILE_FACTOR_BITS) % SCALAR_FIELD.prime;
  for (const [index, value] of [
    [COEFFICIENT_ONE, one],
    [COEFFICIENT_MINUS_ONE, SCALAR_FIELD.prime - one],
  ] as const) {
    words.set(new Uint32Array(writeInteger(value).buffer), VALUE_WORDS * index);
  }
  return words;
}

/** @throws TacitError ZKEY_FORMAT for rows, signals or values out of range */
export function readCoefficients(zkey: Zkey): Coefficients {
  const { container, coefficientCount, domainSize, variables } = zkey;
  const table = new ValueTable();
  const special = minusOneAndOne();
  table.indexOf(special, 0);
  table.indexOf(special, VALUE_WORDS);
  const rows = new Uint32Array(coefficientCount);
  const entries = new Uint32Array(2 * coefficientCount);
  const starts = [new Uint32Array(domainSize + 1), new Uint32Array(domainSize + 1)] as const;
  const buffer = new Uint8Array(CHUNK_ENTRIES * COEFFICIENT_BYTES);
  const words = new Uint32Array(buffer.buffer);
  for (let first = 0; first < coefficientCount; first += CHUNK_ENTRIES) {
    const count = Math.min(CHUNK_ENTRIES, coefficientCount - first);
    readSection(container, zkey.coefficients, first * COEFFICIENT_BYTES, count * COEFFICIENT_BYTES, buffer);
    for (let i = 0; i < count; i++) {
      const at = ENTRY_WORDS * i;
      const [matrix, row, signal] = [words[at] as number, words[at + 1] as number, words[at + 2] as number];
      if (matrix > 1 || row >= domainSize || signal >= variables) {
        throw container.fail(
          `a coefficient of matrix 0 or 1, row below ${domainSize}, signal below ${variables}`,
          `${matrix}, ${row}, ${signal}`,
        );
      }
      const counts = matrix === 0 ? starts[0] : starts[1];
      counts[row] = (counts[row] as number) + 1;
      rows[first + i] = 2 * row + matrix;
      entries[2 * (first + i)] = signal;
      entries[2 * (first + i) + 1] = table.indexOf(words, at + 3);
    }
  }
  const values = table.bytes();
  if (firstNotBelow(values, SCALAR_FIELD.prime) >= 0) throw container.fail('coefficients below r', 'a larger one');
  return { a: compress(0, starts[0], rows, entries), b: compress(1, starts[1], rows, entries), values };
}

/** Counting sort of one matrix' entries by row; `counts` becomes the row starts. */
function compress(matrix: number, counts: Uint32Array, rows: Uint32Array, entries: Uint32Array): SparseMatrix {
  let total = 0;
  for (let row = 0; row < counts.length; row++) {
    const count = counts[row] as number;
    counts[row] = total;
    total += count;
  }
  const sorted = new Uint32Array(2 * total);
  const next = counts.slice();
  for (let i = 0; i < rows.length; i++) {
    const tagged = rows[i] as number;
    if ((tagged & 1) !== matrix) continue;
    const row = tagged >>> 1;
    const to = next[row] as number;
    next[row] = to + 1;
    sorted[2 * to] = entries[2 * i] as number;
    sorted[2 * to + 1] = entries[2 * i + 1] as number;
  }
  return { rowStarts: counts, entries: sorted };
}
