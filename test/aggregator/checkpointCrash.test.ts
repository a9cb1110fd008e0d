/** kill −9 in the middle of storing the view of the chain: the earlier one or the new one is found, whole; and what tears is left aside by name. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChainView, extendView, genesisView } from '../../aggregator/chainView.js';
import { readCheckpoint, storeCheckpoint } from '../../aggregator/checkpoint.js';
import { RpcNodeChain } from '../../aggregator/nodeChain.js';
import type { JournalPort } from '../../ledger/effects.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import type { CheckpointRow } from '../../ledger/schema.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { Random } from '../ledger/random.js';
import type { WriterDeath, WriterOrder } from './checkpointWriter.js';
import { codeOf, makeWorld, provenSubmission, recordOf, settledStatus, type World } from './world.js';

const WRITER = resolve('dist/test/aggregator/checkpointWriter.js');
const FLUSHES = 3;
const TEARS = 200;

let world: World;
let chain: RpcNodeChain;
let deploymentBlock: number;
let folder: string;
let journalDir: string;
let before: ChainView;
let after: ChainView;

beforeAll(async () => {
  world = await makeWorld();
  folder = await mkdtemp(join(tmpdir(), 'tacit-torn-'));
  journalDir = join(folder, 'journal');
  chain = await RpcNodeChain.open(world.anvil.rpcUrl, world.anvil.accounts[0]?.privateKey as string, world.domain);
  ({ deploymentBlock } = await world.rollup.config());
  await world.worker();
  const node = await world.start();
  await settleSome(node.url, 1);
  before = await viewNow();
  for (const number of [2, 3]) await settleSome(node.url, number);
  await world.deposit(7n, 7n);
  await node.stop();
  after = await viewNow();
}, 180_000);
afterAll(async () => {
  await chain.close();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function settleSome(url: string, number: number): Promise<void> {
  await world.deposit(1_000n, BigInt(number));
  const submission = provenSubmission(recordOf(number), (await world.rollup.state()).noteRoot, world.domain);
  const client = new GatewayClient(url);
  await client.submit(submission);
  expect(await settledStatus(client, submission.id)).toMatchObject({ status: 'settled' });
}

async function viewNow(): Promise<ChainView> {
  const head = await chain.head();
  const start = await chain.block(deploymentBlock - 1);
  const events = await chain.history(deploymentBlock, head.number);
  return extendView(genesisView(start as ChainView['head']), events, head, await chain.headSeconds(head.number), world.domain);
}

async function withJournal<T>(work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = openJournal(journalDir, world.domain);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

/** What was written by a store of `after` over `before`, in order. */
async function writesOf(anew: boolean): Promise<(readonly [key: string, row: CheckpointRow | undefined])[]> {
  const writes: (readonly [string, CheckpointRow | undefined])[] = [];
  await withJournal(async (journal) => {
    const recorded: JournalPort = {
      read: journal.read,
      transaction: (body) =>
        journal.transaction((tables) => {
          const { checkpoint } = tables;
          const put = (key: string, row: CheckpointRow): void => void writes.push([key, row]);
          const remove = (key: string): boolean => writes.push([key, undefined]) > 0;
          return body({ ...tables, checkpoint: { ...checkpoint, put, remove } });
        }),
    };
    await storeCheckpoint(recorded, after, anew ? undefined : before);
  });
  return writes;
}

/** @returns whether the writer lived */
function write(anew: boolean, death: WriterDeath): Promise<boolean> {
  const { chainId, contract } = world.domain;
  const order: WriterOrder = {
    journalDir,
    rpcUrl: world.anvil.rpcUrl,
    key: world.anvil.accounts[0]?.privateKey as string,
    domain: { chainId: String(chainId), contract },
    deploymentBlock,
    before: before.head.number,
    after: after.head.number,
    anew,
    death,
  };
  const child = spawn(process.execPath, [WRITER, JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((done, fail) => {
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL' || code === 0) done(code === 0);
      else fail(new Error(`the writer ended with ${code ?? signal}`));
    });
  });
}

/** Everything that a node asks a view, in words. */
function contents({ state, settled, head, headSeconds, queueHead, waiting }: ChainView): string {
  const used = state.nullifiers.usedSince(1n);
  const paths = used.map(({ value, index }) => [state.nullifiers.used(value), state.nullifiers.path(index), state.notes.path(index)]);
  const roots = [state.noteRoot, state.nullifierRoot, state.leafCount];
  return JSON.stringify([head, headSeconds, queueHead, waiting, roots, used, paths, settled.since(0)], inOrder);
}

/** Members by name: a view that was read has them in another order. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function stored(): Promise<'before' | 'after' | 'another'> {
  return withJournal(async (journal) => {
    const view = await readCheckpoint(journal, chain);
    const found = view === undefined ? undefined : contents(view);
    if (found === contents(before)) return 'before';
    return found === contents(after) ? 'after' : 'another';
  });
}

describe('A3: kill −9 in the middle of storing a checkpoint', () => {
  it.each([
    ['over the one before', false],
    ['anew', true],
  ] as const)(
    '%s: before its first, middle and last row, after it, and while it is flushed',
    async (_, anew) => {
      await withJournal((journal) => storeCheckpoint(journal, before, undefined));
      const { length: rows } = await writesOf(anew);
      expect(rows).toBeGreaterThan(10);
      const inside: WriterDeath[] = [1, Math.ceil(rows / 2), rows].map((row) => ({ at: 'row', row }));
      for (const death of [...inside, { at: 'written' } as const]) {
        expect(await write(anew, death)).toBe(false);
        expect(await stored(), JSON.stringify(death)).toBe('before');
      }
      for (let afterMs = 0; afterMs < FLUSHES; afterMs++) {
        const lived = await write(anew, { at: 'flushing', afterMs });
        const found = await stored();
        expect(['before', 'after'], `killed ${afterMs} ms into the flush`).toContain(found);
        if (lived) expect(found).toBe('after');
        await withJournal((journal) => storeCheckpoint(journal, before, undefined));
      }
      // A node goes on from what the dead left.
      await write(anew, { at: 'row', row: rows });
      const from = world.lines.length;
      const node = await world.start({}, { journalDir });
      expect(world.lines.slice(from).some((line) => line.includes(`checkpoint of block ${before.head.number} fits the chain`))).toBe(true);
      await node.stop();
    },
    240_000,
  );

  it('A3: whatever part of its rows a torn disk kept, one of the two views is read or none', async () => {
    const random = new Random('torn');
    const writes = await (async () => {
      await withJournal((journal) => storeCheckpoint(journal, before, undefined));
      return writesOf(false);
    })();
    const seen = new Map<string, number>();
    await withJournal(async (journal) => {
      const whole = new Set([contents(before), contents(after)]);
      for (let tear = 0; tear < TEARS; tear++) {
        await storeCheckpoint(journal, before, undefined);
        // The beginning, the end, or any of them.
        const at = random.int(writes.length + 1);
        const kept = [writes.slice(0, at), writes.slice(at), writes.filter(() => random.int(2) === 0)][tear % 3] ?? [];
        await journal.transaction(({ checkpoint }) => {
          for (const [key, row] of kept) if (row !== undefined) checkpoint.put(key, row);
        });
        const reading = readCheckpoint(journal, chain);
        const code = await codeOf(reading);
        if (code === undefined) expect(whole.has(contents((await reading) as ChainView)), `tear ${tear}`).toBe(true);
        seen.set(code ?? 'whole', (seen.get(code ?? 'whole') ?? 0) + 1);
      }
    });
    expect([...seen.keys()].sort()).toEqual(['CHECKPOINT_DAMAGED', 'whole']);
    expect(seen.get('CHECKPOINT_DAMAGED')).toBeGreaterThan(TEARS / 2);
  }, 120_000);
});
