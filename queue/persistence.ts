/**
 * Whether a Redis keeps its jobs over a restart. The farm does not need it (the node's journal is the truth, a lost queue
 * costs the work in hand), but an operator who promises it must have it.
 */
import { openOnce, type RedisClient, serversOf } from './redisClient.js';

export interface Persistence {
  /** Append-only file: at most a second is lost. */
  readonly appendOnly: boolean;
  /** The last writes to disk went well: of the append-only file, and of the last snapshot. */
  readonly writesSucceed: boolean;
  /** Seconds between snapshots are configured; undefined where this user may not ask. */
  readonly snapshots: boolean | undefined;
}

/** Of a cluster, what holds for every master. @param url of a Redis that `checkRedis` accepts */
export async function readPersistence(url: string): Promise<Persistence> {
  const client = openOnce(url);
  client.on('error', () => {});
  try {
    await client.connect();
    const all = await Promise.all(serversOf(client).map(persistenceOf));
    return {
      appendOnly: all.every(({ appendOnly }) => appendOnly),
      writesSucceed: all.every(({ writesSucceed }) => writesSucceed),
      snapshots: all.some(({ snapshots }) => snapshots === undefined) ? undefined : all.every(({ snapshots }) => snapshots === true),
    };
  } finally {
    client.disconnect();
  }
}

async function persistenceOf(server: RedisClient): Promise<Persistence> {
  const info = await server.info('persistence');
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
  return {
    appendOnly: field('aof_enabled') === '1',
    writesSucceed: field('aof_last_write_status') !== 'err' && field('rdb_last_bgsave_status') !== 'err',
    snapshots: await snapshotsConfigured(server),
  };
}

async function snapshotsConfigured(server: RedisClient): Promise<boolean | undefined> {
  try {
    const [, points] = (await server.config('GET', 'save')) as string[];
    return points !== undefined && points !== '';
  } catch {
    return undefined;
  }
}
