/** A node whose account is not the contract's aggregator: refused unless it is meant, and then bound to the turns that an overdue queue gives it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../client/environment.js';
import { hexToBytes } from '../../protocol/bytes.js';
import { evmAddressOfKey } from '../../protocol/eip712.js';
import { verifySoftConfirmation } from '../../protocol/softConfirmation.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { auditedReplay, codeOf, makeWorld, provenSubmission, recordOf, settledStatus, statusNow, until, type World } from './world.js';

const DELAY_PASSED_SECONDS = 700;
const STRANGER = 2;

let world: World;
let folder: string;
let settlerKey: string;
let stranger: string;

beforeAll(async () => {
  world = await makeWorld();
  folder = await mkdtemp(join(tmpdir(), 'tacit-successor-'));
  settlerKey = world.anvil.accounts[STRANGER]?.privateKey as string;
  stranger = evmAddressOfKey(hexToBytes(settlerKey));
  await world.worker();
}, 180_000);
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const passDelay = async () => {
  await world.provider.send('evm_increaseTime', [DELAY_PASSED_SECONDS]);
  await world.provider.send('anvil_mine', ['0x1']);
};
const submitOne = async (url: string, number: number) => {
  const record = recordOf(number);
  const submission = provenSubmission(record, (await world.rollup.state()).noteRoot, world.domain);
  return new GatewayClient(url).submit(submission);
};
const settlers = async () => {
  const { settlements } = await auditedReplay(world);
  const transactions = settlements.map(({ event }) => world.provider.getTransaction(event.transactionHash));
  return (await Promise.all(transactions)).map((transaction) => transaction?.from.toLowerCase());
};

describe('a successor', () => {
  it('is refused where it is not meant to be one', async () => {
    expect(await codeOf(world.start({}, { settlerKey, journalDir: join(folder, 'unmeant') }))).toBe('NOT_THE_AGGREGATOR');
  });

  it('A14: settles what waits while the queue is overdue, and seals nothing before', async () => {
    const node = await world.start({}, { settlerKey, journalDir: join(folder, 'journal'), successor: true });
    const client = new GatewayClient(node.url);
    expect(await client.info()).toMatchObject({ aggregator: world.anvil.accounts[0]?.address.toLowerCase(), operator: stranger });
    const { id, confirmation } = await submitOne(node.url, 1);
    if (confirmation === undefined) throw new Error('no confirmation');
    verifySoftConfirmation(confirmation, world.domain, stranger);
    await world.deposit(5n, 5n);
    await until(
      () => node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 1,
      'aware of the deposit',
    );
    // As long as the operator would take to settle it many times over.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(node.stats()).toMatchObject({ standingSeals: 0, settlements: 0 });
    expect((await statusNow(client, id)).status).toBe('confirmed');

    await passDelay();
    expect(await settledStatus(client, id)).toMatchObject({ status: 'settled' });
    expect(await settlers()).toEqual([stranger]);
    expect(node.stats()).toMatchObject({ queueItemsWaiting: 0, standingSeals: 0 });

    // The door is shut again.
    const next = await submitOne(node.url, 2);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await statusNow(client, next.id)).status).toBe('confirmed');

    // The operator is back: what it settles is settled for the successor's wallets too.
    const operator = await world.start();
    await submitOne(operator.url, 2);
    expect(await settledStatus(client, next.id)).toMatchObject({ status: 'settled' });
    expect(await settlers()).toEqual([stranger, world.anvil.accounts[0]?.address.toLowerCase()]);
    await operator.stop();
    await node.stop();
  }, 120_000);

  it('A14: gives way when the operator serves the queue first', async () => {
    const node = await world.start({}, { settlerKey, journalDir: join(folder, 'slow'), successor: true });
    const { id } = await submitOne(node.url, 3);
    const operator = await world.start();
    await world.deposit(6n, 6n);
    await until(
      () => world.rollup.state(),
      ({ queueHead, queueTail }) => queueHead === queueTail,
      'served by the operator',
    );
    await passDelay();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await statusNow(new GatewayClient(node.url), id)).status).toBe('confirmed');
    expect(new Set((await settlers()).slice(2))).toEqual(new Set([world.anvil.accounts[0]?.address.toLowerCase()]));
    await operator.stop();
    await node.stop();
  }, 120_000);

  it('is followed only by wallets that name it', async () => {
    const node = await world.start({}, { settlerKey, journalDir: join(folder, 'followed'), successor: true });
    const home = { rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, nodeUrl: node.url };
    expect(await codeOf(connect(home))).toBe('NODE_MISMATCH');
    expect(await codeOf(connect({ ...home, operator: `0x${'12'.repeat(20)}` }))).toBe('NODE_MISMATCH');
    expect(await codeOf(connect({ ...home, operator: 'somebody' }))).toBe('EVM_ADDRESS_INVALID');
    const environment = await connect({ ...home, operator: world.anvil.accounts[STRANGER]?.address as string });
    expect(environment.operator).toBe(stranger);
    environment.close();
    await node.stop();
  }, 60_000);
});
