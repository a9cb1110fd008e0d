/** `tacit doctor` on settings that are unsafe: each is refused, named, and told how it is mended. And `tacit farm failed`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkChain } from '../../operations/checks/chain.js';
import type { Check } from '../../operations/checks/check.js';
import { checkArtifacts, checkNode } from '../../operations/checks/machine.js';
import { checkRedisUrl } from '../../operations/checks/redis.js';
import { TacitError } from '../../protocol/errors.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import { parseExportedJob } from '../../queue/exportedJob.js';
import { FarmQueue } from '../../queue/farm.js';
import { consumeFarm } from '../../queue/farmWorker.js';
import { makeWorld, type World } from '../aggregator/world.js';
import { envelope, settled, updateJob } from '../prover/farmSupport.js';

const run = promisify(execFile);
const WORKER = `0x${'22'.repeat(20)}`;
let world: World;
let redis: Redis;
beforeAll(async () => {
  world = await makeWorld();
  redis = new Redis(world.redis.url);
}, 120_000);
afterAll(async () => {
  redis?.disconnect();
  await world?.stop();
});

const named = (checks: readonly Check[], name: string) => checks.find((check) => check.name === name);

it('Node is refused where the commands would not start', () => {
  expect(['18.20.4', '20.2.0', '20.3.0', '22.0.0'].map((version) => checkNode(version).state)).toEqual(['wrong', 'wrong', 'ok', 'ok']);
});

describe('Redis', () => {
  it('is refused while it may evict', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const [check] = await checkRedisUrl(world.redis.url, false);
    expect(check).toMatchObject({ state: 'wrong', mend: 'redis-cli CONFIG SET maxmemory-policy noeviction' });
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    expect((await checkRedisUrl(world.redis.url, false)).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  it('is refused without an append-only file where durability is promised, and only there', async () => {
    await redis.config('SET', 'appendonly', 'no');
    expect(named(await checkRedisUrl(world.redis.url, false), 'Redis on disk')).toMatchObject({ state: 'ok' });
    expect(named(await checkRedisUrl(world.redis.url, true), 'Redis on disk')).toMatchObject({
      state: 'wrong',
      mend: expect.stringContaining('appendonly yes'),
    });
    await redis.config('SET', 'appendonly', 'yes');
    expect(named(await checkRedisUrl(world.redis.url, true), 'Redis on disk')).toMatchObject({ state: 'ok', found: 'append-only file' });
  });

  it('that is away leaves the question open, and its password is not told', async () => {
    const [check] = await checkRedisUrl('redis://:canary-password@127.0.0.1:1', false);
    expect(check).toMatchObject({ state: 'unknown', mend: 'start Redis, or correct REDIS_URL' });
    expect(JSON.stringify(check)).not.toContain('canary-password');
  });
});

describe('the chain', () => {
  const ask = (extra: Partial<Parameters<typeof checkChain>[0]> = {}) =>
    checkChain({ rpc: world.anvil.rpcUrl, contract: world.domain.contract, chainId: 31337n, ...extra });

  it('that is meant, with its contract, is well', async () => {
    const { checks, production } = await ask();
    expect(checks.filter(({ state, name }) => state !== 'ok' && !name.startsWith('key of'))).toEqual([]);
    expect(production).toBe(false);
  });

  it('that is not meant is refused', async () => {
    expect(named((await ask({ chainId: 1n })).checks, 'chain')).toMatchObject({
      state: 'wrong',
      found: expect.stringContaining('chain 31337'),
      mend: expect.stringContaining('--rpc'),
    });
  });

  it('whose keys are not this machine’s is refused, circuit by circuit', async () => {
    // The contract of this test verifies with simulated keys; the machine has the circuits'.
    expect(named((await ask()).checks, 'key of transfer_1')).toMatchObject({ state: 'wrong', found: "not the contract's" });
  });

  it('that runs ahead of our clock is told apart from one that stands still', async () => {
    await world.provider.send('evm_increaseTime', [3_600]);
    await world.provider.send('evm_mine', []);
    expect(named((await ask()).checks, 'clock')).toMatchObject({ state: 'wrong', mend: expect.stringContaining('NTP') });
  });

  it('with another account than a contract is refused', async () => {
    const { checks } = await ask({ contract: `0x${'11'.repeat(20)}` });
    expect(named(checks, 'contract')).toMatchObject({ state: 'wrong', mend: 'correct --contract' });
  });
});

describe('the circuits', () => {
  it('A13: development keys are refused where money is real', async () => {
    const dev = named(await checkArtifacts(false, ['transfer_1']), 'circuit transfer_1');
    expect(dev).toMatchObject({ state: 'ok', found: expect.stringContaining('INSECURE') });
    expect(named(await checkArtifacts(true, ['transfer_1']), 'circuit transfer_1')).toMatchObject({
      state: 'wrong',
      mend: expect.stringContaining('ceremony'),
    });
  });
});

describe('a job that failed', () => {
  function tacit(...args: string[]): Promise<{ stdout: string }> {
    const place = ['--rpc', world.anvil.rpcUrl, '--contract', world.rollup.address];
    return run(process.execPath, ['dist/cli/main.js', 'farm', 'failed', ...args, ...place], {
      env: { ...process.env, REDIS_URL: world.redis.url },
    });
  }

  it('is listed with its reason, and comes out as a file that a worker can replay', async () => {
    expect((await tacit('list')).stdout).toBe('none\n');
    const place = { redisUrl: world.redis.url, domain: world.domain, lanes: ['update_2'] as const };
    const farm = await FarmQueue.open(place);
    const leases = await openBullLeases({ ...place, name: 'failing', worker: WORKER });
    const handler = async () => {
      throw new TacitError('ARTIFACT_HASH', 'no');
    };
    const consumer = consumeFarm({ leases, lanes: place.lanes, handler });
    const job = updateJob('hopeless');
    await farm.publish(envelope(job));
    expect((await settled(farm, job.id)).state).toBe('failed');
    await consumer.drain();
    await leases.close();
    await farm.close();
    expect((await tacit('list')).stdout).toMatch(/update_2 +update-hopeless {2}ARTIFACT_HASH: final \(1 tried, 0 died\)/);
    const file = parseExportedJob(JSON.parse((await tacit('export', job.id)).stdout));
    expect(file).toMatchObject({ chainId: '31337', contract: world.domain.contract, failure: { reason: 'ARTIFACT_HASH: final' } });
    expect(file.job).toEqual(job);
    await expect(tacit('export', 'update-unknown')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('JOB_UNKNOWN') });
  }, 300_000);
});
