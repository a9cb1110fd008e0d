/** Workers over HTTP that take jobs and let them fall: they rest, others do the work, and nothing goes on their record. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NodePolicy } from '../../aggregator/config.js';
import type { RunningNode } from '../../aggregator/node.js';
import { REST, RestingWorkers } from '../../aggregator/resting.js';
import { WARY_MS, WaryLanes } from '../../aggregator/waryLanes.js';
import { describeFarm, farmStatusOf } from '../../operations/farmStatus.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import { TacitError } from '../../protocol/errors.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { FarmQueue } from '../../queue/farm.js';
import type { Lane } from '../../queue/farmOptions.js';
import { PassOn } from '../../queue/farmWorker.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { openHttpLeases } from '../../queue/httpLeases.js';
import { hex, type SimulatedWorker, type SimulatedWorkerOptions, sealForSimulated } from './simulatedFarm.js';
import { makeWorld, recordOf, settledStatus, until, type World } from './world.js';

const WORKER = `0x${'aa'.repeat(20)}`;

describe('the rule', () => {
  let nowMs = 0;
  const resting = () =>
    new RestingWorkers(
      () => nowMs,
      () => {},
    );

  it('a rest begins with a minute and doubles up to an hour and four minutes; a proof ends it', () => {
    const rule = resting();
    let lengthMs: number = REST.firstMs;
    for (let fall = 0; fall < 10; fall++) {
      rule.dropped(WORKER, 'fails');
      // What falls meanwhile was taken before.
      rule.dropped(WORKER, 'fails');
      nowMs += lengthMs - 1;
      expect(rule.has(WORKER)).toBe(true);
      nowMs += 1;
      expect(rule.has(WORKER)).toBe(false);
      lengthMs = Math.min(2 * lengthMs, REST.longestMs);
    }
    expect(lengthMs).toBe(REST.longestMs);
    rule.dropped(WORKER, 'fails');
    rule.proved(WORKER);
    expect(rule.has(WORKER)).toBe(false);
    rule.dropped(WORKER, 'fails');
    nowMs += REST.firstMs;
    expect(rule.has(WORKER)).toBe(false);
  });

  it('giving back is free twice, between proofs', () => {
    const rule = resting();
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < REST.returnsAllowed; n++) rule.gaveBack(WORKER);
      expect(rule.has(WORKER)).toBe(false);
      rule.proved(WORKER);
    }
    for (let n = 0; n <= REST.returnsAllowed; n++) rule.gaveBack(WORKER);
    expect(rule.has(WORKER)).toBe(true);
  });
});

it('lanes are looked at with care for ten minutes after a job of their kind was kept', () => {
  let nowMs = 0;
  const wary = new WaryLanes(() => nowMs);
  expect(wary.has('update_8')).toBe(false);
  wary.letDown('update_8');
  nowMs = WARY_MS - 1;
  expect([wary.has('update_8'), wary.has('update_2'), wary.has('transfer_1')]).toEqual([true, true, false]);
  nowMs = WARY_MS;
  expect(wary.has('update_8')).toBe(false);
});

describe('on a node', () => {
  let world: World;
  let node: RunningNode;
  let client: GatewayClient;
  let next = 1;
  const workers: SimulatedWorker[] = [];
  /** Jobs that the bad one has taken. */
  let taken = 0;
  let release: () => void = () => {};

  beforeAll(async () => {
    world = await makeWorld();
  }, 120_000);
  afterEach(async () => {
    release();
    for (const worker of workers.splice(0)) await worker.stop();
    await node.stop();
  }, 60_000);
  afterAll(() => world?.stop(), 60_000);

  async function start(policy: Partial<NodePolicy> = {}): Promise<void> {
    taken = 0;
    node = await world.start(policy);
    client = new GatewayClient(node.url);
  }
  async function worker(index: number, at: SimulatedWorkerOptions['at'] = () => {}, lanes?: readonly Lane[]): Promise<void> {
    const key = new Uint8Array(32).fill(index);
    const open = () => openHttpLeases({ node: node.url, domain: world.domain, worker: evmAddressOfKey(key), sign: signerFromKey(key) });
    workers.push(await world.worker({ open, at, key, ...(lanes === undefined ? {} : { lanes }) }));
  }
  /** Takes nothing before the bad one has. */
  const honest = (index: number) =>
    worker(index, async (phase) => {
      if (phase !== 'taken') return;
      await until(
        () => taken,
        (count) => count > 0,
        'taken by the other',
      );
    });
  /** @param readers how many workers prove transfers */
  async function submit(readers = workers.length): Promise<string> {
    const roster = await until(
      () => client.roster(),
      (answer) => answer.workers.length === readers,
      'all in the roster',
    );
    const [record, { noteRoot }] = [recordOf(next++), await world.rollup.state()];
    const id = recordHash(record, world.domain);
    const sealed = sealForSimulated(record, noteRoot, roster, world.domain);
    await client.submit({ id, record: bytesToHex(encodeRecord(record)), sealed, anchor: hex(noteRoot) });
    return id;
  }
  const faultsOf = async (address: string | undefined) =>
    (await node.inspect()).workerRecords.find((known) => known.address === address)?.faults ?? {};

  it('A15: who fails every job is asked once; the payments settle, and the record is clean', async () => {
    await start();
    await worker(3, (phase) => {
      if (phase !== 'taken') return;
      taken++;
      throw new TacitError('PROVER_BROKEN', 'it fails everything');
    });
    await honest(4);
    const ids = [await submit(), await submit(), await submit()];
    for (const id of ids) expect(await settledStatus(client, id)).toMatchObject({ status: 'settled', prover: workers[1]?.address });
    expect(taken).toBe(1);
    expect(world.lines.join('\n')).toContain(`worker ${workers[0]?.address} failed a job, PROVER_BROKEN`);
    const words = describeFarm(farmStatusOf(await node.inspect()));
    expect(words).toContain(`worker ${workers[0]?.address}  transfer_1, update_2, update_8; rests, for it let a job fall\n`);
    expect(Object.values(await faultsOf(workers[0]?.address)).every((count) => count === 0)).toBe(true);
    // What it failed is there to be looked into, though the node is long done with it.
    const farm = await FarmQueue.open({ redisUrl: world.redis.url, domain: world.domain });
    const [letter] = await farm.deadLetters();
    expect(letter?.reason).toBe('PROVER_BROKEN: final');
    expect((await farm.deadLetter(letter?.id ?? ''))?.job.id).toBe(letter?.id);
    await farm.close();
  }, 90_000);

  it('A15: who gives every job back is asked three times', async () => {
    await start();
    await worker(5, (phase) => {
      if (phase !== 'taken') return;
      taken++;
      throw new PassOn();
    });
    await honest(6);
    const ids = [await submit(), await submit(), await submit(), await submit()];
    for (const id of ids) expect((await settledStatus(client, id)).status).toBe('settled');
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(REST.returnsAllowed + 1);
  }, 90_000);

  it('A15: who keeps a job without a signed word that it proves loses it long before the time of a proof', async () => {
    await start({ reportLimitMs: 300 });
    const silence = new Promise<void>((resolve) => {
      release = resolve;
    });
    await worker(7, async (phase) => {
      if (phase !== 'taken') return;
      taken++;
      await silence;
    });
    await honest(8);
    const ids = [await submit(), await submit()];
    // A proof has a minute and more.
    for (const id of ids)
      expect(
        await until(
          () => client.status(id),
          (answer) => answer?.status === 'settled',
          'settled',
          40_000,
        ),
      ).toMatchObject({ prover: workers[1]?.address });
    expect(taken).toBe(1);
    expect(world.lines.join('\n')).toContain(`worker ${workers[0]?.address} keeps a job and says nothing`);
    expect(Object.values(await faultsOf(workers[0]?.address)).every((count) => count === 0)).toBe(true);
  }, 90_000);

  it('A15: after one that keeps an update, the next new name gets none while one that has proved serves', async () => {
    await start({ reportLimitMs: 2_000 });
    const silence = new Promise<void>((resolve) => {
      release = resolve;
    });
    let holdsBack = false;
    await worker(10, async (phase) => {
      if (phase === 'taken' && holdsBack) await new Promise((resolve) => setTimeout(resolve, 300));
    });
    expect((await settledStatus(client, await submit())).status).toBe('settled');
    const hoards = async (phase: string) => {
      if (phase !== 'taken') return;
      taken++;
      await silence;
    };
    holdsBack = true;
    const updates = ['update_2', 'update_8'] as const;
    await worker(11, hoards, updates);
    const first = await submit(1);
    await until(
      () => taken,
      (count) => count === 1,
      'taken',
    );
    // Waits for a job already when the first is given up.
    await worker(12, hoards, updates);
    expect((await settledStatus(client, first)).status).toBe('settled');
    for (const id of [await submit(1), await submit(1)]) expect((await settledStatus(client, id)).status).toBe('settled');
    expect(taken).toBe(1);
  }, 90_000);

  it('A15 honest: who is alone is asked again, though it failed', async () => {
    await start();
    let fails = 2;
    await worker(9, (phase) => {
      if (phase !== 'taken') return;
      taken++;
      if (fails-- > 0) throw new TacitError('PROVER_BROKEN', 'it fails for a while');
    });
    expect((await settledStatus(client, await submit())).status).toBe('settled');
    expect(taken).toBeGreaterThan(2);
  }, 60_000);
});
