/**
 * Where Redis comes from, and the demands made on it.
 *
 * `startRedis` takes the first of: the URL it is given (or REDIS_URL), a `redis-server` of the PATH started on a
 * port, directory and password of its own, the embedded JavaScript server. The last one keeps nothing, which is
 * said aloud. A server that was started here is stopped by `stop()` and dies with this process, whatever that died of:
 * where there is a POSIX shell it runs under a guard that waits for the end of a pipe, which the kernel closes.
 *
 * Invariants: whatever is returned answered PING, is new enough, and evicts nothing. An evicting Redis would drop
 * job locks and sealed jobs under memory pressure, so it is refused rather than warned about.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { TacitError } from '../protocol/errors.js';
import { openOnce, type RedisClient, serversOf } from './redisClient.js';
import { redactUrl } from './redisUrl.js';

export type RedisKind = 'external' | 'server' | 'embedded';
export type LogLine = (line: string) => void;

export interface RunningRedis {
  url: string;
  kind: RedisKind;
  /** Stops a server that was started here; an external one is left alone. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartRedisParameters {
  /** Used instead of REDIS_URL; an empty string means "none". */
  url?: string;
  /** Where a server of our own keeps its append-only file; a temporary folder, removed at the end, where absent. */
  dir?: string;
  /** Skips what would be found on the PATH and goes to the embedded server. */
  embeddedOnly?: boolean;
  log?: LogLine;
}

/** BullMQ's recommended floor; older servers lack commands that the farm's scripts use. */
export const MIN_REDIS_VERSION = '6.2.0';
/** The only eviction policy that loses nothing. */
export const REQUIRED_POLICY = 'noeviction';

const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 40;
const STOP_TIMEOUT_MS = 3_000;
const PORT_ATTEMPTS = 5;
const PASSWORD_BYTES = 18;
/** A probe's key is gone before anybody wonders what it is. */
const PROBE_LIFE_MS = 10_000;

/**
 * @throws TacitError REDIS_UNREACHABLE, REDIS_TOO_OLD, REDIS_EVICTING_POLICY
 */
export async function startRedis(parameters: StartRedisParameters = {}): Promise<RunningRedis> {
  const log = parameters.log ?? (() => {});
  const given = parameters.url ?? process.env.REDIS_URL;
  if (given !== undefined && given !== '') {
    await checkRedis(given);
    return { url: given, kind: 'external', stop: async () => {} };
  }
  const binary = parameters.embeddedOnly ? undefined : await findOnPath('redis-server');
  if (binary !== undefined) return startServer(binary, parameters.dir);
  log('warning: no REDIS_URL and no redis-server on PATH; using the embedded Redis, which keeps nothing on disk and is slow');
  return startEmbedded();
}

/** Facts about a Redis, read by `checkRedis`. */
export interface RedisFacts {
  version: string;
  policy: string;
}

/**
 * Connects once, reads INFO and refuses a server that is too old or that evicts. Of a cluster, every master is asked, and the
 * oldest version told.
 * An embedded server reports neither memory policy nor a real version; it is excused by `embedded`.
 */
export async function checkRedis(url: string, { embedded = false } = {}): Promise<RedisFacts> {
  const client = await connectOnce(url);
  try {
    const all = await Promise.all(serversOf(client).map(factsOf));
    if (!embedded) for (const facts of all) assertFit(facts);
    const [oldest] = all.sort((a, b) => compareVersions(a.version, b.version));
    return oldest as RedisFacts;
  } finally {
    client.disconnect();
  }
}

async function factsOf(server: RedisClient): Promise<RedisFacts> {
  const info = await server.info();
  const version = field(info, 'redis_version') ?? field(info, 'valkey_version') ?? 'unknown';
  return { version, policy: field(info, 'maxmemory_policy') ?? (await policyFromConfig(server)) };
}

function assertFit({ version, policy }: RedisFacts): void {
  if (compareVersions(version, MIN_REDIS_VERSION) < 0) {
    throw new TacitError('REDIS_TOO_OLD', 'this Redis is too old for the farm', {
      expected: `>= ${MIN_REDIS_VERSION}`,
      got: version,
      retryable: false,
    });
  }
  if (policy !== REQUIRED_POLICY) {
    throw new TacitError('REDIS_EVICTING_POLICY', 'this Redis may evict jobs; set maxmemory-policy to noeviction', {
      expected: REQUIRED_POLICY,
      got: policy,
      retryable: false,
      docs: 'how-to/run-a-worker.md',
    });
  }
}

/**
 * Is the server that a connection leads to still fit for the farm? Asked again and again while a node runs: policies are
 * changed and memory fills at run time.
 * @param key may be written to
 * @throws TacitError REDIS_UNREACHABLE, REDIS_EVICTING_POLICY, REDIS_FULL, REDIS_READONLY (all retryable: they pass, or an operator mends them)
 */
export async function probeRedis(client: RedisClient, key: string): Promise<void> {
  // The client would wait for its server, for as long as it takes.
  if (client.status !== 'ready')
    throw new TacitError('REDIS_UNREACHABLE', 'the connection to Redis is lost', { got: client.status, retryable: true });
  const policies = await Promise.all(serversOf(client).map(async (server) => field(await server.info('memory'), 'maxmemory_policy')));
  const policy = policies.find((name) => name !== undefined && name !== REQUIRED_POLICY);
  if (policy !== undefined)
    throw new TacitError('REDIS_EVICTING_POLICY', 'Redis may evict jobs; set maxmemory-policy to noeviction', {
      expected: REQUIRED_POLICY,
      got: policy,
      retryable: true,
    });
  try {
    await client.set(key, '1', 'PX', PROBE_LIFE_MS);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : '';
    if (message.startsWith('READONLY'))
      throw new TacitError('REDIS_READONLY', 'this Redis is a replica that has not been promoted yet', { retryable: true, cause });
    if (!message.startsWith('OOM')) throw cause;
    throw new TacitError('REDIS_FULL', 'Redis has no memory left; raise maxmemory', { retryable: true, cause });
  }
}

async function connectOnce(url: string): Promise<RedisClient> {
  const client = openOnce(url);
  let reason: unknown;
  client.on('error', (error: unknown) => {
    reason = error;
  });
  try {
    await client.connect();
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    const cause = reason ?? error;
    throw new TacitError('REDIS_UNREACHABLE', `cannot reach Redis at ${redactUrl(url)}: ${whyNot(cause)}`, { retryable: true, cause });
  }
}

/** Of a cluster, what its last server said: that no slots could be read says nothing to anybody. */
function whyNot(cause: unknown): string {
  const { lastNodeError, message } = (cause ?? {}) as { lastNodeError?: Error; message?: string };
  return lastNodeError?.message ?? message ?? String(cause);
}

async function policyFromConfig(client: RedisClient): Promise<string> {
  try {
    const pair = (await client.config('GET', 'maxmemory-policy')) as string[];
    return pair[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}

/** Numeric comparison of dotted versions; anything unreadable counts as zero. */
export function compareVersions(a: string, b: string): number {
  const parse = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const left = parse(a);
  const right = parse(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

async function startServer(binary: string, dir: string | undefined): Promise<RunningRedis> {
  const home = dir ?? (await mkdtemp(join(tmpdir(), 'tacit-redis-')));
  await mkdir(home, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return await launch(binary, home, port, dir === undefined);
    } catch (error) {
      // Another process may have taken the port between our look and the server's bind.
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** Descriptor 3 is the pipe; the configuration comes by standard input, which a shell would take from a background command. */
const GUARD =
  'exec 4<&0; "$0" "$@" <&4 3<&- 4<&- & child=$!; (cat > /dev/null; kill "$child" 2> /dev/null) <&3 4<&- & exec 3<&- 4<&-; wait "$child"';

function spawnGuarded(binary: string): ChildProcess {
  if (process.platform === 'win32') return spawn(binary, ['-'], { stdio: ['pipe', 'ignore', 'ignore'] });
  return spawn('sh', ['-c', GUARD, binary, '-'], { stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
}

async function launch(binary: string, home: string, port: number, removeHome: boolean): Promise<RunningRedis> {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  // The configuration goes in by standard input, so that the password is in no process list.
  const child = spawnGuarded(binary);
  // Without a guard a handler at exit has to do.
  const killWithUs = () => void (child.stdio[3] ?? child.kill('SIGKILL'));
  process.once('exit', killWithUs);
  const config = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${home}"`,
    `requirepass ${password}`,
    'appendonly yes',
    'save ""',
    `maxmemory-policy ${REQUIRED_POLICY}`,
    'daemonize no',
  ];
  child.stdin?.on('error', () => {}); // a server that died at once is reported by waitUntilReady
  child.stdin?.end(`${config.join('\n')}\n`);
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const stop = async () => {
    process.off('exit', killWithUs);
    await endProcess(child);
    if (removeHome) await rm(home, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(url, child);
    await checkRedis(url);
  } catch (error) {
    process.off('exit', killWithUs);
    await endProcess(child);
    throw error;
  }
  return { url, kind: 'server', stop };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  let spawnError: unknown;
  child.once('error', (error) => {
    spawnError = error;
  });
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (spawnError !== undefined || child.exitCode !== null) {
      throw new TacitError('REDIS_UNREACHABLE', 'redis-server ended while starting', {
        got: `exit code ${child.exitCode}`,
        retryable: true,
        cause: spawnError,
      });
    }
    try {
      (await connectOnce(url)).disconnect();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const guard = child.stdio[3];
  if (guard) guard.destroy();
  else child.kill('SIGTERM');
  await ended;
  clearTimeout(hard);
}

async function startEmbedded(): Promise<RunningRedis> {
  const { createRedisServer } = await import('js-redis-server');
  const handle = await createRedisServer({ port: 0 });
  const url = `redis://127.0.0.1:${handle.port}`;
  await checkRedis(url, { embedded: true });
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await handle.close();
  };
  return { url, kind: 'embedded', stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
