/** A WebGPU device in Node for tests: npm `webgpu` (Dawn) on whatever Vulkan there is, else on Chromium's SwiftShader. */
import { useChromiumVulkan } from './vulkan.js';

interface Dawn {
  create(options: string[]): GPU;
}

/** Devices live as long as the object they come from. */
let gpu: GPU | undefined;

/** The device, or undefined with a loud line. */
export async function openDevice(): Promise<GPUDevice | undefined> {
  useChromiumVulkan();
  // By a variable: where the optional package is missing, its types are too.
  const name = 'webgpu';
  gpu ??= await import(name).then(
    (dawn: Dawn) => dawn.create([]),
    () => undefined,
  );
  const adapter = await gpu?.requestAdapter();
  const device = await adapter?.requestDevice();
  if (!device) {
    process.stderr.write('!! NOT COVERED: no WebGPU device could be had in Node, so the kernels in WGSL were not run there.\n');
    process.stderr.write('!! Install the optional package webgpu, and a Vulkan driver or Chromium (Debian: apt-get install chromium).\n');
  }
  return device;
}
