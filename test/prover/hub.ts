/** A farm's hub in another network: its Redis, and the process that publishes jobs there, asked over IPC. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';
import type { QueueOutcome } from '../../ledger/effects.js';
import type { FarmJob } from '../../queue/contracts.js';
import type { FarmEvent } from '../../queue/farm.js';
import type { Hosts } from './hosts.js';

export type HubCall = { id: number } & ({ ask: 'publish'; job: FarmJob } | { ask: 'outcome'; job: string });
export type HubAnswer = { event: FarmEvent } | { id: number; value?: unknown; error?: string };
type Question = HubCall extends infer Call ? (Call extends { id: number } ? Omit<Call, 'id'> : never) : never;

/** Each namespace has all ports to itself. */
const REDIS_PORT = 6_379;
export const HUB_PASSWORD = 'of-the-hub-alone';
export const redisUrlAt = (address: string): string => `redis://:${HUB_PASSWORD}@${address}:${REDIS_PORT}`;

export class Hub {
  readonly events: FarmEvent[] = [];
  readonly #child: ChildProcess;
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: HubAnswer) => {
      if ('event' in answer) {
        this.events.push(answer.event);
        return;
      }
      const { resolve, reject } = this.#open.get(answer.id) ?? {};
      this.#open.delete(answer.id);
      if (answer.error === undefined) resolve?.(answer.value);
      else reject?.(new Error(answer.error));
    });
  }

  static async start({ hub }: Hosts): Promise<Hub> {
    const file = join(packageRoot(), 'dist', 'test', 'prover', 'hubProcess.js');
    const env = { ...process.env, REDIS_URL: redisUrlAt('127.0.0.1') };
    const child = hub.spawn(process.execPath, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env });
    const started = new Hub(child);
    await new Promise<unknown>((resolve, reject) => {
      started.#open.set(0, { resolve, reject });
      child.once('exit', (code) => reject(new Error(`the hub ended with ${code}`)));
    });
    return started;
  }

  publish = (job: FarmJob): Promise<unknown> => this.#ask({ ask: 'publish', job });
  outcome = (job: string): Promise<QueueOutcome> => this.#ask({ ask: 'outcome', job }) as Promise<QueueOutcome>;

  /** Ends with its parent's channel. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }

  #ask(question: Question): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#child.send({ ...question, id });
    });
  }
}
