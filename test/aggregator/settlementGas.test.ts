/** As many withdrawals at a time as one transaction cannot pay out: they go in several. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { recordHash } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { auditedReplay, makeWorld, provenSubmission, recordOf, settledStatus, until, type World } from './world.js';

/** Sixteen full updates: as many as a settlement may have. */
const COUNT = 128;
/** `JUMPDEST PUSH1 0 JUMP`: uses up all the gas that it is given. */
const BURNER_CODE = '0x5b600056';
const BURNER = `0x${'b0'.repeat(20)}`;
let world: World;
let node: RunningNode;
let client: GatewayClient;

beforeAll(async () => {
  world = await makeWorld();
  await world.provider.send('anvil_setCode', [BURNER, BURNER_CODE]);
  node = await world.start(
    { updateCircuits: ['update_8'], sealAfterMs: 60_000, settleAfterMs: 60_000 },
    {
      assets: [
        { id: 0, token: ZERO_ADDRESS, symbol: 'ETH', decimals: 18 },
        { id: 1, token: BURNER, symbol: 'B', decimals: 0 },
      ],
    },
  );
  client = new GatewayClient(node.url);
}, 180_000);
afterAll(() => world.stop(), 60_000);

describe('a crowd of withdrawals', () => {
  it('A14: of a token that burns its gas does not make a settlement that no transaction holds', async () => {
    await world.rollup.registerAsset(BURNER);
    const anchor = (await world.rollup.state()).noteRoot;
    const records = Array.from({ length: COUNT }, (_, i) => recordOf(i + 1, { outValue: 1n, outAsset: 1, recipient: BURNER }));
    for (const record of records) await client.submit(provenSubmission(record, anchor, world.domain));
    await until(
      () => node.stats(),
      ({ standingSeals }) => standingSeals === COUNT / 8,
      'all sealed',
    );
    // Every update is proven before the first settlement is mined, so that nothing but gas parts them.
    await world.provider.send('evm_setAutomine', [false]);
    await world.worker();
    await until(
      () => node.stats(),
      ({ farmTasks }) => farmTasks === 0,
      'all proven',
    );
    await world.provider.send('evm_setAutomine', [true]);
    await world.provider.send('anvil_mine', ['0x1']);
    for (const record of records) expect((await settledStatus(client, recordHash(record, world.domain))).status).toBe('settled');
    const { settlements } = await auditedReplay(world);
    expect(settlements.length).toBeGreaterThan(1);
    expect(settlements.flatMap(({ settlement }) => settlement.transfers)).toHaveLength(COUNT);
    expect(world.lines.filter((line) => /abandoned/.test(line))).toEqual([]);
  }, 180_000);
});
