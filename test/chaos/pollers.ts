/**
 * Many wallets that wait, in a process of their own: each asks for a status once every `everyMs`, on a connection of its
 * own that it keeps for as long as the server says, as fetch does. For comparison they can ask a server that does nothing but answer.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';

export interface PollersOrder {
  readonly urls: readonly string[];
  readonly count: number;
  readonly everyMs: number;
}

export interface PollersReport {
  readonly pollsPerSecond: number;
  /** No answer, or one that is no success. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What the pollers themselves take of a processor. */
  readonly cpuPercent: number;
}

/** @returns a function that ends them and tells what they saw */
export async function startPollers(order: PollersOrder): Promise<() => Promise<PollersReport>> {
  const child = processOf('pollersProcess.js');
  child.send(order);
  return async () => {
    const report = new Promise<PollersReport>((resolve) => child.once('message', (message) => resolve(message as PollersReport)));
    child.send('stop');
    const seen = await report;
    child.disconnect();
    return seen;
  };
}

/** A server that answers everything with `body`. */
export async function startBareServer(body: string): Promise<{ url: string; stop(): void }> {
  const child = processOf('bareServer.js');
  const url = new Promise<string>((resolve) => child.once('message', (message) => resolve(message as string)));
  child.send(body);
  return { url: await url, stop: () => child.disconnect() };
}

function processOf(name: string): ChildProcess {
  return fork(join(packageRoot(), 'dist', 'test', 'chaos', name), [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}
