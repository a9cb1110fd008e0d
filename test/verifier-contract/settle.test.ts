/**
 * The settlement's decoder: every way to spell a settlement wrongly has its own refusal. Proofs are synthetic: whatever
 * is refused here is refused before any proof is looked at, and the honest twin shows that the same bytes pass unspoilt.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerState } from '../../ledger/state.js';
import { bytesToUint, concatBytes, uintToBytes } from '../../protocol/bytes.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { encodeRecord } from '../../protocol/record.js';
import { contractError } from '../../verifier-contract/contractError.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { codeOf, type Planned, World } from './world.js';

// Offsets in a settlement of one anchor, one transfer(1) without prover and fee, one update.
const AT = {
  version: 0,
  source: 1,
  updates: 2,
  proofs: 3,
  items: 5,
  drops: 7,
  anchors: 8,
  anchor: 9,
  transfer: 41,
  transferH: 44,
  record: 332,
  update: 555,
  end: 930,
};

let world: World;
let honest: Planned;
beforeAll(async () => {
  world = await World.start();
  await world.settle({ transfers: [{ records: [world.record()] }] });
  honest = world.plan({ transfers: [{ records: [world.record()] }] });
});
afterAll(() => world?.stop());

/** What the contract says to these bytes. */
const refusal = (bytes: Uint8Array, from = 0): Promise<string> => codeOf(world.rollup.estimateSettle(bytes, world.address(from)));
/** A copy with bytes replaced at an offset. */
function spoil(offset: number, ...patch: number[]): Uint8Array {
  const bytes = honest.bytes.slice();
  bytes.set(patch, offset);
  return bytes;
}
const word = (value: bigint): number[] => [...uintToBytes(value, 32)];
/** The honest settlement with another record in its place. */
const withRecord = (record: Uint8Array): Uint8Array => concatBytes(honest.bytes.slice(0, AT.record), record, honest.bytes.slice(AT.update));
const packed = (): Uint8Array => honest.bytes.slice(AT.record, AT.update);

describe('settle', () => {
  it('A1, A12, A14 honest: the settlement is accepted and moves the state', async () => {
    expect(honest.bytes.length).toBe(AT.end);
    const back = await world.snapshot();
    const { settlementIndex } = await world.rollup.settle(honest.bytes);
    const state = await world.rollup.state();
    expect(settlementIndex).toBe(1);
    expect([state.noteRoot, state.nullifierRoot, state.leafCount]).toEqual([
      honest.next.noteRoot,
      honest.next.nullifierRoot,
      honest.next.leafCount,
    ]);
    expect(await world.rollup.isKnownRoot(honest.next.noteRoot)).toBe(true);
    expect(await refusal(honest.bytes)).toBe('CONTRACT_FOLD_INVALID'); // again: another state, other statements
    await back();
  });

  it('is the aggregator’s while nothing is overdue', async () => {
    expect(await refusal(honest.bytes, 3)).toBe('CONTRACT_NOT_SETTLER');
  });

  it('demands the exact ABI wrapping', async () => {
    const data = rollupData.settle(honest.bytes).slice(2);
    const call = (hex: string): Promise<string> =>
      codeOf(
        world.provider.call({ from: world.address(0), to: world.rollup.address, data: `0x${hex}` }).catch((error: unknown) => {
          throw contractError(error, 'settle');
        }),
      );
    expect(await call(data)).toBe('no error');
    expect(await call(`${data}00`)).toBe('CONTRACT_CALLDATA_SHAPE');
    expect(await call(`${data.slice(0, -2)}01`)).toBe('CONTRACT_CALLDATA_SHAPE'); // padding
    expect(await call(data.slice(0, -2))).not.toBe('no error');
    const moved = `${data.slice(0, 8)}${(64).toString(16).padStart(64, '0')}${'00'.repeat(32)}${data.slice(8 + 64)}`;
    expect(await call(moved)).toBe('CONTRACT_CALLDATA_SHAPE');
  });

  it('reads a version and a data source that it knows', async () => {
    expect(await refusal(spoil(AT.version, 2))).toBe('CONTRACT_HEADER_UNKNOWN');
    expect(await refusal(spoil(AT.source, 1))).toBe('CONTRACT_HEADER_UNKNOWN');
  });

  it('needs an update, and room for each', async () => {
    expect(await refusal(spoil(AT.updates, 0))).toBe('CONTRACT_UPDATE_COUNT');
    expect(await refusal(spoil(AT.updates, 3))).toBe('CONTRACT_UPDATE_COUNT');
  });

  it('takes known anchors, ascending, each used', async () => {
    expect(await refusal(spoil(AT.anchors, 128))).toBe('CONTRACT_ANCHOR_COUNT');
    expect(await refusal(spoil(AT.anchor, ...word(12345n)))).toBe('CONTRACT_ANCHOR_UNKNOWN');
    const roots = [LedgerState.genesis().noteRoot, world.state.noteRoot].sort((a, b) => (a < b ? -1 : 1));
    const two = (a: bigint, b: bigint): Uint8Array => {
      const bytes = concatBytes(honest.bytes.slice(0, AT.anchor), uintToBytes(a, 32), uintToBytes(b, 32), honest.bytes.slice(AT.transfer));
      bytes[AT.anchors] = 2;
      return bytes;
    };
    expect(await refusal(two(roots[0] as bigint, roots[1] as bigint))).toBe('CONTRACT_ANCHOR_UNUSED');
    expect(await refusal(two(roots[1] as bigint, roots[0] as bigint))).toBe('CONTRACT_ANCHOR_ORDER');
    expect(await refusal(two(roots[0] as bigint, roots[0] as bigint))).toBe('CONTRACT_ANCHOR_ORDER');
  });

  it('takes an anchor reference to the table or to an earlier update only', async () => {
    expect(await refusal(spoil(AT.transfer + 2, 1))).toBe('CONTRACT_ANCHOR_REFERENCE');
    expect(await refusal(spoil(AT.transfer + 2, 0x80))).toBe('CONTRACT_ANCHOR_REFERENCE');
    const own = { records: [world.record()], anchor: { kind: 'update', index: 0 } as const };
    const before = { records: [world.record()] };
    const later = world.plan({ transfers: [before, own, { records: [world.record()] }], updates: [{ used: 1 }, { used: 2 }] });
    expect(await refusal(later.bytes)).toBe('no error');
    const bytes = later.bytes.slice();
    const first = bytes.length - 2 * 375;
    bytes[first + 2] = 2; // update 0 now holds both slots
    bytes[first + 375 + 2] = 1;
    expect(await refusal(bytes)).toBe('CONTRACT_ANCHOR_REFERENCE');
  });

  it('knows one flag in each place', async () => {
    expect(await refusal(spoil(AT.transfer + 1, 2))).toBe('CONTRACT_FLAGS_UNKNOWN');
    expect(await refusal(spoil(AT.update + 1, 2))).toBe('CONTRACT_FLAGS_UNKNOWN');
    expect(await refusal(spoil(AT.update + 1, 1))).toBe('CONTRACT_FLAGS_UNKNOWN'); // the last root is kept anyway
  });

  it('wants provers named where they must be', async () => {
    expect(await refusal(spoil(AT.update + 3, ...new Array<number>(20).fill(0)))).toBe('CONTRACT_PROVER_MISSING');
    const named = concatBytes(
      honest.bytes.slice(0, AT.transfer + 1),
      Uint8Array.of(1, 0),
      new Uint8Array(20),
      honest.bytes.slice(AT.transferH),
    );
    expect(await refusal(named)).toBe('CONTRACT_PROVER_MISSING');
  });

  it('keeps each kind of circuit in its place', async () => {
    for (const id of [0, 4, 6]) expect(await refusal(spoil(AT.transfer, id))).toBe('CONTRACT_NOT_A_TRANSFER_CIRCUIT');
    for (const id of [0, 1, 6]) expect(await refusal(spoil(AT.update, id))).toBe('CONTRACT_NOT_AN_UPDATE_CIRCUIT');
  });

  it('bounds the slots of an update', async () => {
    expect(await refusal(spoil(AT.update + 2, 0))).toBe('CONTRACT_SLOTS_USED');
    expect(await refusal(spoil(AT.update + 2, 9))).toBe('CONTRACT_SLOTS_USED');
    expect(await refusal(spoil(AT.update, 5, 0, 8))).toBe('CONTRACT_SLOTS_USED'); // update(32) carries nine at least
  });

  it('fills exactly the slots there are', async () => {
    expect(await refusal(spoil(AT.update + 2, 2))).toBe('CONTRACT_SLOT_COUNT');
    const two = world.plan({ transfers: [{ records: [world.record()] }, { records: [world.record()] }] });
    const bytes = two.bytes.slice();
    bytes[bytes.length - 375 + 2] = 1;
    expect(await refusal(bytes)).toBe('CONTRACT_SLOT_COUNT');
  });

  it('ends where it should', async () => {
    expect(await refusal(concatBytes(honest.bytes.slice(0, AT.update), Uint8Array.of(0), honest.bytes.slice(AT.update)))).toBe(
      'CONTRACT_LENGTH_MISMATCH',
    );
    expect(await refusal(concatBytes(honest.bytes.slice(0, AT.update - 1), honest.bytes.slice(AT.update)))).toBe(
      'CONTRACT_LENGTH_MISMATCH',
    );
    expect(await refusal(spoil(AT.proofs + 1, 0))).not.toBe('no error');
  });

  it('takes no more queue items than wait, and no drops without items', async () => {
    expect(await refusal(spoil(AT.items + 1, 1))).toBe('CONTRACT_QUEUE_TOO_SHORT');
    const dropping = concatBytes(honest.bytes.slice(0, AT.transfer), new Uint8Array(4), honest.bytes.slice(AT.transfer));
    dropping[AT.drops] = 1;
    expect(await refusal(dropping)).toBe('CONTRACT_DROP_REFERENCE');
  });

  it('refuses a full tree', async () => {
    const back = await world.snapshot();
    const { leafCount } = await world.rollup.state();
    const slot = await countersSlot(leafCount);
    const counters = BigInt(await world.provider.getStorage(world.rollup.address, slot));
    const set = (count: bigint): Promise<unknown> =>
      world.provider.send('anvil_setStorageAt', [
        world.rollup.address,
        `0x${slot.toString(16)}`,
        `0x${(((counters >> 40n) << 40n) | count).toString(16).padStart(64, '0')}`,
      ]);
    await set((1n << 32n) - 16n);
    expect(await refusal(honest.bytes)).toBe('CONTRACT_FOLD_INVALID'); // there is room: only the statement is another
    await set((1n << 32n) - 15n);
    expect(await refusal(honest.bytes)).toBe('CONTRACT_TREE_FULL');
    await back();
  });

  it('needs a key for every circuit', async () => {
    const small = await World.start({ circuits: ['transfer_1', 'update_8'] });
    try {
      const plan = small.plan({ transfers: [{ records: [small.record()] }] });
      const bytes = plan.bytes.slice();
      bytes[AT.update] = 3;
      expect(await codeOf(small.rollup.estimateSettle(bytes, small.address(0)))).toBe('CONTRACT_KEY_MISSING');
      await small.rollup.settle(plan.bytes);
    } finally {
      await small.stop();
    }
  });
});

describe('a record in a settlement', () => {
  const flags = (value: number, ...tail: number[]): Uint8Array => {
    const record = packed();
    record[0] = value;
    return withRecord(concatBytes(record, Uint8Array.from(tail)));
  };

  it('has four flag bits', async () => {
    expect(await refusal(flags(16))).toBe('CONTRACT_RECORD_FLAGS');
    expect(await refusal(flags(128))).toBe('CONTRACT_RECORD_FLAGS');
  });

  it('has nullifiers in range, and two of them', async () => {
    expect(await refusal(spoil(AT.record + 1, ...new Array<number>(31).fill(0)))).toBe('CONTRACT_NULLIFIER_RANGE');
    expect(await refusal(spoil(AT.record + 32, ...new Array<number>(31).fill(0)))).toBe('CONTRACT_NULLIFIER_RANGE');
    expect(await refusal(spoil(AT.record + 1, ...new Array<number>(31).fill(255)))).toBe('CONTRACT_NULLIFIER_RANGE');
    expect(await refusal(spoil(AT.record + 32, ...new Array<number>(31).fill(255)))).toBe('CONTRACT_NULLIFIER_RANGE');
    expect(await refusal(spoil(AT.record + 1, ...new Array<number>(30).fill(255), 254))).toBe('CONTRACT_FOLD_INVALID'); // the largest allowed
    const first = honest.bytes.slice(AT.record + 1, AT.record + 32);
    expect(await refusal(spoil(AT.record + 32, ...first))).toBe('CONTRACT_NULLIFIER_TWICE');
  });

  it('withdraws something or says nothing of it', async () => {
    expect(await refusal(flags(1, ...new Array<number>(40).fill(0)))).toBe('CONTRACT_WITHDRAWAL_OF_NOTHING');
    expect(await refusal(flags(1, 0, 0, 0, 0, ...new Array<number>(15).fill(0), 1, ...new Array<number>(20).fill(7)))).toBe(
      'CONTRACT_FOLD_INVALID',
    );
  });

  it('spells its fee as narrowly as can be', async () => {
    expect(await refusal(flags(4, 0, 0, 0, 0))).toBe('CONTRACT_FEE_NOT_NARROWEST');
    expect(await refusal(flags(8, 0, 0, 0, 0, 255, 255, 255, 255))).toBe('CONTRACT_FEE_NOT_NARROWEST');
    expect(await refusal(flags(12, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255))).toBe('CONTRACT_FEE_NOT_NARROWEST');
    expect(await refusal(flags(4, 0, 0, 0, 1))).toBe('CONTRACT_FOLD_INVALID');
    expect(await refusal(flags(8, 0, 0, 0, 1, 0, 0, 0, 0))).toBe('CONTRACT_FOLD_INVALID');
    expect(await refusal(flags(12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0))).toBe('CONTRACT_FOLD_INVALID');
  });

  it('names a fee asset only for a fee, and only when it is not the native coin', async () => {
    expect(await refusal(flags(2, 0, 0, 0, 1))).toBe('CONTRACT_FEE_ASSET_NOT_CANONICAL');
    expect(await refusal(flags(6, 0, 0, 0, 1, 0, 0, 0, 0))).toBe('CONTRACT_FEE_ASSET_NOT_CANONICAL');
    expect(await refusal(flags(6, 0, 0, 0, 1, 0, 0, 0, 1))).toBe('CONTRACT_FOLD_INVALID');
  });

  it('takes at most 240 bytes when private, 40 more with a withdrawal', () => {
    const largest = world.record({ fee: (1n << 96n) - 1n, feeAsset: 0xffffffff });
    expect(encodeRecord(largest).length).toBe(239);
    expect(encodeRecord({ ...largest, outAsset: 1, outValue: 1n, recipient: world.address(1) }).length).toBe(279);
  });
});

describe('A1: x + p and x + 2p in place of x', () => {
  it('is refused in every number of the calldata', async () => {
    const numbers = {
      'h of the transfer': AT.transferH,
      cm1: AT.record + 63,
      cm2: AT.record + 95,
      'h of the update': AT.update + 23,
      noteRootNew: AT.update + 311,
      nullRootNew: AT.update + 343,
    };
    for (const [what, offset] of Object.entries(numbers)) {
      const value = bytesToUint(honest.bytes.slice(offset, offset + 32));
      for (const times of [1n, 2n])
        expect([what, await refusal(spoil(offset, ...word(value + times * FIELD_MODULUS)))]).toEqual([what, 'CONTRACT_NOT_IN_FIELD']);
    }
    expect(await refusal(spoil(AT.anchor, ...word(world.state.noteRoot + FIELD_MODULUS)))).toBe('CONTRACT_ANCHOR_UNKNOWN');
    expect(await refusal(honest.bytes)).toBe('no error');
  });
});

/** The storage slot of the packed counters, found by its content. */
async function countersSlot(leafCount: bigint): Promise<number> {
  for (let slot = 0; slot < 20; slot++) {
    const content = BigInt(await world.provider.getStorage(world.rollup.address, slot));
    if ((content & ((1n << 40n) - 1n)) === leafCount && ((content >> 40n) & 0xffffn) === 1n) return slot;
  }
  throw new Error('no slot holds the counters');
}
