/**
 * Many multiples of one point, as a key's set-up needs them: set-up and prover then share their kernels.
 *
 * 1. A table holds d·2^(c·w)·G for every window w and every digit d in 1…2^(c−1).
 * 2. A scalar is written in signed digits in base 2^c; a negative digit takes the table's point with a tag.
 * 3. For each window all results of a chunk receive their table point in one batch of affine additions.
 *
 * Invariants: one instance is used by one thread; scalars are below the group order.
 */
import { batchAddScratchBytes, ENTRY_BYTES } from './curve/batchAdd.js';
import { ELEMENT_BYTES, PACKED_BYTES } from './field/parameters.js';
import { createInstance, createMemory, type Instance, kernel } from './instance.js';
import { CURVES, type CurveName, kernels } from './kernels.js';
import { windowCount } from './msm/plan.js';

/** Window widths whose tables (6 MB) still live in the caches. */
const WINDOW_BITS: Readonly<Record<CurveName, number>> = { g1: 13, g2: 12 };
/** Results that share an inversion in each window. */
const CHUNK_SCALARS = 2048;
const SCALAR_WORDS = PACKED_BYTES / 4;

interface Places {
  readonly table: number;
  readonly results: number;
  readonly list: number;
  readonly scratch: number;
  readonly staging: number;
  readonly end: number;
}

function places(curve: CurveName): Places {
  const { affineBytes, elementBytes } = CURVES[curve];
  const bits = WINDOW_BITS[curve];
  let next = kernels().info.heapAt;
  const take = (bytes: number): number => {
    const at = next;
    next += Math.ceil(bytes / 64) * 64;
    return at;
  };
  const largestBatch = Math.max(CHUNK_SCALARS, windowCount(bits) * 2 ** (bits - 2));
  return {
    table: take(windowCount(bits) * 2 ** (bits - 1) * affineBytes),
    results: take(CHUNK_SCALARS * affineBytes),
    list: take(largestBatch * ENTRY_BYTES),
    scratch: take(batchAddScratchBytes(elementBytes, largestBatch)),
    staging: take(2 * CHUNK_SCALARS * affineBytes),
    end: next,
  };
}

export class FixedBaseMultiplier {
  readonly #carries = new Uint8Array(CHUNK_SCALARS);

  private constructor(
    private readonly curve: CurveName,
    private readonly instance: Instance,
    private readonly at: Places,
  ) {}

  /**
   * @param base the affine point in the form of zkey files: little-endian coordinates in Montgomery form (2^256),
   *   64 bytes in G1 and 128 in G2; not infinity
   */
  static async create(curve: CurveName, base: Uint8Array): Promise<FixedBaseMultiplier> {
    const at = places(curve);
    const multiplier = new FixedBaseMultiplier(curve, await createInstance(createMemory(at.end)), at);
    multiplier.#buildTable(base);
    return multiplier;
  }

  /**
   * @param scalars 32 bytes each, little-endian, below the group order
   * @returns affine points in the form of zkey files, zeros for infinity
   */
  multiply(scalars: Uint8Array): Uint8Array {
    const { instance, at } = this;
    const { affineBytes } = CURVES[this.curve];
    const coordinates = affineBytes / ELEMENT_BYTES;
    const pointBytes = coordinates * PACKED_BYTES;
    const count = scalars.length / PACKED_BYTES;
    const words = new Uint32Array(scalars.slice().buffer);
    const output = new Uint8Array(count * pointBytes);
    const toFile = kernel(instance, 'q_packForFileMany');
    for (let first = 0; first < count; first += CHUNK_SCALARS) {
      const n = Math.min(CHUNK_SCALARS, count - first);
      instance.bytes.fill(0, at.results, at.results + n * affineBytes);
      this.#carries.fill(0);
      for (let window = 0; window < windowCount(WINDOW_BITS[this.curve]); window++) this.#addWindow(words, first, n, window);
      toFile(at.staging, at.results, n * coordinates);
      output.set(instance.bytes.subarray(at.staging, at.staging + n * pointBytes), first * pointBytes);
    }
    return output;
  }

  /** Adds every scalar's digit of one window to its result. */
  #addWindow(words: Uint32Array, first: number, n: number, window: number): void {
    const { instance, at } = this;
    const { affineBytes } = CURVES[this.curve];
    const bits = WINDOW_BITS[this.curve];
    const half = 2 ** (bits - 1);
    const row = at.table + window * half * affineBytes;
    let next = at.list / 4;
    for (let i = 0; i < n; i++) {
      let digit = readBits(words, (first + i) * SCALAR_WORDS, window * bits, bits) + (this.#carries[i] as number);
      const carries = digit > half;
      if (carries) digit -= 2 * half;
      this.#carries[i] = carries ? 1 : 0;
      if (digit === 0) continue;
      const result = at.results + i * affineBytes;
      instance.words[next] = result;
      instance.words[next + 1] = row + (Math.abs(digit) - 1) * affineBytes + (digit < 0 ? 1 : 0);
      instance.words[next + 2] = result;
      next += 3;
    }
    this.#runList(next);
  }

  #runList(end: number): void {
    const entries = ((end - this.at.list / 4) * 4) / ENTRY_BYTES;
    if (entries > 0) kernel(this.instance, `${this.curve}_batchAdd`)(this.at.list, entries, this.at.scratch);
  }

  /** Row heads by doubling; then T[k + j] = T[k] + T[j] for j ≤ k = 1, 2, 4, …, all rows in one batch. */
  #buildTable(base: Uint8Array): void {
    const { instance, at, curve } = this;
    const { affineBytes } = CURVES[curve];
    const bits = WINDOW_BITS[curve];
    const half = 2 ** (bits - 1);
    const rows = windowCount(bits);
    instance.bytes.set(base, at.staging);
    kernel(instance, 'q_unpackMany')(at.table, at.staging, base.length / PACKED_BYTES, instance.info.enterBaseFromFileAt);
    kernel(instance, `${curve}_lift`)(at.staging, at.table);
    for (let row = 1; row < rows; row++) {
      for (let i = 0; i < bits; i++) kernel(instance, `${curve}_add`)(at.staging, at.staging, at.staging, at.scratch);
      kernel(instance, `${curve}_lower`)(at.table + row * half * affineBytes, at.staging, at.scratch);
    }
    for (let k = 1; k < half; k *= 2) {
      let next = at.list / 4;
      for (let row = 0; row < rows; row++) {
        const start = at.table + row * half * affineBytes;
        for (let j = 1; j <= k; j++) {
          instance.words.set([start + (k - 1) * affineBytes, start + (j - 1) * affineBytes, start + (k + j - 1) * affineBytes], next);
          next += 3;
        }
      }
      this.#runList(next);
    }
  }
}

/** Bits [from, from + count) of a 256-bit integer of eight words; bits behind the end are zero. */
function readBits(words: Uint32Array, at: number, from: number, count: number): number {
  const word = from >>> 5;
  const shift = from & 31;
  const low = word < SCALAR_WORDS ? (words[at + word] as number) >>> shift : 0;
  const high = shift !== 0 && word + 1 < SCALAR_WORDS ? (words[at + word + 1] as number) << (32 - shift) : 0;
  return (low | high) & (2 ** count - 1);
}
