/**
 * A redis-server that a scenario can hurt: it keeps its port, password and folder, so that the same URL leads to it
 * again after a kill, with its disk or without.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RunningRedis } from '../../queue/redis.js';
import { until } from '../aggregator/world.js';

export class RedisServer implements RunningRedis {
  readonly kind = 'server';
  readonly url: string;
  readonly port: number;
  readonly #dir: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, dir: string) {
    this.port = port;
    this.#dir = dir;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'tacit-chaos-redis-')));
    await server.launch();
    return server;
  }

  async launch(): Promise<void> {
    const settings = { port: this.port, dir: this.#dir, appendonly: 'yes', save: '', 'maxmemory-policy': 'noeviction', bind: '127.0.0.1' };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    process.once('exit', () => child.kill('SIGKILL'));
    this.#child = child;
    await until(
      () => this.ask((client) => client.ping()).catch(() => ''),
      (answer) => answer === 'PONG',
      'up',
    );
  }

  /** kill −9; with `loseDisk` nothing of what it held comes back. */
  async kill({ loseDisk }: { loseDisk: boolean }): Promise<void> {
    await this.#end('SIGKILL');
    if (!loseDisk) return;
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true });
  }

  /** Becomes a replica of `master`; resolves when it has all that the master has. */
  async follow(master: RedisServer): Promise<void> {
    await this.ask((client) => client.replicaof('127.0.0.1', master.port));
    await until(
      () => this.ask((client) => client.info('replication')),
      (info) => /master_link_status:up/.test(info) && /master_sync_in_progress:0/.test(info),
      'a replica that has caught up',
    );
    await master.awaitReplica();
  }

  /** Its replica has all that was written so far. */
  async awaitReplica(): Promise<void> {
    await until(
      () => this.ask((client) => client.info('replication')),
      (info) => {
        const [, written] = /master_repl_offset:(\d+)/.exec(info) ?? [];
        return written !== undefined && info.includes(`state=online,offset=${written},`);
      },
      'known to the replica, what was written',
    );
  }

  /** Is its own master from now on. */
  async promote(): Promise<void> {
    await this.ask((client) => client.replicaof('NO', 'ONE'));
  }

  /** Neither dead nor alive: connections stay, nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    try {
      await client.connect();
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.#end('SIGKILL');
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}

/** Given out by this process: what is free again now may be meant for somebody who has not taken it yet. */
const given = new Set<number>();

/** A port that nothing listens on, and no other caller in this process was given. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await unusedPort();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

function unusedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
