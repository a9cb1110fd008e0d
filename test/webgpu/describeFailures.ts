/**
 * What a device or a caller can do to a sum: each ends with its own error, the next sum is right, and no buffer stays.
 * Called by the test of the kernels, whose device has them compiled; the last test here ends that device.
 */
import { describe, expect, it } from 'vitest';
import { isTacitError } from '../../protocol/errors.js';
import { readPoint } from '../../prover/engine/webgpu/finish.js';
import { createGpuMsm, type GpuMsm, type GpuMsmOptions } from '../../prover/engine/webgpu/msm.js';
import { expectedOfMultiples, multiplesOfGenerator, packBases, packScalars } from './checkMsm.js';
import { someScalars } from './checkSort.js';
import type { CountingDevice } from './counting.js';
import { behind, losableDevice } from './losable.js';

const COUNT = 6;
const LARGER = 40;
/** A part of 252 bases with windows of four bits fits this, and the scratch of any part. */
const LOWERED_BYTES = 2 ** 14;
const IN_PARTS = 300;
const BASES = packBases(multiplesOfGenerator(COUNT));
const SCALARS = packScalars(someScalars(COUNT));

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isTacitError(error) ? error.code : String(error)),
  );

/** A signal that does something when a sum asks it for the n-th time: sums ask between their steps. */
function atStep(n: number, action: (controller: AbortController) => void): AbortSignal {
  const controller = new AbortController();
  let asked = 0;
  controller.signal.throwIfAborted = () => {
    if (++asked === n) action(controller);
    AbortSignal.prototype.throwIfAborted.call(controller.signal);
  };
  return controller.signal;
}
/** Between the sort and the first chunk. */
const SORTED = 2;

export function describeFailures({ device, standing, refuse }: CountingDevice): void {
  const create = (options: GpuMsmOptions = {}, bases = BASES): Promise<GpuMsm> =>
    createGpuMsm(device, bases, { windowBits: 4, ...options });
  const expectRight = async (msm: GpuMsm): Promise<void> => {
    const expected = expectedOfMultiples(someScalars(COUNT));
    expect(await msm.compute(SCALARS)).toEqual({ x: expected?.x[0], y: expected?.y[0] });
  };

  describe('sums that fail', () => {
    it('lengths and widths that cannot be: RangeError', async () => {
      await expect(create({}, new Uint8Array(63))).rejects.toThrow(RangeError);
      for (const windowBits of [3, 17, 4.5]) await expect(create({ windowBits })).rejects.toThrow(RangeError);
      const msm = await create();
      await expect(msm.compute(SCALARS.subarray(1))).rejects.toThrow(RangeError);
      await expectRight(msm);
      msm.destroy();
    });

    it('an aborted sum ends with the reason of its signal, before and while it runs; others wait their turn', async () => {
      const msm = await create();
      const reason = new Error('no longer wanted');
      await expect(msm.compute(SCALARS, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const aborted = msm.compute(SCALARS, { signal: atStep(SORTED, (controller) => controller.abort(reason)) });
      const waiting = expectRight(msm);
      await expect(aborted).rejects.toBe(reason);
      await waiting;
      msm.destroy();
    });

    it('freed bases: WEBGPU_FAILED, freeing twice is harmless, other sums on the device go on', async () => {
      const [msm, other] = [await create(), await create()];
      const under = codeOf(msm.compute(SCALARS, { signal: atStep(SORTED, () => msm.destroy()) }));
      expect(await under).toBe('WEBGPU_FAILED');
      msm.destroy();
      expect(await codeOf(msm.compute(SCALARS))).toBe('WEBGPU_FAILED');
      await expectRight(other);
      other.destroy();
    });

    it('a refused buffer: WEBGPU_FAILED, and nothing of the bases stays', async () => {
      // The scratch, which other sums of the device share, may go with a failure and come back with the next sum.
      const kept = (): string[] => standing().filter((label) => ['base xs', 'base ys', 'raw bases', 'read back'].includes(label));
      const before = kept();
      for (const label of ['base xs', 'base ys', 'raw bases']) {
        refuse(label);
        expect(await codeOf(create()), label).toBe('WEBGPU_FAILED');
        refuse(undefined);
        expect(kept(), label).toEqual(before);
      }
      const msm = await create();
      refuse('read back');
      expect(await codeOf(msm.compute(SCALARS))).toBe('WEBGPU_FAILED');
      refuse(undefined);
      await expectRight(msm);
      msm.destroy();
      expect(kept()).toEqual(before);
    });

    it('buffers too small for a window: WEBGPU_LIMITS', async () => {
      expect(await codeOf(create({ tuning: { bufferBytes: 32 * 9 } }))).toBe('WEBGPU_LIMITS');
    });

    it('what is no point of the curve is not passed on: WEBGPU_WRONG', async () => {
      const corrupted = BASES.slice();
      for (let at = 0; at < corrupted.length; at += 64) corrupted[at] = (corrupted[at] as number) ^ 1;
      const msm = await create({}, corrupted);
      expect(await codeOf(msm.compute(SCALARS))).toBe('WEBGPU_WRONG');
      msm.destroy();
      expect(await codeOf((async () => readPoint(new Uint8Array(64).fill(1), 0))())).toBe('WEBGPU_WRONG');
    });

    it('kernels that a driver refuses: WEBGPU_FAILED once, and no failure that nobody waits for', async () => {
      const unheard: unknown[] = [];
      const hear = (reason: unknown): void => void unheard.push(reason);
      process.on('unhandledRejection', hear);
      try {
        const refusing = behind(device, {
          popErrorScope: async () => (await device.popErrorScope()) ?? { message: 'no such shader' },
          createComputePipelineAsync: async () => {
            await new Promise((resolve) => setTimeout(resolve, 10));
            throw new Error('refused later');
          },
        });
        const before = standing();
        expect(await codeOf(createGpuMsm(refusing, BASES, { windowBits: 4 }))).toBe('WEBGPU_FAILED');
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(unheard).toEqual([]);
        expect(standing()).toEqual(before);
      } finally {
        process.off('unhandledRejection', hear);
      }
    });

    it('a refused buffer of the scratch ends one sum; other bases on the device, and these, go on', async () => {
      // A device of its own to the sums, so that its scratch is as large as theirs and no larger.
      const fresh = losableDevice(device).device;
      const before = standing();
      const small = await createGpuMsm(fresh, BASES, { windowBits: 4 });
      await expectRight(small);
      const large = await createGpuMsm(fresh, packBases(multiplesOfGenerator(LARGER)), { windowBits: 4 });
      const scalars = someScalars(LARGER);
      const unheard: string[] = [];
      const hear = ({ error }: GPUUncapturedErrorEvent): void => void unheard.push(error.message);
      device.addEventListener('uncapturederror', hear);
      for (const label of ['summary', 'parameters', 'scalars', 'order', 'products', 'read back']) {
        // What has one size for all sums is asked for again once a sum has ended before its time.
        await large.compute(packScalars(scalars), { signal: AbortSignal.abort() }).catch(() => undefined);
        refuse(label);
        expect(await codeOf(large.compute(packScalars(scalars))), label).toBe('WEBGPU_FAILED');
        refuse(undefined);
        await expectRight(small);
      }
      device.removeEventListener('uncapturederror', hear);
      expect(unheard).toEqual([]);
      const expected = expectedOfMultiples(scalars);
      expect(await large.compute(packScalars(scalars))).toEqual({ x: expected?.x[0], y: expected?.y[0] });
      small.destroy();
      large.destroy();
      expect(standing()).toEqual(before);
    });

    it('no buffer exceeds lowered limits, and the sum is right, in parts', async () => {
      const sizes: number[] = [];
      const limited = behind(device, {
        limits: behind(device.limits, { maxStorageBufferBindingSize: LOWERED_BYTES, maxBufferSize: LOWERED_BYTES }),
        createBuffer: (descriptor: GPUBufferDescriptor) => {
          sizes.push(descriptor.size);
          return device.createBuffer(descriptor);
        },
      });
      const scalars = someScalars(IN_PARTS);
      const msm = await createGpuMsm(limited, packBases(multiplesOfGenerator(IN_PARTS)), { windowBits: 4 });
      const expected = expectedOfMultiples(scalars);
      const phases: string[] = [];
      expect(await msm.compute(packScalars(scalars), { onPhase: (phase) => phases.push(phase) })).toEqual({
        x: expected?.x[0],
        y: expected?.y[0],
      });
      msm.destroy();
      expect(phases.filter((phase) => phase === 'sort')).toHaveLength(2);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(LOWERED_BYTES);
    });

    it('a device that is lost at any submission or wait: WEBGPU_LOST, and no buffer stays', async () => {
      const before = standing();
      const run = async (loseAt?: number): Promise<{ code: string; calls: number }> => {
        const lossy = losableDevice(device, loseAt);
        const code = await codeOf(
          (async () => {
            const msm = await createGpuMsm(lossy.device, BASES, { windowBits: 4 });
            await msm.compute(SCALARS).finally(() => msm.destroy());
          })(),
        );
        expect(standing(), `lost at ${loseAt}`).toEqual(before);
        return { code, calls: lossy.calls };
      };
      const { code, calls } = await run();
      expect(code).toBe('none');
      expect(calls).toBeGreaterThan(5);
      for (let loseAt = 1; loseAt <= calls; loseAt++) expect((await run(loseAt)).code, `lost at ${loseAt}`).toBe('WEBGPU_LOST');
    });

    it('a lost device: WEBGPU_LOST for the sum under way and for all that follow; no buffer stays', async () => {
      const msm = await create();
      const under = codeOf(msm.compute(SCALARS, { signal: atStep(SORTED, () => device.destroy()) }));
      expect(await under).toBe('WEBGPU_LOST');
      expect(await codeOf(msm.compute(SCALARS))).toBe('WEBGPU_LOST');
      msm.destroy();
      expect(await codeOf(create())).toBe('WEBGPU_LOST');
    });
  });
}
