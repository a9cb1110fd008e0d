/**
 * Sums of proofs on a WebGPU device: a `KeyHelper` for one key.
 *
 * The bases of every sum that is worth it are uploaded once and stay. One sum is under way at a time; the pool's threads
 * work on the rest meanwhile. Every point that comes back must be canonical and on the curve. The first thing that goes
 * wrong (device lost, no memory, too late, wrong) is recorded, frees all buffers of this key, and ends the helper: the sum
 * in hand and all later ones are the pool's.
 */
import { isTacitError, TacitError } from '../../../protocol/errors.js';
import { CURVE_B } from '../curve/equation.js';
import { BASE_FIELD } from '../field/parameters.js';
import type { G1Name, HelpedSum, HelperMaker, KeyBases, KeyHelper, SumPoint } from '../groth16/helper.js';
import type { BaseName } from '../groth16/layout.js';
import { basesAgree } from './baseCheck.js';
import type { Gpu } from './device.js';
import { createGpuMsm, type GpuMsm } from './msm.js';

export const WEBGPU = 'webgpu';
const G1_NAMES: readonly G1Name[] = ['a', 'b1', 'c', 'h'];

/**
 * A sum that takes longer than this hangs. Hardware does 2^20 in a second or two; a software adapter needs minutes for
 * what tests give it.
 */
const SUM_LIMIT_MS = { hardware: 20_000, software: 900_000 } as const;
/** An upload is short, but a slow driver may compile for half a minute before it. */
const UPLOAD_LIMIT_MS = { hardware: 120_000, software: 900_000 } as const;

export interface GpuHelperOptions {
  /** Sums of fewer bases stay with the pool. */
  readonly fewestBases: number;
  /** Instead of both limits. */
  readonly timeLimitMs?: number;
  /** How sums are made resident; tests give one that fails. */
  readonly createMsm?: (device: GPUDevice, bases: Uint8Array) => Promise<GpuMsm>;
  /** Told of what ended the helper. `resident`: the key's bases were there and right. */
  readonly onFailure?: (failure: TacitError, resident: boolean) => void;
}

/** For `loadProvingKey`. A device that cannot take the bases leaves the key without a helper; the failure is told. */
export function gpuHelper(gpu: Gpu, options: GpuHelperOptions): HelperMaker {
  return async (key) => {
    const names = G1_NAMES.filter((name) => key.counts[name] > 0 && key.counts[name] >= options.fewestBases);
    if (names.length === 0 || gpu.ended) return undefined;
    const helper = new GpuHelper(gpu, options);
    await helper.adopt(key, names);
    return helper;
  };
}

export class GpuHelper implements KeyHelper {
  readonly backend = WEBGPU;
  readonly #gpu: Gpu;
  readonly #options: GpuHelperOptions;
  readonly #sumLimitMs: number;
  readonly #uploadLimitMs: number;
  readonly #sums = new Map<BaseName, GpuMsm>();
  #tail: Promise<unknown> = Promise.resolve();
  /** Whoever waits for the device. */
  readonly #waiting = new Set<(reason: TacitError) => void>();
  #failures: TacitError[] = [];
  #resident = false;
  #ended = false;

  constructor(gpu: Gpu, options: GpuHelperOptions) {
    this.#gpu = gpu;
    this.#options = options;
    const kind = gpu.facts.software ? 'software' : 'hardware';
    this.#sumLimitMs = options.timeLimitMs ?? SUM_LIMIT_MS[kind];
    this.#uploadLimitMs = options.timeLimitMs ?? UPLOAD_LIMIT_MS[kind];
    void gpu.end.then((reason) => {
      for (const wake of [...this.#waiting]) wake(reason);
      if (this.#ended) return;
      if (reason.code === 'WEBGPU_CLOSED') this.#free();
      else this.#fail(reason);
    });
  }

  /** Uploads the bases and holds them against the pool's. Never rejects: what fails ends the helper. */
  async adopt(key: KeyBases, names: readonly G1Name[]): Promise<void> {
    const create = this.#options.createMsm ?? createGpuMsm;
    try {
      for (const name of names) {
        const creating = create(this.#gpu.device, key.bases(name));
        const msm = await this.#limited(creating, this.#uploadLimitMs).catch((error: unknown) => {
          void creating.then(
            (late) => late.destroy(),
            () => undefined,
          );
          throw error;
        });
        this.#sums.set(name, msm);
        if (!(await basesAgree(key, name, async (scalars) => checkedPoint(await this.#limited(msm.compute(scalars), this.#sumLimitMs))))) {
          throw wrong(`the bases of ${name} do not add up`);
        }
      }
      this.#resident = true;
    } catch (error) {
      this.#fail(error);
    }
  }

  takes(name: BaseName): boolean {
    return !this.#ended && this.#sums.has(name);
  }

  sum(name: BaseName, read: () => Uint8Array, signal: AbortSignal | undefined): Promise<HelpedSum> {
    const turn = this.#tail.then(() => this.#sumNow(name, read, signal));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  distrust(): void {
    this.#fail(wrong('a proof with its sums does not satisfy the key'));
  }

  takeFailures(): TacitError[] {
    return this.#failures.splice(0);
  }

  async close(): Promise<void> {
    await this.#tail;
    this.#free();
  }

  async #sumNow(name: BaseName, read: () => Uint8Array, signal: AbortSignal | undefined): Promise<HelpedSum> {
    signal?.throwIfAborted();
    const msm = this.#sums.get(name);
    if (this.#ended || !msm) throw new TacitError('WEBGPU_CLOSED', 'the helper has ended');
    try {
      const start = performance.now();
      const point = checkedPoint(await this.#limited(msm.compute(read(), signal ? { signal } : {}), this.#sumLimitMs, signal));
      return { point, elapsedMs: performance.now() - start };
    } catch (error) {
      if (!signal?.aborted) this.#fail(error);
      throw error;
    }
  }

  /**
   * A device that does not answer in time is given up: nothing else stops what it is doing. Who no longer wants the answer does
   * not wait for it: the sum has its own copy of the scalars, and the next one waits its turn on the device.
   */
  #limited<T>(work: Promise<T>, limitMs: number, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(onEnd);
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      signal?.addEventListener('abort', onAbort);
      const onEnd = (reason: TacitError): void => settle(() => reject(reason));
      const timer = setTimeout(() => this.#gpu.close(late(limitMs)), limitMs);
      this.#waiting.add(onEnd);
      work.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(this.#gpu.ended ?? error)),
      );
      if (this.#gpu.ended) onEnd(this.#gpu.ended);
    });
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    const failure = isTacitError(error)
      ? error
      : new TacitError('WEBGPU_FAILED', 'the device failed', { got: String(error), cause: error, retryable: true });
    this.#failures.push(failure);
    this.#free();
    this.#options.onFailure?.(failure, this.#resident);
  }

  #free(): void {
    this.#ended = true;
    for (const msm of this.#sums.values()) msm.destroy();
    this.#sums.clear();
  }
}

function late(limitMs: number): TacitError {
  const expected = `an answer within ${limitMs} ms`;
  return new TacitError('WEBGPU_TIMEOUT', 'the device did not answer in time', { expected, retryable: true });
}

function wrong(what: string): TacitError {
  return new TacitError('WEBGPU_WRONG', 'the device computes wrongly', { got: what, retryable: true });
}

/** @throws TacitError WEBGPU_WRONG */
function checkedPoint(point: SumPoint): SumPoint {
  if (!point) return undefined;
  const { prime } = BASE_FIELD;
  const { x, y } = point;
  const canonical = x >= 0n && x < prime && y >= 0n && y < prime;
  if (!canonical || (y * y - x * x * x - CURVE_B) % prime !== 0n) throw wrong('a point off the curve');
  return point;
}
