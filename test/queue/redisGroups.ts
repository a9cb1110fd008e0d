/**
 * Redis servers that belong together, as processes of this machine: a cluster of three masters, a master with replica and
 * sentinel; in clear, or with TLS on every way between them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RunningRedis } from '../../queue/redis.js';
import { until } from '../aggregator/world.js';
import { freePort } from '../chaos/redisServer.js';
import type { TlsFiles } from './tlsFiles.js';

export const PASSWORD = 'a password of the servers: / and @ too';
const HOST = '127.0.0.1';
const SLOTS = 16_384;
const MASTERS = 3;
const MASTER_NAME = 'farm';
const ATTEMPTS = 5;
/** Of the sentinel: short, so that a test does not wait for long. */
const [DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS] = [500, 3_000];
const LIMIT_MS = 60_000;
const LOGIN = `:${encodeURIComponent(PASSWORD)}@`;

interface Server {
  readonly port: number;
  readonly child: ChildProcess;
  readonly client: Redis;
}

export interface GroupOptions {
  readonly tls?: TlsFiles;
  /** What the servers of a cluster call themselves; their address where absent. */
  readonly hostname?: string;
}

export interface RedisGroup extends RunningRedis {
  /** One client a server, in the order of their start; the first is the first master. */
  readonly clients: readonly Redis[];
  /** kill −9 of the first master. */
  killMaster(): Promise<void>;
}

/** One server. */
export async function startSingle({ tls }: GroupOptions = {}): Promise<RedisGroup> {
  const group = new Group(tls);
  const { port } = await group.launch(async () => ({}));
  return group.running(`${tls === undefined ? 'redis' : 'rediss'}://${LOGIN}${HOST}:${port}`);
}

/** Three masters, a third of the slots each. */
export async function startCluster({ tls, hostname }: GroupOptions = {}): Promise<RedisGroup> {
  const group = new Group(tls);
  const named = hostname === undefined ? {} : { 'cluster-announce-hostname': hostname, 'cluster-preferred-endpoint-type': 'hostname' };
  try {
    for (let i = 0; i < MASTERS; i++) {
      await group.launch(async (dir) => ({
        'cluster-enabled': 'yes',
        'cluster-config-file': join(dir, `nodes-${i}.conf`),
        'cluster-port': String(await freePort()),
        'cluster-node-timeout': '2000',
        ...(tls === undefined ? {} : { 'tls-cluster': 'yes' }),
        ...named,
      }));
    }
    const [first] = group.servers as [Server, ...Server[]];
    const busPort = async ({ client }: Server) => ((await client.config('GET', 'cluster-port')) as string[])[1] as string;
    for (const [i, { client, ...server }] of group.servers.entries()) {
      const [from, to] = [Math.floor((i * SLOTS) / MASTERS), Math.floor(((i + 1) * SLOTS) / MASTERS) - 1];
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      if (i > 0) await first.client.call('CLUSTER', 'MEET', HOST, String(server.port), await busPort({ client, ...server }));
    }
    for (const { client } of group.servers)
      await until(
        async () => `${await client.call('CLUSTER', 'INFO')}`,
        (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS}`),
        'a cluster',
        LIMIT_MS,
      );
  } catch (error) {
    await group.stop();
    throw error;
  }
  const hosts = group.servers.map(({ port }) => `${hostname ?? HOST}:${port}`).join(',');
  return group.running(`${tls === undefined ? 'redis' : 'rediss'}-cluster://${LOGIN}${hosts}`);
}

/** A master, a replica that follows it, and a sentinel that watches both. */
export async function startSentinel({ tls }: GroupOptions = {}): Promise<RedisGroup> {
  const group = new Group(tls);
  try {
    const master = await group.launch(async () => ({}));
    const replica = await group.launch(async () => ({ replicaof: `${HOST} ${master.port}` }));
    await until(
      () => replica.client.info('replication'),
      (info) => info.includes('master_link_status:up'),
      'a replica that follows',
      LIMIT_MS,
    );
    const sentinel = await group.launchSentinel(master.port);
    await until(
      () => sentinel.client.call('SENTINEL', 'REPLICAS', MASTER_NAME) as Promise<string[][]>,
      (replicas) => replicas.length === 1 && replicas[0]?.includes('slave') === true,
      'a sentinel that knows the replica',
      LIMIT_MS,
    );
    return group.running(`${tls === undefined ? 'redis' : 'rediss'}-sentinel://${LOGIN}${HOST}:${sentinel.port}/${MASTER_NAME}`);
  } catch (error) {
    await group.stop();
    throw error;
  }
}

class Group {
  readonly servers: Server[] = [];
  readonly #tls: TlsFiles | undefined;
  readonly #dirs: string[] = [];

  constructor(tls: TlsFiles | undefined) {
    this.#tls = tls;
  }

  running(url: string): RedisGroup {
    const clients = this.servers.map(({ client }) => client);
    const killMaster = () => end((this.servers[0] as Server).child);
    return { url, kind: 'external', clients, killMaster, stop: () => this.stop() };
  }

  /** A server of usual settings with these besides. Another process may take a port before it does: then once more. */
  async launch(settingsIn: (dir: string) => Promise<Record<string, string>>): Promise<Server> {
    return this.#tryPorts(async (port, dir) => {
      const settings = {
        ...Object.fromEntries(this.#listenOn(port)),
        dir,
        bind: HOST,
        requirepass: PASSWORD,
        masterauth: PASSWORD,
        save: '',
        appendonly: 'no',
      };
      const all = { ...settings, 'maxmemory-policy': 'noeviction', 'repl-diskless-sync-delay': '0', ...(await settingsIn(dir)) };
      return Object.entries(all).flatMap(([name, value]) =>
        name === 'replicaof' ? [`--${name}`, ...value.split(' ')] : [`--${name}`, value],
      );
    }, PASSWORD);
  }

  launchSentinel(masterPort: number): Promise<Server> {
    return this.#tryPorts(async (port, dir) => {
      const file = join(dir, 'sentinel.conf');
      const lines = [
        ...this.#listenOn(port).map(([name, value]) => `${name} ${value}`),
        `bind ${HOST}`,
        `dir "${dir}"`,
        `sentinel monitor ${MASTER_NAME} ${HOST} ${masterPort} 1`,
        `sentinel auth-pass ${MASTER_NAME} "${PASSWORD}"`,
        `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return [file, '--sentinel'];
    });
  }

  /** Settings of the port: in clear, or with TLS alone, also towards other servers. */
  #listenOn(port: number): [string, string][] {
    if (this.#tls === undefined) return [['port', String(port)]];
    const { ca, cert, key } = this.#tls;
    return [
      ['port', '0'],
      ['tls-port', String(port)],
      ['tls-cert-file', cert],
      ['tls-key-file', key],
      ['tls-ca-cert-file', ca],
      ['tls-auth-clients', 'no'],
      ['tls-replication', 'yes'],
    ];
  }

  async stop(): Promise<void> {
    for (const { client, child } of this.servers.splice(0)) {
      client.disconnect();
      await end(child);
    }
    for (const dir of this.#dirs.splice(0)) await rm(dir, { recursive: true, force: true });
  }

  async #tryPorts(argsFor: (port: number, dir: string) => Promise<string[]>, password?: string): Promise<Server> {
    for (let attempt = 1; ; attempt++) {
      const dir = await mkdtemp(join(tmpdir(), 'tacit-redis-group-'));
      this.#dirs.push(dir);
      const port = await freePort();
      const child = spawn('redis-server', await argsFor(port, dir), { stdio: 'ignore' });
      process.once('exit', () => child.kill('SIGKILL'));
      // Whatever name the certificate has: this client sets the servers up.
      const secure = this.#tls === undefined ? {} : { tls: { ca: readFileSync(this.#tls.ca), checkServerIdentity: () => undefined } };
      const login = password === undefined ? {} : { password };
      const client = new Redis({ host: HOST, port, ...login, ...secure, retryStrategy: () => 50 });
      client.on('error', () => {});
      const ended = new Promise<'ended'>((resolve) => child.once('exit', () => resolve('ended')));
      if ((await Promise.race([client.ping(), ended])) === 'PONG') {
        this.servers.push({ port, child, client });
        return this.servers.at(-1) as Server;
      }
      client.disconnect();
      if (attempt === ATTEMPTS) throw new Error('redis-server does not start');
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
