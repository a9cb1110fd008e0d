/**
 * Two settle steps that are asked for at one time send one transaction: the node's turn is the lock. Without it they would
 * send two, which is shown first, so that the test is known to look.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeContext } from '../../aggregator/context.js';
import { advanceSettlement } from '../../aggregator/settle.js';
import { Turn } from '../../aggregator/turn.js';
import type { TransactionRequest } from '../../ledger/effects.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { DOMAIN } from '../protocol/arbitraries.js';

let dir = '';
let journal: Journal;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-turns-'));
  journal = openJournal(dir, DOMAIN);
  const row = { index: 0, seals: [], transfers: [], queueItems: 0, bytes: '0x11', state: 'planned', createdMs: 1 } as const;
  await journal.transaction((tables) => tables.settlements.add(tables.next('settlement'), row));
});
afterEach(async () => {
  await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A chain that takes its time, and remembers what was sent to it; nothing is ever mined. */
class SlowChain {
  readonly signed: TransactionRequest[] = [];
  readonly sent: string[] = [];

  async estimateGas(): Promise<bigint> {
    await pause();
    return 100_000n;
  }
  async minedNonce(): Promise<number> {
    await pause();
    return 0;
  }
  async feeSuggestion(): Promise<{ maxFeePerGasWei: bigint; maxPriorityFeePerGasWei: bigint }> {
    await pause();
    return { maxFeePerGasWei: 100n, maxPriorityFeePerGasWei: 10n };
  }
  async sign(request: TransactionRequest): Promise<{ raw: string; hash: string }> {
    await pause();
    const raw = bytesToHex(Uint8Array.of(this.signed.push(request)));
    return { raw, hash: bytesToHex(keccak_256(hexToBytes(raw))) };
  }
  async broadcast(raw: string): Promise<void> {
    await pause();
    this.sent.push(raw);
  }
  async receipt(): Promise<undefined> {
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

function contextOf(chain: SlowChain): NodeContext {
  const parts = {
    journal,
    effects: { journal, chain },
    domain: DOMAIN,
    policy: { bumpAfterMs: 60_000, confirmationDepth: 1 },
    view: { settlements: [], head: { number: 1, hash: '0x' } },
    seals: [],
    nowMs: () => 1_000,
    log: () => {},
  };
  return parts as unknown as NodeContext;
}

const steps = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('settle steps', () => {
  it('side by side, without a turn, send twice: what the turn is for', async () => {
    const chain = new SlowChain();
    const ctx = contextOf(chain);
    await Promise.all(steps(2).map(() => advanceSettlement(ctx)));
    expect(chain.sent.length).toBe(2);
  });

  it('in turns send once, however many are asked for at one time', async () => {
    const chain = new SlowChain();
    const ctx = contextOf(chain);
    const turn = new Turn();
    await Promise.all(steps(8).map(() => turn.run(() => advanceSettlement(ctx))));
    expect(chain.sent).toEqual(['0x01']);
    expect(chain.signed.map(({ nonce }) => nonce)).toEqual([0]);
    expect(journal.read.settlements.get(0)).toMatchObject({ state: 'sent', nonce: 0 });
    expect(journal.read.transactions.rows()).toMatchObject([{ state: 'broadcast', nonce: 0, settlement: 0 }]);
  });

  it('in turns: one that fails on its way does not let the next send another', async () => {
    const chain = new SlowChain();
    const broadcast = chain.broadcast.bind(chain);
    let failures = 1;
    chain.broadcast = async (raw) => {
      if (failures-- > 0) throw new Error('the RPC broke off');
      await broadcast(raw);
    };
    const ctx = contextOf(chain);
    const turn = new Turn();
    const ended = await Promise.allSettled(steps(4).map(() => turn.run(() => advanceSettlement(ctx))));
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    // The same signed bytes again, never others.
    expect([chain.signed.length, chain.sent]).toEqual([1, ['0x01']]);
  });
});
