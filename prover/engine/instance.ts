/**
 * An instance of the kernels over one memory, with typed views of it.
 *
 * Addresses are byte offsets below 2^32. Every thread has its own instance over the same memory.
 */
import { type KernelExports, type KernelInfo, kernels, MAX_PAGES, PAGE_BYTES, sharedMemoryAvailable } from './kernels.js';

export interface Instance {
  readonly info: KernelInfo;
  readonly memory: WebAssembly.Memory;
  readonly run: KernelExports;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** A memory with room for `sizeBytes`, shared if the platform can. */
export function createMemory(sizeBytes: number): WebAssembly.Memory {
  const pages = Math.ceil(sizeBytes / PAGE_BYTES);
  if (pages > MAX_PAGES) throw new RangeError(`a key of ${sizeBytes} bytes does not fit a 32-bit memory`);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: sharedMemoryAvailable() });
}

/** Instantiates the kernels over a memory. */
export async function createInstance(memory: WebAssembly.Memory, compiled?: WebAssembly.Module): Promise<Instance> {
  const info = kernels();
  const module = compiled ?? (await WebAssembly.compile(info.bytes));
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return {
    info,
    memory,
    run: instance.exports as unknown as KernelExports,
    bytes: new Uint8Array(memory.buffer),
    words: new Uint32Array(memory.buffer),
  };
}

/** Calls an exported kernel. */
export function kernel(instance: Instance, name: string): (...args: number[]) => number {
  const found = instance.run[name];
  if (!found) throw new RangeError(`no kernel named ${name}`);
  return found;
}
