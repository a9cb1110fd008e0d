/**
 * Threads over one shared memory, and the queue of tasks before them.
 *
 * Tasks of a higher priority go first. Every thread holds at most two tasks, one running and one waiting, so that it
 * never idles for the length of a message. Threads do not keep the process alive, except while tasks are under way.
 * Where threads or shared memory are missing, the same queue is worked off on the calling thread, with a turn of the
 * event loop between tasks.
 */
import { TacitError } from '../../../protocol/errors.js';
import type { Instance } from '../instance.js';
import { platform } from '../platform/choose.js';
import type { ThreadHandle } from '../platform/platform.js';
import { MOST_THREADS } from '../sizes.js';
import { executeTask, type Task, type WorkerReply } from './task.js';

interface Job {
  readonly task: Task;
  readonly priority: number;
  readonly resolve: (elapsedMs: number) => void;
  readonly reject: (error: unknown) => void;
}

export interface Pool {
  readonly threads: number;
  /** False once it was closed or a thread broke: every task is refused then, for good. */
  readonly usable: boolean;
  /** Resolves with the task's own duration. Only the first `limit` threads serve it. */
  submit(task: Task, priority: number): Promise<number>;
  /** Drops tasks that have not started; their promises reject with the reason. Resolves when none is running. */
  cancel(reason: unknown): Promise<void>;
  /** How many threads take tasks from now on (at most `threads`). */
  limit(threads: number): void;
  /** Ends the threads; all tasks that are not done reject with PROVE_FAILED. */
  close(): Promise<void>;
}

const WAITING_PER_THREAD = 2;

class JobQueue {
  private readonly levels = new Map<number, Job[]>();

  push(job: Job): void {
    const level = this.levels.get(job.priority);
    if (level) level.push(job);
    else this.levels.set(job.priority, [job]);
  }

  shift(): Job | undefined {
    let best: number | undefined;
    for (const [priority, jobs] of this.levels) {
      if (jobs.length > 0 && (best === undefined || priority > best)) best = priority;
    }
    return best === undefined ? undefined : this.levels.get(best)?.shift();
  }

  clear(reason: unknown): void {
    for (const jobs of this.levels.values()) for (const job of jobs.splice(0)) job.reject(reason);
  }
}

/**
 * Starts as many threads as there are work areas; none if the platform has none.
 * @throws RangeError unless there are 1 to `MOST_THREADS`: the module has scratch for no more
 */
export async function createPool(instance: Instance, work: readonly number[]): Promise<Pool> {
  if (work.length < 1 || work.length > MOST_THREADS) throw new RangeError(`${work.length} threads: expected 1 to ${MOST_THREADS}`);
  const start = await (await platform()).threads();
  if (!start) return new CallerPool(instance, work[0] as number);
  const { memory, compiled: kernels } = instance;
  return new ThreadPool(work.map((area, index) => start({ memory, kernels, thread: index + 1, work: area })));
}

class ThreadPool implements Pool {
  readonly threads: number;
  private readonly queue = new JobQueue();
  private readonly running: Job[][];
  private idleWaiters: (() => void)[] = [];
  private active: number;
  private broken: TacitError | undefined;

  constructor(private readonly workers: readonly ThreadHandle[]) {
    this.threads = workers.length;
    this.active = workers.length;
    this.running = workers.map(() => []);
    workers.forEach((worker, index) => {
      worker.listen(
        (reply) => this.settle(index, reply),
        (message, cause) => this.fail(new TacitError('PROVE_FAILED', message, { cause, retryable: true })),
      );
    });
  }

  get usable(): boolean {
    return this.broken === undefined;
  }

  submit(task: Task, priority: number): Promise<number> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      this.queue.push({ task, priority, resolve, reject });
      this.dispatch();
    });
  }

  limit(threads: number): void {
    this.active = Math.max(1, Math.min(threads, this.threads));
  }

  async cancel(reason: unknown): Promise<void> {
    this.queue.clear(reason);
    if (this.running.some((jobs) => jobs.length > 0)) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  async close(): Promise<void> {
    this.broken ??= closed();
    this.queue.clear(this.broken);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
    // Web Workers tell nobody that they were ended, so tasks in hand are told here.
    this.fail(this.broken);
  }

  private dispatch(): void {
    for (let depth = 0; depth < WAITING_PER_THREAD; depth++) {
      for (let index = 0; index < this.active; index++) {
        const jobs = this.running[index] as Job[];
        if (jobs.length > depth) continue;
        const job = this.queue.shift();
        if (!job) return;
        const worker = this.workers[index] as ThreadHandle;
        if (jobs.length === 0) worker.hold(true);
        jobs.push(job);
        worker.post(job.task);
      }
    }
  }

  private settle(index: number, reply: WorkerReply): void {
    const jobs = this.running[index] as Job[];
    const job = jobs.shift();
    if ('failure' in reply) job?.reject(new TacitError('PROVE_FAILED', `a proving step failed: ${reply.failure}`));
    else job?.resolve(reply.elapsedMs);
    this.dispatch();
    if (jobs.length > 0) return;
    (this.workers[index] as ThreadHandle).hold(false);
    if (this.running.every((others) => others.length === 0)) for (const wake of this.idleWaiters.splice(0)) wake();
  }

  private fail(error: TacitError): void {
    this.broken ??= error;
    this.queue.clear(this.broken);
    for (const jobs of this.running) for (const job of jobs.splice(0)) job.reject(this.broken);
    for (const wake of this.idleWaiters.splice(0)) wake();
  }
}

function closed(): TacitError {
  return new TacitError('PROVE_FAILED', 'the proving key was closed');
}

/** Works on the calling thread. */
class CallerPool implements Pool {
  readonly threads = 1;
  private readonly queue = new JobQueue();
  private busy = false;
  private ended: TacitError | undefined;

  constructor(
    private readonly instance: Instance,
    private readonly work: number,
  ) {}

  get usable(): boolean {
    return this.ended === undefined;
  }

  submit(task: Task, priority: number): Promise<number> {
    if (this.ended) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      this.queue.push({ task, priority, resolve, reject });
      if (!this.busy) void this.drain();
    });
  }

  limit(): void {}

  async cancel(reason: unknown): Promise<void> {
    this.queue.clear(reason);
  }

  async close(): Promise<void> {
    this.ended ??= closed();
    this.queue.clear(this.ended);
  }

  private async drain(): Promise<void> {
    this.busy = true;
    for (;;) {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      const job = this.queue.shift();
      if (!job) break;
      try {
        const start = performance.now();
        executeTask(this.instance, job.task, this.work);
        job.resolve(performance.now() - start);
      } catch (cause) {
        job.reject(new TacitError('PROVE_FAILED', 'a proving step failed', { cause }));
      }
    }
    this.busy = false;
  }
}
