/**
 * An instance of the kernels over one memory, with typed views of it.
 *
 * Addresses are byte offsets below 2^32. Every thread has its own instance over the same memory.
 */
import { TacitError } from '../../protocol/errors.js';
import type { KernelExports, KernelInfo } from './kernels.js';
import { sharedMemoryAvailable } from './platform/sharedMemory.js';
import { MAX_PAGES, PAGE_BYTES, THREAD_SCRATCH_BYTES } from './sizes.js';

export interface Instance {
  readonly info: KernelInfo;
  readonly compiled: CompiledKernels;
  readonly memory: WebAssembly.Memory;
  readonly run: KernelExports;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/**
 * A memory with room for `sizeBytes`, shared if the platform can.
 * @throws TacitError PROVE_FAILED for more than 32-bit addresses reach, and (retryable) where the platform has not so much left
 */
export function createMemory(sizeBytes: number): WebAssembly.Memory {
  const pages = Math.ceil(sizeBytes / PAGE_BYTES);
  const most = MAX_PAGES * PAGE_BYTES;
  if (pages > MAX_PAGES) {
    throw new TacitError('PROVE_FAILED', 'too large for a memory of WebAssembly', {
      expected: `at most ${most} bytes`,
      got: `${sizeBytes}`,
    });
  }
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: sharedMemoryAvailable() });
  } catch (cause) {
    throw new TacitError('PROVE_FAILED', 'there is not enough memory', { expected: `${sizeBytes} bytes`, cause, retryable: true });
  }
}

/** The module, compiled once where it was emitted; threads receive it. */
export interface CompiledKernels {
  readonly module: WebAssembly.Module;
  readonly info: KernelInfo;
}

/**
 * Instantiates the kernels over a memory.
 * @param thread 0 for the calling thread, 1… for workers: decides whose scratch is used
 */
export async function createInstance(memory: WebAssembly.Memory, thread: number, compiled: CompiledKernels): Promise<Instance> {
  const { module, info } = compiled;
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const run = instance.exports as unknown as KernelExports;
  run.setScratch?.(info.scratchAt + thread * THREAD_SCRATCH_BYTES);
  return { info, compiled, memory, run, bytes: new Uint8Array(memory.buffer), words: new Uint32Array(memory.buffer) };
}

/** Calls an exported kernel. */
export function kernel(instance: Instance, name: string): (...args: number[]) => number {
  const found = instance.run[name];
  if (!found) throw new RangeError(`no kernel named ${name}`);
  return found;
}
