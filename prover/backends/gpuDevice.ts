/**
 * Whether this machine shows any graphics processor at all: asked before a driver is loaded, so that a machine without
 * one spends nothing on it.
 *
 * Linux shows them as files: /dev/dri/renderD* (kernel's DRM), /dev/nvidia0 … (NVIDIA's driver), /dev/dxg (Windows'
 * subsystem for Linux). A container that has none of them cannot use one. Other systems are taken to have one.
 */
import { readdirSync } from 'node:fs';

const SIGNS: readonly (readonly [folder: string, name: RegExp])[] = [
  ['/dev/dri', /^renderD\d+$/],
  ['/dev', /^(nvidia\d+|dxg)$/],
];

export function mayHaveGpu(system: NodeJS.Platform = process.platform, list: (folder: string) => string[] = readdirSync): boolean {
  if (system !== 'linux') return true;
  return SIGNS.some(([folder, name]) => {
    try {
      return list(folder).some((entry) => name.test(entry));
    } catch {
      return false;
    }
  });
}
