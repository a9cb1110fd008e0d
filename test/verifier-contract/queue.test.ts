/** The one queue: order, forced transfers, drops, and who may settle when the head is overdue. Proofs are synthetic. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { recordHash } from '../../protocol/record.js';
import type { QueueItem } from '../../protocol/slots.js';
import type { DropCall, ForceCall } from '../../verifier-contract/rollup.js';
import { mod } from './syntheticKeys.js';
import { BOND, codeOf, DELAY_SECONDS, DROP_REWARD, SLOT_FEE, World } from './world.js';

type Queued = QueueItem & { data?: ForceCall };

let world: World;
let back: () => Promise<void>;
beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  back = await world.snapshot();
});
afterEach(() => back());
afterAll(() => world?.stop());

const blank = new Uint8Array(32);
async function deposit(value = 5n): Promise<Queued> {
  const { queueIndex } = await world.as(1).deposit({ asset: 0, value, owner: 7n, ephemeral: blank, ciphertext: blank });
  return { kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(queueIndex)).word) };
}
async function force(record = world.record()): Promise<Queued & { data: ForceCall }> {
  const data = world.forceCall(record);
  await world.as(1).force(data);
  return { kind: 'forced', record: data.record, data };
}
const refusal = (bytes: Uint8Array, from = 0): Promise<string> => codeOf(world.rollup.estimateSettle(bytes, world.address(from)));
const transfer = () => ({ records: [world.record()] });

describe('a forced transfer', () => {
  it('is verified on entry, emitted whole, and included', async () => {
    const item = await force();
    expect(await world.rollup.isForced(recordHash(item.data.record, world.domain))).toBe(true);
    expect((await world.rollup.queueItem(0)).kind).toBe('forced');
    await world.settle({ queue: [item] });
    expect(await world.rollup.credits(item.data.refund, 0)).toBe(BOND);
    expect((await world.rollup.state()).queueHead).toBe(1);
  });

  it('needs a valid proof, a known anchor, canonical bytes, and its price', async () => {
    const call = world.forceCall(world.record());
    expect(await codeOf(world.as(1).force({ ...call, h: call.h + 1n }))).toBe('CONTRACT_FOLD_INVALID');
    expect(await codeOf(world.as(1).force({ ...call, h: call.h + FIELD_MODULUS }))).toBe('CONTRACT_NOT_IN_FIELD');
    expect(await codeOf(world.as(1).force({ ...call, anchor: 5n }))).toBe('CONTRACT_ANCHOR_UNKNOWN');
    expect(await codeOf(world.as(1).force({ ...call, refund: ZERO_ADDRESS }))).toBe('CONTRACT_REFUND_TO_NOBODY');
    expect(await codeOf(world.as(1).force({ ...call, proof: { ...call.proof, a: { x: 1n, y: 1n } } }))).toBe('CONTRACT_PROOF_MALFORMED');
    const { rollupInterface } = await import('../../verifier-contract/abi.js');
    const { encodeRecord } = await import('../../protocol/record.js');
    const { encodeProof } = await import('../../protocol/proof.js');
    const { bytesToHex, concatBytes } = await import('../../protocol/bytes.js');
    const raw = (record: Uint8Array, proof: Uint8Array, valueWei = BOND + SLOT_FEE): Promise<string> =>
      codeOf(
        world
          .as(1)
          .send(
            'force',
            rollupInterface().encodeFunctionData('force', [
              bytesToHex(record),
              call.prover,
              call.refund,
              call.anchor,
              call.h,
              bytesToHex(proof),
            ]),
            valueWei,
          ),
      );
    expect(await raw(concatBytes(encodeRecord(call.record), Uint8Array.of(0)), encodeProof(call.proof))).toBe('CONTRACT_FORCED_LENGTH');
    expect(await raw(encodeRecord(call.record), concatBytes(encodeProof(call.proof), Uint8Array.of(0)))).toBe('CONTRACT_FORCED_LENGTH');
    expect(await raw(encodeRecord(call.record), encodeProof(call.proof), BOND)).toBe('CONTRACT_WRONG_PAYMENT');
    expect(await raw(encodeRecord(call.record), encodeProof(call.proof))).toBe('no error');
  });

  it('A12: a re-randomised proof of the same record is a duplicate, also after inclusion', async () => {
    const item = await force();
    const again = world.forceCall(item.data.record, world.address(4), world.address(6));
    expect(again.proof).not.toEqual(item.data.proof);
    expect(await codeOf(world.as(2).force(again))).toBe('CONTRACT_FORCED_TWICE');
    await world.settle({ queue: [item] });
    expect(await codeOf(world.as(2).force(again))).toBe('CONTRACT_FORCED_TWICE');
  });

  it('A14: its prover and refund address cannot be renamed on inclusion', async () => {
    const item = await force();
    for (const change of [{ prover: world.address(4) }, { refund: world.address(4) }, { record: { ...item.data.record, fee: 1n } }]) {
      const data = { ...item.data, ...change };
      const plan = world.plan({ queue: [{ ...item, record: data.record, data } as Queued] });
      expect(await refusal(plan.bytes)).toBe('CONTRACT_FORCED_MISMATCH');
    }
    expect(await refusal(world.plan({ queue: [item] }).bytes)).toBe('no error');
  });
});

describe('slots of queue items', () => {
  it('pairs deposits greedily, skipping dropped items, and takes items in order', async () => {
    const items = [await deposit(1n), await deposit(2n), await deposit(3n), await force(), await deposit(4n), await deposit(5n)];
    const { settlement } = await world.settle({
      queue: items,
      transfers: [transfer()],
      updates: [
        { used: 2, keepRoot: true },
        { used: 3, circuit: 'update_8' },
      ],
    });
    expect(settlement.updates.map(({ used }) => used)).toEqual([2, 3]);
    const state = await world.rollup.state();
    expect([state.queueHead, state.queueTail, state.noteRoot]).toEqual([6, 6, world.state.noteRoot]);
    expect(await world.rollup.credits(world.address(9), 0)).toBe(6n * SLOT_FEE);
  });

  it('A14: an item out of order or skipped changes the statement', async () => {
    const [first, second] = [await deposit(1n), await deposit(2n)];
    expect(await refusal(world.plan({ queue: [second, first] }).bytes)).toBe('CONTRACT_FOLD_INVALID');
    expect(await refusal(world.plan({ queue: [second] }).bytes)).toBe('CONTRACT_FOLD_INVALID');
    expect(await refusal(world.plan({ queue: [first, second] }).bytes)).toBe('no error');
  });
});

describe('an overdue head', () => {
  it('A14: opens settling to everybody, until none is overdue', async () => {
    const item = await deposit();
    expect(await refusal(world.plan({ queue: [item] }).bytes, 3)).toBe('CONTRACT_NOT_SETTLER');
    await world.passSeconds(DELAY_SECONDS - 60);
    expect(await world.rollup.isOverdue()).toBe(false);
    await world.passSeconds(120);
    expect(await world.rollup.isOverdue()).toBe(true);
    await world.settle({ queue: [item] }, 3);
    expect(await refusal(world.plan({ transfers: [transfer()] }).bytes, 3)).toBe('CONTRACT_NOT_SETTLER');
    expect(await world.rollup.credits(world.address(3), 0)).toBe(0n);
  });

  it('A14: must be served first: all overdue items, or as many as there are transfers', async () => {
    const items = [await deposit(1n), await deposit(2n), await deposit(3n)];
    await world.passSeconds(DELAY_SECONDS + 60);
    const fresh = await deposit(4n);
    const two = [transfer(), transfer()];
    expect(await refusal(world.plan({ transfers: [transfer()] }).bytes)).toBe('CONTRACT_OVERDUE_FIRST');
    expect(await refusal(world.plan({ queue: items.slice(0, 1), transfers: two }).bytes)).toBe('CONTRACT_OVERDUE_FIRST');
    expect(await refusal(world.plan({ queue: items.slice(0, 2), transfers: two }).bytes)).toBe('no error');
    expect(await refusal(world.plan({ queue: items, transfers: [...two, transfer(), transfer()] }).bytes)).toBe('no error');
    expect(await refusal(world.plan({ queue: [...items, fresh], transfers: two }).bytes)).toBe('no error');
  });
});

describe('a flood', () => {
  it('A14: of deposits and forced items costs its sender and passes in bounded settlements, in order', async () => {
    const items: Queued[] = [];
    for (let i = 0; i < 24; i++) items.push(await deposit(BigInt(i + 1)));
    for (let i = 0; i < 4; i++) items.push(await force());
    const late = await deposit(99n);
    await world.passSeconds(DELAY_SECONDS + 60);
    // The settler carries its own transfers along, one for each item it serves, and gets through in two steps.
    const { gasUsed } = await world.settle({
      queue: items.slice(0, 14),
      transfers: Array.from({ length: 14 }, transfer),
      updates: [{ used: 21, circuit: 'update_32' }],
    });
    expect(gasUsed).toBeLessThan(2_500_000n);
    await world.settle({ queue: [...items.slice(14), late], updates: [{ used: 10, circuit: 'update_32' }] }, 3);
    expect((await world.rollup.state()).queueHead).toBe(29);
    expect(await world.rollup.credits(world.address(9), 0)).toBe(29n * SLOT_FEE);
    expect(await world.rollup.isOverdue()).toBe(false);
  });
});

describe('drop', () => {
  /** Spends the record through a settlement, and opens its first nullifier. */
  async function opening(item: { data: ForceCall }, nullifier: 1 | 2): Promise<DropCall> {
    const nf = nullifier === 1 ? item.data.record.nf1 : item.data.record.nf2;
    await world.settle({ transfers: [{ records: [world.record({ nf1: nf })] }] });
    const low = world.state.nullifiers.low(nf + 1n);
    const leafIndex = BigInt(low.index);
    return { queueIndex: 0, ...item.data, nullifier, next: low.next, leafIndex, siblings: world.state.nullifiers.path(leafIndex) };
  }

  it('takes out an item whose nullifier is in the tree, pays the reward, returns the rest', async () => {
    for (const nullifier of [1, 2] as const) {
      const inner = await world.snapshot();
      const item = await force();
      const call = await opening(item, nullifier);
      await world.as(2).drop(call);
      expect((await world.rollup.queueItem(0)).kind).toBe('dropped');
      expect(await world.rollup.credits(world.address(2), 0)).toBe(DROP_REWARD);
      expect(await world.rollup.credits(item.data.refund, 0)).toBe(BOND - DROP_REWARD);
      expect(await codeOf(world.as(2).drop(call))).toBe('CONTRACT_NOT_DROPPABLE');
      const paid = await deposit();
      await world.settle({ queue: [{ kind: 'dropped' }, paid] });
      expect(await world.rollup.credits(world.address(9), 0)).toBe(2n * SLOT_FEE);
      await inner();
    }
  });

  it('A14: needs the true nullifier, leaf, path and data', async () => {
    const item = await force();
    const call = await opening(item, 1);
    const changed = (change: Partial<DropCall>): Promise<string> => codeOf(world.as(2).drop({ ...call, ...change }));
    expect(await changed({ nullifier: 2 })).toBe('CONTRACT_OPENING_WRONG');
    expect(await changed({ next: mod(call.next + 1n) })).toBe('CONTRACT_OPENING_WRONG');
    expect(await changed({ next: call.next + FIELD_MODULUS })).toBe('CONTRACT_NOT_IN_FIELD');
    expect(await changed({ leafIndex: call.leafIndex ^ 1n })).toBe('CONTRACT_OPENING_WRONG');
    expect(await changed({ leafIndex: call.leafIndex + (1n << 32n) })).toBe('CONTRACT_LEAF_INDEX');
    const shifted = call.siblings.map((level, i) => (i === 3 ? [(level[0] as bigint) + FIELD_MODULUS, ...level.slice(1)] : level));
    expect(await changed({ siblings: shifted })).toBe('CONTRACT_NOT_IN_FIELD');
    expect(await changed({ refund: world.address(2) })).toBe('CONTRACT_FORCED_MISMATCH');
    expect(await changed({ queueIndex: 1 })).toBe('CONTRACT_NOT_DROPPABLE');
    expect(await changed({})).toBe('no error');
  });

  it('does not touch deposits, nor items in the rollup already', async () => {
    await deposit();
    const item = await force();
    const call = await opening(item, 1);
    expect(await codeOf(world.as(2).drop({ ...call, queueIndex: 0 }))).toBe('CONTRACT_NOT_DROPPABLE');
    expect(await codeOf(world.as(2).drop({ ...call, queueIndex: 1 }))).toBe('no error');
  });
});

describe('a drop inside a settlement', () => {
  it('A14: of two forced transfers that share a nullifier the earlier wins, also in a chain', async () => {
    const first = await force();
    const second = await force(world.record({ nf2: first.data.record.nf1 }));
    const third = await force(world.record({ nf1: second.data.record.nf1 }));
    const queue = [first, second, third];
    expect(await refusal(world.plan({ queue, drops: [{ item: 1, by: 0 }] }).bytes)).toBe('no error');
    await world.settle({ queue, drops: [{ item: 1, by: 0 }] });
    expect(await world.rollup.credits(world.address(5), 0)).toBe(3n * BOND - DROP_REWARD);
    expect(await world.rollup.credits(world.address(9), 0)).toBe(3n * SLOT_FEE + DROP_REWARD);
  });

  it('A14: names the first of two live items in conflict, so that there is one encoding', async () => {
    const [first, second] = [await force(), await force()];
    const third = await force(world.record({ nf1: second.data.record.nf1, nf2: first.data.record.nf2 }));
    const queue = [first, second, third];
    expect(await refusal(world.plan({ queue, drops: [{ item: 2, by: 0 }] }).bytes)).toBe('no error');
    expect(await refusal(world.plan({ queue, drops: [{ item: 2, by: 1 }] }).bytes)).toBe('CONTRACT_DROP_NOT_FIRST');
  });

  it('A14: needs an earlier live item with the same nullifier', async () => {
    const first = await force();
    const second = await force(world.record({ nf2: first.data.record.nf1 }));
    const stranger = await force();
    const paid = await deposit();
    const queue = [first, second, stranger, paid];
    const at = 9; // drops stand right behind the header: no anchors
    /** The settlement with these drops; its update has room for the items that they leave. */
    const drops = (...pairs: [number, number][]): Uint8Array => {
      const { bytes } = world.plan({ queue, drops: [{ item: 1, by: 0 }] });
      const list = pairs.flatMap(([item, by]) => [item >> 8, item & 255, by >> 8, by & 255]);
      const spoilt = Uint8Array.from([...bytes.slice(0, at), ...list, ...bytes.slice(at + 4)]);
      spoilt[7] = pairs.length;
      spoilt[spoilt.length - 375 + 2] = pairs.some(([item]) => item === 1) ? 3 : 4;
      return spoilt;
    };
    expect(await refusal(drops([1, 0]))).toBe('no error');
    expect(await refusal(drops([2, 0]))).toBe('CONTRACT_DROP_WITHOUT_CONFLICT');
    expect(await refusal(drops([1, 1]))).toBe('CONTRACT_DROP_REFERENCE');
    expect(await refusal(drops([1, 2]))).toBe('CONTRACT_DROP_REFERENCE');
    expect(await refusal(drops([0, 0]))).toBe('CONTRACT_DROP_REFERENCE');
    expect(await refusal(drops([3, 0]))).toBe('CONTRACT_DROP_REFERENCE'); // a deposit
    expect(await refusal(drops([9, 0]))).toBe('CONTRACT_DROP_REFERENCE'); // not among the items
    expect(await refusal(drops([1, 0], [1, 0]))).toBe('CONTRACT_DROP_REFERENCE'); // twice
    expect(await refusal(drops([1, 0], [2, 1]))).toBe('CONTRACT_DROP_REFERENCE'); // by a dropped one
  });
});
