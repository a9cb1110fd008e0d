import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GROUP_SIZE } from '../../aggregator/grouping.js';
import type { FaultHook } from '../../ledger/effects.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { hex, sealForSimulated } from './simulatedFarm.js';
import { auditedReplay, makeWorld, provenSubmission, recordOf, settledStatus, until, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
  await world.worker();
}, 180_000);
afterAll(() => world.stop(), 60_000);

let nextGroupRecord = 500;

/** Lets `calls` passages of matching fault points go by, then fails there and at every later point: a process that has died. */
function dieAt(match: RegExp, calls: number): { hook: FaultHook; died: Promise<string>; arm(): void } {
  let left = calls;
  let armed = false;
  let dead = false;
  let tell: (point: string) => void = () => {};
  const died = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const hook: FaultHook = (point) => {
    if (dead) throw new Error('the process is gone');
    if (!armed || !match.test(point) || left-- > 0) return;
    dead = true;
    tell(point);
    throw new Error(`died at ${point}`);
  };
  return { hook, died, arm: () => (armed = true) };
}

describe('crash', () => {
  // Every point that one transfer passes on its way, in the order of its way: the journal's transactions one by one.
  const transactions = Array.from({ length: 9 }, (_, k) => [/^journal\.transaction:after$/, k] as const);
  const others = [
    'journal.transaction:before',
    'queue.publish:before',
    'queue.publish:after',
    'queue.outcome:after',
    'chain.estimateGas:after',
    'chain.minedNonce:after',
    'chain.sign:after',
    'chain.broadcast:before',
    'chain.broadcast:after',
    'chain.receipt:after',
  ].map((point) => [new RegExp(`^${point.replace('.', '\\.')}$`), 0] as const);

  it.each([...transactions, ...others])(
    'at %s, passage %i: ends after restart in exactly one settlement',
    async (match, passage) => {
      const n =
        100 + transactions.length * 2 + [...transactions, ...others].findIndex(([m, k]) => String(m) === String(match) && k === passage);
      const record = recordOf(n);
      const id = recordHash(record, world.domain);
      const { noteRoot: anchor, settlementCount: before } = await world.rollup.state();
      const fault = dieAt(match, passage);
      const doomed = await world.start({}, { faultHook: fault.hook });
      fault.arm();
      const submission = provenSubmission(record, anchor, world.domain);
      await new GatewayClient(doomed.url).submit(submission).catch(() => {});
      await fault.died;
      await doomed.stop().catch(() => {});

      const node = await world.start();
      const client = new GatewayClient(node.url);
      // A wallet that got no answer submits again; one that got one does not need to. Both end the same.
      await client.submit(submission);
      expect((await settledStatus(client, id)).status).toBe('settled');
      const replay = await auditedReplay(world);
      expect(replay.settlements).toHaveLength(before + 1);
      await node.stop();
    },
    180_000,
  );

  // A group's way: eight submissions, the group's plan, its task, leases, admission of all eight at once, confirmations.
  it.each([
    [/^journal\.transaction:after$/, 8],
    [/^journal\.transaction:before$/, 9],
    [/^journal\.transaction:after$/, 20],
    [/^queue\.publish:after$/, 0],
    [/^queue\.outcome:after$/, 0],
  ] as const)(
    'of a group at %s, passage %i: every member is settled once, under whatever proof',
    async (match, passage) => {
      const records = Array.from({ length: GROUP_SIZE }, () => recordOf(nextGroupRecord++));
      const { noteRoot: anchor } = await world.rollup.state();
      const policy = { updateCircuits: ['update_8'], groupAfterMs: 60_000, sealAfterMs: 300 } as const;
      const grouping = await world.worker({ lanes: ['transfer_1', 'transfer_8', 'update_8'] }, 4);
      const fault = dieAt(match, passage);
      const doomed = await world.start(policy, { faultHook: fault.hook });
      const first = new GatewayClient(doomed.url);
      const { workers, ...roster } = await until(
        () => first.roster(),
        (answer) => answer.workers.some(({ address }) => address === grouping.address),
        'the worker in the roster',
      );
      const reader = { ...roster, workers: workers.filter(({ address }) => address === grouping.address) };
      const submissions = records.map((record) => ({
        id: recordHash(record, world.domain),
        record: bytesToHex(encodeRecord(record)),
        sealed: sealForSimulated(record, anchor, reader, world.domain),
        anchor: hex(anchor),
      }));
      fault.arm();
      for (const submission of submissions) await first.submit(submission).catch(() => {});
      await fault.died;
      await doomed.stop().catch(() => {});

      const node = await world.start(policy);
      const client = new GatewayClient(node.url);
      for (const submission of submissions) await client.submit(submission);
      for (const { id } of submissions) expect((await settledStatus(client, id)).status).toBe('settled');
      const { settlements } = await auditedReplay(world);
      const settled = settlements.flatMap(({ settlement }) => settlement.transfers.flatMap((entry) => entry.records));
      for (const { id } of submissions) expect(settled.filter((record) => recordHash(record, world.domain) === id)).toHaveLength(1);
      await node.stop();
      await grouping.stop();
    },
    180_000,
  );

  it('A3: a restart keeps what was promised: numbers, positions, reservations', async () => {
    const anchor = (await world.rollup.state()).noteRoot;
    // Nothing is settled before the restart: the farm is asked for a circuit that nobody serves.
    const first = await world.start({ updateCircuits: ['update_32'], sealAfterMs: 0 });
    const before = await new GatewayClient(first.url).submit(provenSubmission(recordOf(60), anchor, world.domain));
    await first.stop();
    const second = await world.start({ updateCircuits: ['update_2'] });
    expect(world.lines.join('\n')).toMatch(
      /found: journal 1 (confirmed|sealed) transfers under way, [01] standing seals; queue .* tasks; chain block/,
    );
    const client = new GatewayClient(second.url);
    const rival = provenSubmission(recordOf(61, { nf1: recordOf(60).nf2 }), anchor, world.domain);
    await expect(client.submit(rival)).rejects.toMatchObject({ code: expect.stringMatching(/^NULLIFIER_(RESERVED|SPENT)$/) });
    const after = await settledStatus(client, recordHash(recordOf(60), world.domain));
    expect(after.confirmation?.sequence).toBe(before.confirmation?.sequence);
    await second.stop();
  });

  it('A3 A16: a queue flushed in the middle loses no payment and admits no double one', async () => {
    const anchor = (await world.rollup.state()).noteRoot;
    const node = await world.start({ settleAfterMs: 100 });
    const client = new GatewayClient(node.url);
    const redis = new Redis(world.redis.url);
    const records = [70, 71, 72, 73, 74].map((n) => recordOf(n));
    for (const record of records) {
      await client.submit(provenSubmission(record, anchor, world.domain));
      await redis.flushall();
    }
    await expect(client.submit(provenSubmission(recordOf(75, { nf1: recordOf(70).nf1 }), anchor, world.domain))).rejects.toMatchObject({
      code: expect.stringMatching(/^NULLIFIER_/),
    });
    for (const record of records) expect((await settledStatus(client, recordHash(record, world.domain))).status).toBe('settled');
    await until(
      () => node.stats(),
      ({ pending }) => pending === 0,
      'empty',
    );
    redis.disconnect();
    await auditedReplay(world);
    await node.stop();
  });
});
