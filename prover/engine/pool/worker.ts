/** The body of a worker thread: instantiates the kernels over the shared memory and does tasks as they come. */
import { parentPort, workerData } from 'node:worker_threads';
import { createInstance } from '../instance.js';
import { executeTask, type Task, type WorkerReply, type WorkerSetup } from './task.js';

async function serve(): Promise<void> {
  const port = parentPort;
  if (!port) return;
  const { memory, kernels, thread, work } = workerData as WorkerSetup;
  const instance = await createInstance(memory, thread, kernels);
  port.on('message', (task: Task) => {
    let reply: WorkerReply;
    try {
      const start = performance.now();
      executeTask(instance, task, work);
      reply = { elapsedMs: performance.now() - start };
    } catch (error) {
      reply = { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
    }
    port.postMessage(reply);
  });
}

await serve();
