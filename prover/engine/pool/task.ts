/**
 * Units of work that any thread can do: a list of kernel calls, or windows of a multi-exponentiation.
 * A task says only numbers, so it can be posted to another thread; all data is in the key's memory.
 */
import { type CompiledKernels, type Instance, kernel } from '../instance.js';
import { runWindow, type WindowTask } from '../msm/window.js';

/** Name of an exported kernel and its arguments. */
export type KernelCall = readonly [name: string, ...args: number[]];

export type Task =
  | { readonly type: 'calls'; readonly calls: readonly KernelCall[] }
  | { readonly type: 'windows'; readonly windows: readonly WindowTask[] };

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly memory: WebAssembly.Memory;
  readonly kernels: CompiledKernels;
  /** 1 for the first worker. */
  readonly thread: number;
  /** The work area that belongs to this thread alone. */
  readonly work: number;
}

/** From a worker: a task is done (with the time it took), or it failed. */
export type WorkerReply = { readonly elapsedMs: number } | { readonly failure: string };

export function executeTask(instance: Instance, task: Task, work: number): void {
  if (task.type === 'windows') {
    for (const window of task.windows) runWindow(instance, window, work);
    return;
  }
  for (const [name, ...args] of task.calls) kernel(instance, name)(...args);
}

/** Does a task and says how it went; for the body of a worker. */
export function answerTask(instance: Instance, task: Task, work: number): WorkerReply {
  try {
    const start = performance.now();
    executeTask(instance, task, work);
    return { elapsedMs: performance.now() - start };
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
