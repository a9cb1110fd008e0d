/**
 * A few worker threads that take set-up tasks in turn. A task that throws rejects itself only; a worker that dies rejects
 * everything that is under way or waiting. `close` ends the threads; a pool that is not closed keeps the process alive.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { compiledModule } from '../paths.js';
import type { CurveCode, GroupName } from './fixedBase.js';
import type { KeyScalars } from './qap.js';
import type { SetupReply, SetupTask } from './setupWorker.js';
import type { ToxicWaste } from './toxicWaste.js';

interface Pending {
  readonly task: SetupTask;
  readonly resolve: (reply: SetupReply) => void;
  readonly reject: (error: unknown) => void;
}

/** Beyond this, memory for tables grows and the machine's other work suffers, for little gain. */
const MAX_THREADS = 8;

export class PointPool {
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #queue: Pending[] = [];
  readonly #running = new Map<Worker, Pending>();

  /** @param curve code that every worker instantiates for itself */
  constructor(curve: CurveCode, threads: number = Math.min(availableParallelism(), MAX_THREADS)) {
    const file = compiledModule('setup/setupWorker.js');
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(file, { workerData: { code: curve.code, pG1gen: curve.pG1gen, pG2gen: curve.pG2gen } satisfies CurveCode });
      worker.on('message', (reply: SetupReply) => this.#finish(worker, reply));
      worker.on('error', (error) => this.#fail(error));
      this.#workers.push(worker);
      this.#idle.push(worker);
    }
  }

  async scalars(r1csPath: string, waste: ToxicWaste): Promise<KeyScalars> {
    const reply = await this.#run({ kind: 'scalars', r1csPath, waste });
    return (reply as { scalars: KeyScalars }).scalars;
  }

  /** @param scalars 32 bytes each; the view is copied to the worker */
  async points(group: GroupName, scalars: Uint8Array): Promise<Uint8Array> {
    const reply = await this.#run({ kind: 'points', group, scalars: scalars.slice() });
    return (reply as { points: Uint8Array }).points;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #run(task: SetupTask): Promise<SetupReply> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#idle.pop()!;
      const pending = this.#queue.shift()!;
      this.#running.set(worker, pending);
      worker.postMessage(pending.task);
    }
  }

  #fail(error: unknown): void {
    for (const pending of [...this.#running.values(), ...this.#queue.splice(0)]) pending.reject(error);
    this.#running.clear();
  }

  #finish(worker: Worker, reply: SetupReply): void {
    const pending = this.#running.get(worker);
    this.#running.delete(worker);
    this.#idle.push(worker);
    if (pending !== undefined) {
      if ('error' in reply) pending.reject(reply.error);
      else pending.resolve(reply);
    }
    this.#dispatch();
  }
}
