/** Redis over TLS, in each of its three forms, as processes find it that trust a private authority by NODE_EXTRA_CA_CERTS. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { hasProgram } from '../prover/programs.js';
import { type RedisGroup, startCluster, startSentinel, startSingle } from './redisGroups.js';
import { makeTlsFiles, type TlsFiles } from './tlsFiles.js';

const LIMIT_MS = 120_000;
let dir: string;
/** For 127.0.0.1, and for the name localhost alone. */
let byAddress: TlsFiles;
let byName: TlsFiles;
let redis: RedisGroup | undefined;

const able = hasProgram('redis-server') && hasProgram('openssl');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tacit-tls-'));
  if (!able) return;
  const [first, second] = [await mkdtemp(join(dir, 'address-')), await mkdtemp(join(dir, 'name-'))];
  byAddress = makeTlsFiles(first, ['IP:127.0.0.1']);
  byName = makeTlsFiles(second, ['DNS:localhost']);
}, LIMIT_MS);
afterEach(async () => {
  await redis?.stop();
  redis = undefined;
}, LIMIT_MS);
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What became of one job, in a process that trusts this authority, or none of its own. */
async function oneJob(url: string, ca?: string): Promise<string> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [join(packageRoot(), 'dist', 'test', 'queue', 'oneJob.js')], {
    env: { ...env, REDIS_URL: url, ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }) },
    timeout: LIMIT_MS,
  });
  return stdout.trim();
}

describe.skipIf(!able)('a Redis with TLS', () => {
  it(
    'is one server: a job goes the whole way; an authority that is not trusted, or no TLS, is refused',
    async () => {
      redis = await startSingle({ tls: byAddress });
      expect(await oneJob(redis.url, byAddress.ca)).toBe('done');
      expect(await oneJob(redis.url)).toMatch(/^REDIS_UNREACHABLE .*certificate/);
      expect(await oneJob(redis.url, byName.ca)).toMatch(/^REDIS_UNREACHABLE .*certificate/);
      expect(await oneJob(redis.url.replace('rediss:', 'redis:'), byAddress.ca)).toMatch(/^REDIS_UNREACHABLE /);
    },
    LIMIT_MS,
  );

  it(
    'is a cluster, known by addresses',
    async () => {
      redis = await startCluster({ tls: byAddress });
      expect(await oneJob(redis.url, byAddress.ca)).toBe('done');
      expect(await oneJob(redis.url)).toMatch(/^REDIS_UNREACHABLE /);
    },
    LIMIT_MS,
  );

  it(
    'is a cluster, known by names: certificates are held against the name, not the address behind it',
    async () => {
      redis = await startCluster({ tls: byName, hostname: 'localhost' });
      expect(await oneJob(redis.url, byName.ca)).toBe('done');
      expect(await oneJob(redis.url.replaceAll('localhost', '127.0.0.1'), byName.ca)).toMatch(/^REDIS_UNREACHABLE /);
    },
    LIMIT_MS,
  );

  it(
    'is a master that sentinels name, with TLS to both',
    async () => {
      redis = await startSentinel({ tls: byAddress });
      expect(await oneJob(redis.url, byAddress.ca)).toBe('done');
      expect(await oneJob(redis.url)).toMatch(/^REDIS_UNREACHABLE /);
    },
    LIMIT_MS,
  );
});
