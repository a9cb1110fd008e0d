/**
 * A chain of settlements with REAL proofs of transfer(1) and update(2), for RealProofs.t.sol: notes are deposited and
 * settled, some are spent by forced and some by ordinary transfers. Written to `.cache/foundry/pool.json` as calls in
 * their order, with the state that each settlement leads to. Proofs are bound to chain and contract address, which the
 * Solidity test meets by deploying from the same account; they are kept in the per-user cache.
 */
import { join } from 'node:path';
import { openScene, proveUpdate, type Scene, sceneNote, sceneTransfer } from '../../bench/gasScene.js';
import { LedgerState } from '../../ledger/state.js';
import { bytesToHex, uintToBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { encodeProof } from '../../protocol/proof.js';
import { encodeRecord } from '../../protocol/record.js';
import { encodeSettlement, type Settlement, type TransferProofEntry } from '../../protocol/settlement.js';
import { settlementSlots } from '../../protocol/slots.js';
import { transferCircuitInput } from '../../protocol/transfer.js';
import { rollupInterface } from '../../verifier-contract/abi.js';
import { writeCached } from '../../verifier-contract/cache.js';

/** Value of a note of the scene, and what entering the queue costs there. */
const NOTE_VALUE = 10n ** 18n;
const SLOT_FEE = 10n ** 12n;
const BOND = 10n ** 15n;
/** Two deposits share a slot, and update(2) has two. */
const NOTES_AN_UPDATE = 4;

interface Step {
  /** What is called, with how much, and how many queue items it takes or adds. */
  readonly kind: 'deposit' | 'force' | 'settle';
  readonly call: string;
  readonly valueWei: bigint;
  readonly after?: LedgerState;
}

/** How many notes there are, and the names that the proofs have in the store. */
interface PoolPlan {
  readonly notes: number;
  readonly names: { deposits(i: number): string; transfer(i: number): string; update(i: number): string };
}

/** The proofs of realProofs.test.ts, and no other. */
const SHORT: PoolPlan = {
  notes: 2,
  names: { deposits: () => 'test deposits', transfer: (i) => `test transfer ${i}`, update: () => 'test transfers' },
};
const LONG: PoolPlan = {
  notes: 12,
  names: { deposits: (i) => `pool deposits ${i}`, transfer: (i) => `pool transfers ${i}`, update: (i) => `pool update ${i}` },
};

/** Proves what is not proven yet and writes the pool. */
export async function prepareRealPool(root: string, size: 'short' | 'long'): Promise<void> {
  const scene = await openScene(() => {}, { circuits: ['transfer_1', 'update_2'], deposits: 'update_2' });
  try {
    const steps = await poolSteps(scene, size === 'long' ? LONG : SHORT);
    const operator = scene.anvil.accounts[0] as { address: string };
    const word = (x: bigint): string => `0x${x.toString(16).padStart(64, '0')}`;
    const kinds = { deposit: 0n, force: 1n, settle: 2n };
    const pool = {
      keys: await scene.rollup.keyBlob().then(bytesToHex),
      operator: operator.address,
      rollup: scene.rollup.address,
      kinds: steps.map(({ kind }) => word(kinds[kind])),
      calls: steps.map(({ call }) => call),
      values: steps.map(({ valueWei }) => word(valueWei)),
      noteRoots: steps.map(({ after }) => word(after?.noteRoot ?? 0n)),
      nullRoots: steps.map(({ after }) => word(after?.nullifierRoot ?? 0n)),
      leafCounts: steps.map(({ after }) => word(after?.leafCount ?? 0n)),
    };
    await writeCached(join(root, '.cache', 'foundry'), 'pool.json', JSON.stringify(pool));
  } finally {
    await scene.close();
  }
}

async function poolSteps(scene: Scene, { notes, names }: PoolPlan): Promise<Step[]> {
  const steps: Step[] = [];
  const all = Array.from({ length: notes }, (_, i) => i);
  for (const i of all) {
    const blank = bytesToHex(uintToBytes(BigInt(i), 32));
    const call = rollupInterface().encodeFunctionData('deposit', [0, NOTE_VALUE, sceneNote(i, scene).owner, blank, blank]);
    steps.push({ kind: 'deposit', call, valueWei: NOTE_VALUE + SLOT_FEE });
  }
  let state = LedgerState.genesis();
  const settle = (settlement: Settlement, after: LedgerState): void => {
    const call = rollupInterface().encodeFunctionData('settle', [encodeSettlement(settlement)]);
    steps.push({ kind: 'settle', call, valueWei: 0n, after: after.fork() });
    state = after;
  };
  for (let first = 0; first < notes; first += NOTES_AN_UPDATE) {
    const items = all.slice(first, first + NOTES_AN_UPDATE).map((i) => ({ kind: 'deposit' as const, commitment: sceneNote(i, scene).cm }));
    const { entry, next } = await proveUpdate(scene, 'update_2', names.deposits(first), state, settlementSlots(items, []));
    settle({ queueItems: items.length, drops: [], forced: [], transfers: [], updates: [entry] }, next);
  }
  const anchored = state;
  const proven: TransferProofEntry[] = [];
  for (const i of all) proven.push(await proveTransfer(scene, i, anchored, names.transfer(i)));
  const refund = (scene.anvil.accounts[4] as { address: string }).address;
  const forced = proven.filter((_, i) => i % 2 === 1);
  for (const { records, prover, h, proof } of forced) {
    const args = [bytesToHex(encodeRecord(records[0]!)), prover, refund, anchored.noteRoot, h, bytesToHex(encodeProof(proof))];
    steps.push({ kind: 'force', call: rollupInterface().encodeFunctionData('force', args), valueWei: BOND + SLOT_FEE });
  }
  for (const [k, { records, prover }] of forced.entries()) {
    const record = records[0]!;
    const ordinary = proven[2 * k] as TransferProofEntry;
    const slots = settlementSlots([{ kind: 'forced', record }], ordinary.records);
    const { entry, next } = await proveUpdate(scene, 'update_2', names.update(k), state, slots);
    settle({ queueItems: 1, drops: [], forced: [{ record, prover, refund }], transfers: [ordinary], updates: [entry] }, next);
  }
  return steps;
}

/** Transfer `i` of the scene with a proof of its own, kept under a name of the caller's: the state is part of the statement. */
export async function proveTransfer(scene: Scene, i: number, state: LedgerState, name: string): Promise<TransferProofEntry> {
  const { id } = CIRCUITS.transfer_1;
  const witness = sceneTransfer(scene, i, state);
  const { input, publicInputs } = transferCircuitInput('transfer_1', [witness], state.noteRoot, ZERO_ADDRESS, scene.domain);
  const { h, z, y } = publicInputs;
  const proof = await scene.proofs.get(name, 'transfer_1', input, [h, z, y]);
  return { circuitId: id, prover: ZERO_ADDRESS, anchor: { kind: 'known', root: state.noteRoot }, h, proof, records: [witness.record] };
}
