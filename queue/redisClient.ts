/**
 * Connections to the farm's Redis, whatever stands behind its URL: one server, a cluster, a master that sentinels name.
 *
 * BullMQ makes its own connections out of options for one server and for sentinels, but takes a cluster only as a client that
 * exists already; `farmConnection` hides the difference.
 */
import type { ConnectionOptions } from 'bullmq';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisPlace } from './redisUrl.js';

export type RedisClient = Redis | Cluster;

const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A host that went dark in the middle of a question would be waited for until TCP gives up, a quarter of an hour. No answer of
 * the farm's takes longer than the ten seconds for which BullMQ lets a command block.
 */
const SILENCE_MS = 15_000;
/** A server that is back is found again this soon, however long it was away. BullMQ's own pauses grow to 20 s. */
const RECONNECT_MAX_MS = 1_000;
const RECONNECT_STEP_MS = 50;
/** While a replica takes over, questions are asked again this often. */
const FAILOVER_RETRY_MS = 250;
const RECONNECT_AND_ASK_AGAIN = 2 as const;

/** Gives up at once where nobody answers: for a first look, not for a working connection. */
export function openOnce(url: string): RedisClient {
  const once = { retryStrategy: () => null, maxRetriesPerRequest: 0, connectTimeout: CONNECT_TIMEOUT_MS };
  return open(parseRedisUrl(url), { ...once, lazyConnect: true, sentinelRetryStrategy: () => null }, { clusterRetryStrategy: () => null });
}

/** Waits for a lost server as long as it takes. */
export function openLasting(url: string): RedisClient {
  return open(parseRedisUrl(url), lasting(), {});
}

/** The servers that hold keys: every master of a cluster, or the one there is. */
export function serversOf(client: RedisClient): RedisClient[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

export interface FarmConnection {
  /** For queues, workers and event readers of BullMQ. */
  readonly connection: ConnectionOptions;
  /** After everything that uses it is closed. */
  close(): void;
}

export function farmConnection(url: string): FarmConnection {
  const place = parseRedisUrl(url);
  // BullMQ wants its blocking commands never to give up.
  if (place.kind === 'single') return { connection: { url, ...lasting() }, close: () => {} };
  if (place.kind === 'sentinel') return { connection: { ...sentinelOptions(place), ...lasting() }, close: () => {} };
  const client = open(place, lasting(), {});
  return { connection: client, close: () => client.disconnect() };
}

function lasting() {
  return {
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_MAX_MS),
  } satisfies RedisOptions;
}

function open(place: RedisPlace, options: RedisOptions, cluster: ClusterOptions): RedisClient {
  if (place.kind === 'single') return new Redis(place.url, options);
  if (place.kind === 'sentinel') return new Redis({ ...sentinelOptions(place), ...options });
  // What is for one connection only is not for the pool's; the cluster does its own retrying.
  const { lazyConnect = false, retryStrategy: _, sentinelRetryStrategy: __, ...each } = options;
  return new Cluster([...place.nodes], {
    lazyConnect,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    retryDelayOnFailover: FAILOVER_RETRY_MS,
    // A certificate names the host as it was written: looked up first, only its address would be left to compare with.
    ...(place.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
    redisOptions: { ...each, ...place.login, ...(place.tls ? { tls: {} } : {}) },
    ...cluster,
  });
}

function sentinelOptions(place: Extract<RedisPlace, { kind: 'sentinel' }>) {
  const { username, password } = place.sentinelLogin;
  return {
    sentinels: [...place.sentinels],
    name: place.name,
    db: place.db,
    ...place.login,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(place.tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
    // A master that was made a replica behind a standing connection: ask the sentinels again.
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? RECONNECT_AND_ASK_AGAIN : (false as const)),
  } satisfies RedisOptions;
}
