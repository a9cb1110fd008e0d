/**
 * Single points on the calling thread: multiples, sums and the way out to decimal coordinates.
 * All of it goes through the complete projective addition, so no case is special.
 */
import { BASE_FIELD, SCALAR_FIELD } from '../field/parameters.js';
import { type Instance, kernel } from '../instance.js';
import type { CurveName } from '../kernels.js';
import { readInteger } from './container.js';

const FIELD_BYTES = 32;
/** Variables, then scratch of the kernels: enough for an inversion and its table. */
const VARIABLE_SLOTS = 40;
const SLOT_BYTES = 256;

/** A calculator over a piece of memory that nobody else uses. */
export class PointCalculator {
  private next: number;
  private readonly scratch: number;

  constructor(
    private readonly instance: Instance,
    private readonly base: number,
  ) {
    this.next = base;
    this.scratch = base + VARIABLE_SLOTS * SLOT_BYTES;
  }

  /** Forgets all points. */
  reset(): void {
    this.next = this.base;
  }

  infinity(curve: CurveName): number {
    const at = this.take();
    this.instance.bytes.fill(0, at, at + this.instance.info.curves[curve].affineBytes);
    kernel(this.instance, `${curve}_lift`)(at, at);
    return at;
  }

  /** A projective point from a file's affine bytes. */
  load(curve: CurveName, fileBytes: Uint8Array): number {
    const at = this.take();
    this.instance.bytes.set(fileBytes, this.scratch);
    const coordinates = fileBytes.length / FIELD_BYTES;
    kernel(this.instance, 'q_unpackMany')(at, this.scratch, coordinates, this.instance.info.enterBaseFromFileAt);
    kernel(this.instance, `${curve}_lift`)(at, at);
    return at;
  }

  /** a + b in a new place. */
  sum(curve: CurveName, ...points: number[]): number {
    const at = this.infinity(curve);
    const add = kernel(this.instance, `${curve}_add`);
    for (const point of points) add(at, at, point, this.scratch);
    return at;
  }

  /** scalar·point for any integer scalar, in a new place. */
  multiple(curve: CurveName, point: number, scalar: bigint): number {
    const at = this.infinity(curve);
    const add = kernel(this.instance, `${curve}_add`);
    const { prime } = SCALAR_FIELD;
    for (const bit of (((scalar % prime) + prime) % prime).toString(2)) {
      add(at, at, at, this.scratch);
      if (bit === '1') add(at, at, point, this.scratch);
    }
    return at;
  }

  /** Σ 2^(bits·w)·point_w over consecutive places. */
  joinWindows(curve: CurveName, first: number, count: number, bits: number): number {
    const at = this.infinity(curve);
    const add = kernel(this.instance, `${curve}_add`);
    for (let w = count - 1; w >= 0; w--) {
      for (let i = 0; i < bits; i++) add(at, at, at, this.scratch);
      add(at, at, first + w * this.instance.info.curves[curve].projectiveBytes, this.scratch);
    }
    return at;
  }

  /** Affine coordinates (2 for G1, 4 for G2), or undefined for infinity. */
  affine(curve: CurveName, point: number): bigint[] | undefined {
    const at = this.take();
    kernel(this.instance, `${curve}_lower`)(at, point, this.scratch);
    if (kernel(this.instance, `${curve}_isInfinity`)(at) !== 0) return undefined;
    const count = curve === 'g1' ? 2 : 4;
    kernel(this.instance, 'q_packMany')(this.scratch, at, count);
    const packed = this.instance.bytes.slice(this.scratch, this.scratch + count * FIELD_BYTES);
    return Array.from({ length: count }, (_, i) => readInteger(packed, i * FIELD_BYTES) % BASE_FIELD.prime);
  }

  private take(): number {
    const at = this.next;
    this.next += SLOT_BYTES;
    if (this.next > this.scratch) throw new RangeError('too many points at once');
    return at;
  }
}
