/** The kernels of each backend, emitted and compiled once where they are first wanted; threads are given the compiled module. */
import type { BackendName } from './field/representation.js';
import type { CompiledKernels } from './instance.js';
import { kernels } from './kernels.js';
import { platform } from './platform/choose.js';

const compiling = new Map<BackendName, Promise<CompiledKernels>>();

export function compiledKernels(backend: BackendName): Promise<CompiledKernels> {
  const known = compiling.get(backend);
  if (known) return known;
  const { bytes, info } = kernels(backend);
  const compiled = platform()
    .then(({ compile }) => compile(bytes))
    .then((module) => ({ module, info }));
  compiling.set(backend, compiled);
  // Compiling may fail for want of memory: that must not be the answer for ever.
  compiled.catch(() => compiling.delete(backend));
  return compiled;
}
