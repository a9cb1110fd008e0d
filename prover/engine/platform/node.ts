/** Node: files by random access, threads by worker_threads. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { TacitError } from '../../../protocol/errors.js';
import type { ByteReader } from '../groth16/container.js';
import type { WorkerReply, WorkerSetup } from '../pool/task.js';
import type { Platform, ThreadHandle } from './platform.js';
import { sharedMemoryAvailable } from './sharedMemory.js';

/** The compiled worker: in the folder beside this one, or under dist/ where this runs from its source. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/prover/engine/pool/nodeWorker.js' : '../pool/nodeWorker.js',
  import.meta.url,
);

function openFile(path: string, what: string): ByteReader {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new TacitError('ARTIFACT_MISSING', `cannot open the ${what}`, { expected: 'a readable file', got: path, cause });
  }
  const found = fstatSync(descriptor);
  if (!found.isFile()) {
    closeSync(descriptor);
    throw new TacitError('ARTIFACT_MISSING', `cannot open the ${what}`, { expected: 'a readable file', got: `${path}, which is none` });
  }
  return {
    sizeBytes: found.size,
    read: (offset, lengthBytes, target) => {
      const bytes = target ?? new Uint8Array(lengthBytes);
      let done = 0;
      while (done < lengthBytes) {
        const got = readSync(descriptor, bytes, done, lengthBytes - done, offset + done);
        if (got === 0) break;
        done += got;
      }
      return bytes.subarray(0, done);
    },
    close: () => closeSync(descriptor),
  };
}

/**
 * V8 compiles for a quick start first, and function by function anew where it finds them hot. With kernels that run in another thread
 * than the one that compiled them, now and then some stay as they were for the life of the process, which made one process in
 * ten slower by a third up to twice (Node 20.20). So its first compiler is passed over, for this module alone.
 */
async function compileOptimised(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  setFlagsFromString('--no-liftoff');
  try {
    return await WebAssembly.compile(bytes);
  } finally {
    setFlagsFromString('--liftoff');
  }
}

function startThread(setup: WorkerSetup): ThreadHandle {
  const worker = new Worker(WORKER, { workerData: setup, execArgv: [] });
  worker.unref();
  return {
    post: (task) => worker.postMessage(task),
    listen: (onReply, onFailure) => {
      worker.on('message', (reply: WorkerReply) => onReply(reply));
      worker.on('error', (cause) => onFailure('a proving thread broke', cause));
      worker.on('exit', () => onFailure('a proving thread ended'));
    },
    hold: (held) => (held ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

/** What npm `webgpu` (Dawn) exports. */
interface Dawn {
  create(options: string[]): GPU;
  readonly globals: Readonly<Record<string, unknown>>;
}

let gpu: Promise<GPU | undefined> | undefined;

/** Options for Dawn, separated by commas, as `adapter=NAME` where there are several. */
const OPTIONS_VARIABLE = 'TACIT_WEBGPU_OPTIONS';

/** An optional package: without it, or where its native part does not load, there is no GPU. The names of WebGPU that pages have become global. */
async function loadGpu(): Promise<GPU | undefined> {
  // Named by a variable, so that neither the compiler nor a bundler follows it.
  const optional = 'webgpu';
  try {
    const { create, globals } = (await import(optional)) as Dawn;
    for (const [name, value] of Object.entries(globals)) if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
    return create(process.env[OPTIONS_VARIABLE]?.split(',') ?? []);
  } catch {
    return undefined;
  }
}

export const nodePlatform: Platform = {
  availableThreads: availableParallelism,
  compile: compileOptimised,
  open: async (source, what) => openFile(source, what),
  // Kept: devices end with the object that made them.
  gpu: () => {
    gpu ??= loadGpu();
    return gpu;
  },
  threads: async () => (sharedMemoryAvailable() && existsSync(WORKER) ? startThread : undefined),
};
