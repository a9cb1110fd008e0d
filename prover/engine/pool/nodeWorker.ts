/** The body of a worker thread in Node. */
import { parentPort, workerData } from 'node:worker_threads';
import { createInstance } from '../instance.js';
import { answerTask, type Task, type WorkerSetup } from './task.js';

async function serve(): Promise<void> {
  const port = parentPort;
  if (!port) return;
  const { memory, kernels, thread, work } = workerData as WorkerSetup;
  const instance = await createInstance(memory, thread, kernels);
  port.on('message', (task: Task) => port.postMessage(answerTask(instance, task, work)));
}

await serve();
