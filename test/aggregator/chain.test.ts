import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyBatch } from '../../ledger/applyBatch.js';
import { hexToBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { decodeProof } from '../../protocol/proof.js';
import { recordHash, type TransferRecord } from '../../protocol/record.js';
import { encodeSettlement, type Settlement } from '../../protocol/settlement.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { homeProof, simulatedProof } from './simulatedFarm.js';
import { auditedReplay, codeOf, makeWorld, provenSubmission, recordOf, settledStatus, statusNow, until, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
}, 180_000);
afterEach(async () => {
  if (process.env.SHOW_LINES) console.log(world.lines.join('\n'));
  await world.stop();
});

const idOf = (record: TransferRecord) => recordHash(record, world.domain);
const currentRoot = async () => (await world.rollup.state()).noteRoot;
const rpc = (method: string, params: unknown[] = []) => world.provider.send(method, params) as Promise<unknown>;
const account = (index: number) => new Wallet(world.anvil.accounts[index]?.privateKey as string, world.provider);

async function force(record: TransferRecord, anchor: bigint): Promise<void> {
  const { h, proof, prover } = homeProof(record, anchor, `0x${'00'.repeat(20)}`, world.domain);
  await world.rollup.force({
    record,
    prover,
    refund: account(6).address.toLowerCase(),
    anchor,
    h: BigInt(h),
    proof: decodeProof(hexToBytes(proof)),
  });
}

describe('following the chain', () => {
  it('A17: settles again what a reorg took back, and the deposit with it', async () => {
    const node = await world.start();
    const client = new GatewayClient(node.url);
    await world.worker();
    const anchor = await currentRoot();
    const snapshot = await rpc('evm_snapshot');
    await client.submit(provenSubmission(recordOf(1), anchor, world.domain));
    await settledStatus(client, idOf(recordOf(1)));
    await rpc('evm_revert', [snapshot]);
    await rpc('anvil_mine', ['0x3']);
    await until(
      () => world.rollup.state(),
      ({ settlementCount }) => settlementCount === 1,
      'settled again',
    );
    expect((await settledStatus(client, idOf(recordOf(1)))).status).toBe('settled');
    await auditedReplay(world);
  });

  it('A17: a deposit that a reorg took back leaves its seal; transfers sealed with it are sealed anew', async () => {
    const node = await world.start({ sealAfterMs: 300 });
    const client = new GatewayClient(node.url);
    const anchor = await currentRoot();
    const snapshot = await rpc('evm_snapshot');
    await world.deposit(5n, 71n);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 1,
      'seen',
    );
    await client.submit(provenSubmission(recordOf(1), anchor, world.domain));
    const first = await until(
      () => statusNow(client, idOf(recordOf(1))),
      ({ status }) => status === 'sealed',
      'sealed',
    );
    await rpc('evm_revert', [snapshot]);
    await rpc('anvil_mine', ['0x2']);
    await world.worker();
    const last = await settledStatus(client, idOf(recordOf(1)));
    expect(last.status).toBe('settled');
    expect(last.confirmation?.sealedIndex).toBeGreaterThan(first.confirmation?.sealedIndex as number);
    expect(world.lines.join('\n')).toMatch(/taken back/);
    await auditedReplay(world);
  });

  it('A14: overdue queue items are taken first: seals without them are withdrawn and made anew', async () => {
    const node = await world.start({ queueDelayFraction: 0.5, sealAfterMs: 50 });
    const client = new GatewayClient(node.url);
    await world.deposit(5n, 71n);
    await client.submit(provenSubmission(recordOf(1), await currentRoot(), world.domain));
    await until(
      () => statusNow(client, idOf(recordOf(1))),
      ({ status }) => status === 'sealed',
      'sealed without the deposit',
    );
    await rpc('evm_increaseTime', [700]);
    await rpc('anvil_mine', ['0x1']);
    await world.worker();
    expect((await settledStatus(client, idOf(recordOf(1)))).status).toBe('settled');
    expect((await world.rollup.state()).queueHead).toBe(1);
    expect(world.lines.join('\n')).toMatch(/withdrawn/);
    await auditedReplay(world);
  });

  it('goes on from the contract’s state when somebody else has settled', async () => {
    const node = await world.start({ queueDelayFraction: 0.5, sealAfterMs: 50 });
    const client = new GatewayClient(node.url);
    await world.deposit(5n, 71n);
    const anchor = await currentRoot();
    await client.submit(provenSubmission(recordOf(1), anchor, world.domain));
    await until(
      () => statusNow(client, idOf(recordOf(1))),
      ({ status }) => status === 'sealed',
      'sealed',
    );
    await rpc('evm_increaseTime', [700]);
    await rpc('anvil_mine', ['0x1']);
    await world.rollup.connect(account(8)).settle(encodeSettlement(await otherSettlement()));
    await world.worker();
    expect((await settledStatus(client, idOf(recordOf(1)))).status).toBe('settled');
    const { settlements } = await auditedReplay(world);
    expect(settlements).toHaveLength(2);
    expect(settlements[0]?.event.settler).toBe(account(8).address.toLowerCase());
  });

  it('takes forced transfers in, refuses rivals of theirs, and drops those whose note is spent', async () => {
    const node = await world.start();
    const client = new GatewayClient(node.url);
    const anchor = await currentRoot();
    await force(recordOf(1), anchor);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 1,
      'seen',
    );
    expect(await codeOf(client.submit(provenSubmission(recordOf(2, { nf1: recordOf(1).nf1 }), anchor, world.domain)))).toBe(
      'NULLIFIER_FORCED',
    );
    await world.worker();
    await until(
      () => world.rollup.state(),
      ({ queueHead }) => queueHead === 1,
      'the forced transfer in the tree',
    );
    // Spent by now; nothing but drop() takes it out of the queue's way.
    await force(recordOf(3, { nf2: recordOf(1).nf2 }), anchor);
    await world.deposit(5n, 71n);
    await until(
      () => world.rollup.state(),
      ({ queueHead }) => queueHead === 3,
      'the queue served',
    );
    const { queue } = await auditedReplay(world);
    expect(queue.map(({ state }) => state)).toEqual(['settled', 'dropped', 'settled']);
  });

  it('A17: bids more for a settlement that is not mined, and settles once', async () => {
    const node = await world.start({ bumpAfterMs: 300 });
    const client = new GatewayClient(node.url);
    await world.worker();
    const anchor = await currentRoot();
    await rpc('evm_setAutomine', [false]);
    await client.submit(provenSubmission(recordOf(1), anchor, world.domain));
    const settler = world.anvil.accounts[0]?.address as string;
    const nonce = await world.provider.getTransactionCount(settler);
    const fees = new Set<string>();
    await until(
      async () => {
        const pool = (await rpc('txpool_content')) as { pending: Record<string, Record<string, { maxFeePerGas: string }>> };
        const [mine] = Object.entries(pool.pending).flatMap(([from, byNonce]) =>
          from.toLowerCase() === settler ? Object.values(byNonce) : [],
        );
        if (mine !== undefined) fees.add(mine.maxFeePerGas);
        return fees.size;
      },
      (size) => size >= 2,
      'replaced with a higher fee',
    );
    await rpc('anvil_mine', ['0x1']);
    await rpc('evm_setAutomine', [true]);
    expect((await settledStatus(client, idOf(recordOf(1)))).status).toBe('settled');
    expect(await world.provider.getTransactionCount(settler)).toBe(nonce + 1);
    expect((await auditedReplay(world)).settlements).toHaveLength(1);
  });
});

describe('without a queue', () => {
  it('A16: seals what it has while Redis is away, takes nothing new, and ends', async () => {
    const node = await world.start({ queueTimeoutMs: 200, sealAfterMs: 1_000 });
    const client = new GatewayClient(node.url);
    const record = recordOf(1);
    const anchor = await currentRoot();
    expect((await client.submit(provenSubmission(record, anchor, world.domain))).status).toBe('confirmed');
    await world.redis.stop();
    const { ok, checks } = await until(
      () => client.health(),
      ({ checks: { farm } }) => /^REDIS_UNREACHABLE: nothing new/.test(farm ?? ''),
      'noticed',
    );
    expect(ok, JSON.stringify(checks)).toBe(false);
    await expect(client.submit(provenSubmission(recordOf(2), anchor, world.domain))).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      retryable: true,
    });
    // What it knows it still tells.
    expect((await client.submit(provenSubmission(record, anchor, world.domain))).id).toBe(idOf(record));
    await until(
      () => statusNow(client, idOf(record)),
      ({ status }) => status === 'sealed',
      'sealed',
    );
    await node.stop();
  });
});

/** What anybody may settle while the deposit at the head is overdue: that deposit. */
async function otherSettlement(): Promise<Settlement> {
  const { state, queue } = await auditedReplay(world);
  const prover = account(8).address.toLowerCase();
  const [{ event }] = queue as unknown as [{ event: { commitment: bigint } }];
  const { publicInputs, next } = applyBatch(
    state,
    'update_2',
    [{ nf1: 0n, nf2: 0n, cm1: event.commitment, cm2: 0n }],
    prover,
    world.domain,
  );
  const proof = decodeProof(hexToBytes(simulatedProof('update_2', publicInputs)));
  return {
    queueItems: 1,
    drops: [],
    forced: [],
    transfers: [],
    updates: [
      {
        circuitId: CIRCUITS.update_2.id,
        keepRoot: false,
        used: 1,
        prover,
        h: publicInputs.h,
        proof,
        noteRootNew: next.noteRoot,
        nullRootNew: next.nullifierRoot,
      },
    ],
  };
}
