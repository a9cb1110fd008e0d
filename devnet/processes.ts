/**
 * Node and workers as child processes of the command line, each with a log file of its own and an IPC channel: a child
 * says over it that it is up, and ends when the parent is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../circuits/paths.js';
import { TacitError } from '../protocol/errors.js';

export interface ChildCommand {
  /** For messages and the name of the log file. */
  readonly name: string;
  /** Arguments of `tacit`. Never a secret: arguments can be read by others on the machine. */
  readonly args: readonly string[];
  /** Added to the environment; secrets (a Redis password) go here. */
  readonly env?: Readonly<Record<string, string>>;
  readonly logDir: string;
  /** Told how to stop the child as soon as it exists: one that is still coming up may have to be stopped too. */
  readonly onSpawn?: (stop: () => Promise<void>) => void;
}

export interface RunningChild {
  readonly name: string;
  readonly process: ChildProcess;
  /** What the child announced when it was up. */
  readonly facts: Readonly<Record<string, string>>;
  readonly logPath: string;
  /** SIGTERM, then SIGKILL when it does not end; resolves when it is gone. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const LOG_TAIL_LINES = 12;

/** @throws TacitError CHILD_FAILED with the end of its log when it ends or stays silent instead of coming up */
export async function startChild({ name, args, env = {}, logDir, onSpawn }: ChildCommand): Promise<RunningChild> {
  const logPath = join(logDir, `${name}.log`);
  const log = openSync(logPath, 'a');
  const main = join(packageRoot(), 'dist', 'cli', 'main.js');
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  onSpawn?.(() => stop(child));
  const facts = await ready(child, name, logPath);
  return { name, process: child, facts, logPath, stop: () => stop(child) };
}

function ready(child: ChildProcess, name: string, logPath: string): Promise<Readonly<Record<string, string>>> {
  return new Promise((resolve, reject) => {
    const failed = (got: string): void => {
      clearTimeout(timer);
      reject(
        new TacitError('CHILD_FAILED', `${name} did not come up`, {
          expected: 'its announcement',
          got: `${got}; its log ends:\n${logTail(logPath)}`,
        }),
      );
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed(`silence for ${START_LIMIT_MS} ms`);
    }, START_LIMIT_MS);
    child.once('error', (error) => failed(error.message));
    child.once('exit', (code, signal) => failed(`exit ${code ?? signal}`));
    child.once('message', (message: { ready?: Record<string, string> }) => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(message.ready ?? {});
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

function logTail(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}
