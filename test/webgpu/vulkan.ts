/**
 * A Vulkan driver for tests where nobody named one (VK_ICD_FILENAMES): the SwiftShader that ships with Chromium, and with it
 * the Vulkan loader, which a machine without graphics does not have elsewhere.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';

const CHROMIUM_FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const DRIVER = 'vk_swiftshader_icd.json';
/** Dawn asks for the loader by this name, and gets the one that is already loaded. */
const LOADER = 'libvulkan.so.1';
/** RTLD_NODELETE of glibc: the library stays although it is no addon, which is what the error of `dlopen` is about. */
const KEEP_LOADED = 0x1000;

/** Variables that let a process of its own find them; undefined where there is no Chromium of the system's. */
export function chromiumVulkan(): Record<string, string> | undefined {
  const folder = CHROMIUM_FOLDERS.find((place) => existsSync(`${place}/${DRIVER}`));
  return folder === undefined ? undefined : { VK_ICD_FILENAMES: `${folder}/${DRIVER}`, LD_LIBRARY_PATH: folder };
}

/** Before anything asks Dawn for an adapter. */
export function useChromiumVulkan(): void {
  if (process.env.VK_ICD_FILENAMES !== undefined) return;
  const folder = CHROMIUM_FOLDERS.find((place) => existsSync(`${place}/${DRIVER}`));
  if (folder === undefined) return;
  process.env.VK_ICD_FILENAMES = `${folder}/${DRIVER}`;
  try {
    process.dlopen({ exports: {} }, `${folder}/${LOADER}`, constants.dlopen.RTLD_NOW | KEEP_LOADED);
  } catch {
    // Loaded or not, Dawn finds out.
  }
}
