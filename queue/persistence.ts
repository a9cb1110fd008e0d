/**
 * Whether a Redis keeps its jobs over a restart. The farm does not need it (the node's journal is the truth, a lost queue
 * costs the work in hand), but an operator who promises it must have it.
 */
import { Redis } from 'ioredis';
import { connectionOptions } from './redis.js';

export interface Persistence {
  /** Append-only file: at most a second is lost. */
  readonly appendOnly: boolean;
  /** The last writes to disk went well: of the append-only file, and of the last snapshot. */
  readonly writesSucceed: boolean;
  /** Seconds between snapshots are configured; undefined where this user may not ask. */
  readonly snapshots: boolean | undefined;
}

/** @param url of a Redis that `checkRedis` accepts */
export async function readPersistence(url: string): Promise<Persistence> {
  const { url: address, connectTimeout } = connectionOptions(url);
  const client = new Redis(address, { connectTimeout, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on('error', () => {});
  try {
    const info = await client.info('persistence');
    const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
    return {
      appendOnly: field('aof_enabled') === '1',
      writesSucceed: field('aof_last_write_status') !== 'err' && field('rdb_last_bgsave_status') !== 'err',
      snapshots: await snapshotsConfigured(client),
    };
  } finally {
    client.disconnect();
  }
}

async function snapshotsConfigured(client: Redis): Promise<boolean | undefined> {
  try {
    const [, points] = (await client.config('GET', 'save')) as string[];
    return points !== undefined && points !== '';
  } catch {
    return undefined;
  }
}
