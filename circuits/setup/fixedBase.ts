/**
 * Many multiples of one generator, on wasmcurves' arithmetic.
 *
 * 1. A table holds d·2^(c·w)·G for every window w and every digit d in 1..2^(c−1), affine.
 * 2. A scalar is written in signed digits in base 2^c, digits in [−2^(c−1), 2^(c−1)]; a negative digit subtracts.
 * 3. One mixed addition a window, then a chunk of results is made affine with one inversion.
 *
 * Invariant: one instance owns its memory and is used by one thread.
 */
import { G1_BYTES, G2_BYTES, SCALAR_BYTES } from './bn254.js';

export type GroupName = 'G1' | 'G2';

type Fn = (...pointers: number[]) => void;
interface GroupExports {
  readonly zero: Fn;
  readonly add: Fn;
  readonly double: Fn;
  readonly addMixed: Fn;
  readonly subMixed: Fn;
  readonly batchToAffine: Fn;
}

interface Layout {
  readonly windowBits: number;
  readonly affineBytes: number;
  readonly jacobianBytes: number;
  readonly prefix: string;
}

/** Window sizes balance table building against additions for 10^4 to 10^5 scalars. */
const LAYOUTS: Readonly<Record<GroupName, Layout>> = {
  G1: { windowBits: 13, affineBytes: G1_BYTES, jacobianBytes: 96, prefix: 'g1m' },
  G2: { windowBits: 12, affineBytes: G2_BYTES, jacobianBytes: 192, prefix: 'g2m' },
};

const SCALAR_BITS = 254;
const PAGE_BYTES = 65536;
/** Scalars worked on between two inversions. */
export const CHUNK_SCALARS = 2048;

/** The curve code and the addresses of its built-in generators. */
export interface CurveCode {
  readonly code: Uint8Array;
  readonly pG1gen: number;
  readonly pG2gen: number;
}

export class FixedBase {
  readonly #layout: Layout;
  readonly #fns: GroupExports;
  readonly #memory: WebAssembly.Memory;
  readonly #windows: number;
  readonly #digits: number;
  readonly #table: number;
  readonly #work: number;

  private constructor(layout: Layout, memory: WebAssembly.Memory, exports: Record<string, Fn>, heap: number, generator: number) {
    const fn = (name: string): Fn => exports[`${layout.prefix}_${name}`]!;
    this.#layout = layout;
    this.#memory = memory;
    this.#fns = {
      zero: fn('zero'),
      add: fn('add'),
      double: fn('double'),
      addMixed: fn('addMixed'),
      subMixed: fn('subMixed'),
      batchToAffine: fn('batchToAffine'),
    };
    // One bit more than the scalar's, for the carry out of the highest signed digit.
    this.#windows = Math.ceil((SCALAR_BITS + 1) / layout.windowBits);
    this.#digits = 2 ** (layout.windowBits - 1);
    this.#table = heap;
    this.#work = heap + this.#windows * this.#digits * layout.affineBytes;
    this.#buildTable(generator);
  }

  static async create(curve: CurveCode, group: GroupName): Promise<FixedBase> {
    const layout = LAYOUTS[group];
    const windows = Math.ceil((SCALAR_BITS + 1) / layout.windowBits);
    const digits = 2 ** (layout.windowBits - 1);
    const bytes = windows * digits * layout.affineBytes + (Math.max(CHUNK_SCALARS, digits) + 4) * layout.jacobianBytes;
    const memory = new WebAssembly.Memory({ initial: 32 + Math.ceil((bytes * 1.1) / PAGE_BYTES) });
    const { instance } = await WebAssembly.instantiate(curve.code.slice(), { env: { memory } });
    // The module's own allocator keeps its free pointer at address 0; batch inversion takes scratch room from it. All
    // of ours goes above that scratch room.
    const scratch = 16 * PAGE_BYTES;
    const heap = (new Uint32Array(memory.buffer)[0]! + scratch + 7) & ~7;
    const generator = group === 'G1' ? curve.pG1gen : curve.pG2gen;
    return new FixedBase(layout, memory, instance.exports as unknown as Record<string, Fn>, heap, generator);
  }

  /**
   * @param scalars 32 bytes each, little-endian, below the group order
   * @returns affine points, little-endian Montgomery coordinates, zeros for the point at infinity
   */
  multiply(scalars: Uint8Array): Uint8Array {
    const { affineBytes, jacobianBytes } = this.#layout;
    const count = scalars.length / SCALAR_BYTES;
    const result = new Uint8Array(count * affineBytes);
    const words = new Uint32Array(scalars.slice().buffer);
    for (let first = 0; first < count; first += CHUNK_SCALARS) {
      const n = Math.min(CHUNK_SCALARS, count - first);
      for (let i = 0; i < n; i++) this.#accumulate(words, (first + i) * 8, this.#work + i * jacobianBytes);
      this.#fns.batchToAffine(this.#work, n, this.#work);
      result.set(new Uint8Array(this.#memory.buffer, this.#work, n * affineBytes), first * affineBytes);
    }
    return result;
  }

  /** Σ digit_w · 2^(c·w) · G into `out`. */
  #accumulate(words: Uint32Array, offset: number, out: number): void {
    const { windowBits, affineBytes } = this.#layout;
    const { addMixed, subMixed } = this.#fns;
    const half = this.#digits;
    const base = 2 * half;
    this.#fns.zero(out);
    let carry = 0;
    for (let w = 0; w < this.#windows; w++) {
      let digit = readBits(words, offset, w * windowBits, windowBits) + carry;
      carry = 0;
      if (digit > half) {
        digit -= base;
        carry = 1;
      }
      if (digit === 0) continue;
      const entry = this.#table + (w * half + Math.abs(digit) - 1) * affineBytes;
      if (digit > 0) addMixed(out, entry, out);
      else subMixed(out, entry, out);
    }
  }

  #buildTable(generator: number): void {
    const { affineBytes, jacobianBytes } = this.#layout;
    const { add, double, zero, batchToAffine } = this.#fns;
    const rowBytes = this.#digits * affineBytes;
    const step = this.#work + this.#digits * jacobianBytes;
    new Uint8Array(this.#memory.buffer).copyWithin(step, generator, generator + jacobianBytes);
    for (let w = 0; w < this.#windows; w++) {
      // Multiples 1..2^(c−1) of the window's base; the last one doubled is the next window's base.
      const multiple = (d: number): number => this.#work + (d - 1) * jacobianBytes;
      zero(multiple(1));
      add(multiple(1), step, multiple(1));
      double(step, multiple(2));
      for (let d = 3; d <= this.#digits; d++) add(multiple(d - 1), step, multiple(d));
      double(multiple(this.#digits), step);
      batchToAffine(this.#work, this.#digits, this.#work);
      new Uint8Array(this.#memory.buffer).copyWithin(this.#table + w * rowBytes, this.#work, this.#work + rowBytes);
    }
  }
}

/** `count` bits (at most 31) of the 256-bit integer at `words[offset..]`, from bit `from`. */
function readBits(words: Uint32Array, offset: number, from: number, count: number): number {
  const index = from >>> 5;
  if (index > 7) return 0;
  const shift = from & 31;
  let value = words[offset + index]! >>> shift;
  if (shift + count > 32 && index < 7) value |= words[offset + index + 1]! << (32 - shift);
  return value & (2 ** count - 1);
}
