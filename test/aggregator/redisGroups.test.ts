/**
 * The pipeline (deposit, sealed transfer, farm, settlement) with a Redis that is more than one server: a cluster of three
 * masters, and a master that dies in the middle of a proof and is replaced by its replica.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { checkRedisUrl } from '../../operations/checks/redis.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { workerAclLine } from '../../queue/acl.js';
import { farmPrefix } from '../../queue/farmOptions.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { checkRedis } from '../../queue/redis.js';
import { hasProgram } from '../prover/programs.js';
import { type RedisGroup, startCluster, startSentinel } from '../queue/redisGroups.js';
import { hex, sealForSimulated } from './simulatedFarm.js';
import { auditedReplay, makeWorld, recordOf, statusNow, until, type World } from './world.js';

/** A failover and everybody's coming back, on a slow machine. */
const LIMIT_MS = 240_000;
const WORKER_PASSWORD = 'no-more-than-it-needs';
let world: World | undefined;

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** Seals a transfer for the roster and hands it in. */
async function submit({ domain, rollup }: World, client: GatewayClient, n: number): Promise<string> {
  const roster = await until(
    () => client.roster(),
    ({ workers }) => workers.length === 1,
    'a worker in the roster',
    2 * LIMIT_MS,
  );
  const [record, { noteRoot }] = [recordOf(n), await rollup.state()];
  const id = recordHash(record, domain);
  const sealed = sealForSimulated(record, noteRoot, roster, domain);
  await client.submit({ id, record: bytesToHex(encodeRecord(record)), sealed, anchor: hex(noteRoot) });
  return id;
}

const settled = (client: GatewayClient, id: string) =>
  until(
    () => statusNow(client, id),
    ({ status }) => status === 'settled' || status === 'failed',
    `settled: ${id}`,
    2 * LIMIT_MS,
  );

describe.skipIf(!hasProgram('redis-server'))('a Redis of several servers', () => {
  it(
    'a cluster carries the whole way; all keys of the farm lie in one slot',
    async () => {
      const redis: RedisGroup = await startCluster();
      world = await makeWorld(redis);
      const node = await world.start();
      // The worker is a user who may do no more than work; each server is told of him.
      const key = world.anvil.accounts[3]?.address.toLowerCase() as string;
      const user = { user: 'worker', password: WORKER_PASSWORD, address: key, lanes: ['transfer_1', 'update_2', 'update_8'] as const };
      const [, , ...rules] = workerAclLine(user, world.domain).split(' ');
      for (const server of redis.clients) await server.call('ACL', 'SETUSER', 'worker', ...rules);
      const worker = await world.worker({ redisUrl: redis.url.replace(/\/\/[^@]*@/, `//worker:${WORKER_PASSWORD}@`) });
      const client = new GatewayClient(node.url);
      await world.deposit(5n, 71n);
      const id = await submit(world, client, 1);
      expect(await settled(client, id)).toMatchObject({ status: 'settled', prover: worker.address });
      for (const server of redis.clients) expect(await server.call('ACL', 'LOG')).toEqual([]);
      expect((await node.inspect()).farm?.workers).toHaveLength(1);
      const holders = (await Promise.all(redis.clients.map((server) => server.dbsize()))).filter((keys) => keys > 0);
      expect(holders).toHaveLength(1);
      const slot = (key: string) => redis.clients[0]?.cluster('KEYSLOT', key);
      expect(await slot(`${farmPrefix(world.domain)}:update_2:id`)).toBe(await slot(`${farmPrefix(world.domain)}:workers`));
      expect(await checkRedisUrl(redis.url, false)).toMatchObject([
        { state: 'ok' },
        { state: 'ok', found: expect.stringContaining('nothing') },
      ]);
      // One master that may evict is enough to lose jobs.
      await redis.clients[2]?.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(checkRedis(redis.url)).rejects.toMatchObject({ code: 'REDIS_EVICTING_POLICY', got: 'allkeys-lru' });
    },
    2 * LIMIT_MS,
  );

  it(
    'a master that dies in the middle of a proof is replaced, and everything settles once',
    async () => {
      const redis = await startSentinel();
      world = await makeWorld(redis);
      const node = await world.start();
      let reached = (): void => {};
      const inHand = new Promise<void>((resolve) => {
        reached = resolve;
      });
      let release = (): void => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      await world.worker({
        at: async (phase, job) => {
          if (phase !== 'proving' || job.kind !== 'transfer') return;
          reached();
          await released;
        },
      });
      const client = new GatewayClient(node.url);
      const id = await submit(world, client, 1);
      await inHand;
      await redis.killMaster();
      release();
      // Until the replica has taken over, the node takes nothing new in, and says so.
      const whole = world;
      const taken = () =>
        submit(whole, client, 2).catch((error: { retryable?: boolean }) => {
          if (error.retryable !== true) throw error;
          return undefined;
        });
      const second = (await until(taken, (answer) => answer !== undefined, 'taken in', LIMIT_MS)) as string;
      for (const each of [id, second]) expect((await settled(client, each)).status).toBe('settled');
      const replay = await auditedReplay(whole);
      const ids = replay.settlements
        .flatMap(({ settlement }) => settlement.transfers.flatMap(({ records }) => records))
        .map((record) => recordHash(record, whole.domain));
      expect(ids.sort()).toEqual([id, second].sort());
      expect(await redis.clients[1]?.info('replication')).toContain('role:master');
    },
    2 * LIMIT_MS,
  );
});
