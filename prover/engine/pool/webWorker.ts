/** The body of a Web Worker: the first message is its set-up, all others are tasks, answered in their order. */
import { createInstance, type Instance } from '../instance.js';
import { answerTask, type Task, type WorkerReply, type WorkerSetup } from './task.js';

let ready: Promise<{ instance: Instance; work: number }> | undefined;

globalThis.onmessage = ({ data }: MessageEvent<WorkerSetup | Task>): void => {
  if (!ready) {
    const { memory, kernels, thread, work } = data as WorkerSetup;
    ready = createInstance(memory, thread, kernels).then((instance) => ({ instance, work }));
    return;
  }
  ready.then(
    ({ instance, work }) => globalThis.postMessage(answerTask(instance, data as Task, work)),
    (error: unknown) => globalThis.postMessage({ failure: String(error) } satisfies WorkerReply),
  );
};
