import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHistory } from '../../verifier-contract/history.js';
import { replayHistory } from '../../verifier-contract/replay.js';
import { World } from './world.js';

let world: World;
beforeAll(async () => {
  const t = Date.now();
  world = await World.start();
  console.log('start', Date.now() - t);
});
afterAll(() => world.stop());
describe('first', () => {
  it('settles', async () => {
    const t0 = Date.now();
    await world.rollup.deposit({ asset: 0, value: 5n, owner: 7n, ephemeral: new Uint8Array(32), ciphertext: new Uint8Array(32) });
    const cm = (await world.rollup.queueItem(0)).word;
    const call = world.forceCall(world.record({ fee: 9n }));
    const f = await world.as(3).force(call);
    console.log('force gas', f.gasUsed, Date.now() - t0);
    const a = await world.settle({ queue: [{ kind: 'deposit', commitment: BigInt(cm) }, { kind: 'forced', record: call.record, data: call }], transfers: [{ records: [world.record({ fee: 1000n })] }] });
    console.log('gas', a.gasUsed, Date.now() - t0);
    for (const n of [2, 8, 16, 64]) {
      const t1 = Date.now();
      const updates = []; for (let left = n; left > 0; left -= 8) updates.push({ used: Math.min(8, left) });
      const b = await world.settle({ transfers: Array.from({ length: n }, () => ({ records: [world.record({ fee: 10n ** 15n })] })), updates });
      console.log(n, 'gas', b.gasUsed, Number(b.gasUsed) / n, b.bytes.length, Date.now() - t1);
    }
    const history = await readHistory(world.provider, world.rollup.address, 0);
    const replay = replayHistory(history);
    expect(replay.state.noteRoot).toBe(world.state.noteRoot);
    expect(replay.settlements.length).toBe(5);
  });
});
