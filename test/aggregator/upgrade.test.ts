/**
 * A farm is upgraded while it works: the keys of a contract are fixed, so a new version of the circuits is a new contract with a
 * node of its own. Both use one Redis and overlap: what the old one has in hand is settled while the new one takes its first.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { type Domain, encodeRecord, recordHash } from '../../protocol/record.js';
import type { VerifyingKey } from '../../protocol/vkey.js';
import { verifyingKeyHash } from '../../protocol/vkeyHash.js';
import { farmPrefix } from '../../queue/farmOptions.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { deployRollup } from '../../verifier-contract/deploy.js';
import type { RollupContract } from '../../verifier-contract/rollup.js';
import { hex, sealForSimulated, simulatedKeys } from './simulatedFarm.js';
import { auditedReplay, KEYS, makeWorld, recordOf, settledStatus, until, type World } from './world.js';

const NEW_VERSION = 1n;
const NEW_KEYS = simulatedKeys(NEW_VERSION);
let world: World;
let scratch: string;

beforeAll(async () => {
  world = await makeWorld();
  scratch = await mkdtemp(join(tmpdir(), 'tacit-upgrade-'));
});
afterAll(async () => {
  await world?.stop();
  await rm(scratch, { recursive: true, force: true });
});

/** Another contract on the same chain, with the new keys; account 5 settles it. */
async function startNew(): Promise<{ node: RunningNode; rollup: RollupContract; domain: Domain }> {
  const { anvil, provider } = world;
  const [deployer, settler] = [anvil.accounts[6], anvil.accounts[5]];
  const rollup = await deployRollup(new Wallet(deployer?.privateKey as string, provider), {
    aggregator: settler?.address.toLowerCase() as string,
    queueDelaySeconds: 600,
    slotFeeWei: 10n,
    bondWei: 1_000n,
    dropRewardWei: 100n,
    shares: { transferProverBps: 3_000, updateProverBps: 3_000 },
    keyTable: NEW_KEYS,
  });
  const domain = await rollup.domain();
  const { deploymentBlock } = await rollup.config();
  const extra = {
    domain,
    deploymentBlock,
    keys: NEW_KEYS,
    journalDir: join(scratch, 'journal'),
    settlerKey: settler?.privateKey as string,
  };
  return { node: await world.start({}, extra), rollup, domain };
}

async function submit(
  node: RunningNode,
  rollup: RollupContract,
  domain: Domain,
  n: number,
): Promise<{ client: GatewayClient; id: string }> {
  const client = new GatewayClient(node.url);
  const roster = await until(
    () => client.roster(),
    ({ workers }) => workers.length === 1,
    'a worker in the roster',
  );
  const [record, { noteRoot }] = [recordOf(n), await rollup.state()];
  const id = recordHash(record, domain);
  const sealed = sealForSimulated(record, noteRoot, roster, domain);
  await client.submit({ id, record: bytesToHex(encodeRecord(record)), sealed, anchor: hex(noteRoot) });
  return { client, id };
}

it('two versions of the circuits in flight: the old farm finishes what it has while the new one begins', async () => {
  let reached = (): void => {};
  let release = (): void => {};
  const inHand = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const oldNode = await world.start();
  const oldWorker = await world.worker({
    at: async (phase, job) => {
      if (phase !== 'proving' || job.kind !== 'transfer') return;
      reached();
      await released;
    },
  });
  const before = await submit(oldNode, world.rollup, world.domain, 1);
  await inHand;

  const fresh = await startNew();
  const newWorker = await world.worker({ domain: fresh.domain, version: NEW_VERSION }, 4);
  const after = await submit(fresh.node, fresh.rollup, fresh.domain, 2);
  expect(await settledStatus(after.client, after.id)).toMatchObject({ status: 'settled', prover: newWorker.address });
  expect((await before.client.status(before.id))?.status).toBe('proving');

  release();
  expect(await settledStatus(before.client, before.id)).toMatchObject({ status: 'settled', prover: oldWorker.address });
  await Promise.all([auditedReplay(world), auditedReplay({ ...fresh, provider: world.provider })]);
  // Nobody touched the other's work, and each job named the version of its circuit.
  expect(oldWorker.proved.filter((id) => newWorker.proved.includes(id))).toEqual([]);
  const redis = new Redis(world.redis.url);
  const versions = async (domain: Domain) => {
    const jobs = await redis.keys(`${farmPrefix(domain)}:transfer_1:t-*`);
    const named = await Promise.all(jobs.filter((key) => !key.includes(':lock')).map((key) => redis.hget(key, 'data')));
    return named.flatMap((data) => (data === null ? [] : [(JSON.parse(data) as { key: string }).key]));
  };
  const hashOf = (keys: typeof KEYS) => verifyingKeyHash(keys.get(CIRCUITS.transfer_1.id) as VerifyingKey);
  expect(new Set(await versions(world.domain))).toEqual(new Set([hashOf(KEYS)]));
  expect(new Set(await versions(fresh.domain))).toEqual(new Set([hashOf(NEW_KEYS)]));
  expect(hashOf(KEYS)).not.toBe(hashOf(NEW_KEYS));
  redis.disconnect();
  // The old farm is empty: its node and workers may go.
  expect(oldNode.stats()).toMatchObject({ pending: 0, farmTasks: 0, standingSeals: 0 });
}, 120_000);
