/**
 * A WebGPU device in Node for tests: npm `webgpu` (Dawn) on whatever Vulkan there is, else on the SwiftShader that ships
 * with Chromium. TACIT_VULKAN_ICD names another driver's description, as Vulkan's own VK_ICD_FILENAMES does.
 */
import { existsSync } from 'node:fs';

const CHROMIUM_FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const SWIFTSHADER = 'vk_swiftshader_icd.json';

interface Dawn {
  create(options: string[]): GPU;
}

/** The device, or undefined with a loud line. Dawn must live as long as the devices: its GPU object is kept here. */
let gpu: GPU | undefined;

export async function openDevice(limits: Record<string, number> = {}): Promise<GPUDevice | undefined> {
  gpu ??= await openGpu();
  const adapter = await gpu?.requestAdapter();
  const device = await adapter?.requestDevice({ requiredLimits: limits });
  if (!device) {
    process.stderr.write('!! NOT COVERED: no WebGPU device could be had in Node, so the kernels in WGSL were not run there.\n');
    process.stderr.write('!! Install the optional package webgpu, and a Vulkan driver or Chromium (Debian: apt-get install chromium).\n');
  }
  return device;
}

async function openGpu(): Promise<GPU | undefined> {
  const folder = CHROMIUM_FOLDERS.find((place) => existsSync(`${place}/${SWIFTSHADER}`));
  if (!process.env.VK_ICD_FILENAMES && folder) process.env.VK_ICD_FILENAMES = `${folder}/${SWIFTSHADER}`;
  const name = 'webgpu';
  const dawn = await import(name).then(
    (module: Dawn) => module,
    () => undefined,
  );
  return dawn?.create(folder ? [`dlldir=${folder}`] : []);
}
