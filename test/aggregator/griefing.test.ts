/** Settling goes on whoever works against it for little money: recipients that lie in wait, forced transfers that can only be dropped. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hexToBytes } from '../../protocol/bytes.js';
import { decodeProof } from '../../protocol/proof.js';
import { recordHash, type TransferRecord } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { homeProof } from './simulatedFarm.js';
import { auditedReplay, makeWorld, provenSubmission, recordOf, settledStatus, until, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
}, 180_000);
afterEach(() => world.stop());

const idOf = (record: TransferRecord) => recordHash(record, world.domain);
const currentRoot = async () => (await world.rollup.state()).noteRoot;
const rpc = (method: string, params: unknown[] = []) => world.provider.send(method, params) as Promise<unknown>;

describe('recipients', () => {
  /** STOP; and JUMPDEST PUSH1 0 JUMP, which uses all the gas it gets. */
  const [MODEST, GREEDY] = ['0x00', '0x5b600056'];
  const recipients = Array.from({ length: 8 }, (_, i) => `0x${(0xab00 + i).toString(16).padStart(40, '0')}`);
  const become = (code: string) => Promise.all(recipients.map((recipient) => rpc('anvil_setCode', [recipient, code])));

  it('A14: that are modest in the estimate and greedy in the transaction do not spoil the settlement', async () => {
    await rpc('anvil_setBalance', [world.rollup.address, '0x64']);
    const faultHook = async (point: string) => {
      if (point === 'chain.estimateGas:before') await become(MODEST);
      if (point === 'chain.estimateGas:after') await become(GREEDY);
    };
    const node = await world.start({ updateCircuits: ['update_8'], sealAfterMs: 20_000 }, { faultHook });
    const client = new GatewayClient(node.url);
    await world.worker();
    const anchor = await currentRoot();
    const records = recipients.map((recipient, i) => recordOf(i + 1, { outValue: 1n, recipient }));
    for (const record of records) await client.submit(provenSubmission(record, anchor, world.domain));
    for (const record of records) expect((await settledStatus(client, idOf(record))).status).toBe('settled');
    expect(world.lines.filter((line) => line.includes('reverted'))).toEqual([]);
    expect((await auditedReplay(world)).settlements).toHaveLength(1);
    for (const recipient of recipients) expect(await world.rollup.credits(recipient, 0)).toBe(1n);
  });
});

describe('forced transfers of a spent note', () => {
  async function force(record: TransferRecord, anchor: bigint): Promise<void> {
    const { h, proof, prover } = homeProof(record, anchor, `0x${'00'.repeat(20)}`, world.domain);
    const refund = `0x${'66'.repeat(20)}`;
    await world.rollup.force({ record, prover, refund, anchor, h: BigInt(h), proof: decodeProof(hexToBytes(proof)) });
  }

  it('A14: dropped and left at the head of the queue, do not hold settlements up when their time is over', async () => {
    const node = await world.start();
    const client = new GatewayClient(node.url);
    await world.worker();
    const anchor = await currentRoot();
    const [spent, payment] = [recordOf(1), recordOf(2)];
    await client.submit(provenSubmission(spent, anchor, world.domain));
    await settledStatus(client, idOf(spent));
    await force(recordOf(3, { nf2: spent.nf1 }), anchor);
    await until(
      () => world.rollup.queueItem(0),
      ({ kind }) => kind === 'dropped',
      'dropped',
    );
    await rpc('evm_increaseTime', [700]);
    await rpc('anvil_mine', ['0x1']);
    await client.submit(provenSubmission(payment, anchor, world.domain));
    expect((await settledStatus(client, idOf(payment))).status).toBe('settled');
    const { queueHead, queueTail } = await world.rollup.state();
    expect([queueHead, queueTail]).toEqual([1, 1]);
    await auditedReplay(world);
  });

  it('A14: however fast they are queued, do not hold settlements up', async () => {
    const node = await world.start();
    const client = new GatewayClient(node.url);
    await world.worker();
    const anchor = await currentRoot();
    const [spent, payment] = [recordOf(1), recordOf(2)];
    await client.submit(provenSubmission(spent, anchor, world.domain));
    await settledStatus(client, idOf(spent));
    const droppedCount = () => world.lines.filter((line) => line.includes('is dropped: its note is spent')).length;
    let flowing = true;
    const flood = (async () => {
      for (let n = 100; flowing && n < 2_000; n++) {
        await force(recordOf(n % 250, { nf2: spent.nf1, nf1: BigInt(n) * 7_919n }), anchor);
        // There is always one more than has been dropped.
        await until(droppedCount, (count) => !flowing || n - 100 - count < 3, 'the flood taken down');
      }
    })();
    await until(droppedCount, (count) => count > 2, 'a flood that is being dropped');
    await client.submit(provenSubmission(payment, anchor, world.domain));
    const before = droppedCount();
    expect((await settledStatus(client, idOf(payment))).status).toBe('settled');
    const after = droppedCount();
    flowing = false;
    await flood;
    expect(after).toBeLessThan(before + 40);
    await until(droppedCount, (count) => count > after, 'drops too have their turns');
  });
});
