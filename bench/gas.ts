/**
 * `npm run bench -- gas`: gas of a settlement and of a transfer in it, at 2, 8, 16 and 64 private transfers proven one by
 * one at home (transfer(1)) under update(8), with real proofs, and where the gas goes.
 *
 * Every settlement is checked first: the fold off chain, then the contract's roots after it. The proofs are made once
 * (minutes) and kept in the per-user cache.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { JsonRpcProvider } from 'ethers';
import { LedgerState } from '../ledger/state.js';
import { TacitError } from '../protocol/errors.js';
import { makeKeyTable, verifyFold } from '../protocol/fold.js';
import { encodeRecord } from '../protocol/record.js';
import { encodeSettlement, type Settlement, type TransferProofEntry, type UpdateEntry } from '../protocol/settlement.js';
import { settlementSlots } from '../protocol/slots.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { rollupData } from '../verifier-contract/rollup.js';
import { settlementStatements } from '../verifier-contract/statements.js';
import { depositNotes, openScene, proveTransfer, proveUpdate, type Scene, sceneNote } from './gasScene.js';

const SIZES = [2, 8, 16, 64] as const;
const SLOTS_PER_UPDATE = 8;
const NOTES = 64;

// Gas of the precompiles (EIP-1108) and of a transaction and its data (EIP-2028).
const PAIRING_BASE = 45_000;
const PAIRING_EACH = 34_000;
const MUL_GAS = 6_000;
const ADD_GAS = 150;
const TRANSACTION_GAS = 21_000;
const NONZERO_BYTE_GAS = 16;
const ZERO_BYTE_GAS = 4;
const PUBLIC_COLUMNS = 4; // ic0..ic3
const CIRCUITS_USED = 2;

/** Gas of one settlement by what it is spent on. */
export interface GasParts {
  pairing: number;
  /** r·A, r·C, and the few for α and the public inputs; with the additions. */
  curveArithmetic: number;
  calldata: number;
  transaction: number;
  storage: number;
  hashing: number;
  /** Decoding, field arithmetic, memory, the event. */
  rest: number;
}

export interface GasRow {
  transfers: number;
  updates: number;
  gas: number;
  gasPerTransfer: number;
  calldataBytes: number;
  /** The packed record, proofs aside. */
  recordBytes: number;
  /** Everything, divided by the transfers. */
  bytesPerTransfer: number;
  parts: GasParts;
}

export async function benchGas(args: string[]): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const scene = await openScene(say);
  try {
    const { state, depositGas } = await settleDeposits(scene, say);
    const transfers: TransferProofEntry[] = [];
    for (let i = 0; i < NOTES; i++) transfers.push(await proveTransfer(scene, i, state));
    const rows: GasRow[] = [];
    for (const size of SIZES)
      rows.push(await measure(scene, state, transfers.slice(0, size), await provenUpdates(scene, state, transfers, size)));
    const result = {
      commit: commit(),
      machine: `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      circuits: ['transfer_1', 'update_8'],
      depositSettlementGas: depositGas,
      rows,
    };
    process.stdout.write(args.includes('--json') ? `${JSON.stringify(result)}\n` : table(rows));
  } finally {
    await scene.close();
  }
}

/** 64 deposits, two to a slot, in one settlement of four updates. */
async function settleDeposits(scene: Scene, say: (text: string) => void): Promise<{ state: LedgerState; depositGas: number }> {
  say('paying in 64 notes');
  await depositNotes(scene, NOTES);
  const items = Array.from({ length: NOTES }, (_, i) => ({ kind: 'deposit' as const, commitment: sceneNote(i, scene.update).cm }));
  const slots = settlementSlots(items, []);
  let state = LedgerState.genesis();
  const updates: UpdateEntry[] = [];
  for (let from = 0; from < slots.length; from += SLOTS_PER_UPDATE) {
    const { entry, next } = await proveUpdate(scene, `deposits ${from}`, state, slots.slice(from, from + SLOTS_PER_UPDATE));
    updates.push(entry);
    state = next;
  }
  const { gasUsed } = await scene.rollup.settle(encodeSettlement({ queueItems: NOTES, drops: [], forced: [], transfers: [], updates }));
  const after = await scene.rollup.state();
  if (after.noteRoot !== state.noteRoot || after.queueHead !== NOTES)
    throw new TacitError('BENCH_ANSWER', 'the deposits did not settle to the expected state');
  return { state, depositGas: Number(gasUsed) };
}

/** The updates of the first `size` transfers; longer settlements begin with the same ones. */
async function provenUpdates(
  scene: Scene,
  start: LedgerState,
  transfers: readonly TransferProofEntry[],
  size: number,
): Promise<UpdateEntry[]> {
  const updates: UpdateEntry[] = [];
  let state = start;
  for (let from = 0; from < size; from += SLOTS_PER_UPDATE) {
    const used = Math.min(SLOTS_PER_UPDATE, size - from);
    const slots = settlementSlots(
      [],
      transfers.slice(from, from + used).flatMap(({ records }) => records),
    );
    const { entry, next } = await proveUpdate(scene, `transfers ${from} ${used}`, state, slots);
    updates.push(entry);
    state = next;
  }
  return updates;
}

/** Checks, settles, reads the trace, and takes the chain back to where it was. */
async function measure(scene: Scene, state: LedgerState, transfers: TransferProofEntry[], updates: UpdateEntry[]): Promise<GasRow> {
  const settlement: Settlement = { queueItems: 0, drops: [], forced: [], transfers, updates };
  checkFold(scene, state, settlement);
  const bytes = encodeSettlement(settlement);
  const provider = scene.rollup.provider as JsonRpcProvider;
  const snapshot = (await provider.send('evm_snapshot', [])) as string;
  const { hash, gasUsed } = await scene.rollup.settle(bytes);
  const after = await scene.rollup.state();
  const last = updates[updates.length - 1] as UpdateEntry;
  if (after.noteRoot !== last.noteRootNew || after.nullifierRoot !== last.nullRootNew)
    throw new TacitError('BENCH_ANSWER', 'the settlement did not reach the expected roots');
  const parts = await gasParts(provider, hash, Number(gasUsed), transfers.length + updates.length, rollupData.settle(bytes));
  await provider.send('evm_revert', [snapshot]);
  return {
    transfers: transfers.length,
    updates: updates.length,
    gas: Number(gasUsed),
    gasPerTransfer: Math.round(Number(gasUsed) / transfers.length),
    calldataBytes: bytes.length,
    recordBytes: Math.max(...transfers.flatMap(({ records }) => records.map((record) => encodeRecord(record).length))),
    bytesPerTransfer: Math.round(bytes.length / transfers.length),
    parts,
  };
}

function checkFold(scene: Scene, state: LedgerState, settlement: Settlement): void {
  const slots = settlementSlots(
    [],
    settlement.transfers.flatMap(({ records }) => records),
  );
  const keys = makeKeyTable(Object.values(scene.artifacts).map(({ id, vkey }) => [id, vkeyFromSnarkjs(vkey)] as const));
  verifyFold(
    keys,
    settlementStatements(settlement, slots, {
      domain: scene.domain,
      noteRoot: state.noteRoot,
      nullifierRoot: state.nullifierRoot,
      leafCount: state.leafCount,
    }).items,
  );
}

/** What the formulas of the precompiles and the trace's opcodes account for; the remainder is `rest`. */
async function gasParts(provider: JsonRpcProvider, hash: string, gasUsed: number, proofs: number, input: string): Promise<GasParts> {
  const options = { disableStorage: true, disableMemory: true, disableStack: true };
  const { structLogs } = (await provider.send('debug_traceTransaction', [hash, options])) as {
    structLogs: { op: string; gasCost: number; depth: number }[];
  };
  const spent = (...ops: string[]): number =>
    structLogs.reduce((sum, { op, gasCost, depth }) => (depth === 1 && ops.includes(op) ? sum + gasCost : sum), 0);
  const muls = 2 * proofs + PUBLIC_COLUMNS * CIRCUITS_USED + 1;
  const adds = proofs + PUBLIC_COLUMNS * CIRCUITS_USED;
  const bytes = input.slice(2).match(/../g) ?? [];
  const zeros = bytes.filter((byte) => byte === '00').length;
  const parts = {
    pairing: PAIRING_BASE + PAIRING_EACH * (proofs + 2 + CIRCUITS_USED),
    curveArithmetic: MUL_GAS * muls + ADD_GAS * adds,
    calldata: NONZERO_BYTE_GAS * (bytes.length - zeros) + ZERO_BYTE_GAS * zeros,
    transaction: TRANSACTION_GAS,
    storage: spent('SSTORE', 'SLOAD', 'TSTORE', 'TLOAD', 'EXTCODECOPY'),
    hashing: spent('KECCAK256', 'SHA3'),
    rest: 0,
  };
  parts.rest = gasUsed - Object.values(parts).reduce((sum, part) => sum + part, 0);
  return parts;
}

function table(rows: readonly GasRow[]): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const head =
    '| transfers | gas | gas a transfer | pairing | curve | calldata | storage | hashing | rest, base | bytes a transfer | record |';
  const lines = rows.map(({ transfers, gas, gasPerTransfer, parts, bytesPerTransfer, recordBytes }) => {
    const share = (part: number): string => `${((100 * part) / gas).toFixed(1)} %`;
    const cells = [
      transfers,
      number(gas),
      number(gasPerTransfer),
      share(parts.pairing),
      share(parts.curveArithmetic),
      share(parts.calldata),
      share(parts.storage),
      share(parts.hashing),
      share(parts.rest + parts.transaction),
      bytesPerTransfer,
      recordBytes,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `${[head, head.replace(/[^|]+/g, '---'), ...lines].join('\n')}\n`;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
