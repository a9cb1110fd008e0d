/**
 * The kernels in WGSL on a real implementation of WebGPU in Node, against bigints; `TACIT_LONG=1` for all widths of windows.
 * One file: a software driver takes seconds to compile the kernels, and each file is a process of its own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Point } from '../../prover/engine/reference/curve.js';
import { createGpuMsm } from '../../prover/engine/webgpu/msm.js';
import { kernelsFor } from '../../prover/engine/webgpu/steps.js';
import { KernelBench } from './bench.js';
import { checkGathered, checkResident } from './checkAddition.js';
import { checkField, checkInversion } from './checkField.js';
import { checkSums, expectedOfMultiples, multiplesOfGenerator, nastySums, packBases, packScalars } from './checkMsm.js';
import { checkScan, checkSort, someScalars } from './checkSort.js';
import { countingDevice } from './counting.js';
import { describeFailures } from './describeFailures.js';
import { openDevice } from './device.js';
import { wasmSum } from './wasmSum.js';

const LONG = Boolean(process.env.TACIT_LONG);
/** Software drivers compile the kernels for 10 s (SwiftShader) to minutes (llvmpipe, at first use), on a machine that may be busy. */
const TIMEOUT_MS = 900_000;
const LONG_TIMEOUT_MS = 1_800_000;
const opened = await openDevice();
const counted = opened && countingDevice(opened);

describe.skipIf(counted === undefined)('kernels in WGSL', { timeout: LONG ? LONG_TIMEOUT_MS : TIMEOUT_MS }, () => {
  const gpu = counted?.device as GPUDevice;
  let bench: KernelBench;

  beforeAll(async () => {
    bench = new KernelBench(gpu);
    await bench.workspace.prepare(kernelsFor(true));
    const { 'one base repeated': first } = nastySums(8);
    await checkSums(gpu, { first: first! }, [{}]);
  }, TIMEOUT_MS);

  afterAll(() => {
    bench?.close();
    expect(counted?.standing() ?? []).toEqual([]);
    gpu?.destroy();
  });

  it('on a device of the least limits: eight storage buffers a stage, 16 KiB of workgroup memory, 128 MiB a binding', () => {
    const { maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize, maxStorageBufferBindingSize } = gpu.limits;
    expect([maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize, maxStorageBufferBindingSize]).toEqual([8, 2 ** 14, 2 ** 27]);
  });

  it('field operations on edges of limbs, words and the prime', async () => {
    expect(await checkField(bench)).toBeGreaterThan(5000);
  });

  it('inverses in chains of one element and of many', async () => {
    expect(await checkInversion(bench)).toBeGreaterThan(100);
  });

  it('additions from the bases: any two, of either sign, images, alone, equal, opposite, infinite', async () => {
    expect(await checkGathered(bench)).toBe(2 * 2 * 6 * (2 * 2 * 6 + 1));
  });

  it('additions in place: only what a list names, and whatever the pair', async () => {
    expect(await checkResident(bench)).toBe(2 * 7 * 7);
  });

  it.each([
    [4, true, 40],
    [9, true, 100],
    [11, false, 60],
  ])('digits, sort and lists: windows of %i bits, endomorphism %s, %i scalars', async (bits, glv, count) => {
    expect(await checkSort(bench, bits, glv, count)).toBeGreaterThan(count);
  });

  it('prefix sums over one block and over many', async () => {
    for (const count of LONG ? [8, 2048, 600_000] : [8, 2048, 20_000])
      expect(await checkScan(bench, count, Math.min(count, 2000))).toBeGreaterThan(1);
  });

  it('sums that meet equal, opposite and infinite points, and edges of the scalars', async () => {
    const sums = nastySums(LONG ? 100 : 8);
    expect(await checkSums(gpu, sums, [{}])).toBe(Object.keys(sums).length);
  });

  it('without the endomorphism', async () => {
    const { 'edges of the scalar range': edges, 'one base repeated': repeated } = nastySums(14);
    expect(await checkSums(gpu, { edges: edges!, repeated: repeated! }, [{ glv: false, windowBits: 5 }])).toBe(2);
  });

  it('one sum with windows of several widths', async () => {
    const { 'edges of the scalar range': sum } = nastySums(9);
    const widths = Array.from({ length: LONG ? 13 : 2 }, (_, i) => ({ windowBits: LONG ? i + 4 : 3 * i + 5 }));
    expect(await checkSums(gpu, { sum: sum as NonNullable<typeof sum> }, widths)).toBe(widths.length);
  });

  it('several parts, chunks and pieces give the same sum', async () => {
    const { 'infinity among the bases': random, 'one base repeated': repeated } = nastySums(20);
    const tuning = {
      bufferBytes: 32 * (2 * 11 + 8),
      chunkSlots: 150,
      piecePairs: 100,
      mostThreads: 64,
      pairsPerThread: 1,
      elementsPerInversion: 20,
    };
    expect(await checkSums(gpu, LONG ? { random: random!, repeated: repeated! } : { random: random! }, [{ windowBits: 4, tuning }])).toBe(
      LONG ? 2 : 1,
    );
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])('2^%i terms, against bigints and the WASM engine', async (log) => {
    const n = 2 ** log;
    const scalars = someScalars(n).reverse();
    const bases = multiplesOfGenerator(n);
    const msm = await createGpuMsm(gpu, packBases(bases));
    const expected = expectedOfMultiples(scalars);
    expect(await wasmSum(bases as NonNullable<Point>[], scalars)).toEqual(expected);
    // Twice, for what the first sum leaves in the scratch; large ones take a software adapter seconds.
    for (let i = 0; i < (LONG || log < 12 ? 2 : 1); i++)
      expect(await msm.compute(packScalars(scalars))).toEqual(expected && { x: expected.x[0], y: expected.y[0] });
    msm.destroy();
    expect(bench.workspace.scratchBytes).toBeGreaterThan(0);
  });

  it('tells its phases, a part at a time', async () => {
    const { 'random scalars': sum } = nastySums(12);
    const msm = await createGpuMsm(gpu, packBases(sum?.bases ?? []), { windowBits: 4, tuning: { bufferBytes: 32 * (2 * 11 + 8) } });
    const phases: string[] = [];
    await msm.compute(packScalars(sum?.scalars ?? []), { onPhase: (phase) => phases.push(phase) });
    msm.destroy();
    expect(phases).toEqual(['sort', 'buckets', 'reduction', 'sort', 'buckets', 'reduction', 'join']);
  });

  it('no bases, no sum', async () => {
    const msm = await createGpuMsm(gpu, new Uint8Array(0));
    expect([msm.count, msm.deviceBytes, await msm.compute(new Uint8Array(0))]).toEqual([0, 0, undefined]);
    msm.destroy();
  });

  if (counted) describeFailures(counted);
});
