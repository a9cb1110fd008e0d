/**
 * What the node has promised it does not let another record break: given back to its wallet, a promised transfer keeps its
 * notes until it is proven again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admitProof, reserve } from '../../aggregator/admit.js';
import type { NodeContext } from '../../aggregator/context.js';
import { dissolveBroken, returnAnchorless } from '../../aggregator/giveBack.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import type { RecordHash, TransferProofRow, TransferRow } from '../../ledger/schema.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import { DOMAIN } from '../protocol/arbitraries.js';

const LEASE_MS = 1_000;
const recordOf = (n: bigint, change: Partial<TransferRecord> = {}): TransferRecord => ({
  ...{ nf1: 10n * n + 1n, nf2: 10n * n + 2n, cm1: 10n * n + 3n, cm2: 10n * n + 4n },
  ...{ outAsset: 0, outValue: 0n, recipient: ZERO_ADDRESS, feeAsset: 0, fee: 0n },
  ...{ ephemeral: new Uint8Array(32), ciphertexts: [new Uint8Array(32), new Uint8Array(32)] },
  ...change,
});
const promised = recordOf(1n);
const rival = recordOf(2n, { nf2: promised.nf1 });
const other = recordOf(3n);
const idOf = (record: TransferRecord): RecordHash => recordHash(record, DOMAIN) as RecordHash;
const rowOf = (record: TransferRecord, more: Partial<TransferRow> = {}): TransferRow => ({
  id: idOf(record),
  record: bytesToHex(encodeRecord(record)),
  state: 'queued',
  times: { queued: 1 },
  attempts: 0,
  ...more,
});
const proofOf = (...records: TransferRecord[]): TransferProofRow => ({
  id: idOf(records[0] as TransferRecord),
  circuit: records.length === 1 ? 'transfer_1' : 'transfer_8',
  anchor: `0x${'07'.repeat(32)}`,
  prover: `0x${'00'.repeat(20)}`,
  h: '0x01',
  proof: '0x01',
  transfers: records.map(idOf),
});

let dir = '';
let journal: Journal;
let ctx: NodeContext;
let nowMs = 0;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-promised-'));
  journal = openJournal(dir, DOMAIN);
  nowMs = 1_000;
  const nothing = { has: () => false };
  ctx = {
    journal,
    live: new Map(),
    seals: [],
    finished: { settled: 0, failed: 0 },
    events: { tell: () => {} },
    policy: { leaseMs: LEASE_MS },
    view: { state: { nullifiers: nothing }, waiting: [], settled: { keeps: () => false, ofRecord: () => undefined } },
    nowMs: () => nowMs,
  } as unknown as NodeContext;
});
afterEach(async () => {
  await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

async function admit(records: TransferRecord[], more: Partial<TransferRow> = {}): Promise<readonly TransferRow[]> {
  const members = records.map((record) => ({ row: ctx.live.get(idOf(record)) ?? rowOf(record, more), record }));
  return admitProof(ctx, members, proofOf(...records));
}
const codeOf = (run: Promise<unknown>): Promise<unknown> => run.then(() => undefined).catch((error: { code: string }) => error.code);

describe('a promised transfer that is given back', () => {
  it('A3: for its lost anchor: a rival is refused for good, the record itself is admitted again under its number', async () => {
    const [first] = await admit([promised]);
    await returnAnchorless(ctx);
    expect(ctx.live.get(idOf(promised))).toMatchObject({ state: 'queued', reason: 'RESEAL: ANCHOR_UNKNOWN' });
    nowMs += 1_000 * LEASE_MS;
    expect(await codeOf(admit([rival]))).toBe('NULLIFIER_RESERVED');
    const [again] = await admit([promised]);
    expect(again).toMatchObject({ state: 'proven', sequence: first?.sequence });
  });

  it('A3: with the proof that it shared: no lapsed lease lets a rival in', async () => {
    await admit([promised, other], { sealed: '{}' });
    ctx.live.delete(idOf(other));
    await dissolveBroken(ctx);
    expect(ctx.live.get(idOf(promised))).toMatchObject({ state: 'queued', sealed: '{}' });
    // A worker opens it and takes a lease, which runs out.
    await journal.transaction((tables) => reserve(ctx, tables, idOf(promised), promised, { holder: 'lease', expiresMs: nowMs + LEASE_MS }));
    nowMs += 1_000 * LEASE_MS;
    expect(await codeOf(admit([rival]))).toBe('NULLIFIER_RESERVED');
    expect(await admit([promised])).toMatchObject([{ state: 'proven' }]);
  });

  it('half of a pair, which is not promised, leaves its notes to others', async () => {
    await admit([promised], { pairedWith: idOf(other) });
    await returnAnchorless(ctx);
    expect(await admit([rival])).toMatchObject([{ state: 'proven' }]);
  });
});
