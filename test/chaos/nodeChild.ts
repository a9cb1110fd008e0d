/** The handle of a node in a child process: start, look, arm, kill, stop. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';
import { TacitError } from '../../protocol/errors.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import type { ChildReply, ChildRequest, DeathPoint, Look, Meter, NodeChildConfig } from './nodeMessages.js';

const START_LIMIT_MS = 180_000;

export class NodeChild {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | string>;
  readonly #replies: ((reply: ChildReply) => void)[] = [];
  readonly url: string;
  readonly client: GatewayClient;

  private constructor(child: ChildProcess, ended: Promise<number | string>, url: string, lines: string[]) {
    this.#child = child;
    this.#ended = ended;
    this.url = url;
    this.client = new GatewayClient(url);
    child.on('message', (reply: ChildReply) => {
      if (reply.kind === 'line') lines.push(reply.line);
      else this.#replies.shift()?.(reply);
    });
  }

  /**
   * Resolves when the node serves, or with undefined when it died at its `death` point before that.
   * @param contained in a namespace of process ids of its own, where it is number 1, as in a container
   * @throws TacitError with the node's own code where it refused to start
   */
  static async start(config: NodeChildConfig, lines: string[], contained = false): Promise<NodeChild | undefined> {
    const file = join(packageRoot(), 'dist', 'test', 'chaos', 'nodeProcess.js');
    if (!existsSync(file)) throw new Error(`not built: ${file}`);
    const child = contained
      ? inOwnNamespace(file)
      : fork(file, [], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const ended = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
    const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
    const first = new Promise<ChildReply | undefined>((resolve) => {
      const listen = (reply: ChildReply): void => {
        if (reply.kind === 'line') lines.push(reply.line);
        else {
          child.off('message', listen);
          resolve(reply);
        }
      };
      child.on('message', listen);
      void ended.then(() => resolve(undefined));
    });
    child.send({ kind: 'start', config } satisfies ChildRequest);
    const reply = await first;
    clearTimeout(limit);
    if (reply?.kind === 'refused') throw new TacitError(reply.code, 'the node refused to start');
    return reply?.kind === 'ready' ? new NodeChild(child, ended, reply.url, lines) : undefined;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Exit code, or the name of the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended;
  }

  async arm(death?: DeathPoint): Promise<void> {
    await this.#ask(death === undefined ? { kind: 'arm' } : { kind: 'arm', death });
  }

  async look(collect = false): Promise<Look> {
    const reply = await this.#ask({ kind: 'look', collect });
    if (reply?.kind !== 'looked') throw new Error('the node has died');
    return reply;
  }

  /** What it has used since the last such question. */
  async meter(): Promise<Meter> {
    const reply = await this.#ask({ kind: 'meter' });
    if (reply?.kind !== 'metered') throw new Error('the node has died');
    return reply;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** A clean end. @returns exit code */
  async stop(): Promise<number | string> {
    if (this.isAlive) this.#child.send({ kind: 'stop' } satisfies ChildRequest, () => {});
    return this.#ended;
  }

  /** Undefined when the child has died instead of answering. */
  #ask(request: ChildRequest): Promise<ChildReply | undefined> {
    return new Promise((resolve) => {
      this.#replies.push(resolve);
      void this.#ended.then(() => resolve(undefined));
      if (this.#child.connected) this.#child.send(request, () => {});
    });
  }
}

/** The channel to it is inherited through `unshare`, which takes its child with it when it is killed. */
function inOwnNamespace(file: string): ChildProcess {
  const args = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, file];
  return spawn('unshare', args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}
