/** Multi-exponentiation in G1 on a WebGPU device: Σ scalars_i·bases_i, the bases resident there. */
import { TacitError } from '../../../protocol/errors.js';

/** Bases of one circuit resident on a device. */
export interface GpuMsm {
  readonly count: number;
  /** Bytes held on the device. */
  readonly deviceBytes: number;
  /**
   * @param scalars count × 32 bytes, little-endian, canonical (< r), not Montgomery
   * @returns affine coordinates, canonical; undefined for infinity
   */
  compute(scalars: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<{ x: bigint; y: bigint } | undefined>;
  /** Frees every buffer; idempotent. */
  destroy(): void;
}

export interface GpuMsmOptions {
  readonly windowBits?: number;
  readonly glv?: boolean;
}

/**
 * @param bases count × 64 bytes: x‖y, 32 bytes each, little-endian, Montgomery with R = 2^256 (as in a .zkey), zeros for infinity
 * @throws TacitError WEBGPU_LIMITS, WEBGPU_LOST, WEBGPU_FAILED
 */
export async function createGpuMsm(_device: GPUDevice, _bases: Uint8Array, _options: GpuMsmOptions = {}): Promise<GpuMsm> {
  throw new TacitError('WEBGPU_FAILED', 'the kernels are not there yet');
}
