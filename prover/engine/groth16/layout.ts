/**
 * Where everything of one proving key lies in its memory.
 *
 * One memory belongs to one key: constants │ results │ witness │ polynomials │ bases │ a work area per thread. A key for one
 * thread has its work area over the polynomials: it sums up nothing before they have served.
 * Bases and matrices are written once, the rest anew for every proof. Pages that are never touched cost nothing.
 */

import { PACKED_BYTES } from '../field/parameters.js';
import type { CurveName, CurveSizes, KernelInfo } from '../kernels.js';
import { chooseWindowBits, SMALLEST_WINDOW_BITS, windowCount, windowMemory } from '../msm/plan.js';
import { type ShiftTables, shiftColumns } from '../ntt/plan.js';

/** The five multi-exponentiations of a proof. */
export type BaseName = 'a' | 'b1' | 'b2' | 'c' | 'h';
export const BASE_CURVES: Readonly<Record<BaseName, CurveName>> = { a: 'g1', b1: 'g1', b2: 'g2', c: 'g1', h: 'g1' };
export const BASE_NAMES: readonly BaseName[] = ['a', 'b1', 'b2', 'c', 'h'];

const RESULT_SLOTS = windowCount(SMALLEST_WINDOW_BITS);
/** Room for the main thread's own point arithmetic. */
const MAIN_SCRATCH_BYTES = 1 << 15;
/** Chunks of file data that are converted side by side, and the size of one: whole points of both curves. */
export const STAGING_SLOT_BYTES = 1 << 18;
const STAGING_SLOTS = 4;

export interface LayoutInput {
  readonly variables: number;
  readonly domainSize: number;
  readonly entries: Readonly<Record<'a' | 'b', number>>;
  readonly coefficientValues: number;
  /** Largest number of bases of each kind; infinity points are left out later. */
  readonly bases: Readonly<Record<BaseName, number>>;
  readonly threads: number;
}

export interface Layout {
  readonly results: Readonly<Record<BaseName, number>>;
  readonly mainScratch: number;
  readonly staging: readonly number[];
  readonly witnessPacked: number;
  readonly witness: number;
  /** For the split witness beside a helper, which wants its integers as they are; else they are split in their place. */
  readonly witnessScalars: number;
  readonly quotientScalars: number;
  readonly polynomials: readonly [number, number, number];
  readonly roots: number;
  readonly shifts: ShiftTables;
  readonly rowStarts: Readonly<Record<'a' | 'b', number>>;
  readonly entries: Readonly<Record<'a' | 'b', number>>;
  readonly coefficientValues: number;
  readonly bases: Readonly<Record<BaseName, number>>;
  readonly indices: Readonly<Record<BaseName, number>>;
  readonly work: readonly number[];
  /** Windows need the place of the polynomials, so they wait for the quotient. */
  readonly windowsWait: boolean;
  readonly sizeBytes: number;
}

/** The most memory a window of so many bases can need, over all widths the plan may choose. */
function workBytes(sizes: CurveSizes, bases: number): number {
  let most = 0;
  // Fewer large scalars never make a wider window worth its buckets.
  const widest = chooseWindowBits(bases, bases);
  for (let bits = SMALLEST_WINDOW_BITS; bits <= widest; bits++) {
    most = Math.max(most, windowMemory(sizes, bases, bits).end);
  }
  return most;
}

export function planLayout(input: LayoutInput, { heapAt, curves, representation: { elementBytes } }: KernelInfo): Layout {
  const { variables, domainSize } = input;
  let next = heapAt;
  const take = (bytes: number): number => {
    const at = next;
    next += Math.ceil(bytes / 64) * 64;
    return at;
  };
  const forBases = (size: (name: BaseName) => number): Record<BaseName, number> =>
    Object.fromEntries(BASE_NAMES.map((name) => [name, take(size(name))])) as Record<BaseName, number>;
  const results = forBases((name) => RESULT_SLOTS * curves[BASE_CURVES[name]].projectiveBytes);
  const polynomial = (): number => take(domainSize * elementBytes);
  const columns = shiftColumns(domainSize);
  const windowsWait = input.threads === 1;
  const each = BASE_NAMES.map((name) => workBytes(curves[BASE_CURVES[name]], input.bases[name]));
  const work = Math.max(...each, workBytes(curves.g1, input.bases.c + input.bases.h));
  // Nobody works while the key is loaded: file data is staged where the first thread will.
  const firstWork = Math.max(work, STAGING_SLOTS * STAGING_SLOT_BYTES);
  // The witness in Montgomery form has served when the quotient is written.
  const witness = take(Math.max(variables * elementBytes, domainSize * PACKED_BYTES));
  const layout = {
    results,
    mainScratch: take(MAIN_SCRATCH_BYTES),
    witnessPacked: take(variables * PACKED_BYTES),
    witness,
    witnessScalars: take(variables * PACKED_BYTES),
    quotientScalars: witness,
    polynomials: [polynomial(), polynomial(), polynomial()] as const,
    // What the work area needs beyond the polynomials.
    behind: take(windowsWait ? Math.max(0, firstWork - 3 * domainSize * elementBytes) : 0),
    roots: take((domainSize / 2 + 1) * elementBytes),
    shifts: { columns, low: take(columns * elementBytes), high: take((domainSize / columns) * elementBytes) },
    rowStarts: { a: take(4 * (domainSize + 1)), b: take(4 * (domainSize + 1)) },
    entries: { a: take(8 * input.entries.a), b: take(8 * input.entries.b) },
    coefficientValues: take(input.coefficientValues * elementBytes),
    bases: forBases((name) => input.bases[name] * curves[BASE_CURVES[name]].affineBytes),
    indices: forBases((name) => input.bases[name] * 4),
  };
  const areas = windowsWait ? [layout.polynomials[0]] : Array.from({ length: input.threads }, (_, i) => take(i === 0 ? firstWork : work));
  const staging = Array.from({ length: STAGING_SLOTS }, (_, i) => (areas[0] as number) + i * STAGING_SLOT_BYTES);
  return { ...layout, staging, work: areas, windowsWait, sizeBytes: next };
}
