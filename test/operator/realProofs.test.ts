/**
 * The operator's tricks with REAL proofs of transfer(1) and update(2): nothing here rests on simulated keys. Two payments
 * are settled honestly and audited; with proofs swapped or a prover renamed, the contract and the audit refuse them by name.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonRpcProvider } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Archive, parseArchive } from '../../auditor/archive.js';
import { auditEvidence } from '../../auditor/audit.js';
import { findingText } from '../../auditor/finding.js';
import { exportArchive } from '../../auditor/live.js';
import { depositNotes, openScene, proveTransfers, proveUpdate, type Scene, sceneNote } from '../../bench/gasScene.js';
import { LedgerState } from '../../ledger/state.js';
import { encodeSettlement, type Settlement, type TransferProofEntry } from '../../protocol/settlement.js';
import { settlementSlots } from '../../protocol/slots.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { changed, settlementAt } from '../auditor/mutations.js';
import { codeOf } from '../verifier-contract/world.js';

const ITSELF = `0x${'0e'.repeat(20)}`;
let scene: Scene;
let honest: Settlement;
let dir = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-operator-'));
  scene = await openScene(() => {}, { circuits: ['transfer_1', 'update_2'], deposits: 'update_2' });
  await depositNotes(scene, 2);
  const deposits = [0, 1].map((i) => ({ kind: 'deposit' as const, commitment: sceneNote(i, scene).cm }));
  const first = await proveUpdate(scene, 'update_2', 'test deposits', LedgerState.genesis(), settlementSlots(deposits, []));
  await scene.rollup.settle(encodeSettlement({ queueItems: 2, drops: [], forced: [], transfers: [], updates: [first.entry] }));
  const transfers = [await proveTransfers(scene, 'transfer_1', 0, first.next), await proveTransfers(scene, 'transfer_1', 1, first.next)];
  const slots = settlementSlots(
    [],
    transfers.flatMap(({ records }) => records),
  );
  const second = await proveUpdate(scene, 'update_2', 'operator transfers', first.next, slots);
  honest = { queueItems: 0, drops: [], forced: [], transfers, updates: [second.entry] };
}, 600_000);
afterAll(async () => {
  await scene?.close();
  rmSync(dir, { recursive: true, force: true });
});

const tricks: [string, (settlement: Settlement) => Settlement, RegExp][] = [
  [
    'A11: swaps the proofs of two records',
    (settlement) => withProofs(settlement, 1, 0),
    /transfer proof 0, transfer proof 1 does not verify/,
  ],
  ['A11: uses one proof for two records', (settlement) => withProofs(settlement, 0, 0), /transfer proof 1 does not verify/],
  ['A12: names itself as prover of a transfer', (settlement) => withPayee(settlement, 'transfers'), /transfer proof 0 does not verify/],
  ['A12: names itself as prover of the update', (settlement) => withPayee(settlement, 'updates'), /update proof 0 does not verify/],
];

function withProofs(settlement: Settlement, ...from: number[]): Settlement {
  const { transfers } = settlement;
  const taken = transfers.map((entry, i) => {
    const { proof, h } = transfers[from[i] as number] as TransferProofEntry;
    return { ...entry, proof, h };
  });
  return { ...settlement, transfers: taken };
}

function withPayee(settlement: Settlement, where: 'transfers' | 'updates'): Settlement {
  return { ...settlement, [where]: settlement[where].map((entry, i) => (i === 0 ? { ...entry, prover: ITSELF } : entry)) };
}

describe('real proofs', () => {
  const refusal = (settlement: Settlement) =>
    codeOf(scene.rollup.estimateSettle(encodeSettlement(settlement), scene.anvil.accounts[0]?.address as string));

  it.each(tricks)('%s: the contract refuses', async (_, trick) => {
    expect(await refusal(honest)).toBe('no error');
    expect(await refusal(trick(honest))).toBe('CONTRACT_FOLD_INVALID');
  });

  it('A14: renames the prover of a record that is forced: the contract refuses it on entry', async () => {
    const { h, proof, prover, records, anchor } = honest.transfers[1] as TransferProofEntry;
    const [record] = records as [TransferProofEntry['records'][number]];
    const refund = scene.anvil.accounts[4]?.address as string;
    const call = { record, refund, anchor: anchor.kind === 'known' ? anchor.root : 0n, h, proof };
    const snapshot: unknown = await (scene.rollup.provider as JsonRpcProvider).send('evm_snapshot', []);
    expect(await codeOf(scene.rollup.force({ ...call, prover: ITSELF }))).toBe('CONTRACT_FOLD_INVALID');
    expect(await codeOf(scene.rollup.force({ ...call, prover }))).toBe('no error');
    await (scene.rollup.provider as JsonRpcProvider).send('evm_revert', [snapshot]);
  });

  describe('settled honestly', () => {
    let archive: Archive;
    beforeAll(async () => {
      await scene.rollup.settle(encodeSettlement(honest));
      const file = join(dir, 'archive.json');
      const report = await exportArchive({ rpcUrl: scene.anvil.rpcUrl, contract: scene.rollup.address, file });
      expect([report.verdict, report.findings]).toEqual(['valid', []]);
      archive = parseArchive(readFileSync(file, 'utf8'));
    }, 120_000);

    it.each(tricks)('%s: the audit names it', (_, trick, text) => {
      const calldata = rollupData.settle(encodeSettlement(trick(honest)));
      const report = auditEvidence(changed(archive, (copy) => Object.assign(settlementAt(copy, 1), { calldata })));
      expect(report.findings[0]).toMatchObject({ severity: 'broken', code: 'PROOF_INVALID', settlement: 1 });
      expect(report.findings.map(findingText).join('\n')).toMatch(text);
    });
  });
});
