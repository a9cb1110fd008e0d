/**
 * The operator's signed promises, held against L1: kept, still open, taken over by a forced transfer, broken, and two that
 * cannot both be true. A broken promise is no fault of the rollup's state: the audit is valid beside it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Archive, parseArchive } from '../../auditor/archive.js';
import { judgeConfirmation, judgePair, parseConfirmation } from '../../auditor/confirmation.js';
import { exportArchive } from '../../auditor/live.js';
import { registerAudit } from '../../cli/audit.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { signerFromKey } from '../../protocol/eip712.js';
import { encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import type { Settlement, TransferProofEntry } from '../../protocol/settlement.js';
import type { QueueItem } from '../../protocol/slots.js';
import { type SignedSoftConfirmation, signSoftConfirmation } from '../../protocol/softConfirmation.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { recordOf } from '../aggregator/world.js';
import { changed, flipped, settlementAt } from '../auditor/mutations.js';
import { bytesOf, Operator } from './operator.js';

/** More than the contract's delay in these tests. */
const PAST_THE_QUEUE_SECONDS = 100_000;
let operator: Operator;
let dir = '';
let snapshot: unknown;
beforeAll(async () => {
  operator = await Operator.start();
  dir = mkdtempSync(join(tmpdir(), 'tacit-promises-'));
}, 300_000);
afterAll(async () => {
  await operator?.stop();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  snapshot = await operator.world.provider.send('evm_snapshot', []);
});
afterEach(() => operator.world.provider.send('evm_revert', [snapshot]));

const promise = (i: number): SignedSoftConfirmation => operator.promises[i] as SignedSoftConfirmation;
const record = (i: number): TransferRecord => operator.records[i] as TransferRecord;
const packed = (i: number): string => bytesToHex(encodeRecord(record(i)));

async function evidence(verdict = 'valid'): Promise<Archive> {
  const file = join(dir, 'archive.json');
  const report = await exportArchive({ rpcUrl: operator.world.anvil.rpcUrl, contract: operator.world.domain.contract, file });
  expect([report.verdict, report.findings]).toEqual([verdict, []]);
  return parseArchive(readFileSync(file, 'utf8'));
}

async function settle(settlement: Settlement, account = 0): Promise<void> {
  const data = rollupData.settle(bytesOf(settlement));
  await (await operator.signer(account).sendTransaction({ to: operator.world.domain.contract, data })).wait();
}

/** The honest settlement with another record, provably its owner's, in the place of the first. */
function withRival(rival: TransferRecord): Settlement {
  const { honest } = operator;
  const entry: TransferProofEntry = operator.ownTransfer(rival);
  return operator.remade({ ...honest, transfers: [entry, ...honest.transfers.slice(1)] });
}

describe('a soft confirmation', () => {
  it('is pending before the settlement and honoured by it, which is named', async () => {
    expect(judgeConfirmation(await evidence(), promise(0), packed(0))).toMatchObject({ verdict: 'pending', code: 'CONFIRMATION_PENDING' });
    await operator.letThrough();
    const archive = await evidence();
    const { block, tx } = settlementAt(archive, 0);
    for (const i of [0, 1, 4])
      expect(judgeConfirmation(archive, promise(i))).toMatchObject({ verdict: 'honoured', block, tx, settlement: 0, findings: [] });
    // The node's answer as it goes over the wire is what is read.
    expect(parseConfirmation(JSON.stringify(promise(0)))).toEqual(promise(0));
  });

  it('is pending where the operator leaves the record out', async () => {
    const { honest } = operator;
    await settle(operator.remade({ ...honest, transfers: honest.transfers.slice(1) }));
    const archive = await evidence();
    expect(judgeConfirmation(archive, promise(0), packed(0)).verdict).toBe('pending');
    expect(judgeConfirmation(archive, promise(1), packed(1)).verdict).toBe('honoured');
  });

  it('A3: is broken where the operator settles another record that spends the same note', async () => {
    const rival = recordOf(900, { nf2: record(0).nf2 });
    await settle(withRival(rival));
    const archive = await evidence();
    const { block, tx } = settlementAt(archive, 0);
    const judged = judgeConfirmation(archive, promise(0), packed(0));
    expect(judged).toMatchObject({ verdict: 'broken', code: 'CONFIRMATION_BROKEN', block, tx, settlement: 0 });
    const [hash, other] = [record(0), rival].map((one) => recordHash(one, operator.world.domain));
    expect(judged.reason).toBe(
      `nullifier 0x${rival.nf2.toString(16)} was to be spent by record ${hash}: expected that record, got ${other}`,
    );
    // Who has only the hash cannot see it.
    expect(judgeConfirmation(archive, promise(0)).verdict).toBe('pending');
  });

  it('is superseded, which is nobody’s lie, where the owner forced another record through L1', async () => {
    const rival = recordOf(901, { nf1: record(0).nf1 });
    await operator.force(rival);
    const { honest } = operator;
    const queue: QueueItem[] = [...operator.queue, { kind: 'forced', record: rival }];
    const data = { record: rival, prover: `0x${'00'.repeat(20)}`, refund: operator.address(6) };
    const taken = { ...honest, queueItems: 4, forced: [...honest.forced, data], transfers: honest.transfers.slice(1) };
    await settle(operator.remade(taken, queue));
    expect(judgeConfirmation(await evidence(), promise(0), packed(0))).toMatchObject({
      verdict: 'superseded',
      code: 'CONFIRMATION_SUPERSEDED',
    });
  });

  it('is superseded where somebody else, as anybody may while the queue is overdue, settles the other record', async () => {
    await operator.world.provider.send('evm_increaseTime', [PAST_THE_QUEUE_SECONDS]);
    await settle(withRival(recordOf(902, { nf1: record(0).nf1 })), 6);
    const judged = judgeConfirmation(await evidence(), promise(0), packed(0));
    expect(judged).toMatchObject({ verdict: 'superseded', code: 'CONFIRMATION_SUPERSEDED' });
    expect(judged.reason).toMatch(/settled by somebody else/);
  });

  it('is not judged by a history that does not hold', async () => {
    const { honest } = operator;
    await settle(operator.remade({ ...honest, transfers: honest.transfers.slice(1) }));
    const forged = changed(await evidence(), (copy) => {
      const event = settlementAt(copy, 0);
      event.calldata = flipped(event.calldata, 400);
    });
    const judged = judgeConfirmation(forged, promise(0), packed(0));
    expect(judged.verdict).toBe('undecided');
    expect(judged.findings[0]).toMatchObject({ severity: 'broken', settlement: 0 });
  });

  it('counts only with the operator’s signature, and for its own record', async () => {
    const archive = await evidence();
    const { signature: _, ...content } = promise(0);
    const other = await signSoftConfirmation(content, operator.world.domain, signerFromKey(new Uint8Array(32).fill(3)));
    const coded = (code: string) => expect.objectContaining({ code });
    expect(() => judgeConfirmation(archive, other)).toThrow(coded('SOFT_CONFIRMATION_SIGNER'));
    expect(() => judgeConfirmation(archive, { ...promise(0), sequence: 99 })).toThrow(coded('SOFT_CONFIRMATION_SIGNER'));
    expect(() => judgeConfirmation(archive, promise(0), packed(1))).toThrow(coded('CONFIRMATION_RECORD'));
    expect(() => parseConfirmation('{"recordHash":"0x"}')).toThrow(coded('CONFIRMATION_FORMAT'));
  });
});

describe('two soft confirmations', () => {
  const signed = (content: Omit<SignedSoftConfirmation, 'signature'>) =>
    signSoftConfirmation(content, operator.world.domain, signerFromKey(hexToBytes(operator.world.anvil.accounts[0]?.privateKey as string)));
  const judge = (a: SignedSoftConfirmation, b: SignedSoftConfirmation) => judgePair(a, b, operator.world.domain, operator.settler);

  it('of one number for two records, or two numbers for one record, show that the operator lied', async () => {
    const twice = await signed({ ...promise(1), sequence: promise(0).sequence });
    expect(judge(promise(0), twice)).toMatchObject({ verdict: 'broken', code: 'CONFIRMATION_EQUIVOCAL' });
    expect(judge(promise(0), twice).reason).toContain(`number ${promise(0).sequence} for record ${promise(1).recordHash}`);
    const moved = await signed({ ...promise(0), sequence: 77 });
    expect(judge(promise(0), moved)).toMatchObject({ verdict: 'broken', code: 'CONFIRMATION_EQUIVOCAL' });
  });

  it('of an honest node, sealed later or anew, do not', async () => {
    expect(judge(promise(0), promise(1)).code).toBe('CONFIRMATION_CONSISTENT');
    expect(judge(promise(0), await signed({ ...promise(0), sealedIndex: 4 })).code).toBe('CONFIRMATION_CONSISTENT');
    expect(() => judge(promise(0), { ...promise(1), signature: promise(0).signature })).toThrow(
      expect.objectContaining({ code: 'SOFT_CONFIRMATION_SIGNER' }),
    );
  });
});

describe('tacit audit confirmation', () => {
  const write = (name: string, value: unknown): string => {
    const file = join(dir, name);
    writeFileSync(file, JSON.stringify(value));
    return file;
  };
  const source = () => ['--rpc', operator.world.anvil.rpcUrl, '--contract', operator.world.domain.contract];

  /** The command line in this process. */
  async function tacit(...args: string[]): Promise<{ exitCode: unknown; out: string }> {
    const before = process.exitCode;
    let out = '';
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
        out += String(text);
        return true;
      }),
      vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
    ];
    try {
      const program = new Command('tacit').exitOverride();
      registerAudit(program);
      await program.parseAsync(['audit', 'confirmation', ...args], { from: 'user' });
      return { exitCode: process.exitCode, out };
    } finally {
      for (const spy of spies) spy.mockRestore();
      process.exitCode = before;
    }
  }

  it('ends with 2 while a promise is pending, with 0 when it is kept, from L1 and from an archive', async () => {
    const files = [
      write('one.json', promise(0)),
      write('answer.json', { status: 'confirmed', confirmation: promise(1), record: packed(1) }),
    ];
    const pending = await tacit(...files, ...source());
    expect(pending).toMatchObject({ exitCode: 2, out: expect.stringMatching(/^UNDECIDED {2}2 confirmations for contract 0x/) });
    expect(pending.out).toContain('PENDING: the record is not in the rollup yet');
    await operator.letThrough();
    const archive = await evidence();
    const { block, tx } = settlementAt(archive, 0);
    const kept = await tacit(...files, ...source());
    expect(kept).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^KEPT/) });
    expect(kept.out).toContain(`block ${block}, settlement 0, transaction ${tx}`);
    const offline = await tacit(...files, '--archive', join(dir, 'archive.json'), '--json');
    expect(offline.exitCode).toBe(0);
    expect(JSON.parse(offline.out)).toMatchObject({
      verdict: 'kept',
      operator: operator.settler,
      promises: [
        { ...promise(0), verdict: 'honoured' },
        { ...promise(1), verdict: 'honoured' },
      ],
      contradictions: [],
    });
  });

  it('A3: ends with 1 where a rival was settled, and names it', async () => {
    const rival = recordOf(902, { nf2: record(0).nf2 });
    await settle(withRival(rival));
    const broken = await tacit(write('broken.json', { confirmation: promise(0), record: packed(0) }), ...source());
    expect(broken).toMatchObject({ exitCode: 1, out: expect.stringMatching(/^BROKEN/) });
    expect(broken.out).toContain(`got ${recordHash(rival, operator.world.domain)} [CONFIRMATION_BROKEN]`);
    expect(broken.out).toMatch(/in +block \d+, settlement 0, transaction 0x/);
  });

  it('A3: ends with 1 where two files contradict one another, whatever became of the records', async () => {
    const key = signerFromKey(hexToBytes(operator.world.anvil.accounts[0]?.privateKey as string));
    const { recordHash: other } = promise(1);
    const twice = await signSoftConfirmation(
      { recordHash: other, sequence: promise(0).sequence, sealedIndex: 0 },
      operator.world.domain,
      key,
    );
    const files = [write('first.json', promise(0)), write('second.json', twice)];
    const broken = await tacit(...files, ...source());
    expect(broken.exitCode).toBe(1);
    expect(broken.out).toContain(`${files.join(' and ')}\n  BROKEN: the operator has signed two promises of which one is false`);
  });

  it('ends with 2 on what is not the operator’s word, and on what is none', async () => {
    const foreign = await tacit(write('foreign.json', { ...promise(0), sequence: 99 }), ...source());
    expect(foreign).toMatchObject({ exitCode: 2, out: expect.stringContaining('[SOFT_CONFIRMATION_SIGNER]') });
    const none = await tacit(write('none.json', { confirmation: 1 }), ...source());
    expect(none).toMatchObject({ exitCode: 2, out: expect.stringContaining('[CONFIRMATION_FORMAT]') });
    const both = await tacit(write('one.json', promise(0)), ...source(), '--archive', join(dir, 'archive.json'));
    expect(both).toMatchObject({ exitCode: 2, out: expect.stringContaining('[USAGE]') });
  });
});
