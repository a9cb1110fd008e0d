/** A node that is full: what has no proof keeps nobody out who brings one, and what was given back gives way. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import type { SealedSubmission } from '../../queue/service.js';
import { hex, sealForSimulated } from './simulatedFarm.js';
import { codeOf, makeWorld, provenSubmission, recordOf, settledStatus, statusNow, until, type World } from './world.js';

const PLACES = 2;
const ROSTER_SECONDS = 1_800;
let world: World;
let node: RunningNode;
let client: GatewayClient;
let anchor: bigint;

beforeAll(async () => {
  world = await makeWorld();
  node = await world.start({ pendingTransfers: PLACES });
  client = new GatewayClient(node.url);
  anchor = (await world.rollup.state()).noteRoot;
}, 180_000);
afterAll(() => world.stop(), 60_000);

const idOf = (record: TransferRecord) => recordHash(record, world.domain);
const now = () => Math.floor(Date.now() / 1000);
/** Sealed for somebody whom there is not: nobody will ever open it. */
const unreadable = (record: TransferRecord, expires: number): SealedSubmission => {
  const workers = [{ address: `0x${'22'.repeat(20)}`, sealKey: `0x09${'00'.repeat(31)}` }];
  const nobody = { id: `0x${'11'.repeat(32)}`, expires, workers, signature: '0x' };
  return {
    id: idOf(record),
    record: bytesToHex(encodeRecord(record)),
    sealed: sealForSimulated(record, anchor, nobody, world.domain),
    anchor: hex(anchor),
  };
};

describe('a node that is full', () => {
  it('A16: takes no seal that is good for longer than a roster: it would never be given back', async () => {
    expect(await codeOf(client.submit(unreadable(recordOf(1), now() + ROSTER_SECONDS + 3_600)))).toBe('SEAL_TOO_LONG');
    expect(await codeOf(client.submit(unreadable(recordOf(1), Number.MAX_SAFE_INTEGER)))).toBe('SEAL_TOO_LONG');
  });

  it('A16: with jobs that nobody can open takes proven transfers, refuses more jobs, and forgets what it gave back for new ones', async () => {
    const filling = [recordOf(2), recordOf(3)];
    for (const record of filling) await client.submit(unreadable(record, now() + 3));
    expect(await codeOf(client.submit(unreadable(recordOf(4), now() + 600)))).toBe('NODE_BUSY');
    expect((await client.submit(provenSubmission(recordOf(5), anchor, world.domain))).status).toBe('confirmed');
    for (const record of filling)
      await until(
        () => statusNow(client, idOf(record)),
        ({ status }) => status === 'reseal',
        'given back',
      );
    // Three places are taken of two, so both make room for one.
    expect((await client.submit(unreadable(recordOf(4), now() + 600))).status).toBe('queued');
    for (const record of filling) expect(await client.status(idOf(record))).toBeUndefined();
    await world.worker();
    expect((await settledStatus(client, idOf(recordOf(5)))).status).toBe('settled');
    // Its wallet brings it again, with a proof.
    await client.submit(provenSubmission(recordOf(2), anchor, world.domain));
    expect((await settledStatus(client, idOf(recordOf(2)))).status).toBe('settled');
  });

  it('refuses a proven transfer when as many are proven', async () => {
    await world.provider.send('evm_setAutomine', [false]);
    for (const n of [6, 7]) await client.submit(provenSubmission(recordOf(n), anchor, world.domain));
    expect(await codeOf(client.submit(provenSubmission(recordOf(8), anchor, world.domain)))).toBe('NODE_BUSY');
    await world.provider.send('evm_setAutomine', [true]);
    await world.provider.send('anvil_mine', ['0x1']);
    for (const n of [6, 7]) expect((await settledStatus(client, idOf(recordOf(n)))).status).toBe('settled');
  });
});
