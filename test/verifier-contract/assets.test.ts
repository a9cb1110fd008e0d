import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAssets } from '../../verifier-contract/token.js';
import { World } from './world.js';

/** More than are read at one time. */
const TOKENS = 35;
/** PUSH1 1, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN: 1 to every question, which is no name. */
const ONE_TO_ALL = '0x60015f5260205ff3';

let world: World;
beforeAll(async () => {
  world = await World.start();
}, 60_000);
afterAll(() => world?.stop());

it('the assets of a contract are read by id, however many, and those that do not say their name by their number', async () => {
  await world.rollup.registerAsset(await world.token('Coin'));
  for (let id = 2; id <= TOKENS; id++) {
    const token = `0x${id.toString(16).padStart(40, 'a')}`;
    await world.provider.send('anvil_setCode', [token, ONE_TO_ALL]);
    await world.rollup.registerAsset(token);
  }
  const assets = await readAssets(world.rollup);
  expect(assets.map(({ id }) => id)).toEqual(Array.from({ length: TOKENS + 1 }, (_, id) => id));
  expect(assets.slice(0, 3).map(({ symbol }) => symbol)).toEqual(['ETH', 'COIN', 'asset-2']);
  for (const { id, token } of assets.slice(1)) expect(token).toBe(await world.rollup.asset(id));
}, 60_000);
