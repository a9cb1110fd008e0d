/**
 * Settlements with REAL proofs of transfer(1) and update(2): two deposits, then an ordinary and a forced transfer that
 * spend them. Nothing is simulated; an auditor's replay and the fold off chain agree with the contract.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { depositNotes, openScene, proveUpdate, type Scene, sceneNote } from '../../bench/gasScene.js';
import { LedgerState } from '../../ledger/state.js';
import { verifyFold } from '../../protocol/fold.js';
import { encodeSettlement, type Settlement, type TransferProofEntry } from '../../protocol/settlement.js';
import { settlementSlots } from '../../protocol/slots.js';
import { readHistory } from '../../verifier-contract/history.js';
import { decodeKeyBlob } from '../../verifier-contract/keyBlob.js';
import { replayHistory } from '../../verifier-contract/replay.js';
import { proveTransfer } from '../foundry/realPool.js';
import { codeOf } from './world.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(() => {}, { circuits: ['transfer_1', 'update_2'], deposits: 'update_2' });
}, 600_000);
afterAll(() => scene?.close());

describe('real proofs', () => {
  it('settle deposits, a transfer and a forced transfer', async () => {
    const { rollup } = scene;
    await depositNotes(scene, 2);
    const deposits = [0, 1].map((i) => ({ kind: 'deposit' as const, commitment: sceneNote(i, scene).cm }));
    const first = await proveUpdate(scene, 'update_2', 'test deposits', LedgerState.genesis(), settlementSlots(deposits, []));
    await rollup.settle(encodeSettlement({ queueItems: 2, drops: [], forced: [], transfers: [], updates: [first.entry] }));
    expect((await rollup.state()).noteRoot).toBe(first.next.noteRoot);

    const [ordinary, forced] = [
      await proveTransfer(scene, 0, first.next, 'test transfer 0'),
      await proveTransfer(scene, 1, first.next, 'test transfer 1'),
    ];
    const record = forced.records[0]!;
    const refund = scene.anvil.accounts[4]!.address;
    const call = { record, prover: forced.prover, refund, anchor: first.next.noteRoot, h: forced.h, proof: forced.proof };
    expect(await codeOf(rollup.force({ ...call, proof: ordinary.proof }))).toBe('CONTRACT_FOLD_INVALID');
    await rollup.force(call);

    const slots = settlementSlots([{ kind: 'forced', record }], ordinary.records);
    const second = await proveUpdate(scene, 'update_2', 'test transfers', first.next, slots);
    const settlement = {
      queueItems: 1,
      drops: [],
      forced: [{ record, prover: forced.prover, refund }],
      transfers: [ordinary],
      updates: [second.entry],
    };
    const altered = (change: Partial<TransferProofEntry>): Settlement => ({ ...settlement, transfers: [{ ...ordinary, ...change }] });
    const refusal = (bytes: Uint8Array): Promise<string> => codeOf(rollup.estimateSettle(bytes, scene.anvil.accounts[0]!.address));
    expect(await refusal(encodeSettlement(altered({ proof: forced.proof })))).toBe('CONTRACT_FOLD_INVALID');
    expect(await refusal(encodeSettlement(altered({ prover: refund })))).toBe('CONTRACT_FOLD_INVALID');
    expect(await refusal(encodeSettlement(altered({ records: [{ ...ordinary.records[0]!, fee: 1n }] })))).toBe('CONTRACT_FOLD_INVALID');
    await rollup.settle(encodeSettlement(settlement));
    const state = await rollup.state();
    expect([state.noteRoot, state.nullifierRoot, state.leafCount]).toEqual([
      second.next.noteRoot,
      second.next.nullifierRoot,
      second.next.leafCount,
    ]);
  }, 600_000);

  it('are re-verified from L1 data alone', async () => {
    const { rollup } = scene;
    const { deploymentBlock } = await rollup.config();
    const replay = replayHistory(await readHistory(rollup.provider, rollup.address, deploymentBlock));
    const keys = decodeKeyBlob(await rollup.keyBlob());
    for (const { statements } of replay.settlements) verifyFold(keys, statements.items);
    expect(replay.settlements.map(({ statements }) => statements.items.length)).toEqual([1, 2]);
    expect(replay.state.noteRoot).toBe((await rollup.state()).noteRoot);
  });
});
