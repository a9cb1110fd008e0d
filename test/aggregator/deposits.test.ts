/** How deposits fill a batch: two share a slot, and one that is alone in the last slot is given time to be joined. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { auditedReplay, makeWorld, until, type World } from './world.js';

const LONG_MS = 600_000;
let world: World;
let node: RunningNode;

beforeAll(async () => {
  world = await makeWorld();
  await world.worker();
  node = await world.start({ sealAfterMs: LONG_MS });
}, 120_000);
afterAll(() => world.stop(), 60_000);

const deposit = async (owner: bigint) => world.deposit(5n, owner);

describe('deposits', () => {
  it('three wait for a fourth, which costs no slot; then one update takes all', async () => {
    for (const owner of [1n, 2n, 3n]) await deposit(owner);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 3,
      'three seen',
    );
    // A transfer's worth of steps goes by: the node has looked at them again and again.
    const { chain } = await node.inspect();
    await world.provider.send('evm_mine', []);
    await until(
      () => node.inspect(),
      (now) => now.chain.head > chain.head,
      'a block further',
    );
    expect(node.stats()).toMatchObject({ queueItemsWaiting: 3, standingSeals: 0 });
    await deposit(4n);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 0,
      'in the rollup',
    );
    const { settlements } = await auditedReplay(world);
    expect(settlements).toHaveLength(1);
  });

  it('alone in the last slot, one waits no longer than the age limit', async () => {
    await node.stop();
    node = await world.start({ sealAfterMs: 300 });
    for (const owner of [5n, 6n, 7n]) await deposit(owner);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 0,
      'in the rollup',
    );
    await auditedReplay(world);
  });
});
