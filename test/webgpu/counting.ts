/** A device whose buffers are counted while they stand, and which refuses one when told to. */
import { behind } from './losable.js';

export interface CountingDevice {
  readonly device: GPUDevice;
  /** Labels of the buffers that stand. */
  standing(): string[];
  /** Buffers with this label are asked for far beyond the limits until the next call. */
  refuse(label: string | undefined): void;
}

/** More than any device's largest buffer. */
const TOO_MANY_BYTES = 2 ** 52;

export function countingDevice(real: GPUDevice): CountingDevice {
  const buffers = new Map<GPUBuffer, string>();
  let refused: string | undefined;
  const createBuffer = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    const isRefused = refused !== undefined && descriptor.label === refused;
    const buffer = real.createBuffer(isRefused ? { ...descriptor, size: TOO_MANY_BYTES } : descriptor);
    buffers.set(buffer, String(descriptor.label));
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      buffers.delete(buffer);
      return destroy();
    };
    return buffer;
  };
  return {
    device: behind(real, { createBuffer }),
    standing: () => [...buffers.values()],
    refuse: (label) => {
      refused = label;
    },
  };
}
