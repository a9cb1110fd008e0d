/**
 * From how many bases on a sum is faster on this device than on this machine's threads: measured, not guessed.
 *
 * Sums of 2^12, 2^14, … random bases are timed on both, the larger ones only while the device has not won twice in a row.
 * Every result is checked before it counts: bases are multiples e·G of the generator with known e, so the sum must be
 * (Σ scalar·e)·G. Between two sizes the crossover is interpolated on the logarithms of size and ratio.
 */
import { TacitError } from '../../../protocol/errors.js';
import { compiledKernels } from '../compiled.js';
import { chooseBackend } from '../field/backends.js';
import { ResidentMsm } from '../msm/resident.js';
import type { Gpu } from './device.js';
import { MeasuringBases, type MeasuringSum } from './measuring.js';
import { createGpuMsm, type GpuMsm } from './msm.js';

/** Raised when kernels change so that times measured before say nothing any more. */
export const ENGINE_VERSION = 1;
const SIZES = [12, 14, 16, 18].map((power) => 2 ** power);
/** The best of so many runs counts, after one that is not timed. */
const RUNS = 2;
const WINS = 2;

export interface CalibrationRow {
  readonly bases: number;
  readonly gpuMs: number;
  readonly wasmMs: number;
}

/** Plain data: it is stored as it is. */
export interface Calibration {
  /** Whom and what it holds for. */
  readonly key: string;
  readonly adapter: string;
  readonly threads: number;
  readonly rows: readonly CalibrationRow[];
  /** Sums of at least so many bases are faster on the device; null where none was. */
  readonly crossover: number | null;
}

/** The same adapter, driver, kernels, field backend and threads: the same times. */
export function calibrationKey(identity: string, threads: number): string {
  return `${identity} / engine ${ENGINE_VERSION} / ${chooseBackend('auto')} / ${threads} threads`;
}

export interface CalibrateOptions {
  /** Of the pool that the device is compared with. */
  readonly threads: number;
  readonly signal?: AbortSignal;
  /** Numbers of bases, ascending. */
  readonly sizes?: readonly number[];
  readonly createMsm?: (device: GPUDevice, bases: Uint8Array) => Promise<GpuMsm>;
}

/** @throws TacitError WEBGPU_WRONG where the device computes wrongly, WEBGPU_… where it fails */
export async function calibrate(
  gpu: Gpu,
  { threads, signal, sizes = SIZES, createMsm = createGpuMsm }: CalibrateOptions,
): Promise<Calibration> {
  const measuring = await MeasuringBases.create();
  const rows: CalibrationRow[] = [];
  for (const bases of sizes) {
    signal?.throwIfAborted();
    const sum = await measuring.make(bases);
    rows.push({ bases, gpuMs: await timeOnGpu(gpu, sum, createMsm), wasmMs: await timeOnPool(sum, threads) });
    if (rows.length >= WINS && rows.slice(-WINS).every(({ gpuMs, wasmMs }) => gpuMs < wasmMs)) break;
  }
  return { key: calibrationKey(gpu.facts.identity, threads), adapter: gpu.facts.name, threads, rows, crossover: crossoverOf(rows) };
}

async function timeOnGpu(gpu: Gpu, sum: MeasuringSum, createMsm: NonNullable<CalibrateOptions['createMsm']>): Promise<number> {
  const msm = await createMsm(gpu.device, sum.bases);
  try {
    return await best(async () => {
      if (!sum.isSum(await msm.compute(sum.scalars)))
        throw new TacitError('WEBGPU_WRONG', 'the device computes wrongly', { got: `a wrong sum of ${msm.count} bases` });
    });
  } finally {
    msm.destroy();
  }
}

async function timeOnPool(sum: MeasuringSum, threads: number): Promise<number> {
  const msm = await ResidentMsm.create(sum.bases, threads, await compiledKernels(chooseBackend('auto')));
  try {
    return await best(async () => {
      if (!sum.isSum(await msm.compute(sum.scalars))) throw new TacitError('PROVE_FAILED', 'this machine computes wrongly');
    });
  } finally {
    await msm.close();
  }
}

async function best(work: () => Promise<void>): Promise<number> {
  await work();
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await work();
    shortestMs = Math.min(shortestMs, performance.now() - start);
  }
  return shortestMs;
}

/** @param rows ascending in `bases` */
export function crossoverOf(rows: readonly CalibrationRow[]): number | null {
  // The sizes from the largest down to the last that the device wins without a gap.
  let first = rows.length;
  while (first > 0 && (rows[first - 1] as CalibrationRow).gpuMs < (rows[first - 1] as CalibrationRow).wasmMs) first--;
  const won = rows[first];
  if (!won) return null;
  const lost = rows[first - 1];
  if (!lost) return won.bases;
  // log(gpu/wasm) is taken to be linear in log(bases); its zero is the crossover.
  const [above, below] = [Math.log(lost.gpuMs / lost.wasmMs), Math.log(won.gpuMs / won.wasmMs)];
  const part = above / (above - below);
  return Math.ceil(lost.bases * (won.bases / lost.bases) ** part);
}

/** Reads what was stored; undefined for anything that is not a calibration for this key. */
export function readCalibration(value: unknown, key: string): Calibration | undefined {
  const found = value as Partial<Calibration> | null | undefined;
  if (typeof found !== 'object' || found === null || found.key !== key) return undefined;
  const { adapter, threads, rows, crossover } = found;
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) > 0;
  const isTime = (n: unknown): boolean => typeof n === 'number' && Number.isFinite(n) && n >= 0;
  if (typeof adapter !== 'string' || !isCount(threads) || !Array.isArray(rows)) return undefined;
  if (!rows.every((row: CalibrationRow) => isCount(row?.bases) && isTime(row.gpuMs) && isTime(row.wasmMs))) return undefined;
  if (crossover !== null && !isCount(crossover)) return undefined;
  return { key, adapter, threads, rows, crossover };
}
