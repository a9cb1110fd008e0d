/** From how many bases on a device pays, where that is kept, and when a device is used at all. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { gpuCheck } from '../../operations/checks/gpu.js';
import { workerMetrics } from '../../operations/workerMetrics.js';
import { TacitError } from '../../protocol/errors.js';
import { anyCalibration, storeCalibration, storedCalibration } from '../../prover/backends/calibrationStore.js';
import { type CalibrationStore, GpuSupply } from '../../prover/backends/gpuSupply.js';
import { WasmBackend } from '../../prover/backends/wasm.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { readInteger } from '../../prover/engine/groth16/container.js';
import type { AdapterFacts } from '../../prover/engine/webgpu/adapter.js';
import { REPEATED, randomCheckScalars } from '../../prover/engine/webgpu/baseCheck.js';
import { type Calibration, calibrate, calibrationKey, crossoverOf, readCalibration } from '../../prover/engine/webgpu/calibration.js';
import { type Gpu, type openGpu, watched } from '../../prover/engine/webgpu/device.js';
import { prove } from '../../prover/prove.js';
import { deviceOfTests, FACTS, NobleSums } from './nobleSums.js';

const BUILD_TIMEOUT_MS = 240_000;
const SOFTWARE: AdapterFacts = { ...FACTS, software: true };
const row = (bases: number, gpuMs: number, wasmMs: number): Calibration['rows'][number] => ({ bases, gpuMs, wasmMs });
const calibration = (key: string, crossover: number | null): Calibration => ({
  key,
  adapter: FACTS.name,
  threads: 2,
  rows: [row(4096, 3, 2)],
  crossover,
});

describe('the crossover', () => {
  it('is the smallest size that is won, or lies between it and the last that is lost', () => {
    expect(crossoverOf([row(4096, 1, 2), row(16_384, 1, 8)])).toBe(4096);
    expect(crossoverOf([row(4096, 4, 1), row(16_384, 2, 8)])).toBe(8192);
    expect(crossoverOf([row(4096, 1, 2), row(16_384, 8, 2), row(65_536, 2, 8)])).toBe(32_768);
    expect(crossoverOf([row(4096, 4, 1), row(16_384, 9, 8)])).toBeNull();
    expect(crossoverOf([row(4096, 1, 2), row(16_384, 9, 8)])).toBeNull();
    expect(crossoverOf([])).toBeNull();
  });

  it('is measured on sums whose results are checked, on both sides', async () => {
    const { device } = deviceOfTests();
    const gpu = watched(device, FACTS);
    const sums = new NobleSums();
    const measured = await calibrate(gpu, { threads: 1, sizes: [8, 24], createMsm: sums.create });
    expect(measured.key).toBe(calibrationKey(FACTS.identity, 1));
    expect(measured.rows.map(({ bases }) => bases)).toEqual([8, 24]);
    expect(sums.held).toBe(0);
    const wrong = new NobleSums({ result: () => ({ x: 1n, y: 2n }) });
    const error = await calibrate(gpu, { threads: 1, sizes: [8], createMsm: wrong.create }).catch((reason: unknown) => reason);
    expect((error as TacitError).code).toBe('WEBGPU_WRONG');
    expect(wrong.held).toBe(0);
  });

  it('what is not a calibration for this very key is not read', () => {
    const good = calibration('k', 5000);
    expect(readCalibration(JSON.parse(JSON.stringify(good)), 'k')).toEqual(good);
    expect(readCalibration(calibration('k', null), 'k')?.crossover).toBeNull();
    for (const bad of [null, 7, 'text', [], {}, { ...good, key: 'other' }, { ...good, crossover: -1 }, { ...good, crossover: '5' }]) {
      expect(readCalibration(bad, 'k')).toBeUndefined();
    }
    expect(readCalibration({ ...good, rows: [{ bases: 1, gpuMs: 'fast', wasmMs: 1 }] }, 'k')).toBeUndefined();
    expect(readCalibration({ ...good, rows: [null] }, 'k')).toBeUndefined();
  });
});

it('the scalars that bases are checked with: ρ·F is below r, and F times the short one', () => {
  const { short, long } = randomCheckScalars(20_000);
  // Some of them, on both sides of the seam between two draws of random numbers.
  for (let at = 0; at < short.length; at += 32 * 127) {
    const [rho, repeated] = [readInteger(short, at), readInteger(long, at)];
    expect(rho < 2n ** 29n && repeated < SCALAR_FIELD.prime && repeated === rho * REPEATED).toBe(true);
  }
});

describe('the store', () => {
  const { XDG_CACHE_HOME } = process.env;
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tacit-gpu-'));
    process.env.XDG_CACHE_HOME = dir;
  });
  afterEach(() => {
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    rmSync(dir, { recursive: true, force: true });
  });

  it('keeps one calibration for each key', async () => {
    expect(await anyCalibration()).toBe(false);
    await storeCalibration(calibration('one', 7000));
    await storeCalibration(calibration('two', null));
    expect(await anyCalibration()).toBe(true);
    expect((await storedCalibration('one'))?.crossover).toBe(7000);
    expect((await storedCalibration('two'))?.crossover).toBeNull();
    expect(await storedCalibration('three')).toBeUndefined();
  });

  it('a cache that cannot be written or read is none', async () => {
    writeFileSync(join(dir, 'file'), '');
    process.env.XDG_CACHE_HOME = join(dir, 'file');
    await storeCalibration(calibration('one', 7000));
    expect(await storedCalibration('one')).toBeUndefined();
    expect(await anyCalibration()).toBe(false);
  });
});

it(
  'the port with backend auto, where nothing was measured: all by WebAssembly, and no driver is loaded',
  async () => {
    const circuit = await buildProverCircuit(productChain(6, 3n));
    const cache = mkdtempSync(join(tmpdir(), 'tacit-gpu-'));
    const { XDG_CACHE_HOME } = process.env;
    process.env.XDG_CACHE_HOME = cache;
    try {
      const { sums, gpuFailures } = await prove(circuit.zkeyPath, circuit.wtnsPath, { backend: 'auto', threads: 1 });
      expect(sums).toEqual({ a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' });
      expect(gpuFailures).toEqual([]);
      expect('GPUDevice' in globalThis).toBe(false);
    } finally {
      if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
      rmSync(cache, { recursive: true, force: true });
    }
  },
  BUILD_TIMEOUT_MS,
);

it(
  'a proof tells that the adapter gave no device, and is made all the same',
  async () => {
    const circuit = await buildProverCircuit(productChain(6, 3n));
    const store: CalibrationStore = {
      read: async (key) => calibration(key, 5000),
      promising: async () => true,
      write: async () => undefined,
    };
    const open: typeof openGpu = async () => {
      throw new TacitError('WEBGPU_FAILED', 'the adapter gives no device');
    };
    const backend = new WasmBackend('auto', new GpuSupply('auto', store, open));
    const { sums, gpuFailures } = await backend.prove({ source: circuit.zkeyPath }, readFileSync(circuit.wtnsPath), { threads: 1 });
    await backend.close();
    expect(sums).toEqual({ a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' });
    expect(gpuFailures).toEqual([{ code: 'WEBGPU_FAILED', message: 'the adapter gives no device' }]);
  },
  BUILD_TIMEOUT_MS,
);

describe('when a device is used', () => {
  interface Bench {
    readonly opened: Gpu[];
    readonly open: typeof openGpu;
  }

  /** A machine with this adapter. */
  function machine(facts: AdapterFacts | undefined): Bench {
    const opened: Gpu[] = [];
    const open: typeof openGpu = async (choose = () => true) => {
      if (!facts || !choose(facts)) return undefined;
      const gpu = watched(deviceOfTests().device, facts);
      opened.push(gpu);
      return gpu;
    };
    return { opened, open };
  }

  function storeWith(crossover: number | null | undefined): CalibrationStore {
    return {
      read: async (key) => (crossover === undefined ? undefined : calibration(key, crossover)),
      promising: async () => crossover !== undefined,
      write: async () => undefined,
    };
  }

  it('auto: only hardware that was measured and found faster; where nothing was, no driver is woken', async () => {
    for (const [facts, crossover, opens, offers] of [
      [FACTS, 5000, 1, true],
      [FACTS, null, 1, false],
      [FACTS, undefined, 0, false],
      [SOFTWARE, 5000, 0, false],
      [undefined, 5000, 0, false],
    ] as const) {
      const { open, opened } = machine(facts);
      const supply = new GpuSupply('auto', storeWith(crossover), open);
      expect((await supply.offer(2)) !== undefined).toBe(offers);
      expect(opened).toHaveLength(opens);
      await supply.close();
      expect(opened.every(({ ended }) => ended !== undefined)).toBe(true);
    }
  });

  it('webgpu: whatever there is, and a refusal where there is nothing', async () => {
    for (const facts of [FACTS, SOFTWARE]) {
      const supply = new GpuSupply('webgpu', storeWith(undefined), machine(facts).open);
      expect(await supply.offer(undefined)).toBeDefined();
      await supply.close();
    }
    const error = await new GpuSupply('webgpu', storeWith(undefined), machine(undefined).open).offer(2).catch((reason: unknown) => reason);
    expect((error as TacitError).code).toBe('BACKEND_MISSING');
  });

  it('one device serves all keys; a lost one is opened again under another generation', async () => {
    const { open, opened } = machine(FACTS);
    const supply = new GpuSupply('auto', storeWith(5000), open);
    expect([(await supply.offer(2))?.generation, (await supply.offer(2))?.generation]).toEqual([0, 0]);
    expect(opened).toHaveLength(1);
    opened[0]?.close(new TacitError('WEBGPU_LOST', 'as the test wants it'));
    expect((await supply.offer(2))?.generation).toBe(1);
    expect(opened).toHaveLength(2);
    await supply.close();
  });

  it('two keys that ask at once after a loss share the next device', async () => {
    const { open, opened } = machine(FACTS);
    const supply = new GpuSupply('auto', storeWith(5000), open);
    await supply.offer(2);
    opened[0]?.close(new TacitError('WEBGPU_LOST', 'as the test wants it'));
    const offers = await Promise.all([supply.offer(2), supply.offer(2)]);
    expect(offers.map((offer) => offer?.generation)).toEqual([1, 1]);
    expect(opened).toHaveLength(2);
    await supply.close();
    expect(opened.every(({ ended }) => ended !== undefined)).toBe(true);
  });

  it('auto: an adapter that gives no device is told with the next proof, and left alone after the fourth time', async () => {
    let asked = 0;
    const open: typeof openGpu = async () => {
      asked++;
      throw new TacitError('WEBGPU_FAILED', 'the adapter gives no device');
    };
    const supply = new GpuSupply('auto', storeWith(5000), open);
    for (let time = 0; time < 6; time++) expect(await supply.offer(2)).toBeUndefined();
    expect(asked).toBe(4);
    expect(supply.takeFailures().map(({ code }) => code)).toEqual(Array(4).fill('WEBGPU_FAILED'));
    expect(supply.takeFailures()).toEqual([]);
    const forced = await new GpuSupply('webgpu', storeWith(5000), open).offer(2).catch((reason: unknown) => reason);
    expect((forced as TacitError).code).toBe('WEBGPU_FAILED');
  });

  it('a driver that hangs while it opens a device is given up; what comes late is closed', async () => {
    vi.useFakeTimers();
    try {
      let arrive: (gpu: Gpu) => void = () => undefined;
      const open: typeof openGpu = () =>
        new Promise((resolve) => {
          arrive = resolve;
        });
      const supply = new GpuSupply('auto', storeWith(5000), open);
      const offering = supply.offer(2);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await offering).toBeUndefined();
      expect(supply.takeFailures().map(({ code }) => code)).toEqual(['WEBGPU_TIMEOUT']);
      const gpu = watched(deviceOfTests().device, FACTS);
      arrive(gpu);
      await vi.advanceTimersByTimeAsync(0);
      expect(gpu.ended?.code).toBe('WEBGPU_CLOSED');
    } finally {
      vi.useRealTimers();
    }
  });

  it('a device that fails under several keys has failed once; one that had no room for a key has not', async () => {
    const { open, opened } = machine(FACTS);
    const told: ((failure: TacitError, resident: boolean) => void)[] = [];
    const supply = new GpuSupply('auto', storeWith(5000), open, (_, { onFailure }) => {
      told.push(onFailure as NonNullable<typeof onFailure>);
      return async () => undefined;
    });
    const full = new TacitError('WEBGPU_LIMITS', 'no room');
    for (let device = 1; device <= 4; device++) {
      const keys = [await supply.offer(2), await supply.offer(2)];
      expect(keys.map((key) => key?.generation)).toEqual([device - 1, device - 1]);
      const tell = told.splice(0);
      for (let time = 0; time < 9; time++) tell[0]?.(full, false);
      expect(opened.at(-1)?.ended).toBeUndefined();
      for (const one of tell) one(new TacitError('WEBGPU_LOST', 'as the test wants it'), true);
      expect(opened).toHaveLength(device);
    }
    expect(await supply.offer(2)).toBeUndefined();
  });

  it('is reported: what there is, and what was measured', async () => {
    const stateOf = async (facts: AdapterFacts | undefined, crossover: number | null | undefined): Promise<string> => {
      const { open, opened } = machine(facts);
      const report = await new GpuSupply('auto', storeWith(crossover), open).report(2, { measure: false });
      expect(opened.every(({ ended }) => ended !== undefined)).toBe(true);
      return `${report.state} ${gpuCheck(report).state}`;
    };
    expect(await stateOf(undefined, undefined)).toBe('none skipped');
    expect(await stateOf(SOFTWARE, 5000)).toBe('software skipped');
    expect(await stateOf(FACTS, undefined)).toBe('unmeasured skipped');
    expect(await stateOf(FACTS, null)).toBe('slower skipped');
    expect(await stateOf(FACTS, 5000)).toBe('used ok');
  });

  it('a device that hangs while it is measured is given up and reported so', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { device } = deviceOfTests();
      const hanging = {
        lost: device.lost,
        destroy: () => device.destroy(),
        limits: FACTS.limits,
        pushErrorScope: () => undefined,
        popErrorScope: () => new Promise(() => undefined),
      };
      const open: typeof openGpu = async () => watched(hanging as unknown as GPUDevice, FACTS);
      const reporting = new GpuSupply('auto', storeWith(undefined), open).report(1, { measure: true });
      let report: Awaited<typeof reporting> | undefined;
      void reporting.then((made) => {
        report = made;
      });
      // Compiling for the threads takes its real time, so the clock of the test goes on until the report is there.
      while (report === undefined) {
        await vi.advanceTimersByTimeAsync(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([report.state, report.failure?.code]).toEqual(['failed', 'WEBGPU_TIMEOUT']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('a device that fails while it is measured is reported as broken', async () => {
    const { open } = machine(FACTS);
    // The device of the tests can compute nothing at all.
    const report = await new GpuSupply('auto', storeWith(undefined), open).report(1, { measure: true });
    expect(report.state).toBe('failed');
    expect(gpuCheck(report).state).toBe('wrong');
  });
});

it('a worker counts where sums were computed, and what the GPU failed at', async () => {
  const metrics = workerMetrics(['transfer_1']);
  const sums = { a: 'webgpu', b1: 'wasm', b2: 'wasm', c: 'webgpu', h: 'webgpu' };
  metrics.proved?.({ circuit: 'transfer_1', sums, gpuFailures: [{ code: 'WEBGPU_LOST', message: 'gone' }] });
  const text = await metrics.render();
  expect(text).toContain('tacit_worker_sums_total{sum="h",backend="webgpu"} 1');
  expect(text).toContain('tacit_worker_sums_total{sum="b2",backend="wasm"} 1');
  expect(text).toContain('tacit_worker_gpu_failures_total{code="WEBGPU_LOST"} 1');
});
