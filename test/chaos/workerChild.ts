/** The handle of a simulated worker in a child process. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';
import type { WorkerPhase } from '../aggregator/simulatedFarm.js';
import { until } from '../aggregator/world.js';
import type { WorkerChildConfig, WorkerReply, WorkerRequest } from './workerMessages.js';

export interface PhaseNote {
  readonly phase: WorkerPhase;
  readonly job: string;
  readonly atMs: number;
}

export class WorkerChild {
  readonly phases: PhaseNote[] = [];
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
  }

  /** Resolves when it serves and stands on the board. */
  static async start(config: WorkerChildConfig): Promise<WorkerChild> {
    const file = join(packageRoot(), 'dist', 'test', 'chaos', 'workerProcess.js');
    const worker = new WorkerChild(fork(file, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
    await new Promise<void>((resolve, reject) => {
      worker.#child.on('message', (reply: WorkerReply) => {
        if (reply.kind === 'ready') resolve();
        else worker.phases.push(reply);
      });
      void worker.ended.then((code) => reject(new Error(`the worker ended with ${code}`)));
      worker.#child.send({ kind: 'start', config } satisfies WorkerRequest);
    });
    return worker;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until a job of this kind (`t` or `u`) is in this phase. */
  async reached(phase: WorkerPhase, kind: 't' | 'u', sinceMs = 0): Promise<PhaseNote> {
    const find = () => this.phases.find((note) => note.phase === phase && note.job.startsWith(kind) && note.atMs >= sinceMs);
    return (await until(find, (note) => note !== undefined, `in phase ${phase} of ${kind}`, 30_000)) as PhaseNote;
  }

  /** From now on it does what it should. */
  behave(): void {
    if (this.isAlive) this.#child.send({ kind: 'behave' } satisfies WorkerRequest, () => {});
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Finishes the job in hand and ends. @returns exit code */
  async drain(): Promise<number | string> {
    if (this.isAlive) this.#child.send({ kind: 'drain' } satisfies WorkerRequest, () => {});
    return this.ended;
  }
}
