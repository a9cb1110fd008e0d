/** The wallet's view of the tree against the oracle's, over settlements of every composition. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChainState } from '../../client/chainState.js';
import type { QueueItem } from '../../protocol/slots.js';
import { type HistoryEvent, readHistory, type SettledEvent } from '../../verifier-contract/history.js';
import { code } from '../protocol/walletErrors.js';
import { World } from '../verifier-contract/world.js';

let world: World;
let events: readonly HistoryEvent[];

beforeAll(async () => {
  world = await World.start();
  const deposits = async (count: number): Promise<QueueItem[]> => {
    const before = Number((await world.rollup.state()).queueTail);
    for (let i = 0; i < count; i++)
      await world.as(1).deposit({
        asset: 0,
        value: 5n,
        owner: world.random.field(),
        ephemeral: world.random.bytes(32),
        ciphertext: world.random.bytes(32),
      });
    return Promise.all(
      Array.from(
        { length: count },
        async (_, i): Promise<QueueItem> => ({ kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(before + i)).word) }),
      ),
    );
  };
  const force = async (record = world.record()): Promise<QueueItem & { data?: never }> => {
    const call = world.forceCall(record);
    await world.as(2).force(call);
    return { kind: 'forced', record, data: { record, prover: call.prover, refund: call.refund } } as unknown as QueueItem & {
      data?: never;
    };
  };
  // Odd and even counts of deposits, forced items between them, several updates of different sizes.
  await world.settle({ queue: await deposits(3) });
  await world.settle({
    transfers: [
      {
        records: [
          world.record(),
          world.record(),
          world.record(),
          world.record(),
          world.record(),
          world.record(),
          world.record(),
          world.record(),
        ],
        circuit: 'transfer_8',
      },
      { records: [world.record()] },
    ],
    updates: [
      { circuit: 'update_2', used: 1 },
      { circuit: 'update_8', used: 8 },
    ],
  });
  await world.settle({
    queue: [...(await deposits(1)), await force(), ...(await deposits(2))],
    transfers: [{ records: [world.record()] }],
    updates: [
      { circuit: 'update_2', used: 2 },
      { circuit: 'update_2', used: 2, keepRoot: false },
    ],
  });
  // A forced item dropped within a settlement by an earlier one that shares a nullifier.
  const first = world.record();
  const winner = await force(first);
  const loser = await force(world.record({ nf1: first.nf2 }));
  await world.settle({ queue: [winner, loser, ...(await deposits(1))], drops: [{ item: 1, by: 0 }] });
  // What still waits at the end.
  await deposits(1);
  await force();
  ({ events } = await readHistory(world.provider, world.rollup.address, 0));
}, 300_000);

afterAll(() => world?.stop());

const follow = (state: ChainState, list: readonly HistoryEvent[]) => list.flatMap((event) => state.apply(event));

describe('the public state of a wallet', () => {
  it('has the contract’s root and the oracle’s leaves after every settlement', () => {
    const state = new ChainState();
    const entries = follow(state, events);
    expect(state.tree.root).toBe(world.state.noteRoot);
    expect(state.tree.leafCount).toBe(world.state.leafCount);
    expect(entries.filter(({ kind }) => kind === 'deposit')).toHaveLength(7);
    expect(entries.filter(({ kind }) => kind === 'transfer')).toHaveLength(12);
    for (const entry of entries) {
      const leaf = entry.kind === 'deposit' ? entry.deposit.commitment : entry.record.cm1;
      expect(world.state.notes.leaf(entry.position as bigint)).toBe(leaf);
    }
  });

  it('can be put away in any place and taken up again', () => {
    for (let cut = 0; cut <= events.length; cut++) {
      const state = new ChainState();
      follow(state, events.slice(0, cut));
      // Whole transactions only: a drop belongs to the settlement behind it.
      if (events[cut - 1]?.kind === 'dropped') continue;
      state.endOfRange({ block: cut, blockHash: '0xab' });
      const again = ChainState.decode(state.encode());
      if (again === undefined) throw new Error('the cache does not come back');
      follow(again, events.slice(cut));
      expect(again.tree.root).toBe(world.state.noteRoot);
      expect(again.cursor).toEqual({ block: cut, blockHash: '0xab' });
    }
  });

  it('refuses a settlement that leads elsewhere, and one whose queue it has not seen', () => {
    const settled = events.findIndex(({ kind }) => kind === 'settled');
    const event = events[settled] as SettledEvent;
    const state = new ChainState();
    follow(state, events.slice(0, settled));
    expect(code(() => state.apply({ ...event, noteRoot: event.noteRoot + 1n }))).toBe('HISTORY_MISMATCH');
    expect(code(() => new ChainState().apply(event))).toBe('SETTLEMENT_QUEUE');
  });

  it('takes a damaged cache for none', () => {
    for (const text of ['', '{}', 'null', '{"batches":[["0","0x00"]],"waiting":[],"assets":[],"queueHead":0}'])
      expect(ChainState.decode(text)).toBeUndefined();
  });
});
