/** Reading the past back, rebuilding the state, and the node's chain port. Proofs are synthetic; roots are true. */
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { publicInputsOf, transferList } from '../../protocol/fingerprint.js';
import { verifyFold } from '../../protocol/fold.js';
import { decodeProof } from '../../protocol/proof.js';
import { decodeRecord } from '../../protocol/record.js';
import type { QueueItem } from '../../protocol/slots.js';
import { RpcChain } from '../../verifier-contract/chain.js';
import { type DroppedEvent, type ForcedEvent, type History, readHistory, type SettledEvent } from '../../verifier-contract/history.js';
import { replayHistory } from '../../verifier-contract/replay.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { openRpc } from '../../verifier-contract/rpc.js';
import { codeOf, World } from './world.js';

let world: World;
let history: History;
const blank = new Uint8Array(32);

beforeAll(async () => {
  world = await World.start();
  const deposit = async (value: bigint): Promise<QueueItem> => {
    const { queueIndex } = await world.as(1).deposit({ asset: 0, value, owner: 7n, ephemeral: blank, ciphertext: blank });
    return { kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(queueIndex)).word) };
  };
  await world.rollup.registerAsset(await world.token('Coin'));
  const first = await deposit(1n);
  const data = world.forceCall(world.record({ fee: 3n }));
  await world.as(1).force(data);
  const rival = world.forceCall(world.record({ nf2: data.record.nf1 }));
  await world.as(1).force(rival);
  const queue = [
    first,
    { kind: 'forced' as const, record: data.record, data },
    { kind: 'forced' as const, record: rival.record, data: rival },
  ];
  await world.settle({
    queue,
    drops: [{ item: 2, by: 1 }],
    transfers: [{ records: [world.record()] }],
    updates: [
      { used: 2, keepRoot: true },
      { used: 1, circuit: 'update_2' },
    ],
  });
  await world.settle({ transfers: [{ records: [world.record({ fee: 10n })] }] });
  // One more forced item, its nullifier spent by an ordinary transfer, dropped by a transaction of its own.
  const late = world.forceCall(world.record());
  await world.as(1).force(late);
  await world.settle({ transfers: [{ records: [world.record({ nf1: late.record.nf2 })] }] });
  const low = world.state.nullifiers.low(late.record.nf2 + 1n);
  await world.as(2).drop({
    queueIndex: 3,
    ...late,
    nullifier: 2,
    next: low.next,
    leafIndex: BigInt(low.index),
    siblings: world.state.nullifiers.path(BigInt(low.index)),
  });
  await world.settle({ queue: [{ kind: 'dropped' }], transfers: [{ records: [world.record()] }] });
  await deposit(9n);
  history = await readHistory(world.provider, world.rollup.address, (await world.rollup.config()).deploymentBlock, undefined, {
    rangeBlocks: 3,
  });
});
afterAll(() => world?.stop());

const withSettlement = (i: number, change: (event: SettledEvent) => SettledEvent): History => ({
  ...history,
  events: history.events.map((event) => (event.kind === 'settled' && event.index === i ? change(event) : event)),
});
const replayed = (altered: History): Promise<string> => codeOf(Promise.resolve().then(() => replayHistory(altered)));

describe('history', () => {
  it('has everything, in order, with calldata', () => {
    expect(history.events.map(({ kind }) => kind)).toEqual([
      'asset',
      'deposit',
      'forced',
      'forced',
      'dropped',
      'settled',
      'settled',
      'forced',
      'settled',
      'dropped',
      'settled',
      'deposit',
    ]);
    expect(
      history.events.filter(({ kind }) => kind === 'settled').every((event) => (event as SettledEvent).settler === world.address(0)),
    ).toBe(true);
  });

  it('shows the proof of every forced transfer, and who was rewarded for every drop', () => {
    const keys = world.keys.table;
    for (const event of history.events.filter((entry): entry is ForcedEvent => entry.kind === 'forced')) {
      const { id } = CIRCUITS.transfer_1;
      const list = transferList(event.anchor, event.prover, [decodeRecord(hexToBytes(event.record))], world.domain);
      const publicInputs = publicInputsOf(id, event.h, list, world.domain);
      verifyFold(keys, [{ circuitId: id, publicInputs, proof: decodeProof(hexToBytes(event.proof)) }]);
    }
    const drops = history.events.filter((entry): entry is DroppedEvent => entry.kind === 'dropped');
    expect(drops.map(({ rewarded }) => rewarded)).toEqual([world.address(9), world.address(2)]);
  });

  it('is the same in one range', async () => {
    expect((await readHistory(world.provider, world.rollup.address, 0)).events).toEqual(history.events);
  });
});

describe('replay', () => {
  it('rebuilds the contract’s state from L1 alone, and every fold holds', async () => {
    const replay = replayHistory(history);
    const state = await world.rollup.state();
    expect([replay.state.noteRoot, replay.state.nullifierRoot, replay.state.leafCount, replay.queueHead]).toEqual([
      state.noteRoot,
      state.nullifierRoot,
      state.leafCount,
      state.queueHead,
    ]);
    expect(replay.queue.map(({ state: is }) => is)).toEqual(['settled', 'settled', 'dropped', 'dropped', 'waiting']);
    expect(replay.assets.get(1)).toBe(await world.rollup.asset(1));
    for (const root of replay.knownRoots) expect(await world.rollup.isKnownRoot(root)).toBe(true);
    expect(replay.knownRoots.length).toBe(6);
    for (const { statements } of replay.settlements) verifyFold(world.keys.table, statements.items);
  });

  it('names block and reason when something was changed', async () => {
    const spoil = (event: SettledEvent, offset: number): SettledEvent => {
      const bytes = hexToBytes(event.data);
      bytes[bytes.length - offset] = (bytes[bytes.length - offset] as number) ^ 1;
      return { ...event, data: bytesToHex(bytes) };
    };
    expect(await replayed(history)).toBe('no error');
    expect(await replayed(withSettlement(1, (event) => spoil(event, 1)))).toBe('REPLAY_ROOT');
    expect(await replayed(withSettlement(1, (event) => ({ ...event, data: `${event.data}00` })))).toBe('REPLAY_SETTLEMENT');
    expect(await replayed(withSettlement(1, (event) => ({ ...event, noteRoot: event.noteRoot + 1n })))).toBe('REPLAY_ROOT');
    expect(await replayed(withSettlement(1, (event) => ({ ...event, leafCount: event.leafCount + 1n })))).toBe('REPLAY_ROOT');
    expect(await replayed(withSettlement(1, (event) => ({ ...event, queueHead: 7 })))).toBe('REPLAY_QUEUE');
    expect(await replayed({ ...history, events: history.events.filter(({ kind }) => kind !== 'deposit') })).toBe('REPLAY_QUEUE');
    expect(await replayed({ ...history, events: history.events.filter((event) => !(event.kind === 'settled' && event.index === 1)) })).toBe(
      'REPLAY_SETTLEMENT',
    );
    await expect(Promise.resolve().then(() => replayHistory(withSettlement(1, (event) => spoil(event, 1))))).rejects.toThrow(
      /block \d+, transaction 0x/,
    );
  });
});

describe('the chain port', () => {
  it('signs, sends twice without harm, and reports', async () => {
    const port = new RpcChain(world.provider, world.anvil.accounts[0]!.privateKey);
    const { bytes, next } = world.plan({ transfers: [{ records: [world.record()] }] });
    const fees = await port.feeSuggestion();
    const { raw, hash } = await port.sign({
      to: world.rollup.address,
      data: rollupData.settle(bytes),
      valueWei: 0n,
      nonce: await port.minedNonce(),
      gasLimit: 2_000_000n,
      ...fees,
    });
    expect(await port.receipt(hash)).toBeUndefined();
    await port.broadcast(raw);
    await port.broadcast(raw);
    const receipt = await port.receipt(hash);
    expect(receipt?.succeeded).toBe(true);
    expect((await port.block(receipt!.block.number))?.hash).toBe(receipt?.block.hash);
    expect((await port.head()).number).toBeGreaterThanOrEqual(receipt!.block.number);
    expect((await world.rollup.state()).noteRoot).toBe(next.noteRoot);
    expect(await port.block(10_000_000)).toBeUndefined();
  });

  it('says who is at fault: no funds, no chain', async () => {
    const poor = Wallet.createRandom();
    const port = new RpcChain(world.provider, poor.privateKey);
    const { raw } = await port.sign({
      to: world.rollup.address,
      data: '0x',
      valueWei: 0n,
      nonce: 0,
      gasLimit: 50_000n,
      ...(await port.feeSuggestion()),
    });
    expect(await codeOf(port.broadcast(raw))).toBe('FUNDS_TOO_LOW');
    expect(await codeOf(openRpc('http://127.0.0.1:9', { timeoutMs: 500 }))).toBe('RPC_UNREACHABLE');
  });
});
