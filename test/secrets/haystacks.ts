/** Where secrets might end up in a run: collected while it lasts and read afterwards. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A redis-server that writes everything down: append-only file, snapshots, a log of every command. */
export async function startRecordingRedis(dir: string): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const child = spawn('redis-server', ['-'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const config = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${dir}"`,
    `requirepass ${password}`,
    'appendonly yes',
    'save 1 1',
    'maxmemory-policy noeviction',
  ];
  child.stdin?.end(
    `${[...config, 'auto-aof-rewrite-percentage 0', 'slowlog-log-slower-than 0', 'slowlog-max-len 100000', 'rdbcompression no'].join('\n')}\n`,
  );
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const client = new Redis(url, { maxRetriesPerRequest: null });
  client.on('error', () => {}); // until it listens
  await client.ping();
  client.disconnect();
  const stop = () =>
    new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return { url, stop };
}

/** Every key as it is stored and as it reads, and the log of commands. */
export async function redisBytes(url: string): Promise<Buffer> {
  const client = new Redis(url);
  try {
    await saved(client);
    const parts: Buffer[] = [];
    for (const key of await client.keys('*')) {
      parts.push(Buffer.from(key), (await client.dumpBuffer(key)) ?? Buffer.alloc(0), ...flattened(await readKey(client, key)));
    }
    return Buffer.concat([...parts, ...flattened(await client.callBuffer('SLOWLOG', 'GET', '100000'))]);
  } finally {
    client.disconnect();
  }
}

/** The snapshot as of now. One that Redis has begun by itself is let to its end: a second is refused meanwhile. */
async function saved(client: Redis): Promise<void> {
  for (;;) {
    try {
      return void (await client.save());
    } catch (error) {
      if (!String(error).includes('in progress')) throw error;
      await new Promise((resolve) => setTimeout(resolve, SAVE_AGAIN_MS));
    }
  }
}

async function readKey(client: Redis, key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case 'hash':
      return client.callBuffer('HGETALL', key);
    case 'stream':
      return client.callBuffer('XRANGE', key, '-', '+');
    case 'list':
      return client.lrangeBuffer(key, 0, -1);
    case 'set':
      return client.smembersBuffer(key);
    case 'zset':
      return client.zrangeBuffer(key, 0, -1);
    default:
      return client.getBuffer(key);
  }
}

function flattened(value: unknown): Buffer[] {
  if (Buffer.isBuffer(value)) return [value, Buffer.from('\n')];
  return Array.isArray(value) ? value.flatMap(flattened) : [];
}

/** All files below a folder, one after the other. */
export function folderBytes(...folders: string[]): Buffer {
  const filesOf = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      const found = statSync(path, { throwIfNoEntry: false });
      return found?.isDirectory() ? filesOf(path) : found?.isFile() ? [path] : [];
    });
  return Buffer.concat(folders.flatMap(filesOf).flatMap((path) => [Buffer.from(`${path}\n`), readFileSync(path)]));
}

/** Arguments and environment of every process that was started with `marker` in its environment. */
export class ProcessWatch {
  readonly #seen = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(readonly marker: string) {
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  look(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && !this.#seen.has(name))) {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
        const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        // A process is looked at again until it has become what it was started as.
        if (environment.includes(this.marker) && line !== '') this.#seen.set(pid, `${line}\n${environment}\n`);
      } catch {
        // It has ended, or belongs to somebody else.
      }
    }
  }

  get count(): number {
    return this.#seen.size;
  }

  bytes(): Buffer {
    this.look();
    return Buffer.from([...this.#seen.values()].join('\n'), 'latin1');
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

const LOOK_EVERY_MS = 20;
const SAVE_AGAIN_MS = 50;

/** Takes whatever is sent to it: a collector of traces. */
export async function startCollector(): Promise<{ url: string; bytes(): Buffer; stop(): Promise<void> }> {
  const bodies: Buffer[] = [];
  const server: Server = createServer(async (incoming, outgoing) => {
    for await (const chunk of incoming) bodies.push(chunk as Buffer);
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => Buffer.concat(bodies),
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createNetServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
