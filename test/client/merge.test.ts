/** Bringing notes together: the plan alone, and with a real chain, gateway and wallet (settlements with simulated proofs). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balance } from '../../client/balance.js';
import { createWallet } from '../../client/createWallet.js';
import { deposit } from '../../client/deposit.js';
import { connect, type WalletEnvironment } from '../../client/environment.js';
import { mergeNotes, pairsToMerge } from '../../client/merge.js';
import { pay } from '../../client/pay.js';
import type { StoredNote } from '../../client/state.js';
import { sync } from '../../client/sync.js';
import type { Wallet } from '../../client/wallet.js';
import { codeOf, World } from '../verifier-contract/world.js';
import { TestNode } from './testNode.js';

const FARM = { prove: 'farm', receivedNotesToo: true } as const;

describe('which notes are merged', () => {
  const notes = (...values: number[]) => values.map((value, i) => ({ nf: `0x${i}`, value: String(value) }) as unknown as StoredNote);
  const values = (pairs: ReturnType<typeof pairsToMerge>) => pairs.map((pair) => pair.map(({ value }) => Number(value)));

  it('none where two notes hold the amount', () => {
    expect(pairsToMerge(notes(1, 2, 50, 60), { asset: 0, value: 110n }, 0n)).toEqual([]);
    expect(pairsToMerge(notes(100), { asset: 0, value: 99n }, 1n)).toEqual([]);
  });

  it('the smallest of the fewest that hold it', () => {
    expect(values(pairsToMerge(notes(1, 10, 20, 30), { asset: 0, value: 60n }, 0n))).toEqual([[20, 10]]);
    expect(values(pairsToMerge(notes(10, 10, 20, 30), { asset: 0, value: 70n }, 0n))).toEqual([
      [10, 10],
      [30, 20],
    ]);
  });

  it('counts the fees of the merges and of the payment, and leaves dust alone', () => {
    expect(() => pairsToMerge(notes(10, 10, 10), { asset: 0, value: 29n }, 1n)).toThrow(
      expect.objectContaining({ code: 'INSUFFICIENT_FUNDS' }),
    );
    expect(values(pairsToMerge(notes(10, 10, 10), { asset: 0, value: 28n }, 1n))).toEqual([[10, 10]]);
    expect(() => pairsToMerge(notes(1, 1, 1, 1, 10), { asset: 0, value: 11n }, 1n)).toThrow(
      expect.objectContaining({ code: 'INSUFFICIENT_FUNDS' }),
    );
  });

  it('ends with two notes that hold the amount and the payment’s fee, whatever the notes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 40 }), fc.integer({ min: 0, max: 5 }), (start, fee) => {
        const total = start.reduce((sum, value) => sum + value, 0);
        const target = BigInt(Math.max(1, Math.floor(total * 0.7)));
        let held = [...start];
        for (let round = 0; ; round++) {
          expect(round).toBeLessThan(8);
          let pairs: ReturnType<typeof pairsToMerge>;
          try {
            pairs = pairsToMerge(notes(...held.sort((a, b) => a - b)), { asset: 0, value: target }, BigInt(fee));
          } catch {
            expect(round, 'an amount that seemed to be there is not after all').toBe(0);
            return;
          }
          if (pairs.length === 0) break;
          for (const [a, b] of values(pairs) as [number, number][]) {
            held.splice(held.indexOf(a), 1);
            held.splice(held.indexOf(b), 1);
            held = [...held, a + b - fee];
          }
        }
        const [first = 0, second = 0] = held.sort((a, b) => b - a);
        expect(BigInt(first + second)).toBeGreaterThanOrEqual(target + BigInt(fee));
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('a wallet whose money lies in five notes', () => {
  let world: World;
  let node: TestNode;
  let env: WalletEnvironment;
  let alice: Wallet;
  let dir: string;

  beforeAll(async () => {
    world = await World.start();
    node = new TestNode(world);
    const url = await node.start();
    dir = await mkdtemp(join(tmpdir(), 'tacit-merge-'));
    env = await connect({ rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, nodeUrl: url });
    const home = env.home;
    alice = (await createWallet({ path: join(dir, 'alice'), passphrase: 'p', home, kdfCost: { N: 2 ** 10, r: 8, p: 1 } })).wallet;
    const privateKey = (world.anvil.accounts[1] as { privateKey: string }).privateKey;
    for (const value of [10n, 20n, 30n, 40n, 50n]) node.deposited((await deposit(alice, env, { privateKey, asset: 0, value })).commitment);
    await node.settle();
    await sync(alice, env);
  }, 180_000);
  afterAll(async () => {
    await alice?.close();
    env?.close();
    await node?.stop();
    await world?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('merges them in two rounds and then pays all of it at once', async () => {
    const to = alice.address();
    expect(await codeOf(pay(alice, env, { to, asset: 0, value: 150n, ...FARM }))).toBe('NOTES_FRAGMENTED');
    const rounds: number[] = [];
    const settling = { busy: false, timer: setInterval(() => void settleSome(), 50) };
    const settleSome = async (): Promise<void> => {
      if (settling.busy || ![...node.transfers.values()].some(({ status }) => status.status === 'confirmed')) return;
      settling.busy = true;
      await node.settle().finally(() => {
        settling.busy = false;
      });
    };
    const onRound = (_: number, transfers: number) => rounds.push(transfers);
    const made = await mergeNotes(alice, env, { asset: 0, value: 150n, ...FARM, onRound, waiting: { pollMs: 20 } });
    clearInterval(settling.timer);
    expect([rounds, made.length]).toEqual([[2, 1], 3]);
    expect(balance(alice)[0]).toMatchObject({ available: 150n });
    expect((await pay(alice, env, { to, asset: 0, value: 150n, ...FARM })).status.status).toBe('confirmed');
    expect(await mergeNotes(alice, env, { asset: 0, value: 1n, ...FARM }).catch((error: { code: string }) => error.code)).toBe(
      'INSUFFICIENT_FUNDS',
    );
  });
});
