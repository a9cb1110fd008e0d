/**
 * Everything that an operator may try with a settlement that its own node has made. Each attempt goes to the real contract,
 * which refuses it by name; and into an archive, as if a contract had let it pass, where the audit names it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Archive, parseArchive } from '../../auditor/archive.js';
import { auditEvidence } from '../../auditor/audit.js';
import { findingText } from '../../auditor/finding.js';
import { auditFromRpc, exportArchive } from '../../auditor/live.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import type { TransferRecord } from '../../protocol/record.js';
import type { Settlement, TransferProofEntry } from '../../protocol/settlement.js';
import { rollupInterface } from '../../verifier-contract/abi.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { recordOf } from '../aggregator/world.js';
import { startLyingRpc } from '../auditor/lyingRpc.js';
import { changed, eventsOf, flipped, settlementAt } from '../auditor/mutations.js';
import { bytesOf, Operator } from './operator.js';

let operator: Operator;
let archive: Archive;
let dir = '';

beforeAll(async () => {
  operator = await Operator.start();
}, 300_000);
afterAll(async () => {
  await operator?.stop();
  if (dir !== '') rmSync(dir, { recursive: true, force: true });
});

interface Attempt {
  /** What the operator makes of the honest settlement. */
  readonly change: (settlement: Settlement) => Settlement;
  /** The contract's answer. */
  readonly refused: string;
  /** The audit's code, and what its text says was expected and what came. */
  readonly named: string;
  readonly text: RegExp;
}

const transfers =
  (change: (entries: readonly TransferProofEntry[]) => readonly TransferProofEntry[]) =>
  (settlement: Settlement): Settlement => ({ ...settlement, transfers: change(settlement.transfers) });
const nth = (i: number, change: (entry: TransferProofEntry) => Partial<TransferProofEntry>) =>
  transfers((entries) => entries.map((entry, k) => (k === i ? { ...entry, ...change(entry) } : entry)));
const record = (i: number, change: Partial<TransferRecord>) =>
  nth(i, ({ records }) => ({ records: [{ ...(records[0] as TransferRecord), ...change }] }));
const remade =
  (change: (settlement: Settlement) => Settlement) =>
  (settlement: Settlement): Settlement =>
    operator.remade(change(settlement));
const forced =
  (i: number, change: (data: Settlement['forced'][number]) => Partial<Settlement['forced'][number]>) => (settlement: Settlement) => ({
    ...settlement,
    forced: settlement.forced.map((data, k) => (k === i ? { ...data, ...change(data) } : data)),
  });
const [A, B] = ['0x[0-9a-f]{64}', '0x[0-9a-f]{64}'];
const ROOTS = new RegExp(`note root of update 0 is not what the slots give: expected ${A}, got ${B}`);

const attempts: Record<string, Attempt> = {
  'A11: swaps the proofs of two records': {
    change: transfers(([first, second, ...rest]) => [
      { ...(first as TransferProofEntry), proof: second!.proof, h: second!.h },
      { ...(second as TransferProofEntry), proof: first!.proof, h: first!.h },
      ...rest,
    ]),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 0, transfer proof 1 does not verify/,
  },
  'A11: uses one proof for two records': {
    change: transfers(([first, second, ...rest]) => [first!, { ...second!, proof: first!.proof, h: first!.h }, ...rest]),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 1 does not verify/,
  },
  'A7: forges a record: notes for itself, spending a stranger’s nullifier': {
    change: remade(record(0, { nf1: 12_345n, cm1: 6_789n })),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 0 does not verify/,
  },
  'A7: raises the fee that it is paid': {
    change: remade(record(0, { fee: 1_000_000n })),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 0 does not verify/,
  },
  'A7: withdraws to itself': {
    change: remade(record(1, { recipient: `0x${'0e'.repeat(20)}` })),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 1 does not verify/,
  },
  'A7: withdraws more': {
    change: remade(record(1, { outValue: 3n })),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 1 does not verify/,
  },
  'A12: names itself as prover of what was proven at home': {
    change: nth(0, () => ({ prover: `0x${'0e'.repeat(20)}` })),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /transfer proof 0 does not verify/,
  },
  'A12: names itself as prover of a worker’s update': {
    change: (settlement) => ({
      ...settlement,
      updates: settlement.updates.map((update) => ({ ...update, prover: `0x${'0e'.repeat(20)}` })),
    }),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'PROOF_INVALID',
    text: /update proof 0 does not verify/,
  },
  'A14: renames the prover of a forced record': {
    change: forced(0, () => ({ prover: `0x${'0e'.repeat(20)}` })),
    refused: 'CONTRACT_FORCED_MISMATCH',
    named: 'FORCED_MISMATCH',
    text: /forced transfer 0 of the settlement is not the one that was queued: expected .*prover 0x0{40}.*, got .*prover 0x(0e){20}/,
  },
  'A14: takes the bond of a forced record': {
    change: forced(1, () => ({ refund: `0x${'0e'.repeat(20)}` })),
    refused: 'CONTRACT_FORCED_MISMATCH',
    named: 'FORCED_MISMATCH',
    text: /forced transfer 1 of the settlement is not the one that was queued: expected .*refund 0x[0-9a-f]{40}, got .*refund 0x(0e){20}/,
  },
  'A14: puts another record in the place of a forced one': {
    change: (settlement) => {
      const put = forced(0, () => ({ record: recordOf(77) }))(settlement);
      const queue = operator.queue.map((item, i) => (i === 1 ? { kind: 'forced' as const, record: recordOf(77) } : item));
      return operator.remade(put, queue);
    },
    refused: 'CONTRACT_FORCED_MISMATCH',
    named: 'FORCED_MISMATCH',
    text: /forced transfer 0 of the settlement is not the one that was queued: expected record 0x[0-9a-f]+.*, got record 0x[0-9a-f]+/,
  },
  'A14: drops a forced record that nothing contradicts': {
    change: remade((settlement) => ({ ...settlement, drops: [{ item: 2, by: 1 }] })),
    refused: 'CONTRACT_DROP_WITHOUT_CONFLICT',
    named: 'SETTLEMENT_INVALID',
    text: /dropped without a nullifier in common/,
  },
  'drops a record and keeps the roots that held it': {
    change: transfers((entries) => entries.slice(1)),
    refused: 'CONTRACT_SLOT_COUNT',
    named: 'SETTLEMENT_INVALID',
    text: /do not take exactly the slots there are: expected 7, got 8/,
  },
  'reorders records and keeps the roots of another order': {
    change: transfers((entries) => [...entries].reverse()),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'ROOT_MISMATCH',
    text: ROOTS,
  },
  'A3: settles a record twice': {
    change: transfers((entries) => [...entries.slice(0, -1), entries[0] as TransferProofEntry]),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'U1',
    text: /nullifiers of a batch stand in strictly ascending order/,
  },
  'A10: claims a root that the slots do not give': {
    change: (settlement) => ({
      ...settlement,
      updates: settlement.updates.map((update) => ({ ...update, noteRootNew: (update.noteRootNew + 1n) % FIELD_MODULUS })),
    }),
    refused: 'CONTRACT_FOLD_INVALID',
    named: 'ROOT_MISMATCH',
    text: ROOTS,
  },
  'anchors a transfer to a root of its own': {
    change: nth(0, () => ({ anchor: { kind: 'known', root: 99n } })),
    refused: 'CONTRACT_ANCHOR_UNKNOWN',
    named: 'ANCHOR_UNKNOWN',
    text: /a root that the rollup never kept: got 0x0+63/,
  },
};

describe('an adversarial operator', () => {
  it('is a production node: what it makes by itself the contract accepts', async () => {
    expect(operator.honest).toMatchObject({ queueItems: 3, drops: [] });
    expect([operator.honest.forced.length, operator.honest.transfers.length, operator.honest.updates.length]).toEqual([2, 5, 1]);
    expect(await operator.refusal(bytesOf(operator.honest))).toBe('no error');
    // So does what the operator may do: another order, another choice, proven as it then is.
    expect(await operator.refusal(bytesOf(remade(transfers((entries) => [...entries].reverse()))(operator.honest)))).toBe('no error');
    expect(await operator.refusal(bytesOf(remade(transfers((entries) => entries.slice(1)))(operator.honest)))).toBe('no error');
  });

  it.each(Object.entries(attempts))('%s: the contract refuses', async (_, { change, refused }) => {
    expect(await operator.refusal(bytesOf(change(operator.honest)))).toBe(refused);
  });

  it('A3: cannot even prove an update that holds a record twice', () => {
    expect(() => remade(transfers((entries) => [...entries.slice(1), entries[1] as TransferProofEntry]))(operator.honest)).toThrow(
      expect.objectContaining({ code: 'U1' }),
    );
  });

  it('A14: skips the overdue head of the queue: refused while it is overdue, allowed while it is not', async () => {
    const without = bytesOf(remade((settlement) => ({ ...settlement, queueItems: 0, forced: [] }))(operator.honest));
    expect(await operator.refusal(without)).toBe('no error');
    const { provider } = operator.world;
    const snapshot: unknown = await provider.send('evm_snapshot', []);
    await provider.send('evm_increaseTime', [10_000]);
    await provider.send('evm_mine', []);
    expect(await operator.refusal(without)).toBe('CONTRACT_OVERDUE_FIRST');
    expect(await operator.refusal(bytesOf(operator.honest))).toBe('no error');
    await provider.send('evm_revert', [snapshot]);
  });

  it('with the secrets of the proving keys would be let through by the contract: that is what the audit is for', async () => {
    const [update] = operator.honest.updates as [Settlement['updates'][number]];
    const forged = operator.forgedUpdate(operator.honest, (update.noteRootNew + 1n) % FIELD_MODULUS);
    expect(await operator.refusal(bytesOf(forged))).toBe('no error');
  });

  it('withholds data: cut, tailed or hidden behind a contract, the bytes are refused', async () => {
    const bytes = bytesOf(operator.honest);
    const spoiled = [-1, -100, -375, -1_000].map((end) => bytes.slice(0, end));
    spoiled.push(Uint8Array.from([...bytes, 0]), Uint8Array.from([...bytes, ...new Uint8Array(375)]), bytes.slice(0, 9));
    // Read as a settlement they say something else, and each something else has an error of its own.
    for (const one of spoiled) expect(await operator.refusal(one)).toMatch(/^CONTRACT_(?!REVERTED)/);
    expect(await operator.refusalRelayed(rollupData.settle(bytes))).toBe('NotTopLevel');
  });

  it('A12: a stranger with its calldata has no right while nothing is overdue', async () => {
    expect(await operator.refusal(bytesOf(operator.honest), operator.address(7))).toBe('CONTRACT_NOT_SETTLER');
  });
});

describe('the audit', () => {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tacit-operator-'));
    await operator.letThrough();
    const target = { rpcUrl: operator.world.anvil.rpcUrl, contract: operator.world.domain.contract, file: join(dir, 'archive.json') };
    const report = await exportArchive(target);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ verdict: 'valid', counts: { settlements: 1, transfers: 7, forced: 2, deposits: 1, proofs: 8 } });
    archive = parseArchive(readFileSync(target.file, 'utf8'));
  }, 120_000);

  const audited = (change: (copy: Archive) => void) => {
    const report = auditEvidence(changed(archive, change));
    const [first] = report.findings;
    return { verdict: report.verdict, code: first?.code, text: first === undefined ? '' : findingText(first) };
  };
  const settledAs = (settlement: Settlement) =>
    audited((copy) => Object.assign(settlementAt(copy, 0), { calldata: rollupData.settle(bytesOf(settlement)) }));

  it.each(Object.entries(attempts))('%s: the audit names it', (_, { change, named, text }) => {
    const found = settledAs(change(operator.honest));
    const { block, tx } = settlementAt(archive, 0);
    expect(found).toMatchObject({ verdict: 'invalid', code: named });
    expect(found.text).toMatch(text);
    expect(found.text).toContain(`INVALID block ${block}, settlement 0, transaction ${tx}`);
  });

  it('A10: false roots, and a note spent twice, even where the operator knows the secrets of the proving keys', async () => {
    const { honest } = operator;
    const [update] = honest.updates as [Settlement['updates'][number]];
    const falseRoot = operator.forgedUpdate(honest, (update.noteRootNew + 1n) % FIELD_MODULUS);
    const found = settledAs(falseRoot);
    expect(found).toMatchObject({ verdict: 'invalid', code: 'ROOT_MISMATCH' });
    expect(found.text).toMatch(ROOTS);
    const twice = operator.forgedUpdate(
      transfers((entries) => [...entries.slice(0, -1), entries[0] as TransferProofEntry])(honest),
      update.noteRootNew,
    );
    expect(settledAs(twice)).toMatchObject({ verdict: 'invalid', code: 'U1' });
  });

  it('A14: an overdue head that was skipped', () => {
    const without = remade((settlement) => ({ ...settlement, queueItems: 0, forced: [] }))(operator.honest);
    const found = audited((copy) => {
      const event = settlementAt(copy, 0);
      Object.assign(event, { calldata: rollupData.settle(bytesOf(without)), queueHead: 0, timeSeconds: event.timeSeconds + 10_000 });
    });
    expect(found).toMatchObject({ verdict: 'invalid', code: 'OVERDUE_FIRST' });
    expect(found.text).toMatch(/expected all overdue items, or at least 5, got 0 items/);
  });

  it('A12: calldata settled again, by the operator or by a stranger, settles nothing', async () => {
    const bytes = bytesOf(operator.honest);
    expect(await operator.refusal(bytes)).toBe('CONTRACT_QUEUE_TOO_SHORT');
    expect(
      await operator.refusal(
        bytesOf({
          ...operator.honest,
          queueItems: 0,
          forced: [],
          updates: operator.honest.updates.map((update) => ({ ...update, used: 5 })),
        }),
      ),
    ).toBe('CONTRACT_FOLD_INVALID');
    const again = audited((copy) => {
      const event = settlementAt(copy, 0);
      copy.events.push({ ...event, ordinal: 1, logIndex: event.logIndex + 100 });
    });
    expect(again).toMatchObject({ verdict: 'invalid', code: 'SETTLEMENT_QUEUE' });
    expect(again.text).toMatch(/expected at most 0, got 3/);
    const stranger = audited((copy) => Object.assign(settlementAt(copy, 0), { sender: operator.address(7) }));
    expect(stranger).toMatchObject({ verdict: 'invalid', code: 'SETTLER_WRONG' });
    expect(stranger.text).toContain(`expected ${operator.settler}, got ${operator.address(7)}`);
  });

  it('a record withheld from the audit is missed: the deposit, a forced transfer, the settlement', () => {
    const without = (kind: 'deposit' | 'forced' | 'settled') =>
      audited((copy) => {
        copy.events.splice(
          copy.events.findIndex((event) => event.kind === kind),
          1,
        );
      });
    expect(without('deposit')).toMatchObject({
      verdict: 'invalid',
      code: 'QUEUE_ORDER',
      text: expect.stringMatching(/expected item 0, got item 1/),
    });
    expect(without('forced')).toMatchObject({
      verdict: 'invalid',
      code: 'QUEUE_ORDER',
      text: expect.stringMatching(/expected item 1, got item 2/),
    });
    expect(without('settled')).toMatchObject({ verdict: 'invalid', code: 'STATE_MISMATCH' });
    expect(eventsOf(archive, 'settled')).toHaveLength(1);
  });

  it('an RPC of the operator that withholds a log, or tells another root, is found out', async () => {
    const through = async (lie: Parameters<typeof startLyingRpc>[1]) => {
      const rpc = await startLyingRpc(operator.world.anvil.rpcUrl, lie);
      try {
        const { findings, verdict } = await auditFromRpc({ rpcUrl: rpc.url, contract: operator.world.domain.contract });
        return { verdict, code: findings[0]?.code, text: findings[0] === undefined ? '' : findingText(findings[0]) };
      } finally {
        await rpc.stop();
      }
    };
    const topicOf = (name: string) => rollupInterface().getEvent(name)?.topicHash;
    const without = (name: string) =>
      through(({ method }, result) =>
        method === 'eth_getLogs' ? (result as { topics: string[] }[]).filter(({ topics }) => topics[0] !== topicOf(name)) : result,
      );
    expect(await through((_, result) => result)).toMatchObject({ verdict: 'valid' });
    expect(await without('Deposit')).toMatchObject({ verdict: 'invalid', code: 'QUEUE_ORDER' });
    expect(await without('Settled')).toMatchObject({ verdict: 'invalid', code: 'STATE_MISMATCH' });
    const root = await through(({ method, params }, result) =>
      method === 'eth_call' && (params[0] as { data: string }).data === rollupInterface().getFunction('noteRoot')?.selector
        ? flipped(result as string, 31)
        : result,
    );
    expect(root).toMatchObject({ verdict: 'invalid', code: 'STATE_MISMATCH' });
    expect(root.text).toMatch(/the contract's note root is 0x[0-9a-f]+, history gives 0x[0-9a-f]+/);
  });
});
