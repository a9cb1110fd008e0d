/**
 * Points and pairing products on the calling thread, over the module's kernels.
 *
 * Points are given affine as bigints and live at addresses of the engine's own memory; `reset` forgets them all.
 * Everything here is public data: nothing runs in constant time.
 */

import { chooseBackend } from '../field/backends.js';
import { PACKED_BYTES } from '../field/parameters.js';
import type { BackendName } from '../field/representation.js';
import type { CurveName, KernelExports } from '../kernels.js';
import { PAIR_PLACES } from './miller.js';
import { emitPairing, type PairingInfo } from './module.js';

/** Affine coordinates in [0, q): two in G1, four in G2 (real part first); undefined for infinity. */
export type Coordinates = readonly bigint[] | undefined;

/** A point of G1 in projective form in the engine's memory. */
export type G1Place = number & { readonly __g1?: never };

const PAGE_BYTES = 65536;
/** Pairs whose Miller loops run side by side. */
export const PAIRS_AT_ONCE = 64;
/** Room for points before they are forgotten. */
const HEAP_BYTES = 16 * PAGE_BYTES;
const WORD_BITS = 64n;

/** A pair of points that lie on their curves, that of G2 in the subgroup: `isOnCurve` and `isInSubgroup` tell. */
export interface Pair {
  readonly g1: Coordinates;
  readonly g2: Coordinates;
}

export class PairingEngine {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #value: number;
  readonly #product: number;
  readonly #pairs: number;
  readonly #staging: number;
  readonly #heap: number;
  #next: number;

  private constructor(
    private readonly run: KernelExports,
    private readonly info: PairingInfo,
    memory: WebAssembly.Memory,
  ) {
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#value = info.heapAt;
    this.#product = this.#value + info.valueBytes;
    this.#staging = this.#product + info.valueBytes;
    this.#pairs = this.#staging + STAGING_BYTES;
    this.#heap = this.#pairs + PAIRS_AT_ONCE * info.pairBytes;
    this.#next = this.#heap;
  }

  /**
   * Compiles and instantiates at once: some tens of milliseconds, once for a process.
   * @throws RangeError in pages that refuse to compile without waiting
   */
  static create(backend: BackendName = chooseBackend('auto')): PairingEngine {
    const { bytes, info } = emitPairing(backend);
    return PairingEngine.#over(new WebAssembly.Module(bytes), info);
  }

  /** The same for whoever can wait, in pages too. */
  static async load(backend: BackendName = chooseBackend('auto')): Promise<PairingEngine> {
    const { bytes, info } = emitPairing(backend);
    return PairingEngine.#over(await WebAssembly.compile(bytes), info);
  }

  static #over(module: WebAssembly.Module, info: PairingInfo): PairingEngine {
    const sizeBytes = info.heapAt + 2 * info.valueBytes + STAGING_BYTES + PAIRS_AT_ONCE * info.pairBytes + HEAP_BYTES;
    const pages = Math.ceil(sizeBytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const run = instance.exports as unknown as KernelExports;
    run.setScratch?.(info.fieldScratchAt);
    return new PairingEngine(run, info, memory);
  }

  #call(name: string, ...args: number[]): number {
    const kernel = this.run[name];
    if (!kernel) throw new RangeError(`no kernel named ${name}`);
    return kernel(...args);
  }

  get #elementBytes(): number {
    return this.info.representation.elementBytes;
  }

  /** Writes affine coordinates as elements. */
  #put(at: number, coordinates: readonly bigint[]): void {
    coordinates.forEach((coordinate, i) => {
      for (let word = 0; word < 4; word++) {
        const bits = BigInt.asUintN(64, coordinate >> (WORD_BITS * BigInt(word)));
        this.#view.setBigUint64(this.#staging + PACKED_BYTES * i + 8 * word, bits, true);
      }
    });
    this.#call('q_unpackMany', at, this.#staging, coordinates.length, this.info.enterBaseAt);
  }

  #get(at: number, count: number): bigint[] {
    this.#call('q_packMany', this.#staging, at, count);
    return Array.from({ length: count }, (_, i) => {
      let value = 0n;
      for (let word = 3; word >= 0; word--) {
        value = (value << WORD_BITS) | this.#view.getBigUint64(this.#staging + PACKED_BYTES * i + 8 * word, true);
      }
      return value;
    });
  }

  /** Whether coordinates satisfy the curve's equation. Infinity counts as on the curve. */
  isOnCurve(curve: CurveName, point: Coordinates): boolean {
    if (!point) return true;
    this.#put(this.#value, point);
    this.#call(`${curve}_onCurve`, this.#value, 1, this.info.scratchAt);
    return this.#view.getUint32(this.info.scratchAt, true) === 1;
  }

  /** Whether a point of the twist has order r (or is infinity). */
  isInSubgroup(point: Coordinates): boolean {
    if (!point) return true;
    this.#put(this.#value, point);
    return this.#call('g2_inSubgroup', this.#value, this.info.scratchAt) === 1;
  }

  /** Forgets all points. */
  reset(): void {
    this.#next = this.#heap;
  }

  #take(): number {
    const at = this.#next;
    this.#next += 3 * this.#elementBytes;
    if (this.#next > this.#bytes.length) throw new RangeError('more points than the engine keeps at once');
    return at;
  }

  /** A point of G1 in projective form. */
  load(point: Coordinates): G1Place {
    const at = this.#take();
    if (point) this.#put(this.#value, point);
    else this.#bytes.fill(0, this.#value, this.#value + 2 * this.#elementBytes);
    this.#call('g1_lift', at, this.#value);
    return at;
  }

  /** Σ scalars_i·points_i for scalars ≥ 0, by interleaved signed digits: all points share the doublings. */
  sumOfMultiples(points: readonly G1Place[], scalars: readonly bigint[]): G1Place {
    const sum = this.load(undefined);
    const add = this.run.g1_add as (...args: number[]) => number;
    const { scratchAt } = this.info;
    const mark = this.#next;
    const digits = scalars.map((scalar) => windowDigits(scalar));
    const tables = points.map((point) => this.#oddMultiples(point));
    for (let i = Math.max(0, ...digits.map((list) => list.length)) - 1; i >= 0; i--) {
      add(sum, sum, sum, scratchAt);
      digits.forEach((list, k) => {
        const digit = list[i] ?? 0;
        if (digit === 0) return;
        const table = tables[k] as { positive: number[]; negative: number[] };
        const place = (digit > 0 ? table.positive : table.negative)[(Math.abs(digit) - 1) / 2] as number;
        add(sum, sum, place, scratchAt);
      });
    }
    this.#next = mark;
    return sum;
  }

  /** 1, 3, 5, 7 times a point, and their negatives. */
  #oddMultiples(point: G1Place): { positive: number[]; negative: number[] } {
    const add = this.run.g1_add as (...args: number[]) => number;
    const { scratchAt } = this.info;
    const double = this.#take();
    add(double, point, point, scratchAt);
    const positive: number[] = [point];
    for (let k = 1; k < ODD_MULTIPLES; k++) {
      const next = this.#take();
      add(next, positive[k - 1] as number, double, scratchAt);
      positive.push(next);
    }
    return { positive, negative: positive.map((place) => this.negate(place)) };
  }

  negate(point: G1Place): G1Place {
    const at = this.#take();
    const size = this.#elementBytes;
    this.#bytes.copyWithin(at, point, point + 3 * size);
    this.#call('q_sub', at + size, this.#zero(), point + size);
    return at;
  }

  #zero(): number {
    this.#bytes.fill(0, this.#staging, this.#staging + this.#elementBytes);
    return this.#staging;
  }

  add(a: G1Place, b: G1Place): G1Place {
    const at = this.#take();
    this.#call('g1_add', at, a, b, this.info.scratchAt);
    return at;
  }

  /** Affine coordinates of a point. */
  coordinates(point: G1Place): Coordinates {
    this.#call('g1_lower', this.#value, point, this.info.scratchAt);
    const affine = this.#get(this.#value, 2);
    return affine.every((coordinate) => coordinate === 0n) ? undefined : affine;
  }

  /** Whether the product of the pairings is 1. A pair with infinity counts as 1, as for the chain's precompile (EIP-197). */
  productIsOne(pairs: Iterable<Pair>): boolean {
    return this.finalPower(pairs)[0] === 1n && this.#get(this.#product, COORDINATES_12).every((x, i) => x === (i === 0 ? 1n : 0n));
  }

  /** Π e(P, Q)^k with the k of finalExponentiation.ts, as twelve coordinates in the order of the tower. */
  finalPower(pairs: Iterable<Pair>): bigint[] {
    let [count, first] = [0, true];
    const flush = (): void => {
      this.#call('miller_loops', this.#pairs, count, this.#value, this.info.scratchAt);
      if (first) this.#bytes.copyWithin(this.#product, this.#value, this.#value + this.info.valueBytes);
      else this.#call('f12_mul', this.#product, this.#product, this.#value, this.info.scratchAt);
      [count, first] = [0, false];
    };
    for (const { g1, g2 } of pairs) {
      if (!g1 || !g2) continue;
      const at = this.#pairs + count * this.info.pairBytes;
      this.#put(at + PAIR_PLACES.g1 * 2 * this.#elementBytes, g1);
      this.#put(at + PAIR_PLACES.g2 * 2 * this.#elementBytes, g2);
      if (++count === PAIRS_AT_ONCE) flush();
    }
    if (count > 0 || first) flush();
    this.#call('pairing_finalPower', this.#product, this.info.scratchAt);
    return this.#get(this.#product, COORDINATES_12);
  }
}

const COORDINATES_12 = 12;
const STAGING_BYTES = COORDINATES_12 * PACKED_BYTES;
/** Odd multiples that a window of four bits needs: 1, 3, 5, 7. */
const ODD_MULTIPLES = 4;
const WINDOW_BITS = 4n;

/** Odd digits between −7 and 7, the lowest first, with at least three zeros after each. */
function windowDigits(scalar: bigint): number[] {
  const digits: number[] = [];
  const modulus = 1n << WINDOW_BITS;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    let digit = 0n;
    if (rest & 1n) {
      digit = rest & (modulus - 1n);
      if (digit > modulus >> 1n) digit -= modulus;
      rest -= digit;
    }
    digits.push(Number(digit));
  }
  return digits;
}
