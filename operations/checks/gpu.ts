/** The graphics processor: which, how large its buffers, and from how many bases on it is faster than the threads. */
import { describeGpu, type GpuReport } from '../../prover/backends/gpuReport.js';
import { ProvingHost } from '../../prover/thread.js';
import { type Check, messageOf } from './check.js';

const name = 'GPU';

/** Measures where nobody has, in a process of its own: some seconds on a machine with a GPU, nothing on one without. */
export async function checkGpu(): Promise<Check> {
  const host = new ProvingHost();
  try {
    return gpuCheck(await host.gpu({ measure: true }));
  } catch (error) {
    return { name, state: 'skipped', found: messageOf(error) };
  } finally {
    await host.close();
  }
}

/** No GPU is no fault; one that fails is, unless it is left alone. */
export function gpuCheck(report: GpuReport): Check {
  const found = describeGpu(report);
  if (report.state === 'failed') {
    return { name, state: 'wrong', found, mend: 'update its driver, or start workers with --backend wasm; proofs are made without it' };
  }
  return { name, state: report.state === 'used' ? 'ok' : 'skipped', found };
}
