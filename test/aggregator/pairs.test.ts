/** Pairs on a node that asks for fees: the half that pays pays for both, each by where it is proven, or nobody is let in. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../aggregator/config.js';
import type { RunningNode } from '../../aggregator/node.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import type { SignedRoster, Submission } from '../../queue/service.js';
import { hex, sealForSimulated } from './simulatedFarm.js';
import { auditedReplay, codeOf, makeWorld, provenSubmission, recordOf, settledStatus, statusNow, until, type World } from './world.js';

const PAIR_WAIT_MS = 4_000;
let world: World;
let node: RunningNode;
let client: GatewayClient;
let roster: SignedRoster;
/** What the node asks of a transfer that brings its proof, and of one that the farm proves. */
let fees: { proven: bigint; sealed: bigint };
let next = 1;

beforeAll(async () => {
  world = await makeWorld();
  await world.worker({ lanes: ['transfer_1', 'update_2', 'update_8'] });
  // With update(8) a farm can prove eight at once: then its price is another than that of a proof from home.
  const updateCircuits = ['update_2', 'update_8'] as const;
  const policy = { fees: { ...DEFAULT_POLICY.fees, required: true }, pairWaitMs: PAIR_WAIT_MS, groupAfterMs: 200, updateCircuits };
  node = await world.start(policy);
  client = new GatewayClient(node.url);
  roster = await until(
    () => client.roster(),
    ({ workers }) => workers.length === 1,
    'a worker in the roster',
  );
}, 180_000);
// The gas price of a chain without traffic falls from block to block, and fees with it.
beforeEach(async () => {
  const quote = await client.quote(0);
  fees = { proven: BigInt(quote.feeProven), sealed: BigInt(quote.feeSealed) };
});
afterAll(() => world?.stop(), 60_000);

const idOf = (record: TransferRecord): string => recordHash(record, world.domain);
const pairOf = (first: bigint, second: bigint): [TransferRecord, TransferRecord] => [
  recordOf(next++, { fee: first }),
  recordOf(next++, { fee: second }),
];
const anchorNow = async (): Promise<bigint> => (await world.rollup.state()).noteRoot;
async function proven(record: TransferRecord, partner: TransferRecord): Promise<Submission> {
  return provenSubmission(record, await anchorNow(), world.domain, { pairedWith: idOf(partner) });
}
async function sealed(record: TransferRecord, partner: TransferRecord): Promise<Submission> {
  const anchor = await anchorNow();
  return {
    id: idOf(record),
    record: bytesToHex(encodeRecord(record)),
    pairedWith: idOf(partner),
    sealed: sealForSimulated(record, anchor, roster, world.domain),
    anchor: hex(anchor),
  };
}
const settledTogether = async (pair: readonly TransferRecord[]) => {
  const [a, b] = await Promise.all(pair.map((record) => settledStatus(client, idOf(record))));
  expect([a?.status, b?.status]).toEqual(['settled', 'settled']);
  expect(a?.settlementTx).toBe(b?.settlementTx);
};

describe('a pair at a node that asks for fees', () => {
  it('is settled where one half pays for both, or each for itself, in either order', async () => {
    const [one, two] = [pairOf(0n, 2n * fees.proven), pairOf(fees.proven, fees.proven)];
    for (const record of one) await client.submit(await proven(record, one[one[0] === record ? 1 : 0] as TransferRecord));
    for (const record of [...two].reverse()) await client.submit(await proven(record, two[two[0] === record ? 1 : 0] as TransferRecord));
    await settledTogether(one);
    await settledTogether(two);
  }, 60_000);

  it('shows its operator what the settlement cost, and what its fees leave', async () => {
    const { lastSettlement, quotedGas } = await node.inspect();
    const { settlements } = await auditedReplay(world);
    const records = settlements.at(-1)?.settlement.transfers.flatMap((proof) => proof.records) ?? [];
    const paid = records.reduce((sum, { fee }) => sum + fee, 0n);
    expect(paid).toBeGreaterThan(0n);
    // The contract of these tests gives three tenths to either prover.
    expect(lastSettlement?.feesWei).toBe(records.reduce((sum, { fee }) => sum + fee - (fee * 6_000n) / 10_000n, 0n));
    expect(lastSettlement?.gasUsed).toBeGreaterThan(300_000n);
    expect(lastSettlement?.gasPriceWei).toBeGreaterThan(0n);
    expect(quotedGas?.proven).toBeGreaterThan(quotedGas?.sealed as number);
  });

  it('is refused by name where the half that pays covers only itself, whichever comes first', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const pair = pairOf(0n, fees.proven);
      const [first, second] = order.map((i) => pair[i] as TransferRecord) as [TransferRecord, TransferRecord];
      await client.submit(await proven(first, second));
      expect(await codeOf(proven(second, first).then((submission) => client.submit(submission)))).toBe('PAIR_UNDERPAID');
      expect(await client.status(idOf(second))).toBeUndefined();
    }
  });

  it('is refused where neither half pays, also when both come at one time: nothing is promised to it', async () => {
    const [a, b] = pairOf(0n, 0n);
    const submissions = [await proven(a, b), await proven(b, a)];
    const codes = await Promise.all(submissions.map((submission) => codeOf(client.submit(submission))));
    expect(codes.filter((code) => code === 'PAIR_UNDERPAID')).toHaveLength(1);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    const left = submissions[codes.indexOf(undefined)] as Submission;
    expect((await statusNow(client, left.id)).confirmation).toBeUndefined();
    await until(
      () => statusNow(client, left.id),
      ({ status, reason }) => status === 'reseal' && reason?.includes('PAIR_INCOMPLETE') === true,
      'given back',
    );
  }, 60_000);

  it('does not get a proof from home counted as one of the farm', async () => {
    expect(2n * fees.sealed).toBeLessThan(fees.proven + fees.sealed);
    const [free, payer] = pairOf(0n, 2n * fees.sealed);
    await client.submit(await sealed(payer, free));
    expect(await codeOf(proven(free, payer).then((submission) => client.submit(submission)))).toBe('PAIR_UNDERPAID');
    await client.submit(await sealed(free, payer));
    await settledTogether([free, payer]);
  }, 60_000);

  it('names one partner: a transfer that came alone, or with another, is nobody’s other half', async () => {
    const [a, b] = pairOf(0n, 2n * fees.proven);
    const other = recordOf(next++);
    await client.submit(await proven(b, other));
    expect(await codeOf(proven(a, b).then((submission) => client.submit(submission)))).toBe('SUBMISSION_CONFLICT');
  });

  it('gets no work of the farm before both halves are here, and is then proven', async () => {
    const [a, b] = pairOf(0n, 2n * fees.sealed);
    await client.submit(await sealed(a, b));
    // Five times what a transfer waits for others.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await statusNow(client, idOf(a))).toMatchObject({ status: 'queued' });
    expect(node.stats().farmTasks).toBe(0);
    await client.submit(await sealed(b, a));
    await settledTogether([a, b]);
  }, 60_000);
});
