/** A worker with a Redis user of its own: it can do its work and nothing else. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordHash } from '../../protocol/record.js';
import { workerAclLine } from '../../queue/acl.js';
import { farmPrefix } from '../../queue/farmOptions.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { makeWorld, provenSubmission, recordOf, settledStatus, type World } from '../aggregator/world.js';

const PASSWORD = 'a password for tests only';
let world: World;
let admin: Redis;
let worker: Redis;

beforeAll(async () => {
  world = await makeWorld();
  admin = new Redis(world.redis.url);
  const address = world.anvil.accounts[3]?.address.toLowerCase() ?? '';
  const line = workerAclLine({ user: 'worker-1', password: PASSWORD, address, lanes: ['update_2'] }, world.domain);
  await admin.call('ACL', 'SETUSER', ...line.split(' ').slice(1));
  const url = new URL(world.redis.url);
  url.username = 'worker-1';
  url.password = encodeURIComponent(PASSWORD);
  await world.worker({ redisUrl: url.href, lanes: ['update_2'] });
  worker = new Redis(url.href);
}, 120_000);
afterAll(async () => {
  worker?.disconnect();
  admin?.disconnect();
  await world?.stop();
});

describe('a worker’s Redis user', () => {
  it('is enough to prove updates until a transfer has settled, with nothing denied', async () => {
    const node = await world.start();
    const client = new GatewayClient(node.url);
    const record = recordOf(3);
    await client.submit(provenSubmission(record, (await world.rollup.state()).noteRoot, world.domain));
    expect((await settledStatus(client, recordHash(record, world.domain))).status).toBe('settled');
    expect(await admin.call('ACL', 'LOG')).toEqual([]);
  });

  it.each([
    ['flush', ['FLUSHALL']],
    ['flush its database', ['FLUSHDB']],
    ['read settings', ['CONFIG', 'GET', '*']],
    ['change settings', ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']],
    ['list keys', ['KEYS', '*']],
    ['walk through keys', ['SCAN', '0']],
    ['make itself another user', ['ACL', 'SETUSER', 'default', 'on']],
    ['stop the server', ['SHUTDOWN']],
    ['watch others', ['MONITOR']],
    ['copy the data away', ['REPLICAOF', '127.0.0.1', '1']],
  ])('A16: cannot %s → NOPERM', async (_what, [command, ...rest]) => {
    await expect(worker.call(command as string, ...rest)).rejects.toThrow(/^NOPERM/);
  });

  it.each([
    ['another lane', () => `${farmPrefix(world.domain)}:transfer_1:1`],
    ['another farm', () => '{tacit-1-0x00}:update_2:1'],
    ['another worker’s line', () => `${farmPrefix(world.domain)}:workers:0x${'22'.repeat(20)}`],
    ['anything else', () => 'somebody:else'],
  ])('A16: cannot touch %s, directly or by a script → NOPERM', async (_what, key) => {
    await expect(worker.get(key())).rejects.toThrow(/^NOPERM/);
    await expect(worker.set(key(), 'x')).rejects.toThrow(/^NOPERM/);
    await expect(worker.eval("return redis.call('GET', KEYS[1])", 1, key())).rejects.toThrow(/NOPERM|ACL|access/i);
  });

  it('A16: may put itself on the list of workers, and can take nobody off it, nor read it', async () => {
    const list = `${farmPrefix(world.domain)}:workers`;
    const other = `0x${'22'.repeat(20)}`;
    await admin.sadd(list, other);
    await worker.sadd(list, `0x${'33'.repeat(20)}`);
    await expect(worker.srem(list, other)).rejects.toThrow(/^NOPERM/);
    await expect(worker.del(list)).rejects.toThrow(/^NOPERM/);
    await expect(worker.rename(list, `${farmPrefix(world.domain)}:update_2:x`)).rejects.toThrow(/^NOPERM/);
    await expect(worker.smembers(list)).rejects.toThrow(/^NOPERM/);
    await expect(worker.eval("return redis.call('SREM', KEYS[1], ARGV[1])", 1, list, other)).rejects.toThrow(/NOPERM|ACL|access/i);
    expect(await admin.sismember(list, other)).toBe(1);
  });

  it('needs a name and a password worth the name', () => {
    const good = { user: 'worker-1', password: PASSWORD, address: `0x${'33'.repeat(20)}`, lanes: [] };
    expect(() => workerAclLine({ ...good, user: 'a b' }, world.domain)).toThrow(expect.objectContaining({ code: 'ACL_USER' }));
    expect(() => workerAclLine({ ...good, password: 'short' }, world.domain)).toThrow(expect.objectContaining({ code: 'ACL_PASSWORD' }));
    expect(workerAclLine(good, world.domain)).not.toContain(PASSWORD);
  });
});
