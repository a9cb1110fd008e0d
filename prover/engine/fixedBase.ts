/**
 * Many multiples of one point, as a key's set-up needs them: set-up and prover then share their kernels. The method
 * stands in `setup/multiples.ts`; here are its tables, its memory and its calls.
 *
 * Invariants: scalars are below the group order; a work area is used by one task at a time. Tables are only read once
 * they stand, so all threads share them.
 */
import { compiledKernels } from './compiled.js';
import { PACKED_BYTES } from './field/parameters.js';
import { type CompiledKernels, createInstance, createMemory, type Instance, kernel } from './instance.js';
import type { CurveName, KernelInfo } from './kernels.js';
import type { KernelCall } from './pool/task.js';
import { batchAddScratchBytes, ENTRY_BYTES, FILE_POINT_BYTES } from './sizes.js';

/** Window widths whose tables (6 MB) still live in the caches. */
const WINDOW_BITS: Readonly<Record<CurveName, number>> = { g1: 13, g2: 12 };
/** Results that share an inversion in each window; the most that one call takes. */
export const CHUNK_SCALARS = 2048;
/** Bits of a scalar: the group order is just below 2^254. */
const SCALAR_BITS = 254;
const ALIGNMENT_BYTES = 64;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
const digitsOf = (curve: CurveName): number => 2 ** (WINDOW_BITS[curve] - 1);

/** Windows of a scalar and of the carry out of its signed digits. */
const windowCount = (bits: number): number => Math.ceil((SCALAR_BITS + 1) / bits);

export function tableBytes({ curves }: KernelInfo, curve: CurveName): number {
  return windowCount(WINDOW_BITS[curve]) * digitsOf(curve) * curves[curve].affineBytes;
}

/** Places in a work area. */
function workPlaces(
  { curves }: KernelInfo,
  curve: CurveName,
): { results: number; carries: number; list: number; scratch: number; end: number } {
  const { affineBytes, elementBytes } = curves[curve];
  let next = 0;
  const take = (bytes: number): number => {
    const at = next;
    next += aligned(bytes);
    return at;
  };
  // The last doubling step of the table is the largest batch.
  const largestBatch = Math.max(CHUNK_SCALARS, (windowCount(WINDOW_BITS[curve]) * digitsOf(curve)) / 2);
  return {
    results: take(CHUNK_SCALARS * affineBytes),
    carries: take(CHUNK_SCALARS),
    list: take(largestBatch * ENTRY_BYTES),
    scratch: take(batchAddScratchBytes(elementBytes, largestBatch)),
    end: next,
  };
}

/** Room that `buildTable` and the calls of `multiplesCalls` need for themselves. */
export function multiplesWorkBytes(info: KernelInfo, curve: CurveName): number {
  return workPlaces(info, curve).end;
}

/** Scalars of 32 little-endian bytes, at most `CHUNK_SCALARS` of them, and where their multiples go. */
export interface Multiples {
  readonly curve: CurveName;
  readonly table: number;
  readonly scalars: number;
  readonly count: number;
  /** Points in the form of zkey files, zeros for infinity. */
  readonly output: number;
}

/** The kernel calls that compute multiples in a work area. */
export function multiplesCalls(info: KernelInfo, { curve, table, scalars, count, output }: Multiples, work: number): KernelCall[] {
  const { results, carries, list, scratch } = workPlaces(info, curve);
  const bits = WINDOW_BITS[curve];
  const places = [work + results, work + carries, work + list, work + scratch] as const;
  return [
    [`${curve}_multiples`, table, scalars, count, ...places, bits, windowCount(bits)],
    ['q_packForFileMany', output, work + results, (count * FILE_POINT_BYTES[curve]) / PACKED_BYTES],
  ];
}

/**
 * Row heads by doubling; then T[k + j] = T[k] + T[j] for j ≤ k = 1, 2, 4, …, all rows in one batch.
 * @param base the affine point in the form of zkey files: little-endian coordinates in Montgomery form (2^256),
 *   64 bytes in G1 and 128 in G2; not infinity
 */
export function buildTable(instance: Instance, curve: CurveName, base: Uint8Array, table: number, work: number): void {
  const { info, words } = instance;
  const { affineBytes } = info.curves[curve];
  const places = workPlaces(info, curve);
  const [point, list, scratch] = [work + places.results, work + places.list, work + places.scratch];
  const rowBytes = digitsOf(curve) * affineBytes;
  const rows = windowCount(WINDOW_BITS[curve]);
  instance.bytes.set(base, point);
  kernel(instance, 'q_unpackMany')(table, point, base.length / PACKED_BYTES, info.enterBaseFromFileAt);
  kernel(instance, `${curve}_lift`)(point, table);
  for (let row = 1; row < rows; row++) {
    for (let i = 0; i < WINDOW_BITS[curve]; i++) kernel(instance, `${curve}_add`)(point, point, point, scratch);
    kernel(instance, `${curve}_lower`)(table + row * rowBytes, point, scratch);
  }
  for (let k = 1; k < digitsOf(curve); k *= 2) {
    let next = list / 4;
    for (let row = 0; row < rows; row++) {
      const start = table + row * rowBytes;
      for (let j = 1; j <= k; j++) {
        words[next] = start + (k - 1) * affineBytes;
        words[next + 1] = start + (j - 1) * affineBytes;
        words[next + 2] = start + (k + j - 1) * affineBytes;
        next += 3;
      }
    }
    kernel(instance, `${curve}_batchAdd`)(list, rows * k, scratch);
  }
}

/** One point's multiples on the calling thread, in a memory of its own. */
export class FixedBaseMultiplier {
  private constructor(
    private readonly curve: CurveName,
    private readonly instance: Instance,
    private readonly at: { readonly table: number; readonly work: number; readonly scalars: number; readonly output: number },
  ) {}

  /** @param base as `buildTable` takes it */
  static async create(curve: CurveName, base: Uint8Array, given?: CompiledKernels): Promise<FixedBaseMultiplier> {
    const compiled = given ?? (await compiledKernels('portable'));
    const { info } = compiled;
    const table = aligned(info.heapAt);
    const work = table + aligned(tableBytes(info, curve));
    const scalars = work + multiplesWorkBytes(info, curve);
    const output = scalars + CHUNK_SCALARS * PACKED_BYTES;
    const instance = await createInstance(createMemory(output + CHUNK_SCALARS * FILE_POINT_BYTES[curve]), 0, compiled);
    buildTable(instance, curve, base, table, work);
    return new FixedBaseMultiplier(curve, instance, { table, work, scalars, output });
  }

  /**
   * @param scalars 32 bytes each, little-endian, below the group order
   * @returns affine points in the form of zkey files, zeros for infinity
   */
  multiply(scalars: Uint8Array): Uint8Array {
    const { curve, instance, at } = this;
    const pointBytes = FILE_POINT_BYTES[curve];
    const points = new Uint8Array((scalars.length / PACKED_BYTES) * pointBytes);
    for (let from = 0; from < scalars.length; from += CHUNK_SCALARS * PACKED_BYTES) {
      const chunk = scalars.subarray(from, from + CHUNK_SCALARS * PACKED_BYTES);
      const count = chunk.length / PACKED_BYTES;
      instance.bytes.set(chunk, at.scalars);
      const multiples = { curve, table: at.table, scalars: at.scalars, count, output: at.output };
      for (const [name, ...args] of multiplesCalls(instance.info, multiples, at.work)) kernel(instance, name)(...args);
      points.set(instance.bytes.subarray(at.output, at.output + count * pointBytes), (from / PACKED_BYTES) * pointBytes);
    }
    return points;
  }
}
