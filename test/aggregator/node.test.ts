import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import type { LedgerState } from '../../ledger/state.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { fieldFromBytes } from '../../protocol/field.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { verifySoftConfirmation } from '../../protocol/softConfirmation.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import type { SoftConfirmation } from '../../queue/service.js';
import { hex, type SimulatedWorker, sealForSimulated } from './simulatedFarm.js';
import { auditedReplay, codeOf, makeWorld, provenSubmission, recordOf, settledStatus, statusNow, until, type World } from './world.js';

let world: World;
let node: RunningNode;
let worker: SimulatedWorker;
let client: GatewayClient;
/** Tells the worker to lie so often, in turn with garbage and with its proof under another name. */
let lies = 0;

beforeAll(async () => {
  world = await makeWorld();
  node = await world.start();
  worker = await world.worker({
    spoil: (job, result) => {
      if (job.kind !== 'update' || lies === 0) return result;
      lies--;
      return lies % 2 === 0 ? { ...result, proof: `0x${'11'.repeat(256)}` } : { ...result, prover: `0x${'77'.repeat(20)}` };
    },
  });
  client = new GatewayClient(node.url);
}, 180_000);
afterAll(() => world.stop(), 60_000);

const idOf = (record: ReturnType<typeof recordOf>) => recordHash(record, world.domain);
const currentRoot = async () => (await world.rollup.state()).noteRoot;
const sealed = (record: ReturnType<typeof recordOf>, anchor: bigint, roster: Parameters<typeof sealForSimulated>[2]) => ({
  id: idOf(record),
  record: bytesToHex(encodeRecord(record)),
  sealed: sealForSimulated(record, anchor, roster, world.domain),
  anchor: hex(anchor),
});

describe('node', () => {
  it('A3, A17 honest: takes deposits and home-proven transfers from submission to settlement', async () => {
    for (const owner of [71n, 72n, 73n]) await world.deposit(5n, owner);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 0,
      'deposits in the rollup',
    );
    const anchor = await currentRoot();
    const records = [1, 2, 3].map((n) => recordOf(n));
    const { operator } = await client.info();
    for (const { status, confirmation } of await Promise.all(
      records.map((record) => client.submit(provenSubmission(record, anchor, world.domain))),
    )) {
      expect(['confirmed', 'sealed']).toContain(status);
      verifySoftConfirmation(confirmation as SoftConfirmation, world.domain, operator);
    }
    const settled = await Promise.all(records.map((record) => settledStatus(client, idOf(record))));
    const replay = await auditedReplay(world);
    for (const [i, { status, position, confirmation }] of settled.entries()) {
      expect(status).toBe('settled');
      expect(replay.state.notes.leaf(BigInt(position as string))).toBe(records[i]?.cm1);
      verifySoftConfirmation(confirmation as SoftConfirmation, world.domain, operator);
      expect(confirmation?.sealedIndex).toBeGreaterThan(0);
    }
    expect(new Set(settled.map(({ confirmation }) => confirmation?.sequence)).size).toBe(records.length);
    const page = await client.leafPage(0);
    expect(fieldFromBytes(hexToBytes(page?.leaves[Number(settled[0]?.position)] as string))).toBe(records[0]?.cm1);
  });

  it('has sealed transfers proven by the farm and pays its worker', async () => {
    const roster = await until(
      () => client.roster(),
      ({ workers }) => workers.length === 1,
      'a worker in the roster',
    );
    const submission = sealed(recordOf(9), await currentRoot(), roster);
    expect((await client.submit(submission)).status).toBe('queued');
    expect(await settledStatus(client, submission.id)).toMatchObject({ status: 'settled', prover: worker.address });
    expect((await client.submit(submission)).status).toBe('settled');
    const { settlements } = await auditedReplay(world);
    expect(settlements.at(-1)?.settlement.transfers[0]?.prover).toBe(worker.address);
  });

  it('A3: refuses a second transfer of one note, in flight and after settlement', async () => {
    const anchor = await currentRoot();
    const record = recordOf(11);
    const rival = provenSubmission(recordOf(12, { nf2: record.nf1 }), anchor, world.domain);
    await client.submit(provenSubmission(record, anchor, world.domain));
    expect(await codeOf(client.submit(rival))).toBe('NULLIFIER_RESERVED');
    await settledStatus(client, idOf(record));
    expect(await codeOf(client.submit(rival))).toBe('NULLIFIER_SPENT');
  });

  it('A3: an unproven submission does not keep a proven one out', async () => {
    const anchor = await currentRoot();
    const victim = recordOf(13);
    const nobody = {
      id: `0x${'11'.repeat(32)}`,
      expires: Math.floor(Date.now() / 1000) + 600,
      workers: [{ address: `0x${'22'.repeat(20)}`, sealKey: `0x09${'00'.repeat(31)}` }],
      signature: '0x',
    };
    const squat = recordOf(14, { nf1: victim.nf1 });
    await client.submit(sealed(squat, anchor, nobody));
    await client.submit(provenSubmission(victim, anchor, world.domain));
    expect((await settledStatus(client, idOf(victim))).status).toBe('settled');
    expect(await settledStatus(client, idOf(squat))).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('NULLIFIER_SPENT'),
    });
  });

  it('A12: a re-randomised proof of an admitted transfer is a duplicate and does not move the reward', async () => {
    const anchor = await currentRoot();
    const thief = world.anvil.accounts[7]?.address as string;
    const first = await client.submit(provenSubmission(recordOf(15), anchor, world.domain));
    const again = await client.submit(provenSubmission(recordOf(15), anchor, world.domain, { seed: 9n }));
    const renamed = await client.submit(provenSubmission(recordOf(15), anchor, world.domain, { prover: thief }));
    for (const answer of [again, renamed])
      expect(answer).toMatchObject({ prover: first.prover, confirmation: { sequence: first.confirmation?.sequence } });
    expect((await settledStatus(client, idOf(recordOf(15)))).prover).toBe(first.prover);
  });

  it('refuses what can never be settled, with the reason', async () => {
    const anchor = await currentRoot();
    const submission = provenSubmission(recordOf(16), anchor, world.domain);
    const foreign = provenSubmission(recordOf(17), anchor, world.domain).proof as { proof: string };
    expect(await codeOf(client.submit({ ...submission, id: `0x${'ab'.repeat(32)}` }))).toBe('SUBMISSION_ID');
    expect(await codeOf(client.submit(provenSubmission(recordOf(16), 12_345n, world.domain)))).toBe('ANCHOR_UNKNOWN');
    expect(await codeOf(client.submit({ ...submission, proof: { ...submission.proof, proof: foreign.proof } } as never))).toBe(
      'PROOF_INVALID',
    );
    expect(await codeOf(client.submit(provenSubmission(recordOf(16, { feeAsset: 4, fee: 1n }), anchor, world.domain)))).toBe(
      'ASSET_UNKNOWN',
    );
    expect(await client.status(submission.id).catch((error: { code: string }) => error.code)).toSatisfy(
      (answer) => answer === undefined || answer === 'TRANSFER_UNKNOWN',
    );
  });

  it('admits a pair together, in one update; half of one waits and is passed by others', async () => {
    const anchor = await currentRoot();
    const [a, b, other] = [recordOf(18), recordOf(19), recordOf(20)];
    await client.submit(provenSubmission(a, anchor, world.domain, { pairedWith: idOf(b) }));
    await client.submit(provenSubmission(other, anchor, world.domain));
    await settledStatus(client, idOf(other));
    const alone = await statusNow(client, idOf(a));
    // Its notes may be given back: no promise is signed that another transfer could break.
    expect([alone.status, alone.confirmation]).toEqual(['proven', undefined]);
    expect(await codeOf(client.submit(provenSubmission(a, anchor, world.domain)))).toBe('SUBMISSION_CONFLICT');
    await client.submit(provenSubmission(b, anchor, world.domain, { pairedWith: idOf(a) }));
    const [first, second] = [await settledStatus(client, idOf(a)), await settledStatus(client, idOf(b))];
    expect(Number(second.position) - Number(first.position)).toBe(2);
    expect(first.settlementTx).toBe(second.settlementTx);
  });

  it('half of a pair gives its notes back when the other half does not come', async () => {
    await node.stop();
    node = await world.start({ pairWaitMs: 300 });
    client = new GatewayClient(node.url);
    const anchor = await currentRoot();
    const half = recordOf(51);
    await client.submit(provenSubmission(half, anchor, world.domain, { pairedWith: `0x${'33'.repeat(32)}` }));
    const status = await until(
      () => statusNow(client, idOf(half)),
      ({ status }) => status === 'reseal',
      'given back',
    );
    expect(status.reason).toMatch(/PAIR_INCOMPLETE/);
    const other = recordOf(52, { nf1: half.nf1 });
    await client.submit(provenSubmission(other, anchor, world.domain));
    expect((await settledStatus(client, idOf(other))).status).toBe('settled');
    expect((await settledStatus(client, idOf(half))).status).toBe('failed');
  });

  it('gives a seal back that nobody opened in time; a new seal, or a proof from home, takes its place', async () => {
    const anchor = await currentRoot();
    const roster = await until(
      () => client.roster(),
      ({ workers }) => workers.length === 1,
      'a worker in the roster',
    );
    const soon = Math.floor(Date.now() / 1000) + 5;
    const nobody = {
      id: `0x${'11'.repeat(32)}`,
      expires: soon,
      workers: [{ address: `0x${'22'.repeat(20)}`, sealKey: `0x09${'00'.repeat(31)}` }],
      signature: '0x',
    };
    for (const n of [41, 42]) await client.submit(sealed(recordOf(n), anchor, nobody));
    for (const n of [41, 42]) {
      const status = await until(
        () => statusNow(client, idOf(recordOf(n))),
        ({ status }) => status === 'reseal',
        'given back',
      );
      expect(status.reason).toMatch(/SEAL_EXPIRED/);
    }
    await client.submit(sealed(recordOf(41), anchor, roster));
    await client.submit(provenSubmission(recordOf(42), anchor, world.domain));
    expect(await settledStatus(client, idOf(recordOf(41)))).toMatchObject({ status: 'settled', prover: worker.address });
    expect(await settledStatus(client, idOf(recordOf(42)))).toMatchObject({ status: 'settled' });
  });

  it('A15: a worker that hands back garbage, or a proof under another name, costs time only', async () => {
    lies = 2;
    await client.submit(provenSubmission(recordOf(21), await currentRoot(), world.domain));
    expect((await settledStatus(client, idOf(recordOf(21)))).status).toBe('settled');
    expect(lies).toBe(0);
    await auditedReplay(world);
  });
});

describe('a node whose farm comes late', () => {
  it('settles several updates at once, a transfer anchored to an earlier root of the same settlement among them', async () => {
    await worker.stop();
    await node.stop();
    // What is not full waits for longer than any machine takes to submit the next: only full updates are sealed here.
    const patient = await world.start({ sealAfterMs: 30_000 });
    const wallet = new GatewayClient(patient.url);
    const { state } = await auditedReplay(world);
    const before = (await world.rollup.state()).settlementCount;
    for (const n of [31, 32, 33]) await wallet.submit(provenSubmission(recordOf(n), state.noteRoot, world.domain));
    await until(
      () => patient.stats(),
      ({ standingSeals }) => standingSeals >= 1,
      'sealed',
    );
    // The root of the first seal, as anybody can compute it who knows what is in it.
    const ahead: LedgerState = state.fork();
    ahead.advance(
      2,
      [recordOf(31), recordOf(32)].map(({ nf1, nf2, cm1, cm2 }) => ({ nf1, nf2, cm1, cm2 })),
    );
    await wallet.submit(provenSubmission(recordOf(34), ahead.noteRoot, world.domain));
    await until(
      () => patient.stats(),
      ({ standingSeals }) => standingSeals >= 2,
      'sealed',
    );
    await world.worker({}, 5);
    expect((await settledStatus(wallet, idOf(recordOf(34)))).status).toBe('settled');
    const { settlements } = await auditedReplay(world);
    expect(settlements).toHaveLength(before + 1);
    const last = settlements.at(-1)?.settlement;
    expect(last?.updates).toHaveLength(2);
    expect(last?.transfers.map(({ anchor }) => anchor.kind)).toEqual(['known', 'known', 'known', 'update']);
  });
});
