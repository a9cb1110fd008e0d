/** A real device of the tests, its buffers counted, and faults on demand: refused buffers, corrupted answers. */
import { type Gpu, openGpu } from '../../prover/engine/webgpu/device.js';
import { USAGE } from '../../prover/engine/webgpu/stages.js';
import { useChromiumVulkan } from './vulkan.js';

/** Opens whatever adapter there is; before anything else has asked for one. */
export async function openAnyGpu(): Promise<Gpu | undefined> {
  useChromiumVulkan();
  return openGpu();
}

export class DeviceProbe {
  /** Buffers that were created and not destroyed. */
  readonly alive = new Set<GPUBuffer>();
  /** Every new buffer is larger than any device's memory. */
  refuses = false;
  /** Everything that is read back has a bit that is wrong. */
  corrupts = false;

  constructor({ device }: Gpu) {
    const create = device.createBuffer.bind(device);
    device.createBuffer = (asked) => {
      // Bases may be written over by tests.
      const descriptor = asked.label?.startsWith('base ') ? { ...asked, usage: asked.usage | USAGE.copyTarget } : asked;
      const buffer = create(this.refuses ? { ...descriptor, size: HUGE_BYTES } : descriptor);
      this.#watch(buffer);
      return buffer;
    };
  }

  #watch(buffer: GPUBuffer): void {
    const [destroy, getMappedRange] = [buffer.destroy.bind(buffer), buffer.getMappedRange.bind(buffer)];
    this.alive.add(buffer);
    buffer.destroy = () => {
      this.alive.delete(buffer);
      destroy();
    };
    buffer.getMappedRange = (...range) => {
      const mapped = getMappedRange(...range);
      if (this.corrupts) new Uint32Array(mapped)[0] = (new Uint32Array(mapped)[0] as number) ^ 1;
      return mapped;
    };
  }
}

const HUGE_BYTES = 2 ** 48;
