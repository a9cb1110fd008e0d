/** A web page or a worker of one: addresses are fetched, threads are Web Workers. */
import { TacitError } from '../../../protocol/errors.js';
import { type ByteReader, memoryReader } from '../groth16/container.js';
import type { WorkerReply, WorkerSetup } from '../pool/task.js';
import type { Platform, ThreadHandle } from './platform.js';
import { sharedMemoryAvailable } from './sharedMemory.js';

async function openAddress(address: string, what: string): Promise<ByteReader> {
  const fail = (got: string, cause?: unknown): TacitError =>
    new TacitError('ARTIFACT_MISSING', `cannot fetch the ${what}`, { expected: 'an address that answers', got, cause });
  const response = await fetch(address).catch((cause: unknown) => {
    throw fail(address, cause);
  });
  if (!response.ok) throw fail(`${address}: status ${response.status}`);
  return memoryReader(new Uint8Array(await response.arrayBuffer()));
}

function startThread(setup: WorkerSetup): ThreadHandle {
  const worker = new Worker(new URL('../pool/webWorker.js', import.meta.url), { type: 'module' });
  worker.postMessage(setup);
  return {
    post: (task) => worker.postMessage(task),
    listen: (onReply, onFailure) => {
      worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => onReply(data);
      worker.onerror = (event) => onFailure('a proving thread broke', event.message);
    },
    hold: () => undefined,
    terminate: async () => worker.terminate(),
  };
}

export const webPlatform: Platform = {
  availableThreads: () => navigator.hardwareConcurrency || 1,
  compile: (bytes) => WebAssembly.compile(bytes),
  open: openAddress,
  // A worker, or a page that is not secure, may have no such property.
  gpu: async () => (navigator as { gpu?: GPU }).gpu,
  threads: async () => (sharedMemoryAvailable() && typeof Worker !== 'undefined' ? startThread : undefined),
};
