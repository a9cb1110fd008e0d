import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { createRedisServer } from 'js-redis-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBullLeases } from '../../queue/bullLeases.js';
import { FarmQueue } from '../../queue/farm.js';
import { consumeFarm } from '../../queue/farmWorker.js';
import { checkRedis, compareVersions, type RunningRedis, startRedis } from '../../queue/redis.js';
import { farmConnection } from '../../queue/redisClient.js';
import { redactUrl } from '../../queue/redisUrl.js';
import { code } from '../prover/code.js';
import { settled } from '../prover/farmSupport.js';
import { DOMAIN } from './smallNode.js';

const hasServer = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'redis-server')));
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tacit-redis-test-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe.skipIf(!hasServer)('redis-server of the PATH', () => {
  let redis: RunningRedis;
  const dir = (): string => join(scratch, 'server');

  it('is started on a port of its own, with a password, and keeps what it is told across a restart', async () => {
    redis = await startRedis({ url: '', dir: dir() });
    expect(redis.kind).toBe('server');
    const client = new Redis(redis.url);
    await client.set('kept', 'yes');
    client.disconnect();
    expect(await code(() => checkRedis(redis.url.replace(/:[^:@]*@/, ':wrong@')))).toBe('REDIS_UNREACHABLE');
    await redis.stop();
    await redis.stop();
    expect((await readdir(dir())).length).toBeGreaterThan(0);
    redis = await startRedis({ url: '', dir: dir() });
    const again = new Redis(redis.url);
    expect(await again.get('kept')).toBe('yes');
    again.disconnect();
    await redis.stop();
  });

  it('A16: an evicting policy is refused, set before or after', async () => {
    for (const policy of ['allkeys-lru', 'volatile-ttl']) {
      redis = await startRedis({ url: '' });
      const client = new Redis(redis.url);
      expect(await checkRedis(redis.url)).toMatchObject({ policy: 'noeviction' });
      await client.config('SET', 'maxmemory-policy', policy);
      await expect(startRedis({ url: redis.url })).rejects.toMatchObject({
        code: 'REDIS_EVICTING_POLICY',
        expected: 'noeviction',
        got: policy,
        retryable: false,
      });
      client.disconnect();
      await redis.stop();
    }
  });

  it('a server given by its URL is used and left running', async () => {
    redis = await startRedis({ url: '' });
    const external = await startRedis({ url: redis.url });
    expect(external.kind).toBe('external');
    await external.stop();
    expect(await checkRedis(redis.url)).toMatchObject({ policy: 'noeviction' });
    await redis.stop();
  });

  it.each(['process.exit(0)', "process.kill(process.pid, 'SIGKILL')"])('ends with the process that started it: %s', async (end) => {
    const module = JSON.stringify(join(process.cwd(), 'dist/queue/redis.js'));
    const script = `import { startRedis } from ${module}; const redis = await startRedis({ url: '' }); console.log(redis.url); setTimeout(() => ${end}, 50);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let url = '';
    child.stdout.on('data', (chunk: Buffer) => {
      url += chunk.toString();
    });
    await once(child, 'close');
    expect(url).toMatch(/^redis:/);
    const isUp = async () => (await code(() => checkRedis(url.trim()))) === 'nothing thrown';
    for (let tries = 0; tries < 100 && (await isUp()); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await code(() => checkRedis(url.trim()))).toBe('REDIS_UNREACHABLE');
  });
});

describe('the embedded server', () => {
  it('says that it keeps nothing, and serves', async () => {
    const lines: string[] = [];
    const redis = await startRedis({ url: '', embeddedOnly: true, log: (line) => lines.push(line) });
    expect(redis.kind).toBe('embedded');
    expect(lines.join()).toContain('keeps nothing');
    const client = new Redis(redis.url);
    await client.set('a', 'b');
    expect(await client.get('a')).toBe('b');
    client.disconnect();
    await redis.stop();
  });

  it('carries farm jobs', async () => {
    const redis = await startRedis({ url: '', embeddedOnly: true });
    const farm = await FarmQueue.open({ redisUrl: redis.url, domain: DOMAIN, lanes: ['update_2'] });
    const result = {
      circuit: 'update_2' as const,
      proof: `0x${'00'.repeat(256)}`,
      h: `0x${'00'.repeat(32)}`,
      prover: `0x${'11'.repeat(20)}`,
      provingMs: 1,
    };
    const lanes = ['update_2'] as const;
    const leases = await openBullLeases({ redisUrl: redis.url, domain: DOMAIN, lanes, name: 'test', worker: result.prover });
    const consumer = consumeFarm({ leases, lanes, handler: async () => result });
    const job = { kind: 'update' as const, id: 'update-embedded', circuit: 'update_2' as const, input: {} };
    await farm.publish({ id: job.id, kind: job.kind, data: job });
    expect(await settled(farm, job.id)).toEqual({ state: 'done', result });
    await consumer.drain();
    await leases.close();
    await farm.close();
    await redis.stop();
  });
});

describe('a Redis that was away', () => {
  it.each(['redis://127.0.0.1:6379', 'redis-sentinel://127.0.0.1:26379/farm'])(
    'A16: is looked for every second, however long it was, at %s',
    (url) => {
      const { connection, close } = farmConnection(url);
      const { retryStrategy } = connection as { retryStrategy: (times: number) => number };
      // An hour of tries; BullMQ's own pauses are 20 s long after ten.
      const pauses = Array.from({ length: 3_600 }, (_, times) => retryStrategy(times + 1));
      expect(Math.min(...pauses)).toBeGreaterThan(0);
      expect(Math.max(...pauses)).toBe(1_000);
      close();
    },
  );
});

describe('what is said of a Redis', () => {
  it('unreachable is retryable, and the password is not printed', async () => {
    const failure = startRedis({ url: 'redis://:secret@127.0.0.1:1' });
    await expect(failure).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE', retryable: true });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
    expect(redactUrl('redis://user:secret@host:1/2')).toBe('redis://***@host:1/2');
    // As `openssl rand -base64` makes them, and put into the URL without encoding.
    for (const password of ['se/cr+et==', 's@cret', 's@c/r@t'])
      expect(redactUrl(`redis://user:${password}@host:1/2`)).toBe('redis://***@host:1/2');
    expect(redactUrl('redis-sentinel://:a/b@host:1/name?sentinelPassword=secret')).toBe(
      'redis-sentinel://***@host:1/name?sentinelPassword=***',
    );
  });

  it('one that is too old is refused', async () => {
    const old = await createRedisServer({ port: 0, compatibility: { flavor: 'redis', version: '6.0.20' } });
    const url = `redis://127.0.0.1:${old.port}`;
    await expect(startRedis({ url })).rejects.toMatchObject({
      code: 'REDIS_TOO_OLD',
      expected: '>= 6.2.0',
      got: '6.0.20',
      retryable: false,
    });
    await old.close();
  });

  it('versions compare by number', () => {
    expect(compareVersions('6.2.0', '6.10')).toBe(-1);
    expect(compareVersions('7.0.15', '6.2.0')).toBe(1);
    expect(compareVersions('6.2', '6.2.0')).toBe(0);
    expect(compareVersions('unknown', '6.2.0')).toBe(-1);
  });
});
