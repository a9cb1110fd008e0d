/** A restart reads what is new: the stored view of the chain, what it may be believed for, and what happens where it may not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeChain } from '../../aggregator/chainPort.js';
import { type ChainView, extendView, genesisView, isKnownRoot } from '../../aggregator/chainView.js';
import { forgetCheckpoint, readCheckpoint, storeCheckpoint } from '../../aggregator/checkpoint.js';
import { leafPage } from '../../aggregator/leafPages.js';
import { RpcNodeChain } from '../../aggregator/nodeChain.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { RpcProxy } from '../chaos/rpcProxy.js';
import { Random } from '../ledger/random.js';
import { auditedReplay, codeOf, makeWorld, provenSubmission, recordOf, settledStatus, type World } from './world.js';

/** Blocks that the node leaves unconfirmed on top of what it stores. */
const DEPTH = 3;

let world: World;
let proxy: RpcProxy;
let chain: RpcNodeChain;
let deploymentBlock: number;
let nextRecord = 1;

beforeAll(async () => {
  world = await makeWorld();
  proxy = await RpcProxy.start(world.anvil.rpcUrl);
  chain = await RpcNodeChain.open(world.anvil.rpcUrl, world.anvil.accounts[0]?.privateKey as string, world.domain);
  ({ deploymentBlock } = await world.rollup.config());
  await world.worker();
}, 180_000);
afterAll(async () => {
  await chain.close();
  await proxy.stop();
  await world.stop();
});

const rpc = (method: string, params: unknown[]): Promise<unknown> => world.provider.send(method, params);
const mine = (blocks: number): Promise<unknown> => rpc('anvil_mine', [`0x${blocks.toString(16)}`]);
const startNode = () => world.start({ confirmationDepth: DEPTH, checkpointBlocks: 1, bumpAfterMs: 1_500 }, { rpcUrl: proxy.url });

/** A payment and a deposit settle. */
async function settleSome(url: string): Promise<string> {
  await world.deposit(1_000n, BigInt(nextRecord));
  const record = recordOf(nextRecord++);
  const submission = provenSubmission(record, (await world.rollup.state()).noteRoot, world.domain);
  const client = new GatewayClient(url);
  await client.submit(submission);
  expect(await settledStatus(client, submission.id)).toMatchObject({ status: 'settled' });
  return submission.id;
}

/** What `work` logs, and the block ranges whose events it asks for. */
async function watched<T>(work: () => Promise<T>): Promise<{ result: T; lines: string[]; ranges: [number, number][] }> {
  const [line, range] = [world.lines.length, proxy.ranges.length];
  const result = await work();
  return { result, lines: world.lines.slice(line), ranges: proxy.ranges.slice(range) };
}

async function withJournal<T>(work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = openJournal(world.journalDir, world.domain);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

/** The slow twin: everything from L1. */
async function fullReplay(): Promise<ChainView> {
  const start = genesisView((await chain.block(deploymentBlock - 1)) ?? { number: deploymentBlock - 1, hash: '0x' });
  return extended(start);
}

async function extended(view: ChainView): Promise<ChainView> {
  const head = await chain.head();
  const events = await chain.history(view.head.number + 1, head.number);
  return extendView(view, events, head, await chain.headSeconds(head.number), world.domain);
}

/** Everything that a node asks a view. */
function contents({ state, settled, ...view }: ChainView) {
  const used = state.nullifiers.usedSince(1n);
  return {
    ...view,
    roots: [state.noteRoot, state.nullifierRoot, state.leafCount],
    page: leafPage(state, 0),
    used,
    gaps: used.map(({ value, index }) => [state.nullifiers.used(value), state.nullifiers.path(index), state.notes.path(index)]),
    settlements: settled.since(0),
    found: settled
      .since(0)
      .map((entry) => [
        settled.holds(entry.tx),
        entry.records.map((id) => settled.ofRecord(id)?.ordinal),
        entry.roots.map(({ noteRoot, nullRoot }) => settled.reached(noteRoot, nullRoot)),
        entry.kept.map((root) => isKnownRoot({ ...view, state, settled }, root)),
      ]),
  };
}

describe('a restart', () => {
  it('reads from L1 only what is new, and knows what a full replay knows', async () => {
    const node = await startNode();
    for (let i = 0; i < 2; i++) await settleSome(node.url);
    await mine(DEPTH + 1);
    const id = await settleSome(node.url);
    await world.deposit(5n, 5n);
    await node.stop();

    const stored = await withJournal((journal) => readCheckpoint(journal, chain));
    const from = stored?.head.number as number;
    expect(from).toBeGreaterThan(deploymentBlock);
    const [replayed, resumed] = [await fullReplay(), await extended(stored as ChainView)];
    expect(contents(resumed)).toEqual(contents(replayed));
    expect(replayed.settled.count).toBeGreaterThan((stored as ChainView).settled.count);
    const [a, b] = [replayed.state.fork(), resumed.state.fork()];
    const more = new Random('after').slots(2);
    for (const state of [a, b]) state.advance(2, more);
    expect([b.noteRoot, b.nullifierRoot]).toEqual([a.noteRoot, a.nullifierRoot]);

    const again = await watched(startNode);
    expect(again.lines.some((line) => line.includes(`checkpoint of block ${from} fits the chain`))).toBe(true);
    const lastSettlement = stored?.settled.last?.block.number as number;
    expect(again.ranges.length).toBeGreaterThan(1);
    for (const range of again.ranges)
      expect(range[0] > from || (range[0] === lastSettlement && range[1] === lastSettlement), String(range)).toBe(true);
    expect(await new GatewayClient(again.result.url).status(id)).toMatchObject({ status: 'settled' });
    await settleSome(again.result.url);
    await again.result.stop();
    await auditedReplay(world);
  }, 300_000);

  it('A17: goes on from the checkpoint when blocks above it were taken back meanwhile', async () => {
    const node = await startNode();
    await mine(DEPTH + 1);
    const id = await settleSome(node.url);
    await node.stop();
    const stored = await withJournal((journal) => readCheckpoint(journal, chain));
    const head = await chain.head();
    await rpc('anvil_reorg', [head.number - (stored as ChainView).head.number, []]);
    await mine(1);
    const again = await watched(startNode);
    expect(again.lines.some((line) => line.includes(`checkpoint of block ${stored?.head.number} fits the chain`))).toBe(true);
    expect(await settledStatus(new GatewayClient(again.result.url), id)).toMatchObject({ status: 'settled' });
    await again.result.stop();
    await auditedReplay(world);
  }, 300_000);

  it('A17: reads everything again when the block of the checkpoint was taken back, and settles again what it held', async () => {
    const node = await startNode();
    const id = await settleSome(node.url);
    await mine(DEPTH + 2);
    await settleSome(node.url);
    await node.stop();
    const stored = await withJournal((journal) => readCheckpoint(journal, chain));
    const head = await chain.head();
    await rpc('anvil_reorg', [head.number - (stored as ChainView).head.number + 2, []]);
    await mine(1);
    const again = await watched(startNode);
    expect(again.lines.some((line) => /checkpoint is left aside, CHECKPOINT_ELSEWHERE/.test(line))).toBe(true);
    expect(Math.min(...again.ranges.map(([start]) => start))).toBe(deploymentBlock);
    const client = new GatewayClient(again.result.url);
    expect(await settledStatus(client, id)).toMatchObject({ status: 'settled' });
    await mine(DEPTH + 2);
    await settleSome(again.result.url);
    await again.result.stop();
    expect(contents(await extended((await withJournal((journal) => readCheckpoint(journal, chain))) as ChainView))).toEqual(
      contents(await fullReplay()),
    );
    await auditedReplay(world);
  }, 300_000);

  it('reads everything again when the checkpoint is damaged', async () => {
    await withJournal((journal) =>
      journal.transaction(({ checkpoint }) =>
        checkpoint.update('head', (row) => ({ ...row, body: row.body.replace('"queueHead":', '"queueHead":1') })),
      ),
    );
    const again = await watched(startNode);
    expect(again.lines.some((line) => /checkpoint is left aside, CHECKPOINT_DAMAGED/.test(line))).toBe(true);
    expect(Math.min(...again.ranges.map(([start]) => start))).toBe(deploymentBlock);
    await settleSome(again.result.url);
    await again.result.stop();
    await auditedReplay(world);
  }, 300_000);
});

describe('a checkpoint', () => {
  let view: ChainView;
  let folder: string;
  let journal: Journal;
  beforeAll(async () => {
    view = await fullReplay();
    folder = await mkdtemp(join(tmpdir(), 'tacit-checkpoint-'));
    journal = openJournal(folder, world.domain);
  });
  afterAll(async () => {
    await journal.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is not believed when any of its rows is gone, altered, or another’s', async () => {
    await storeCheckpoint(journal, view, undefined);
    const rows = journal.read.checkpoint.range();
    expect(new Set(rows.map(({ key }) => key.split('/')[0]))).toEqual(new Set(['head', 'note', 'null', 'used', 'settled']));
    for (const { key, row } of rows) {
      const other = rows.find((entry) => entry.key !== key && entry.key.split('/')[0] === key.split('/')[0]) ?? rows[0];
      const wrong = [
        undefined,
        { ...row, body: row.body.replace(/[0-9]/, (digit) => String((Number(digit) + 1) % 10)) },
        other?.row,
      ].filter((candidate) => candidate?.body !== row.body);
      for (const candidate of wrong) {
        await journal.transaction(({ checkpoint }) => {
          if (candidate === undefined) checkpoint.remove(key);
          else checkpoint.put(key, candidate);
        });
        if (key === 'head' && candidate === undefined) expect(await readCheckpoint(journal, chain)).toBeUndefined();
        else expect(await codeOf(readCheckpoint(journal, chain)), key).toBe('CHECKPOINT_DAMAGED');
      }
      await journal.transaction(({ checkpoint }) => checkpoint.put(key, row));
    }
    expect(contents((await readCheckpoint(journal, chain)) as ChainView)).toEqual(contents(view));
    await forgetCheckpoint(journal);
    expect(journal.read.checkpoint.count()).toBe(0);
  });

  it('is not believed when it is whole, but of another chain or of other roots than the contract stated', async () => {
    await storeCheckpoint(journal, view, undefined);
    const elsewhere: Pick<NodeChain, 'block' | 'history'> = {
      block: async (number) => ({ number, hash: `0x${'ee'.repeat(32)}` }),
      history: (from, to) => chain.history(from, to),
    };
    expect(await codeOf(readCheckpoint(journal, elsewhere))).toBe('CHECKPOINT_ELSEWHERE');
    const state = view.state.fork();
    state.advance(2, new Random('forged').slots(2));
    await storeCheckpoint(journal, { ...view, state }, undefined);
    expect(await codeOf(readCheckpoint(journal, chain))).toBe('CHECKPOINT_ELSEWHERE');
  });
});
