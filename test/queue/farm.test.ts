import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { TacitError } from '../../protocol/errors.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import type { FarmResult, UpdateJob } from '../../queue/contracts.js';
import { parseFarmJob, parseFarmResult } from '../../queue/contracts.js';
import { FarmQueue, failureCode } from '../../queue/farm.js';
import {
  ATTEMPTS,
  farmPrefix,
  LOCK_DURATION_MS,
  LOCK_RENEW_MS,
  MAX_STALLS,
  PASS_DELAY_MS,
  STALLED_INTERVAL_MS,
} from '../../queue/farmOptions.js';
import { consumeFarm, type FarmConsumer, type FarmHandler, PassOn } from '../../queue/farmWorker.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import { code } from '../prover/code.js';
import { envelope, settled } from '../prover/farmSupport.js';
import { DOMAIN } from './smallNode.js';

const RESULT: FarmResult = {
  circuit: 'update_2',
  proof: `0x${'00'.repeat(256)}`,
  h: `0x${'00'.repeat(32)}`,
  prover: `0x${'11'.repeat(20)}`,
  provingMs: 1,
};
const job = (name: string, input: UpdateJob['input'] = { startIndex: '4' }): UpdateJob => ({
  kind: 'update',
  id: `update-${name}`,
  circuit: 'update_2',
  input,
});

// The adapter's behaviour is the same on either server; the real one is used where there is one.
let redis: RunningRedis;
let client: Redis;
let farm: FarmQueue;
let consumers: FarmConsumer[];

beforeAll(async () => {
  redis = await startRedis({ url: '' });
  client = new Redis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  await client.flushall();
  consumers = [];
  farm = await FarmQueue.open({ redisUrl: redis.url, domain: DOMAIN, lanes: ['update_2', 'update_8'] });
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.drain()));
  await farm.close();
});

async function consume(handler: FarmHandler, lanes: readonly ('update_2' | 'update_8')[] = ['update_2']): Promise<FarmConsumer> {
  const leases = await openBullLeases({ redisUrl: redis.url, domain: DOMAIN, lanes, name: 'test', worker: RESULT.prover });
  const running = consumeFarm({ leases, lanes, handler });
  let drained: Promise<void> | undefined;
  const consumer: FarmConsumer = {
    drain: () => {
      drained ??= running.drain().then(() => leases.close());
      return drained;
    },
  };
  consumers.push(consumer);
  return consumer;
}

describe('publishing', () => {
  it('the same id is the same job: it runs once', async () => {
    const runs: string[] = [];
    for (let i = 0; i < 3; i++) await farm.publish(envelope(job('once')));
    await consume(async ({ id }) => {
      runs.push(id);
      return RESULT;
    });
    expect(await settled(farm, 'update-once')).toEqual({ state: 'done', result: RESULT });
    await farm.publish(envelope(job('once')));
    expect(await farm.outcome('update-once')).toEqual({ state: 'done', result: RESULT });
    expect(runs).toEqual(['update-once']);
  });

  it('other content replaces a job that still waits', async () => {
    await farm.publish(envelope(job('new', { startIndex: '4' })));
    await farm.publish(envelope(job('new', { startIndex: '8' })));
    const seen: unknown[] = [];
    await consume(async (taken) => {
      seen.push(taken.kind === 'update' && taken.input.startIndex);
      return RESULT;
    });
    await settled(farm, 'update-new');
    expect(seen).toEqual(['8']);
  });

  it('malformed jobs and results, and lanes that are not open, are refused', async () => {
    const good = job('good');
    const bad: unknown[] = [
      { ...good, id: '17' },
      { ...good, id: 'a:b' },
      { ...good, circuit: 'transfer_1' },
      { ...good, extra: 1 },
      { ...good, input: { startIndex: 4 } },
      { ...good, kind: 'transfer' },
      null,
    ];
    for (const data of bad) expect(await code(() => parseFarmJob(data))).toBe('JOB_MALFORMED');
    expect(await code(() => farm.publish({ id: 'update-other', kind: 'update', data: good }))).toBe('JOB_MALFORMED');
    expect(await code(() => farm.publish(envelope({ ...good, circuit: 'update_32' })))).toBe('LANE_CLOSED');
    const sealedTooFew = { kind: 'transfer', id: 'transfer-none', circuit: 'transfer_1', sealed: [] };
    expect(await code(() => parseFarmJob(sealedTooFew))).toBe('JOB_MALFORMED');
    for (const result of [{ ...RESULT, proof: '0x' }, { ...RESULT, prover: 'me' }, { ...RESULT, more: 1 }, null])
      expect(await code(() => parseFarmResult(result))).toBe('RESULT_MALFORMED');
  });

  it('a forgotten job is absent, and may be published again', async () => {
    await farm.publish(envelope(job('gone')));
    expect(await farm.outcome('update-gone')).toEqual({ state: 'waiting' });
    await farm.forget('update-gone');
    await farm.forget('update-gone');
    expect(await farm.outcome('update-gone')).toEqual({ state: 'absent' });
    await farm.publish(envelope(job('gone')));
    expect(await farm.counts()).toMatchObject({ update_2: { waiting: 1, active: 0, failed: 0 } });
  });
});

describe('a Redis that cannot be used', () => {
  it('is refused when the farm opens', async () => {
    const open = (redisUrl: string) => code(() => FarmQueue.open({ redisUrl, domain: DOMAIN }));
    expect(await open('redis://127.0.0.1:1')).toBe('REDIS_UNREACHABLE');
    await client.config('SET', 'maxmemory-policy', 'allkeys-lfu');
    expect(await open(redis.url)).toBe('REDIS_EVICTING_POLICY');
    await client.config('SET', 'maxmemory-policy', 'noeviction');
  });
});

describe('failing', () => {
  it('a passing failure is tried again, a final one is not, and neither tells more than its code', async () => {
    const tries: Record<string, number> = {};
    await consume(async ({ id }) => {
      tries[id] = (tries[id] ?? 0) + 1;
      if (id === 'update-passing' && tries[id] < 3)
        throw new TacitError('PROVER_DIED', 'secret kumquat', { retryable: true, got: 'secret kumquat' });
      if (id === 'update-final') throw new TacitError('TRANSFER_T8', 'secret kumquat', { got: 'secret kumquat' });
      if (id === 'update-strange') throw new RangeError('secret kumquat');
      return RESULT;
    });
    for (const name of ['passing', 'final', 'strange']) await farm.publish(envelope(job(name)));
    expect((await settled(farm, 'update-passing')).state).toBe('done');
    const codes: string[] = [];
    for (const name of ['final', 'strange']) {
      const outcome = await settled(farm, `update-${name}`);
      codes.push(outcome.state === 'failed' ? failureCode(outcome.reason) : outcome.state);
    }
    expect(codes).toEqual(['TRANSFER_T8', 'UNEXPECTED']);
    expect(tries).toEqual({ 'update-passing': 3, 'update-final': 1, 'update-strange': ATTEMPTS });
    for (const key of await client.keys('*'))
      if ((await client.type(key)) === 'hash') expect(JSON.stringify(await client.hgetall(key))).not.toContain('kumquat');
  });

  it('dead letters are listed with their reason, and can be revived', async () => {
    let well = false;
    await consume(async () => {
      if (!well) throw new TacitError('ARTIFACT_HASH', 'no', {});
      return RESULT;
    });
    await farm.publish(envelope(job('dead')));
    await settled(farm, 'update-dead');
    expect(await farm.deadLetters()).toMatchObject([{ id: 'update-dead', lane: 'update_2', reason: 'ARTIFACT_HASH: final', stalls: 0 }]);
    well = true;
    expect(await farm.revive('update-dead')).toBe(true);
    expect((await settled(farm, 'update-dead', ['done'])).state).toBe('done');
    expect(await farm.revive('update-dead')).toBe(false);
    await farm.publish(envelope(job('dead')));
    expect(await farm.deadLetters()).toEqual([]);
  });

  it('a failed job that is published again runs again', async () => {
    let tries = 0;
    await consume(async () => {
      if (++tries === 1) throw new TacitError('SEAL_EXPIRED', 'late', {});
      return RESULT;
    });
    await farm.publish(envelope(job('again')));
    expect((await settled(farm, 'update-again')).state).toBe('failed');
    await farm.publish(envelope(job('again')));
    expect((await settled(farm, 'update-again', ['done'])).state).toBe('done');
  });

  it('a job that is passed on goes to another worker and costs no attempt', async () => {
    let passed = 0;
    const first = await consume(async () => {
      passed++;
      throw new PassOn();
    });
    await farm.publish(envelope(job('passed')));
    while (passed < ATTEMPTS + 2) await new Promise((resolve) => setTimeout(resolve, PASS_DELAY_MS / 4));
    expect((await farm.outcome('update-passed')).state).not.toBe('failed');
    await first.drain();
    await consume(async () => RESULT);
    expect((await settled(farm, 'update-passed')).state).toBe('done');
  });
});

describe('dying', () => {
  it('locks are short enough for a job to run again within five seconds', () => {
    expect(LOCK_DURATION_MS + 2 * STALLED_INTERVAL_MS).toBeLessThanOrEqual(5_000);
    expect(LOCK_RENEW_MS * 3).toBeLessThanOrEqual(LOCK_DURATION_MS);
  });

  it('A16: a poison job that kills every worker ends as a dead letter', async () => {
    await farm.publish(envelope(job('poison')));
    await client.hset(`${farmPrefix(DOMAIN)}:update_2:update-poison`, 'stc', MAX_STALLS);
    await dieHolding('update-poison');
    let touched = false;
    await consume(async () => {
      touched = true;
      return RESULT;
    });
    const outcome = await settled(farm, 'update-poison');
    expect(outcome.state === 'failed' && failureCode(outcome.reason)).toBe('JOB_STALLED');
    expect(touched).toBe(false);
  });
});

describe('lanes', () => {
  it('one worker proves one job at a time, whatever its lanes', async () => {
    let running = 0;
    let most = 0;
    await consume(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 30));
      running--;
      return RESULT;
    }, ['update_2', 'update_8']);
    const jobs = [0, 1, 2].flatMap((n) => [job(`small-${n}`), { ...job(`big-${n}`), circuit: 'update_8' as const }]);
    for (const each of jobs) await farm.publish(envelope(each));
    for (const { id } of jobs) expect((await settled(farm, id)).state).toBe('done');
    expect(most).toBe(1);
  });

  it('a busy lane starves no other: they have their turns one after the other', async () => {
    const jobs = [0, 1, 2].flatMap((n) => [job(`small-${n}`), { ...job(`big-${n}`), circuit: 'update_8' as const }]);
    const order: string[] = [];
    for (const each of [...jobs].sort((a, b) => (a.circuit < b.circuit ? -1 : 1))) await farm.publish(envelope(each));
    await consume(
      async ({ circuit }) => {
        order.push(circuit);
        return RESULT;
      },
      ['update_2', 'update_8'],
    );
    for (const { id } of jobs) await settled(farm, id);
    expect(order).toEqual(['update_2', 'update_8', 'update_2', 'update_8', 'update_2', 'update_8']);
  });
});

/** A process takes the job and is killed with it in hand. */
async function dieHolding(id: string): Promise<void> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'test', 'queue', 'takeOne.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, REDIS_URL: redis.url },
  });
  let output = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(`took ${id}`)) resolve();
    });
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
