/** What is known of this machine's graphics processor, for people and for logs; plain data that goes between processes. */
import type { AdapterFacts } from '../engine/webgpu/adapter.js';
import type { Calibration } from '../engine/webgpu/calibration.js';

export interface GpuReport {
  /**
   * none: no package, driver or adapter. software: an adapter that computes on the processor. unmeasured: nobody has
   * measured it yet. slower: never faster than the threads. used: from its crossover on. failed: it does not work.
   */
  readonly state: 'none' | 'software' | 'unmeasured' | 'slower' | 'used' | 'failed';
  readonly adapter?: AdapterFacts;
  readonly calibration?: Calibration;
  readonly failure?: GpuFailure;
}

/** Something that went wrong with the device; the proof, if there was one, was finished without it. */
export interface GpuFailure {
  readonly code: string;
  readonly message: string;
}

const MIB = 2 ** 20;

/** Whether a GPU computed any of a proof's sums. */
export function usedGpu(sums: Readonly<Record<string, string>>): boolean {
  return Object.values(sums).includes('webgpu');
}

/** One line. */
export function describeGpu({ state, adapter, calibration, failure }: GpuReport): string {
  const name = adapter?.name ?? 'no WebGPU adapter';
  switch (state) {
    case 'none':
      return 'no WebGPU adapter: proofs are made by WebAssembly';
    case 'software':
      return `${name}: a software adapter, used only with --backend webgpu`;
    case 'unmeasured':
      return `${name}: not measured yet, so not used; a worker measures it when it starts, tacit doctor at once`;
    case 'failed':
      return `${name}: ${failure?.message ?? 'it does not work'}; not used`;
    case 'slower':
      return `${name}: never faster than ${calibration?.threads} threads (${rowsText(calibration)}); not used`;
    case 'used':
      return `${name}: sums of ${calibration?.crossover} bases and more, against ${calibration?.threads} threads (${rowsText(calibration)}); ${limitsText(adapter)}`;
  }
}

/** `a, b1, c, h on webgpu; b2 on wasm` */
export function describeSums(sums: Readonly<Record<string, string>>): string {
  const backends = [...new Set(Object.values(sums))].sort().reverse();
  return backends
    .map((backend) => {
      const names = Object.keys(sums).filter((name) => sums[name] === backend);
      return `${names.join(', ')} on ${backend}`;
    })
    .join('; ');
}

function rowsText(calibration: Calibration | undefined): string {
  const rows = calibration?.rows ?? [];
  return rows.map(({ bases, gpuMs, wasmMs }) => `2^${Math.log2(bases)}: ${gpuMs.toFixed(1)} against ${wasmMs.toFixed(1)} ms`).join(', ');
}

function limitsText(adapter: AdapterFacts | undefined): string {
  if (!adapter) return 'no limits known';
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  return `${Math.round(maxStorageBufferBindingSize / MIB)} MiB a binding, ${Math.round(maxBufferSize / MIB)} MiB a buffer`;
}
