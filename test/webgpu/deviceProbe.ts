/** A real device of the tests, its buffers counted, and faults on demand: refused buffers, corrupted answers. */
import { existsSync } from 'node:fs';
import { type Gpu, openGpu } from '../../prover/engine/webgpu/device.js';

/** SwiftShader and a loader as Debian's chromium brings them; a driver of one's own is named by VK_ICD_FILENAMES. */
const CHROMIUM = '/usr/lib/chromium';
const SWIFTSHADER = `${CHROMIUM}/vk_swiftshader_icd.json`;

/** Opens whatever adapter there is; before anything else has asked for one. */
export async function openAnyGpu(): Promise<Gpu | undefined> {
  if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER)) {
    process.env.VK_ICD_FILENAMES = SWIFTSHADER;
    process.env.TACIT_WEBGPU_OPTIONS ??= `dlldir=${CHROMIUM}`;
  }
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
    device.createBuffer = (descriptor) => {
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
