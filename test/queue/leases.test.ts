/** One contract for both ways to a job: a real Redis, and real HTTP in front of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import { TacitError } from '../../protocol/errors.js';
import type { FarmResult, TransferJob, UpdateJob } from '../../queue/contracts.js';
import { FarmQueue, failureCode } from '../../queue/farm.js';
import { farmPrefix, LOCK_DURATION_MS } from '../../queue/farmOptions.js';
import { consumeFarm, PassOn } from '../../queue/farmWorker.js';
import type { Lease, LeasePort } from '../../queue/lease.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import { code } from '../prover/code.js';
import { envelope, settled } from '../prover/farmSupport.js';
import { type FarmAt, type FarmGateway, keyOf, lineOf, openLeasesOf, startFarmGateway } from './leaseSupport.js';
import { DOMAIN } from './smallNode.js';

const LANES = ['transfer_1', 'update_2', 'update_8'] as const;
const [FIRST, SECOND] = [keyOf(1), keyOf(2)];
const never = new AbortController().signal;
const LONG_MS = 600_000;

let redis: RunningRedis;
let client: Redis;
let farm: FarmQueue;

beforeAll(async () => {
  redis = await startRedis({ url: '' });
  client = new Redis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

const result = (key: Uint8Array, provingMs = 1): FarmResult => ({
  circuit: 'update_2',
  proof: `0x${'00'.repeat(256)}`,
  h: `0x${'00'.repeat(32)}`,
  prover: evmAddressOfKey(key),
  provingMs,
});
const job = (name: string, change: Partial<UpdateJob> = {}): UpdateJob => ({
  kind: 'update',
  id: `update-${name}`,
  circuit: 'update_2',
  input: { startIndex: '4' },
  ...change,
});
const sealedFor = (name: string, ...keys: Uint8Array[]): TransferJob => ({
  kind: 'transfer',
  id: `transfer-${name}`,
  circuit: 'transfer_1',
  sealed: [
    {
      recordHash: `0x${'01'.repeat(32)}`,
      rosterId: `0x${'02'.repeat(32)}`,
      expiry: 4_000_000_000,
      recipients: keys.map((key) => ({
        address: evmAddressOfKey(key),
        ephemeral: `0x${'03'.repeat(32)}`,
        wrapped: `0x${'04'.repeat(48)}`,
      })),
      nonce: `0x${'05'.repeat(24)}`,
      ciphertext: '0x0606',
    },
  ],
});
const lockOf = ({ lane, id }: Lease): string => `${farmPrefix(DOMAIN)}:${lane}:${id}:lock`;

describe.each(['BullMQ', 'HTTP'] as const)('a lease by %s', (transport) => {
  let gateway: FarmGateway | undefined;
  let at: FarmAt;
  const open: LeasePort[] = [];

  beforeEach(async () => {
    await client.flushall();
    farm = await FarmQueue.open({ redisUrl: redis.url, domain: DOMAIN, lanes: LANES });
    gateway = transport === 'HTTP' ? await startFarmGateway(redis.url, LANES) : undefined;
    at = gateway === undefined ? { redisUrl: redis.url } : { node: gateway.url };
  });
  afterEach(async () => {
    for (const port of open.splice(0)) await port.close();
    await gateway?.close();
    await farm.close();
  });

  async function worker(key: Uint8Array, given?: typeof fetch): Promise<LeasePort> {
    const port = await openLeasesOf(at, key, LANES, given);
    open.push(port);
    await port.announce(await lineOf(key, LANES, DOMAIN, signerFromKey(key)));
    return port;
  }
  async function taken(port: LeasePort, lanes: readonly (typeof LANES)[number][] = ['update_2']): Promise<Lease> {
    const lease = await port.take(lanes, never);
    if (lease === undefined) throw new Error('nothing was taken');
    // Nobody renews it here, and the machine may be slow.
    await client.pexpire(lockOf(lease), LONG_MS);
    return lease;
  }

  it('is taken and answered; the same answer again is the same answer', async () => {
    const port = await worker(FIRST);
    await farm.publish(envelope(job('a')));
    const lease = await taken(port);
    expect(lease.job).toEqual(job('a'));
    expect((await farm.outcome(lease.id)).state).toBe('active');
    await port.answer(lease, result(FIRST));
    expect(await farm.outcome(lease.id)).toEqual({ state: 'done', result: result(FIRST) });
    await port.answer(lease, result(FIRST));
    expect(await code(() => port.answer(lease, result(FIRST, 2)))).toBe('LEASE_LOST');
  });

  it('waits for a job that comes later, in any of its lanes; whoever stops waiting gets none', async () => {
    const port = await worker(FIRST);
    const gone = new AbortController();
    const nothing = port.take(['update_8'], gone.signal);
    const later = taken(await worker(SECOND), ['update_2', 'transfer_1']);
    await farm.publish(envelope(job('later')));
    expect((await later).id).toBe('update-later');
    gone.abort();
    expect(await nothing).toBeUndefined();
  });

  it('is renewed by who holds it, and lost to everybody else', async () => {
    const [port, other] = [await worker(FIRST), await worker(SECOND)];
    await farm.publish(envelope(job('kept')));
    const lease = await taken(port);
    await port.renew(lease);
    expect(await client.pttl(lockOf(lease))).toBeLessThanOrEqual(LOCK_DURATION_MS);
    await client.pexpire(lockOf(lease), LONG_MS);
    const stolen = { ...lease, token: lease.token.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) };
    for (const thief of [port, other]) {
      expect(await code(() => thief.renew(stolen))).toBe('LEASE_LOST');
      expect(await code(() => thief.answer(stolen, result(thief === port ? FIRST : SECOND)))).toBe('LEASE_LOST');
      expect(await code(() => thief.giveBack(stolen))).toBe('LEASE_LOST');
      expect(await code(() => thief.fail(stolen, { code: 'TRANSFER_T8', retryable: false }))).toBe('LEASE_LOST');
      expect(await code(() => thief.report(stolen, { stage: 'checked', worker: evmAddressOfKey(thief === port ? FIRST : SECOND) }))).toBe(
        'LEASE_LOST',
      );
    }
    expect(await farm.progress(lease.id)).toBeUndefined();
    await port.answer(lease, result(FIRST));
  });

  it('that has run out is lost: no answer, no report, no giving back', async () => {
    const port = await worker(FIRST);
    await farm.publish(envelope(job('late')));
    const lease = await taken(port);
    await client.del(lockOf(lease));
    expect(await code(() => port.renew(lease))).toBe('LEASE_LOST');
    expect(await code(() => port.report(lease, { stage: 'checked', worker: evmAddressOfKey(FIRST) }))).toBe('LEASE_LOST');
    expect(await code(() => port.answer(lease, result(FIRST)))).toBe('LEASE_LOST');
    expect(await code(() => port.giveBack(lease))).toBe('LEASE_LOST');
    // And somebody else has the job, when it has been found without a lock.
    const heir = await taken(await worker(SECOND));
    expect([heir.id, heir.token === lease.token]).toEqual([lease.id, false]);
  });

  it('given back goes to another and counts as no attempt', async () => {
    const port = await worker(FIRST);
    await farm.publish(envelope(job('passed')));
    const lease = await taken(port);
    await port.giveBack(lease);
    const heir = await taken(await worker(SECOND));
    expect(heir.id).toBe(lease.id);
    expect(Number(await client.hget(`${farmPrefix(DOMAIN)}:update_2:${lease.id}`, 'atm'))).toBe(0);
  });

  it('failed for good is a dead letter, failed for now is tried again; only the code is told', async () => {
    const port = await worker(FIRST);
    await farm.publish(envelope(job('failing')));
    await port.fail(await taken(port), { code: 'PROVER_DIED', retryable: true });
    await port.fail(await taken(port), { code: 'ARTIFACT_HASH', retryable: false });
    const outcome = await settled(farm, 'update-failing');
    expect(outcome.state === 'failed' && [failureCode(outcome.reason), outcome.reason]).toEqual(['ARTIFACT_HASH', 'ARTIFACT_HASH: final']);
  });

  it('tells the node how far the work is', async () => {
    const port = await worker(FIRST);
    await farm.publish(envelope(job('told')));
    const lease = await taken(port);
    await port.report(lease, { stage: 'checked', worker: evmAddressOfKey(FIRST) });
    expect(await farm.progress(lease.id)).toEqual({ stage: 'checked', worker: evmAddressOfKey(FIRST) });
  });

  it('A16: is given only to those that the job is for', async () => {
    const [first, second] = [await worker(FIRST), await worker(SECOND)];
    await farm.publish(envelope(sealedFor('second', SECOND)));
    await farm.publish(envelope(job('avoid', { avoid: [evmAddressOfKey(SECOND)] })));
    const [mine, theirs] = await Promise.all([taken(first, [...LANES]), taken(second, [...LANES])]);
    expect([mine.id, theirs.id]).toEqual(['update-avoid', 'transfer-second']);
  });

  it('A15: of a worker that is killed goes to another', async () => {
    await farm.publish(envelope(job('orphan')));
    await dieHolding('update-orphan', at);
    const heir = await taken(await worker(SECOND));
    expect(heir.id).toBe('update-orphan');
  });

  it('the consumer answers, passes on, and fails; the next job is taken whatever became of the last', async () => {
    const port = await worker(FIRST);
    const seen: string[] = [];
    const consumer = consumeFarm({
      leases: port,
      lanes: ['update_2'],
      handler: async ({ id }) => {
        seen.push(id);
        if (id === 'update-passed' && seen.filter((name) => name === id).length === 1) throw new PassOn();
        if (id === 'update-false') throw new TacitError('TRANSFER_T8', 'secret 4711');
        return result(FIRST);
      },
    });
    for (const name of ['passed', 'false', 'true']) await farm.publish(envelope(job(name)));
    const outcomes = [];
    for (const name of ['passed', 'false', 'true']) outcomes.push((await settled(farm, `update-${name}`)).state);
    expect(outcomes).toEqual(['done', 'failed', 'done']);
    await consumer.drain();
  });

  it.runIf(transport === 'HTTP')('a report that is lost on its way is told again while the work goes on', async () => {
    let losses = 2;
    const port = await worker(FIRST, (input, init) => {
      if (!String(input).endsWith('/progress') || losses-- <= 0) return fetch(input, init);
      return Promise.reject(new TypeError('fetch failed'));
    });
    const consumer = consumeFarm({
      leases: port,
      lanes: ['update_2'],
      handler: async ({ id }, report) => {
        await report({ stage: 'checked', worker: evmAddressOfKey(FIRST) });
        while ((await farm.progress(id)) === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
        return result(FIRST);
      },
    });
    await farm.publish(envelope(job('told-again')));
    expect((await settled(farm, 'update-told-again')).state).toBe('done');
    expect(losses).toBeLessThan(0);
    await consumer.drain();
  });

  it.runIf(transport === 'HTTP')('A15: a connection that is lost in mid-proof, and a node that is restarted, cost nothing', async () => {
    let cut = false;
    let failed = 0;
    const port = await worker(FIRST, (input, init) => {
      if (!cut) return fetch(input, init);
      failed++;
      return Promise.reject(new TypeError('fetch failed'));
    });
    const consumer = consumeFarm({
      leases: port,
      lanes: ['update_2'],
      handler: async () => {
        cut = true;
        const tries = failed;
        while (failed < tries + 1) await new Promise((resolve) => setTimeout(resolve, 20));
        const { port: same } = new URL(gateway?.url as string);
        await gateway?.close();
        gateway = await startFarmGateway(redis.url, LANES, { port: Number(same) });
        cut = false;
        return result(FIRST);
      },
    });
    await farm.publish(envelope(job('cut')));
    expect((await settled(farm, 'update-cut')).state).toBe('done');
    await consumer.drain();
  });
});

/** A process takes the job and is killed with it in hand. */
async function dieHolding(id: string, at: FarmAt): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [join(packageRoot(), 'dist', 'test', 'queue', 'takeOne.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(at.node === undefined ? { REDIS_URL: at.redisUrl } : { NODE_URL: at.node }) },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(`took ${id}`)) resolve();
    });
    child.once('exit', () => reject(new Error(`it ended by itself: ${output}`)));
  });
  child.kill('SIGKILL');
  await ended;
}
