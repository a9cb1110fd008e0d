/**
 * The matrices A and B of the constraint system, from the key's list of entries to compressed rows.
 *
 * A row's entries are (signal, coefficient index) pairs; the coefficients themselves are few and kept once, with +1
 * and −1 at the indices the row kernel treats without a multiplication. The list is read twice, piece by piece: once
 * to count, once to place, so that no second copy of it is ever in memory.
 */
import { SCALAR_FIELD } from '../field/parameters.js';
import { COEFFICIENT_MINUS_ONE, COEFFICIENT_ONE } from '../ntt/kernels.js';
import { firstNotBelow, readSection, writeInteger } from './container.js';
import { COEFFICIENT_BYTES, type Zkey } from './zkey.js';

const VALUE_WORDS = 8;
const ENTRY_WORDS = COEFFICIENT_BYTES / 4;
/** Entries under way: what has been read is garbage that nobody collects before the first proof has taken its memory. */
const CHUNK_ENTRIES = 1 << 12;
/** Indices below this take two bytes. */
const NARROW_INDICES = 1 << 16;
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

/** What the first pass over the entries finds. */
export interface CoefficientScan {
  /** Entries of every row of A and of B; the last number, for no row, is 0. */
  readonly rowCounts: Readonly<Record<'a' | 'b', Uint32Array>>;
  readonly totals: Readonly<Record<'a' | 'b', number>>;
  /** For every entry in the file's order the index of its value. */
  readonly valueIndices: Uint16Array | Uint32Array;
  /** Distinct values·2^512 mod r, 32 bytes each. */
  readonly values: Uint8Array;
}

/** Where a matrix in compressed rows goes: rows + 1 positions counted in entries; entries (signal, coefficient index). */
export interface SparseMatrix {
  readonly rowStarts: Uint32Array;
  readonly entries: Uint32Array;
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

/** Calls `visit(matrix, row, signal, position of the value, index)` for every entry; `words` holds the values. */
function eachEntry(
  zkey: Zkey,
  words: Uint32Array,
  visit: (matrix: number, row: number, signal: number, valueAt: number, index: number) => void,
): void {
  const { container, coefficientCount } = zkey;
  const buffer = new Uint8Array(words.buffer);
  for (let first = 0; first < coefficientCount; first += CHUNK_ENTRIES) {
    const count = Math.min(CHUNK_ENTRIES, coefficientCount - first);
    readSection(container, zkey.coefficients, first * COEFFICIENT_BYTES, count * COEFFICIENT_BYTES, buffer);
    for (let i = 0, at = 0; i < count; i++, at += ENTRY_WORDS) {
      visit(words[at] as number, words[at + 1] as number, words[at + 2] as number, at + 3, first + i);
    }
  }
}

const chunkWords = (): Uint32Array => new Uint32Array(CHUNK_ENTRIES * ENTRY_WORDS);

/**
 * The first pass: checks every entry, counts those of each row, and numbers the distinct values.
 * @throws TacitError ZKEY_FORMAT for rows, signals or values out of range
 */
export function scanCoefficients(zkey: Zkey): CoefficientScan {
  const { container, coefficientCount, domainSize, variables } = zkey;
  const table = new ValueTable();
  const special = minusOneAndOne();
  table.indexOf(special, 0);
  table.indexOf(special, VALUE_WORDS);
  let valueIndices: Uint16Array | Uint32Array = new Uint16Array(coefficientCount);
  const [a, b] = [new Uint32Array(domainSize + 1), new Uint32Array(domainSize + 1)];
  const words = chunkWords();
  let entriesOfA = 0;
  eachEntry(zkey, words, (matrix, row, signal, valueAt, index) => {
    if (matrix > 1 || row >= domainSize || signal >= variables) {
      throw container.fail(
        `a coefficient of matrix 0 or 1, row below ${domainSize}, signal below ${variables}`,
        `${matrix}, ${row}, ${signal}`,
      );
    }
    const counts = matrix === 0 ? a : b;
    counts[row] = (counts[row] as number) + 1;
    if (matrix === 0) entriesOfA++;
    const value = table.indexOf(words, valueAt);
    if (value === NARROW_INDICES && valueIndices instanceof Uint16Array) valueIndices = Uint32Array.from(valueIndices);
    valueIndices[index] = value;
  });
  const values = table.bytes();
  if (firstNotBelow(values, SCALAR_FIELD.prime) >= 0) throw container.fail('coefficients below r', 'a larger one');
  return { rowCounts: { a, b }, totals: { a: entriesOfA, b: coefficientCount - entriesOfA }, valueIndices, values };
}

/**
 * The second pass: a counting sort by row, straight to where the matrices belong. The kernels trust what stands there,
 * and the file may have changed since the first pass: every entry is checked again, and every row must end where it did.
 * @throws TacitError ZKEY_FORMAT for entries that are not those of the first pass
 */
export function placeCoefficients(zkey: Zkey, scan: CoefficientScan, a: SparseMatrix, b: SparseMatrix): void {
  const { valueIndices, rowCounts } = scan;
  const { container, domainSize, variables } = zkey;
  const changed = (): Error => container.fail('a file that stays as it is', 'other coefficients at the second reading');
  shiftedStarts(rowCounts.a, a.rowStarts);
  shiftedStarts(rowCounts.b, b.rowStarts);
  eachEntry(zkey, chunkWords(), (matrix, row, signal, _, index) => {
    if (matrix > 1 || row >= domainSize || signal >= variables) throw changed();
    const { rowStarts, entries } = matrix === 0 ? a : b;
    const to = rowStarts[row + 1] as number;
    rowStarts[row + 1] = to + 1;
    entries[2 * to] = signal;
    entries[2 * to + 1] = valueIndices[index] as number;
  });
  if (!endsMatch(rowCounts.a, a.rowStarts) || !endsMatch(rowCounts.b, b.rowStarts)) throw changed();
}

/** Whether every row got as many entries as it was to get. */
function endsMatch(counts: Uint32Array, starts: Uint32Array): boolean {
  let total = 0;
  for (let row = 0; row + 1 < counts.length; row++) {
    total += counts[row] as number;
    if (starts[row + 1] !== total) return false;
  }
  return true;
}

/** starts[row + 1] becomes the start of `row`: once all its entries are placed it has become the start of row + 1. */
function shiftedStarts(counts: Uint32Array, starts: Uint32Array): void {
  let total = 0;
  starts[0] = 0;
  for (let row = 0; row + 1 < counts.length; row++) {
    starts[row + 1] = total;
    total += counts[row] as number;
  }
}
