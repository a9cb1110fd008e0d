/**
 * What the engine needs of the world around it; `choose.ts` takes Node's or the web page's version.
 *
 * Everything else in the engine runs in both: only `node.ts` and the worker it starts name Node's modules, and they
 * are loaded on demand, so a page may import the engine's compiled modules as they are.
 */
import type { ByteReader } from '../groth16/container.js';
import type { Task, WorkerReply, WorkerSetup } from '../pool/task.js';

/** A thread that does tasks one after another and answers each. */
export interface ThreadHandle {
  post(task: Task): void;
  /** Both listeners are set once, before the first task. `onFailure` is also told when the thread has ended. */
  listen(onReply: (reply: WorkerReply) => void, onFailure: (message: string, cause?: unknown) => void): void;
  /** Keeps the process alive for this thread, or no longer. */
  hold(held: boolean): void;
  terminate(): Promise<void>;
}

export interface Platform {
  /** How many threads the machine can run at once. */
  availableThreads(): number;
  /** Of a module whose loops run for seconds: optimised from the start where that can be asked for. */
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module>;
  /** A path in Node, an address in a page. @throws TacitError ARTIFACT_MISSING */
  open(source: string, what: string): Promise<ByteReader>;
  /** The way to graphics processors; undefined where there is none. Nothing of it is loaded before this is called. */
  gpu(): Promise<GPU | undefined>;
  /** Makes it possible to start threads; undefined where there are none. */
  threads(): Promise<((setup: WorkerSetup) => ThreadHandle) | undefined>;
}
