import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Archive, type EventOf, encodeArchive, parseArchive } from '../../auditor/archive.js';
import { auditEvidence, type Replayed, replayHistory } from '../../auditor/audit.js';
import { verifyBatch, verifyBatchFile } from '../../auditor/batch.js';
import { compareState } from '../../auditor/compare.js';
import { type AuditReport, Findings } from '../../auditor/finding.js';
import { auditFromRpc, exportArchive, exportBatch } from '../../auditor/live.js';
import { auditArchive } from '../../auditor/offline.js';
import type { Replay } from '../../auditor/replay.js';
import { publishedSchemas } from '../../auditor/schemas.js';
import { rollupInterface } from '../../verifier-contract/abi.js';
import { type BatchFile, parseBatchFile } from '../../verifier-contract/batchFile.js';
import { DROP_REWARD } from '../verifier-contract/world.js';
import { HonestChain } from './chain.js';
import { startLyingRpc } from './lyingRpc.js';
import { changed, eventsOf, flipped, settlementAt } from './mutations.js';

let chain: HonestChain;
let dir = '';
let archive: Archive;
let live: AuditReport;
let replayed: Replayed;
const file = (name: string) => join(dir, name);
const target = () => ({ rpcUrl: chain.world.anvil.rpcUrl, contract: chain.world.rollup.address });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-audit-'));
  chain = await HonestChain.start();
  live = await exportArchive({ ...target(), file: file('archive.json') });
  archive = parseArchive(readFileSync(file('archive.json'), 'utf8'));
  replayed = replayHistory(archive);
}, 180_000);
afterAll(async () => {
  await chain?.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('an honest chain', () => {
  it('is valid: every proof verified, everything counted, the roots rebuilt', () => {
    expect(live.findings).toEqual([]);
    expect(live.verdict).toBe('valid');
    expect(live.counts).toMatchObject({
      settlements: 4,
      updates: 6,
      deposits: 4,
      forced: 3,
      dropped: 2,
      withdrawals: 3,
      transfers: 13,
      proofs: 14,
    });
    expect(live.state).toEqual({
      noteRoot: chain.world.state.noteRoot,
      nullifierRoot: chain.world.state.nullifierRoot,
      leafCount: chain.world.state.leafCount,
      queueHead: 7,
      queueTail: 7,
    });
  });

  it('is valid offline with the same report', async () => {
    const offline = await auditArchive(file('archive.json'));
    expect({ ...offline, timeMs: 0 }).toEqual({ ...live, timeMs: 0 });
  });

  it('leaves evidence of everything that the audit is about', () => {
    expect(eventsOf(archive, 'deferred')).toHaveLength(1);
    expect(eventsOf(archive, 'claimed')).toHaveLength(1);
    expect(archive.state.balances.map(({ asset }) => asset)).toEqual([0, 1]);
    expect(archive.state.roots.filter(({ known }) => !known)).toHaveLength(1);
    expect(settlementAt(archive, 3).sender).toBe(chain.world.address(chain.stranger));
  });
});

describe('one change in the evidence of a settlement', () => {
  const names = (report: AuditReport, ordinal: number) => {
    const { block, tx } = settlementAt(archive, ordinal);
    expect(report.verdict).toBe('invalid');
    expect(report.findings[0]).toMatchObject({ severity: 'broken', block, tx, settlement: ordinal });
    return report.findings[0]?.code;
  };
  const audit = (change: (copy: Archive) => void) => auditEvidence(changed(archive, change));
  const flip = (ordinal: number, offset: number, bit?: number) =>
    audit((copy) => {
      const event = settlementAt(copy, ordinal);
      event.calldata = flipped(event.calldata, offset, bit);
    });

  it('a bit anywhere in the calldata is found at its settlement', () => {
    const size = settlementAt(archive, 0).calldata.length / 2 - 1;
    for (let offset = 0; offset < size; offset += 29) names(flip(0, offset, offset % 8), 0);
  });

  // Offsets into the first settlement's calldata: 4 selector, 64 ABI head, then the settlement itself.
  const BODY = 68;
  const ANCHOR = BODY + 9;
  const FIRST_TRANSFER = ANCHOR + 32;
  const RECORD = FIRST_TRANSFER + 3 + 20 + 32 + 256;
  it.each<[string, number, number, string]>([
    ['the selector', 0, 0, 'CALLDATA_SHAPE'],
    ['the offset of the argument', 35, 5, 'CALLDATA_SHAPE'],
    ['the version', BODY, 0, 'SETTLEMENT_VERSION'],
    ['an anchor', ANCHOR + 31, 0, 'ANCHOR_UNKNOWN'],
    ['the prover of a transfer', FIRST_TRANSFER + 3 + 19, 0, 'PROOF_INVALID'],
    ['the h of a transfer', FIRST_TRANSFER + 3 + 20 + 31, 0, 'PROOF_INVALID'],
    ['a byte of a transfer proof', FIRST_TRANSFER + 3 + 20 + 32 + 70, 0, 'PROOF_INVALID'],
    ['a nullifier', RECORD + 31, 0, 'ROOT_MISMATCH'],
    ['a commitment', RECORD + 94, 0, 'ROOT_MISMATCH'],
    ['a one-time key', RECORD + 130, 0, 'PROOF_INVALID'],
    ['a ciphertext', RECORD + 200, 0, 'PROOF_INVALID'],
    ['a fee', RECORD + 226, 0, 'PROOF_INVALID'],
  ])('%s', (_, offset, bit, code) => {
    expect(names(flip(0, offset, bit), 0)).toBe(code);
  });

  it('every proof that does not verify', () => {
    const report = audit((copy) => {
      const event = settlementAt(copy, 0);
      const updateProver = BODY + bodyLength(event.calldata) - 375 + 3;
      event.calldata = flipped(flipped(event.calldata, FIRST_TRANSFER + 3 + 20 + 31), updateProver);
    });
    expect(report.findings[0]?.reason).toBe('settled: transfer proof 0, update proof 0 does not verify');
  });

  it('a claimed root, in calldata and in the event', () => {
    const end = BODY + bodyLength(settlementAt(archive, 0).calldata);
    expect(names(flip(0, end - 33), 0)).toBe('ROOT_MISMATCH');
    expect(names(flip(0, end - 1), 0)).toBe('ROOT_MISMATCH');
    for (const name of ['noteRoot', 'nullifierRoot'] as const) {
      const report = audit((copy) => {
        settlementAt(copy, 0)[name] = flipped(settlementAt(copy, 0)[name], 31);
      });
      expect(names(report, 0)).toBe('ROOT_MISMATCH');
    }
  });

  it('the keep flag of an update, which no proof covers, shows in the known roots', () => {
    const firstUpdate = BODY + bodyLength(settlementAt(archive, 1).calldata) - 3 * 375;
    const report = flip(1, firstUpdate + 1);
    // Kept no more: the transfer anchored inside does not care, the contract's table of roots does.
    expect(report.verdict).toBe('invalid');
    expect(report.findings[0]).toMatchObject({ code: 'STATE_MISMATCH', block: archive.toBlock });
  });

  it.each<[string, number, string, (copy: Archive) => void]>([
    ['a stranger as the sender', 1, 'SETTLER_WRONG', (copy) => Object.assign(settlementAt(copy, 1), { sender: chain.world.address(7) })],
    ['an ordinal left out', 1, 'SETTLEMENT_ORDER', (copy) => Object.assign(settlementAt(copy, 1), { ordinal: 2 })],
    ['the leaf count', 1, 'LEAF_COUNT', (copy) => Object.assign(settlementAt(copy, 1), { leafCount: 999 })],
    ['the queue head', 0, 'QUEUE_HEAD', (copy) => Object.assign(settlementAt(copy, 0), { queueHead: 2 })],
    [
      'the time, before anything was overdue',
      3,
      'SETTLER_WRONG',
      (copy) => {
        const { block } = settlementAt(copy, 3);
        const before = copy.events.filter((event) => event.block < block).at(-1)?.timeSeconds ?? 0;
        for (const event of copy.events) if (event.block >= block) event.timeSeconds = before;
      },
    ],
  ])('%s', (_, ordinal, code, change) => {
    const report = audit(change);
    const broken = report.findings[0];
    expect(report.verdict).toBe('invalid');
    expect(broken).toMatchObject({ code, block: settlementAt(archive, ordinal).block });
  });
});

describe('one change elsewhere', () => {
  const first = (change: (copy: Archive) => void) => {
    const report = auditEvidence(changed(archive, change));
    return { verdict: report.verdict, code: report.findings[0]?.code, block: report.findings[0]?.block };
  };

  it.each<[string, string, (copy: Archive) => void]>([
    ['the value of a deposit', 'COMMITMENT_MISMATCH', (copy) => Object.assign(eventsOf(copy, 'deposit')[0] as object, { value: '50001' })],
    [
      'a deposit left out',
      'QUEUE_ORDER',
      (copy) =>
        copy.events.splice(
          copy.events.findIndex(({ kind }) => kind === 'deposit'),
          1,
        ),
    ],
    [
      'a forced record',
      'PROOF_INVALID',
      (copy) => Object.assign(eventsOf(copy, 'forced')[0] as object, { prover: chain.world.address(1) }),
    ],
    ['a drop of what is not spent', 'DROP_WRONG', (copy) => Object.assign(eventsOf(copy, 'dropped')[0] as object, { item: 5 })],
    [
      'a claim left out',
      'STATE_MISMATCH',
      (copy) =>
        copy.events.splice(
          copy.events.findIndex(({ kind }) => kind === 'claimed'),
          1,
        ),
    ],
    ['a fee share', 'STATE_MISMATCH', (copy) => Object.assign(copy.parameters, { updateProverBps: 2_999 })],
    ['the keys', 'KEYS_HASH', (copy) => Object.assign(copy, { keys: flipped(copy.keys, 330) })],
    ['events out of order', 'EVENT_ORDER', (copy) => copy.events.splice(0, 2, copy.events[1] as never, copy.events[0] as never)],
    ['a time before the one before', 'EVENT_TIME', (copy) => Object.assign(copy.events[3] as object, { timeSeconds: 1 })],
    ['another contract', 'PROOF_INVALID', (copy) => Object.assign(copy, { contract: `0x${'ab'.repeat(20)}` })],
    ['another chain', 'PROOF_INVALID', (copy) => Object.assign(copy, { chainId: '1' })],
  ])('%s is invalid', (_, code, change) => {
    const found = first(change);
    expect(found).toMatchObject({ verdict: 'invalid', code });
    expect(found.block).toBeTypeOf('number');
  });

  it.each<[string, string, (copy: Archive) => void]>([
    [
      'the note root of the contract',
      'STATE_MISMATCH',
      (copy) => Object.assign(copy.state, { noteRoot: flipped(copy.state.noteRoot, 31) }),
    ],
    [
      'a known root denied',
      'STATE_MISMATCH',
      (copy) => Object.assign(copy.state.roots.find(({ known }) => known) as object, { known: false }),
    ],
    ['a root invented', 'STATE_MISMATCH', (copy) => copy.state.roots.push({ root: `0x${'11'.repeat(32)}`, known: true })],
    ['a root not spoken of', 'STATE_INCOMPLETE', (copy) => copy.state.roots.pop()],
    ['a credit', 'STATE_MISMATCH', (copy) => Object.assign(copy.state.credits[0] as object, { amount: '1' })],
    ['a credit not spoken of', 'STATE_INCOMPLETE', (copy) => copy.state.credits.pop()],
    ['the money of the contract', 'INSOLVENT', (copy) => Object.assign(copy.state.balances[0] as object, { amount: '1' })],
    ['the settlement count', 'STATE_MISMATCH', (copy) => Object.assign(copy.state, { settlementCount: 5 })],
  ])('%s, as the contract tells it, is invalid', (_, code, change) => {
    const findings = new Findings();
    compareState(changed(archive, change), replayed.replay as Replay, findings);
    expect(findings.all[0]).toMatchObject({ severity: 'broken', code, block: archive.toBlock });
  });

  it('what cannot be checked is undecided, not valid', () => {
    const cut = first((copy) => Object.assign(copy, { fromBlock: copy.deploymentBlock + 1 }));
    expect(cut).toMatchObject({ verdict: 'undecided', code: 'HISTORY_CUT' });
  });
});

describe('a contract in between', () => {
  const RELAYED = 1;

  it('A14: leaves nothing unchecked: a forced transfer and a drop sent through a relay are valid', async () => {
    for (const tx of [eventsOf(archive, 'forced')[RELAYED]?.tx, eventsOf(archive, 'dropped')[0]?.tx])
      expect((await chain.world.provider.getTransaction(tx as string))?.to?.toLowerCase()).toBe(chain.relay);
    expect(eventsOf(archive, 'dropped').map(({ rewarded }) => rewarded)).toEqual([chain.relay, chain.world.address(6)]);
    expect(archive.state.credits).toContainEqual({ account: chain.relay, asset: 0, amount: String(DROP_REWARD) });
    expect(auditEvidence(archive)).toMatchObject({ verdict: 'valid', findings: [] });
  });

  it('a changed byte of the statement or proof of a relayed transfer is invalid and named', () => {
    const { block, tx, item } = eventsOf(archive, 'forced')[RELAYED] as EventOf<'forced'>;
    const codeAfter = (field: 'anchor' | 'h' | 'proof', offset: number): string | undefined => {
      const report = auditEvidence(
        changed(archive, (copy) => {
          const event = eventsOf(copy, 'forced')[RELAYED] as EventOf<'forced'>;
          event[field] = flipped(event[field], offset);
        }),
      );
      expect(report.verdict).toBe('invalid');
      expect(report.findings).toMatchObject([{ severity: 'broken', block, tx, item }]);
      return report.findings[0]?.code;
    };
    const [ofA, ofB, ofC] = [31, 127, 255];
    for (const offset of [ofA, ofB, ofC]) expect(codeAfter('proof', offset)).toBe('PROOF_INVALID');
    expect(codeAfter('h', 31)).toBe('PROOF_INVALID');
    expect(codeAfter('anchor', 31)).toBe('ANCHOR_UNKNOWN');
  });

  it.each<[string, number, string]>([
    ['by drop()', 0, 'STATE_MISMATCH'],
    ['inside a settlement', 1, 'DROP_WRONG'],
  ])('somebody else as rewarded for a drop %s is invalid', (_, i, code) => {
    const report = auditEvidence(
      changed(archive, (copy) => Object.assign(eventsOf(copy, 'dropped')[i] as object, { rewarded: chain.world.address(8) })),
    );
    expect(report.verdict).toBe('invalid');
    expect(report.findings[0]).toMatchObject({ severity: 'broken', code });
  });
});

describe('a token that turns bad', () => {
  it.each([
    ['reverts', '0x5f5ffd'],
    ['runs for ever', '0x5b600056'],
    ['has no such function and code', '0x'],
    ['answers with less than a word', '0x60015ff3'],
    // MSTORE "fetch failed", REVERT with it
    ['reverts in the words of a lost connection', '0x6b6665746368206661696c65645f52600c6014fd'],
  ])('and %s is insolvent by itself, and does not keep the rest from being checked', async (_, code) => {
    const token = eventsOf(archive, 'asset')[0]?.token as string;
    const undo = await chain.world.snapshot();
    await chain.world.provider.send('anvil_setCode', [token, code]);
    await chain.world.provider.send('evm_mine', []);
    const report = await auditFromRpc(target());
    await undo();
    expect(report.findings).toMatchObject([{ code: 'INSOLVENT', reason: expect.stringMatching(/^the contract owns 0 of asset 1 /) }]);
    expect(report.counts).toEqual(live.counts);
  });
});

describe('an RPC that lies', () => {
  const through = async (lie: Parameters<typeof startLyingRpc>[1]) => {
    const rpc = await startLyingRpc(chain.world.anvil.rpcUrl, lie);
    try {
      return await auditFromRpc({ ...target(), rpcUrl: rpc.url });
    } finally {
      await rpc.stop();
    }
  };

  it('about one byte of calldata is found out', async () => {
    const { tx, block } = settlementAt(archive, 2);
    const report = await through(({ method, params }, result) =>
      method === 'eth_getTransactionByHash' && params[0] === tx
        ? { ...(result as object), input: flipped((result as { input: string }).input, 150) }
        : result,
    );
    expect(report.verdict).toBe('invalid');
    expect(report.findings[0]).toMatchObject({ block, tx, settlement: 2 });
  });

  it('about the contract’s root is found out', async () => {
    const selector = rollupInterface().getFunction('nullifierRoot')?.selector;
    const report = await through(({ method, params }, result) =>
      method === 'eth_call' && (params[0] as { data: string }).data === selector ? flipped(result as string, 31) : result,
    );
    expect(report.findings).toMatchObject([{ code: 'STATE_MISMATCH', block: archive.toBlock }]);
  });

  it('or is silent decides nothing', async () => {
    await expect(auditFromRpc({ ...target(), rpcUrl: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'RPC_UNREACHABLE' });
    await expect(auditFromRpc({ ...target(), contract: `0x${'01'.repeat(20)}` })).rejects.toMatchObject({ code: 'CONTRACT_ABSENT' });
    await expect(auditFromRpc({ ...target(), contract: '0x01' })).rejects.toMatchObject({ code: 'EVM_ADDRESS_INVALID' });
    const cut = await auditFromRpc({ ...target(), fromBlock: archive.deploymentBlock + 1 });
    expect(cut).toMatchObject({ verdict: 'undecided', findings: [{ code: 'HISTORY_CUT' }] });
  });
});

describe('archive file', () => {
  it('has one spelling', () => {
    const text = encodeArchive(archive);
    expect(() => parseArchive(text.replace('{', '{ '))).toThrow(expect.objectContaining({ code: 'ARCHIVE_SPELLING' }));
    expect(() => parseArchive(text.replace('"version":1', '"version":2'))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_FORMAT', got: expect.stringContaining('version') }),
    );
    expect(() => parseArchive(text.replace('"events":[', '"events":[7,'))).toThrow(expect.objectContaining({ code: 'ARCHIVE_FORMAT' }));
    expect(() => parseArchive('{')).toThrow(expect.objectContaining({ code: 'ARCHIVE_FORMAT' }));
  });

  it('is refused when it cannot be read', async () => {
    await expect(auditArchive(file('nothing.json'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('batch file', () => {
  let batch: BatchFile;
  beforeAll(async () => {
    await exportBatch({ ...target(), settlement: 2, file: file('batch.json') });
    batch = parseBatchFile(readFileSync(file('batch.json'), 'utf8'));
  });
  const verify = (batch: BatchFile) => verifyBatch(JSON.stringify(batch));

  it('verifies alone, and one change in it is named', async () => {
    expect(await verifyBatchFile(file('batch.json'))).toMatchObject({
      verdict: 'valid',
      keysHash: archive.parameters.keysHash,
      proofs: ['transfer_1', 'update_2'],
      badProofs: [],
    });
    const [first, second] = batch.items as [BatchFile['items'][number], BatchFile['items'][number]];
    const withFirst = (change: Partial<BatchFile['items'][number]>): BatchFile => ({ ...batch, items: [{ ...first, ...change }, second] });
    const list = [...first.list.slice(0, -1), flipped(first.list.at(-1) as string, 31)];
    expect(verify(withFirst({ list }))).toMatchObject({ verdict: 'invalid', badProofs: [0], code: 'FOLD_INVALID' });
    expect(verify(withFirst({ h: flipped(first.h, 31) }))).toMatchObject({ verdict: 'invalid', badProofs: [0] });
    expect(verify(withFirst({ proof: second.proof }))).toMatchObject({ verdict: 'invalid', badProofs: [0] });
    expect(verify(withFirst({ list: first.list.slice(1) }))).toMatchObject({ verdict: 'invalid', code: 'LIST_LENGTH' });
    expect(verify(withFirst({ circuit: 'transfer_8' }))).toMatchObject({ verdict: 'invalid', code: 'LIST_LENGTH' });
    expect(verify({ ...batch, contract: `0x${'ab'.repeat(20)}` })).toMatchObject({
      verdict: 'invalid',
      code: 'FOLD_INVALID',
      badProofs: [0, 1],
    });
    expect(verify({ ...batch, keys: flipped(batch.keys, 400) }).verdict).toBe('invalid');
  });

  it('A1: refuses list elements from p upwards, and files that are no batch', async () => {
    const list = [`0x${'ff'.repeat(32)}`, ...(batch.items[0]?.list.slice(1) ?? [])];
    expect(verify({ ...batch, items: [{ ...(batch.items[0] as BatchFile['items'][number]), list }] })).toMatchObject({
      verdict: 'invalid',
      code: 'FIELD_RANGE',
    });
    writeFileSync(file('bad.json'), '{"format":"tacit-batch"}');
    await expect(verifyBatchFile(file('bad.json'))).rejects.toMatchObject({ code: 'BATCH_FORMAT' });
    await expect(exportBatch({ ...target(), settlement: 9, file: file('none.json') })).rejects.toMatchObject({ code: 'SETTLEMENT_ABSENT' });
  });
});

describe('published schemas', () => {
  it('are those of the code', () => {
    for (const [name, schema] of Object.entries(publishedSchemas()))
      expect(JSON.parse(readFileSync(join('docs/schemas', name), 'utf8')), name).toEqual(schema);
  });
});

/** Length of the settlement inside the calldata of `settle(bytes)`: its second word. */
function bodyLength(calldata: string): number {
  return Number(BigInt(`0x${calldata.slice(2 + 2 * 36, 2 + 2 * 68)}`));
}
