/** A settlement whose receipt was seen, and whose block was taken back before the watcher had looked at it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeContext } from '../../aggregator/context.js';
import { advanceSettlement } from '../../aggregator/settle.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import { DOMAIN } from '../protocol/arbitraries.js';

const TX = `0x${'aa'.repeat(32)}`;
const BLOCK = { number: 5, hash: `0x${'bb'.repeat(32)}` };

let dir = '';
let journal: Journal;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-unseen-'));
  journal = openJournal(dir, DOMAIN);
  await journal.transaction((tables) => {
    const fees = { maxFeePerGas: '0x01', maxPriorityFeePerGas: '0x01' };
    const content = { seals: [], transfers: [], queueItems: 0, bytes: '0x' };
    tables.settlements.put(0, { ...content, index: 0, state: 'mined', nonce: 7, createdMs: 0, settledTx: TX, block: BLOCK });
    tables.transactions.put(TX, { ...fees, hash: TX, nonce: 7, settlement: 0, purpose: 'settle', raw: '0x', state: 'mined', signedMs: 0 });
  });
});
afterEach(async () => {
  await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

/** @param receipt what the chain says of the transaction now */
const contextAt = (head: number, receipt: unknown): NodeContext =>
  ({
    journal,
    view: { head: { number: head, hash: '0x' }, settled: { holds: () => false } },
    effects: { chain: { receipt: async () => receipt } },
    log: () => {},
  }) as unknown as NodeContext;
const states = () => [journal.read.settlements.get(0)?.state, journal.read.transactions.get(TX)?.state];

describe('a settlement that was mined in a block that nobody saw', () => {
  it('A17: is sent again once the history up to there does not have it and its receipt is gone', async () => {
    await advanceSettlement(contextAt(BLOCK.number, undefined));
    expect(states()).toEqual(['sent', 'signed']);
  });

  it('honest: waits while the watcher is behind, and where the receipt stands', async () => {
    await advanceSettlement(contextAt(BLOCK.number - 1, undefined));
    await advanceSettlement(contextAt(BLOCK.number + 1, { hash: TX, succeeded: true, block: BLOCK }));
    expect(states()).toEqual(['mined', 'mined']);
  });
});
