/** What a worker's word is worth: the policy, and a node that keeps to it over both ways to the farm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { newWorker, pointsAt, REPUTATION, standingAt, withFault, withProof, withVerdict } from '../../aggregator/reputation.js';
import { WorkerRecords } from '../../aggregator/workerRecords.js';
import type { JournalPort } from '../../ledger/effects.js';
import type { WorkerFault, WorkerRow } from '../../ledger/schema.js';
import { describeFarm, farmStatusOf } from '../../operations/farmStatus.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import { fieldToBytes } from '../../protocol/field.js';
import { encodeRecord, recordHash } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { openHttpLeases } from '../../queue/httpLeases.js';
import { type SimulatedWorkerOptions, sealForSimulated } from './simulatedFarm.js';
import { codeOf, makeWorld, provenSubmission, recordOf, settledStatus, until, type World } from './world.js';

const HOUR_MS = 3_600_000;
const [A, B] = [`0x${'aa'.repeat(20)}`, `0x${'bb'.repeat(20)}`];

describe('the policy', () => {
  const faulty = (faults: readonly WorkerFault[], nowMs = 0): WorkerRow =>
    faults.reduce((row, fault) => withFault(row, fault, nowMs), newWorker(A, 0));

  it.each([
    ['invalid', 3],
    ['denied', 3],
    ['contradicted', 7],
    ['lapsed', 7],
  ] as const)('removes at %s number %i, and not before', (fault, count) => {
    const faults = Array.from({ length: count }, () => fault);
    expect(standingAt(faulty(faults.slice(1)), 0)).toBe('good');
    expect(standingAt(faulty(faults), 0)).toBe('removed');
    expect(faulty(faults).faults[fault]).toBe(count);
  });

  it('gives points back with time and with proofs, and lets a removed worker return at 80 points', () => {
    const row = faulty(['invalid', 'invalid', 'invalid']);
    expect([pointsAt(row, 0), pointsAt(row, 20 * HOUR_MS), pointsAt(row, 1_000 * HOUR_MS)]).toEqual([10, 30, REPUTATION.whole]);
    expect(standingAt(row, 69 * HOUR_MS)).toBe('removed');
    expect(standingAt(row, 70 * HOUR_MS)).toBe('good');
    // Proofs that were under way when it was removed do not bring it back early.
    let proving = row;
    for (let n = 0; n < 35; n++) proving = withProof(proving, HOUR_MS);
    expect([standingAt(proving, HOUR_MS), proving.accepted]).toEqual(['removed', 35]);
    // Once it is back a fault is counted like any other's.
    expect(standingAt(withFault(row, 'lapsed', 70 * HOUR_MS), 70 * HOUR_MS)).toBe('good');
    expect(pointsAt(withProof(newWorker(A, 0), 0), 0)).toBe(REPUTATION.whole);
  });

  it('the operator’s word goes before what was counted; the counts stay', () => {
    const removed = faulty(['invalid', 'invalid', 'invalid']);
    const admitted = withVerdict(removed, 'admitted', 0);
    expect([standingAt(admitted, 0), admitted.points, admitted.faults.invalid]).toEqual(['good', 100, 3]);
    // Who goes on lying is removed again.
    expect(
      standingAt(
        ['invalid', 'invalid', 'invalid'].reduce((row) => withFault(row, 'invalid', 0), admitted),
        0,
      ),
    ).toBe('removed');
    const banned = withVerdict(newWorker(A, 0), 'banned', 0);
    expect(standingAt(banned, 10_000 * HOUR_MS)).toBe('banned');
    expect(standingAt(withVerdict(banned, 'admitted', 0), 0)).toBe('good');
  });
});

describe('what is charged, and what is not', () => {
  const rows = new Map<string, WorkerRow>();
  const table = { rows: () => [...rows.values()], put: (key: string, row: WorkerRow) => void rows.set(key, row) };
  const journal = {
    read: { workers: table },
    transaction: async (body: (tables: unknown) => unknown) => body({ workers: table }),
  } as unknown as JournalPort;
  const open = () =>
    new WorkerRecords(
      journal,
      () => 0,
      () => {},
    );
  const faultsOf = (worker: string) => rows.get(worker)?.faults ?? newWorker(worker, 0).faults;

  it('A15: a job that nobody can prove costs nobody a point, nor does one that a worker died over', async () => {
    rows.clear();
    const records = open();
    for (const [task, worker] of [
      ['t-1', A],
      ['t-2', B],
    ] as const) {
      records.claim(task, worker);
      records.lapse(task, ['payment']);
    }
    records.forget('t-2', ['payment']);
    await records.proven('t-3', ['payment'], B);
    expect([faultsOf(A).lapsed, faultsOf(B).lapsed, rows.get(B)?.accepted]).toEqual([0, 0, 1]);
  });

  it('A15: keeping a job is charged when another proves it, to who said it would; after a restart to nobody', async () => {
    rows.clear();
    const records = open();
    expect([records.claim('t-1', A), records.claim('t-1', A), records.claim('t-1', B)]).toEqual([true, false, true]);
    records.lapse('t-1', ['payment']);
    await records.proven('t-2', ['payment'], B);
    await records.proven('t-3', ['payment'], B);
    expect([faultsOf(A).lapsed, faultsOf(B).lapsed]).toEqual([1, 0]);
    const restarted = open();
    expect(restarted.list()).toMatchObject([
      { address: A, points: 90 },
      { address: B, accepted: 2 },
    ]);
    records.claim('t-4', A);
    restarted.lapse('t-4', ['other']);
    await restarted.proven('t-5', ['other'], B);
    expect(faultsOf(A).lapsed).toBe(1);
  });

  it('a refusal of what another proved is charged once', async () => {
    rows.clear();
    const records = open();
    await records.contradict(A, 'payment');
    await records.contradict(A, 'payment');
    expect(faultsOf(A).contradicted).toBe(1);
  });
});

describe('on a node', () => {
  let world: World;
  let node: RunningNode;
  let client: GatewayClient;
  const keyAt = (index: number) => hexToBytes(world.anvil.accounts[index]?.privateKey as string);
  const viaHttp = (index: number): Partial<SimulatedWorkerOptions> => {
    const key = keyAt(index);
    const worker = evmAddressOfKey(key);
    return { signs: true, open: () => openHttpLeases({ node: node.url, domain: world.domain, worker, sign: signerFromKey(key) }) };
  };
  const rosterNow = async () => (await client.roster()).workers.map(({ address }) => address);
  const recordNow = async (worker: string) => (await node.inspect()).workerRecords.find(({ address }) => address === worker);
  const anchorNow = async () => (await world.rollup.state()).noteRoot;

  beforeAll(async () => {
    world = await makeWorld();
    node = await world.start();
    client = new GatewayClient(node.url);
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);

  it('A15 honest: a worker over HTTP is on the roster, proves, and is paid like any other', async () => {
    const worker = await world.worker(viaHttp(3), 3);
    expect(await rosterNow()).toEqual([worker.address]);
    const [record, anchor, roster] = [recordOf(1), await anchorNow(), await client.roster()];
    await client.submit({
      id: recordHash(record, world.domain),
      record: bytesToHex(encodeRecord(record)),
      sealed: sealForSimulated(record, anchor, roster, world.domain),
      anchor: bytesToHex(fieldToBytes(anchor)),
    });
    expect(await settledStatus(client, recordHash(record, world.domain))).toMatchObject({ status: 'settled', prover: worker.address });
    expect(await recordNow(worker.address)).toMatchObject({ accepted: 2, points: 100, standing: 'good' });
    await worker.stop();
  });

  it('A15: garbage that nobody has signed is charged to nobody, whoever it names', async () => {
    const victim = evmAddressOfKey(keyAt(3));
    let lies = 3;
    const liar = await world.worker(
      { lanes: ['update_2'], spoil: (_, result) => (lies-- > 0 ? falsified({ ...result, prover: victim }) : result) },
      4,
    );
    const record = recordOf(2);
    await client.submit(provenSubmission(record, await anchorNow(), world.domain));
    expect((await settledStatus(client, recordHash(record, world.domain))).status).toBe('settled');
    expect(lies).toBeLessThan(1);
    expect((await recordNow(victim))?.faults.invalid).toBe(0);
    expect(await recordNow(liar.address)).toMatchObject({ accepted: 1, faults: { invalid: 0 } });
    await liar.stop();
  });

  it('A15: a liar loses admission with its third invalid proof, over HTTP at once, and it stays so across a restart', async () => {
    const liar = await world.worker({ ...viaHttp(5), spoil: (_, result) => falsified(result) }, 5);
    const record = recordOf(3);
    await client.submit(provenSubmission(record, await anchorNow(), world.domain));
    await until(
      () => recordNow(liar.address),
      (known) => known?.standing === 'removed',
      'removed',
    );
    expect((await recordNow(liar.address))?.faults.invalid).toBe(3);
    expect(await rosterNow()).not.toContain(liar.address);
    expect(await codeOf(openAs(5))).toBe('WORKER_NOT_ADMITTED');
    await liar.stop();
    await node.stop();
    node = await world.start();
    client = new GatewayClient(node.url);
    expect(await recordNow(liar.address)).toMatchObject({ standing: 'removed', faults: { invalid: 3 } });
    expect(await codeOf(openAs(5))).toBe('WORKER_NOT_ADMITTED');
    // An honest one does what the liar did not.
    const honest = await world.worker(viaHttp(6), 6);
    expect((await settledStatus(client, recordHash(record, world.domain))).status).toBe('settled');
    await honest.stop();
  });

  it('the operator lets it in again, or bans another', async () => {
    const [liar, honest] = [evmAddressOfKey(keyAt(5)), evmAddressOfKey(keyAt(6))];
    expect(await node.judge(liar, 'admitted')).toMatchObject({ standing: 'good', points: 100 });
    expect(await codeOf(openAs(5))).toBeUndefined();
    await node.judge(honest, 'banned');
    expect(await codeOf(openAs(6))).toBe('WORKER_NOT_ADMITTED');
    const offRoster = await world.worker({}, 6);
    expect(await rosterNow()).not.toContain(honest);
    // Whoever gets nothing is no hand of the farm, and is named with the reason.
    const { workers = [], unwelcome } = (await node.inspect()).farm ?? {};
    expect(workers.map(({ address }) => address)).not.toContain(honest);
    expect(unwelcome).toContainEqual({ address: honest, reason: 'the operator has banned it' });
    expect(describeFarm(farmStatusOf(await node.inspect()))).toContain(`no jobs for ${honest}: the operator has banned it`);
    await offRoster.stop();
  });

  async function openAs(index: number): Promise<void> {
    const port = await viaHttp(index).open?.();
    const worker = await world.worker({ key: keyAt(index), open: async () => port as NonNullable<typeof port> }, index);
    await worker.stop();
  }
});

/** Another statement's sponge: the proof does not verify with it. */
function falsified<T extends { h: string }>(result: T): T {
  return { ...result, h: `0x${'00'.repeat(31)}01` };
}
