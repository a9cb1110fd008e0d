/** Stands in for a device's sums: noble-curves, and the faults that a test asks for. */
import { TacitError } from '../../protocol/errors.js';
import type { AdapterFacts } from '../../prover/engine/webgpu/adapter.js';
import type { GpuMsm } from '../../prover/engine/webgpu/msm.js';
import { pointsOf, scalarsOf, sumOfMultiples, toSumPoint } from './bigintHelper.js';

export const FACTS: AdapterFacts = {
  name: 'a device of the tests',
  identity: 'tests',
  software: false,
  limits: {
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 2 ** 14,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
  },
};

/** What there is of a device where nothing is computed on it. */
export function deviceOfTests(): { readonly device: GPUDevice; lose(): void } {
  let tell: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    tell = resolve;
  });
  const lose = (): void => tell({ reason: 'unknown', message: 'as the test wants it' } as GPUDeviceLostInfo);
  const device = { lost, destroy: () => tell({ reason: 'destroyed', message: '' } as GPUDeviceLostInfo) };
  return { device: device as unknown as GPUDevice, lose };
}

export interface Faults {
  /** Called before every sum; may throw or wait. */
  before?(sum: number): void | Promise<void>;
  /** May change the result of the sum. */
  result?(sum: number, point: { x: bigint; y: bigint } | undefined): { x: bigint; y: bigint } | undefined;
  /** Called before bases are taken; may throw. */
  upload?(upload: number): void;
}

/** Makes sums and keeps count of what is held. */
export class NobleSums {
  uploads = 0;
  sums = 0;
  /** Resident and not destroyed. */
  held = 0;

  constructor(private readonly faults: Faults = {}) {}

  readonly create = async (_device: GPUDevice, bases: Uint8Array): Promise<GpuMsm> => {
    const upload = this.uploads++;
    this.faults.upload?.(upload);
    const points = pointsOf(bases);
    this.held++;
    let destroyed = false;
    return {
      count: points.length,
      deviceBytes: bases.length,
      compute: async (scalars, options) => {
        if (destroyed) throw new TacitError('WEBGPU_FAILED', 'its buffers are gone');
        const sum = this.sums++;
        await this.faults.before?.(sum);
        options?.signal?.throwIfAborted();
        const point = toSumPoint(sumOfMultiples(points, scalarsOf(scalars)));
        return this.faults.result ? this.faults.result(sum, point) : point;
      },
      destroy: () => {
        if (destroyed) return;
        destroyed = true;
        this.held--;
      },
    };
  };
}
