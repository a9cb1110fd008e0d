/** The kernels in a browser: runs in a page, which calls itself `tacitKernels`. */
import { kernelsFor } from '../../prover/engine/webgpu/steps.js';
import { KernelBench } from './bench.js';
import { checkGathered, checkResident } from './checkAddition.js';
import { checkField, checkInversion } from './checkField.js';
import { checkSizes, checkSums, nastySums } from './checkMsm.js';
import { checkSort } from './checkSort.js';

export interface KernelPage {
  /** Every check of kernels, nasty sums, and sums of 2^log terms, on the browser's adapter. @returns comparisons by check */
  check(logs: readonly number[]): Promise<Record<string, number>>;
}

const NASTY_TERMS = 8;

declare global {
  var tacitKernels: KernelPage | undefined;
}

const page: KernelPage = {
  check: async (logs) => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) throw new Error('no adapter');
    const device = await adapter.requestDevice();
    const bench = new KernelBench(device);
    try {
      await bench.workspace.prepare(kernelsFor(true));
      return {
        field: await checkField(bench),
        inversion: await checkInversion(bench),
        gathered: await checkGathered(bench),
        resident: await checkResident(bench),
        sort: await checkSort(bench, 5, true, 20),
        sums: await checkSums(device, nastySums(NASTY_TERMS), [{}]),
        sizes: await checkSizes(device, logs),
      };
    } finally {
      bench.close();
      device.destroy();
    }
  },
};

Object.assign(globalThis, { tacitKernels: page });
