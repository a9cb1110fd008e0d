/**
 * Sums in G1 on a WebGPU device against the engine's threads, size by size; runs in Node and in a page.
 *
 * Both get the same bases and scalars, and both results are checked, before anything is timed, against a sum that is
 * known without adding up (prover/engine/webgpu/measuring.ts). They take turns. A software adapter computes on the processor
 * that the threads run on: its rows say nothing of GPUs, and carry no ratio.
 */

import { compiledKernels } from '../prover/engine/compiled.js';
import { chooseBackend } from '../prover/engine/field/backends.js';
import { ResidentMsm } from '../prover/engine/msm/resident.js';
import type { AdapterFacts } from '../prover/engine/webgpu/adapter.js';
import type { Gpu } from '../prover/engine/webgpu/device.js';
import { MeasuringBases, type MeasuringSum } from '../prover/engine/webgpu/measuring.js';
import { createGpuMsm } from '../prover/engine/webgpu/msm.js';
import type { Phase } from '../prover/engine/webgpu/steps.js';

export interface MsmOptions {
  /** Sizes 2^from … 2^to. */
  readonly from: number;
  readonly to: number;
  readonly threads: number;
  readonly runs: number;
}

export interface MsmRow {
  readonly power: number;
  readonly bases: number;
  readonly runs: number;
  readonly threads: number;
  /** Medians, and the smallest and largest. */
  readonly gpuMs: number;
  readonly gpuSpreadMs: readonly [number, number];
  readonly wasmMs: number;
  readonly wasmSpreadMs: readonly [number, number];
  /** The bases' way to the device once its kernels are compiled, the first sum, and each phase of one more that waits after each. */
  readonly phasesMs: Readonly<Record<'upload' | 'firstSum' | Phase, number>>;
  readonly deviceBytes: number;
  /** wasmMs/gpuMs; null for software adapters. */
  readonly timesFaster: number | null;
}

export interface MsmReport {
  readonly adapter: AdapterFacts;
  readonly wasmBackend: string;
  /** Compiling all kernels for the device, with a sum of a few bases. */
  readonly compileMs: number;
  readonly rows: readonly MsmRow[];
}

/** 2^4 bases take every kernel there is and next to no time. */
const FEW_POWER = 4;

/** @throws Error where a result is wrong; TacitError WEBGPU_… where the device fails */
export async function measureMsm(gpu: Gpu, options: MsmOptions, onRow: (row: MsmRow) => void = () => undefined): Promise<MsmReport> {
  const measuring = await MeasuringBases.create();
  const compileMs = await firstUse(gpu, await measuring.make(2 ** FEW_POWER));
  const rows: MsmRow[] = [];
  for (let power = options.from; power <= options.to; power++) {
    const row = await measureSize(gpu, power, await measuring.make(2 ** power), options);
    rows.push(row);
    onRow(row);
  }
  return { adapter: gpu.facts, wasmBackend: chooseBackend('auto'), compileMs: rounded(compileMs), rows };
}

async function firstUse({ device }: Gpu, sum: MeasuringSum): Promise<number> {
  const [ms] = await timed(async () => {
    const msm = await createGpuMsm(device, sum.bases);
    const point = await msm.compute(sum.scalars);
    msm.destroy();
    assertSum(sum.isSum(point), 'the device', 2 ** FEW_POWER);
  });
  return ms;
}

async function measureSize(gpu: Gpu, power: number, sum: MeasuringSum, { threads, runs }: MsmOptions): Promise<MsmRow> {
  const bases = 2 ** power;
  const wasm = await ResidentMsm.create(sum.bases, threads, await compiledKernels(chooseBackend('auto')));
  const [uploadMs, onGpu] = await timed(() => createGpuMsm(gpu.device, sum.bases));
  try {
    const [firstSumMs, first] = await timed(() => onGpu.compute(sum.scalars));
    assertSum(sum.isSum(first), 'the device', bases);
    assertSum(sum.isSum(await wasm.compute(sum.scalars)), 'WebAssembly', bases);
    const times = { gpu: [] as number[], wasm: [] as number[] };
    for (let run = 0; run < runs; run++) {
      times.gpu.push((await timed(() => onGpu.compute(sum.scalars)))[0]);
      times.wasm.push((await timed(() => wasm.compute(sum.scalars)))[0]);
    }
    const phases: Record<Phase, number> = { sort: 0, buckets: 0, reduction: 0, join: 0 };
    await onGpu.compute(sum.scalars, {
      onPhase: (phase, elapsedMs) => {
        phases[phase] = rounded(phases[phase] + elapsedMs);
      },
    });
    const [gpuMs, wasmMs] = [middle(times.gpu), middle(times.wasm)];
    return {
      power,
      bases,
      runs,
      threads,
      gpuMs: rounded(gpuMs),
      gpuSpreadMs: spread(times.gpu),
      wasmMs: rounded(wasmMs),
      wasmSpreadMs: spread(times.wasm),
      phasesMs: { upload: rounded(uploadMs), firstSum: rounded(firstSumMs), ...phases },
      deviceBytes: onGpu.deviceBytes,
      timesFaster: gpu.facts.software ? null : Number((wasmMs / gpuMs).toFixed(2)),
    };
  } finally {
    onGpu.destroy();
    await wasm.close();
  }
}

/** `sort 1.2, buckets 30.1, …`: where the time of one sum goes, milliseconds. */
export function sumPhases({ phasesMs: { sort, buckets, reduction, join } }: MsmRow): string {
  return Object.entries({ sort, buckets, reduction, join })
    .map(([phase, ms]) => `${phase} ${ms}`)
    .join(', ');
}

function assertSum(right: boolean, who: string, bases: number): void {
  if (!right) throw new Error(`${who} computes a wrong sum of ${bases} bases`);
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, result: T]> {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

function spread(values: readonly number[]): readonly [number, number] {
  return [rounded(Math.min(...values)), rounded(Math.max(...values))];
}

function rounded(ms: number): number {
  return Number(ms.toFixed(1));
}
