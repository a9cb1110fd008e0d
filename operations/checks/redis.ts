/** Redis: reachable, new enough, never evicting, and durable where that is promised. */
import { isTacitError } from '../../protocol/errors.js';
import { type Persistence, readPersistence } from '../../queue/persistence.js';
import { checkRedis } from '../../queue/redis.js';
import { redactUrl } from '../../queue/redisUrl.js';
import { type Check, messageOf } from './check.js';

const name = 'Redis';

/** @param durable the operator promises that jobs survive a restart of Redis */
export async function checkRedisUrl(url: string | undefined, durable: boolean): Promise<Check[]> {
  if (url === undefined) return [{ name, state: 'skipped', found: 'no REDIS_URL; a server of its own is started where needed' }];
  try {
    const { version, policy } = await checkRedis(url);
    const reached: Check = { name, state: 'ok', found: `${version} at ${redactUrl(url)}, ${policy}` };
    return [reached, persistenceCheck(await readPersistence(url), durable)];
  } catch (error) {
    const unreachable = isTacitError(error) && error.retryable;
    return [
      {
        name,
        state: unreachable ? 'unknown' : 'wrong',
        found: messageOf(error),
        mend: unreachable ? 'start Redis, or correct REDIS_URL' : 'redis-cli CONFIG SET maxmemory-policy noeviction',
      },
    ];
  }
}

function persistenceCheck({ appendOnly, writesSucceed, snapshots }: Persistence, durable: boolean): Check {
  const kept = appendOnly ? 'append-only file' : snapshots === true ? 'snapshots only' : 'keeps nothing on disk';
  const check = { name: 'Redis on disk', found: kept };
  if (!writesSucceed)
    return {
      ...check,
      state: 'wrong',
      found: `${kept}, and its last write failed`,
      mend: 'free the disk that Redis writes to, then redis-cli BGSAVE',
    };
  if (durable && !appendOnly) return { ...check, state: 'wrong', mend: 'redis-cli CONFIG SET appendonly yes, and the same in redis.conf' };
  return { ...check, state: 'ok', found: durable ? kept : `${kept} (a node loses no payment with its queue)` };
}
