/**
 * The device of a proving process: opened when a key first wants it, opened again after a failure, a few times.
 *
 * `auto` takes hardware that was measured to be faster, and never notices that there is none; `webgpu` takes whatever
 * there is, software too, for every sum, and refuses where there is nothing. A key belongs to the device it was loaded
 * for: after a failure the generation rises, and keys are loaded again.
 */
import { TacitError } from '../../protocol/errors.js';
import type { HelperMaker } from '../engine/groth16/helper.js';
import { platform } from '../engine/platform/choose.js';
import { type Calibration, calibrate, calibrationKey } from '../engine/webgpu/calibration.js';
import { type Gpu, openGpu } from '../engine/webgpu/device.js';
import { gpuHelper } from '../engine/webgpu/helper.js';
import type { GpuFailure, GpuReport } from './gpuReport.js';

export type GpuMode = 'auto' | 'webgpu';

/** Where measurements are kept between processes. */
export interface CalibrationStore {
  read(key: string): Promise<Calibration | undefined>;
  /** Whether anything was ever found to be faster here: where not, no driver is woken up to be left alone. */
  promising(): Promise<boolean>;
  write(calibration: Calibration): Promise<void>;
}

export interface GpuOffer {
  readonly helper: HelperMaker;
  /** Changes when the device does. */
  readonly generation: number;
}

/** A device that fails more often than this is left alone: each failure costs a proof its time. */
const MOST_FAILURES = 3;
/** A driver that opens no device in this time hangs: hardware takes a second. */
const OPEN_LIMIT_MS = 20_000;
/** Measuring takes some seconds, and half a minute where a slow driver compiles; what takes longer hangs. */
const MEASURE_LIMIT_MS = 110_000;
/** With the device forced, no sum is too small for it. */
const EVERY_SUM = 1;

export class GpuSupply {
  readonly #mode: GpuMode;
  readonly #store: CalibrationStore;
  readonly #open: typeof openGpu;
  readonly #helperFor: typeof gpuHelper;
  #gpu: Gpu | undefined;
  #opening: Promise<Gpu | undefined> | undefined;
  #generation = 0;
  #failures = 0;
  #refusals: GpuFailure[] = [];
  /** Devices whose failure was counted: it ends the helpers of all keys, and each tells it. */
  readonly #failedDevices = new WeakSet<Gpu>();

  /** @param open opens devices, `helperFor` makes keys' helpers; tests give their own */
  constructor(mode: GpuMode, store: CalibrationStore, open: typeof openGpu = openGpu, helperFor: typeof gpuHelper = gpuHelper) {
    this.#mode = mode;
    this.#store = store;
    this.#open = open;
    this.#helperFor = helperFor;
  }

  /**
   * What the next key should be loaded with; undefined: nothing but the engine.
   * @param threads of the pool, where the caller names a number
   * @throws TacitError BACKEND_MISSING where the device is forced and there is none
   */
  async offer(threads: number | undefined): Promise<GpuOffer | undefined> {
    if (this.#failures > MOST_FAILURES) return undefined;
    if (this.#mode === 'auto' && !(await this.#store.promising())) return undefined;
    const gpu = await this.#device();
    if (!gpu) return undefined;
    const fewestBases = this.#mode === 'webgpu' ? EVERY_SUM : (await this.#calibration(gpu, threads))?.crossover;
    if (typeof fewestBases !== 'number') return undefined;
    const helper = this.#helperFor(gpu, { fewestBases, onFailure: (failure, resident) => this.#failed(gpu, failure, resident) });
    return { helper, generation: this.#generation };
  }

  /**
   * Looks at the adapter, and measures it where nobody has and it is hardware.
   * @param measure false: only what is stored
   */
  async report(threads: number | undefined, { measure }: { readonly measure: boolean }): Promise<GpuReport> {
    let gpu: Gpu | undefined;
    try {
      gpu = await inTime(this.#open());
      if (!gpu) return { state: 'none' };
      if (gpu.facts.software) return { state: 'software', adapter: gpu.facts };
      const known = await this.#calibration(gpu, threads);
      const calibration = known ?? (measure ? await this.#measure(gpu, threads) : undefined);
      if (!calibration) return { state: 'unmeasured', adapter: gpu.facts };
      return { state: calibration.crossover === null ? 'slower' : 'used', adapter: gpu.facts, calibration };
    } catch (error) {
      return { state: 'failed', ...(gpu && { adapter: gpu.facts }), failure: failureOf(error) };
    } finally {
      gpu?.close();
    }
  }

  /** Why no device could be opened since this was asked last; what fails later, the key's helper tells. */
  takeFailures(): GpuFailure[] {
    return this.#refusals.splice(0);
  }

  /** Ends the device. The supply may be used again afterwards. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#gpu = undefined;
    (await opening?.catch(() => undefined))?.close();
  }

  async #device(): Promise<Gpu | undefined> {
    if (this.#gpu?.ended) {
      // Forgotten at once: of two keys that ask at the same time, one opens the next device.
      this.#gpu = undefined;
      this.#opening = undefined;
      this.#generation++;
    }
    this.#opening ??= this.#opened();
    const gpu = await this.#opening;
    if (!gpu && this.#mode === 'webgpu')
      throw new TacitError('BACKEND_MISSING', 'there is no WebGPU adapter here', {
        expected: 'the npm package webgpu and a driver it accepts',
      });
    return gpu;
  }

  /** With `auto`, an adapter that gives no device is a failure that is told and counted, and tried again with the next key. */
  async #opened(): Promise<Gpu | undefined> {
    try {
      this.#gpu = await inTime(this.#open((facts) => this.#mode === 'webgpu' || !facts.software));
      return this.#gpu;
    } catch (error) {
      this.#opening = undefined;
      if (this.#mode === 'webgpu') throw error;
      this.#failures++;
      this.#refusals.push(failureOf(error));
      return undefined;
    }
  }

  /** A key that could not be made resident goes without; a device that fails or errs afterwards is not asked again. */
  #failed(gpu: Gpu, failure: TacitError, resident: boolean): void {
    if (!resident && failure.code !== 'WEBGPU_WRONG' && !gpu.ended) return;
    if (this.#failedDevices.has(gpu)) return;
    this.#failedDevices.add(gpu);
    this.#failures++;
    gpu.close(failure);
  }

  async #calibration(gpu: Gpu, threads: number | undefined): Promise<Calibration | undefined> {
    return this.#store.read(calibrationKey(gpu.facts.identity, await threadsOr(threads)));
  }

  async #measure(gpu: Gpu, threads: number | undefined): Promise<Calibration> {
    const expected = `an end within ${MEASURE_LIMIT_MS} ms`;
    const late = new TacitError('WEBGPU_TIMEOUT', 'the device did not answer in time', { expected, retryable: true });
    const timer = setTimeout(() => gpu.close(late), MEASURE_LIMIT_MS);
    try {
      const calibration = await calibrate(gpu, { threads: await threadsOr(threads) });
      await this.#store.write(calibration);
      return calibration;
    } catch (error) {
      throw gpu.ended ?? error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A device that comes too late is closed. @throws TacitError WEBGPU_TIMEOUT */
async function inTime(opening: Promise<Gpu | undefined>): Promise<Gpu | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TacitError('WEBGPU_TIMEOUT', 'no device was opened in time', { expected: `within ${OPEN_LIMIT_MS} ms`, retryable: true }));
      void opening.then(
        (gpu) => gpu?.close(),
        () => undefined,
      );
    }, OPEN_LIMIT_MS);
  });
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown): GpuFailure {
  return {
    code: error instanceof TacitError ? error.code : 'WEBGPU_FAILED',
    message: error instanceof Error ? error.message : String(error),
  };
}

async function threadsOr(threads: number | undefined): Promise<number> {
  return threads ?? (await platform()).availableThreads();
}
