/**
 * `npm run bench -- gas [--json]`: gas of a settlement and of a private transfer in it, at 8 to 128 transfers, for each mix
 * of circuits: transfers proven one by one at home or by eight on a farm, under update(8) or update(32). Real proofs; the
 * JSON also says where the gas goes.
 *
 * Every settlement is checked first: the fold off chain, then the contract's roots after it. The proofs are made once
 * (half an hour on two cores) and kept in the per-user cache.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { JsonRpcProvider } from 'ethers';
import { LedgerState } from '../ledger/state.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { makeKeyTable, verifyFold } from '../protocol/fold.js';
import { encodeRecord } from '../protocol/record.js';
import { encodeSettlement, type Settlement, type TransferProofEntry, type UpdateEntry } from '../protocol/settlement.js';
import { settlementSlots } from '../protocol/slots.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { rollupData } from '../verifier-contract/rollup.js';
import { settlementStatements } from '../verifier-contract/statements.js';
import { type GasParts, gasParts } from './gasParts.js';
import { depositNotes, openScene, proveTransfers, proveUpdate, type Scene, sceneNote } from './gasScene.js';

interface Mix {
  readonly transfer: 'transfer_1' | 'transfer_8';
  readonly update: 'update_8' | 'update_32';
}

const MIXES: readonly Mix[] = [
  { transfer: 'transfer_1', update: 'update_8' },
  { transfer: 'transfer_8', update: 'update_8' },
  { transfer: 'transfer_8', update: 'update_32' },
];
const SIZES = [8, 16, 32, 64, 128] as const;
const NOTES = Math.max(...SIZES);
/** The trace of a larger settlement is too long for one answer of the chain. */
const TRACED_TRANSFERS = 64;

export interface GasRow {
  transfer: string;
  update: string;
  transfers: number;
  updates: number;
  gas: number;
  gasPerTransfer: number;
  calldataBytes: number;
  /** The packed record, proofs aside. */
  recordBytes: number;
  /** Everything, divided by the transfers. */
  bytesPerTransfer: number;
  parts?: GasParts;
}

export interface GasResult {
  commit: string;
  machine: string;
  node: string;
  depositSettlementGas: number;
  rows: GasRow[];
}

export async function benchGas(args: string[]): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const scene = await openScene(say);
  try {
    const { state, depositGas } = await settleDeposits(scene, say);
    const rows: GasRow[] = [];
    for (const mix of MIXES)
      for (const size of SIZES)
        if (fits(mix, size)) rows.push(await measure(scene, state, mix, ...(await proven(scene, state, mix, size))));
    const result: GasResult = {
      commit: commit(),
      machine: `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      depositSettlementGas: depositGas,
      rows,
    };
    process.stdout.write(args.includes('--json') ? `${JSON.stringify(result, null, 2)}\n` : table(rows));
  } finally {
    await scene.close();
  }
}

/** Every update of the mix has as many slots in use as its circuit demands. */
function fits({ update }: Mix, size: number): boolean {
  const last = size % CIRCUITS[update].size;
  return last === 0 || last >= CIRCUITS[update].minSlots;
}

/**
 * All deposits, two to a slot, in one settlement. Its updates name the farm's worker and the aggregator in turn: afterwards
 * both have credits, as in a rollup that is in use, and the settlements that are measured add to them.
 */
async function settleDeposits(scene: Scene, say: (text: string) => void): Promise<{ state: LedgerState; depositGas: number }> {
  say(`paying in ${NOTES} notes`);
  await depositNotes(scene, NOTES);
  const items = Array.from({ length: NOTES }, (_, i) => ({ kind: 'deposit' as const, commitment: sceneNote(i, scene).cm }));
  const slots = settlementSlots(items, []);
  const { size } = CIRCUITS[scene.deposits];
  let state = LedgerState.genesis();
  const updates: UpdateEntry[] = [];
  for (let from = 0; from < slots.length; from += size) {
    const prover = updates.length % 2 === 0 ? scene.farmProver : scene.aggregator;
    const name = `deposits ${from} ${prover}`;
    const { entry, next } = await proveUpdate(scene, scene.deposits, name, state, slots.slice(from, from + size), prover);
    updates.push(entry);
    state = next;
  }
  const { gasUsed } = await scene.rollup.settle(encodeSettlement({ queueItems: NOTES, drops: [], forced: [], transfers: [], updates }));
  const after = await scene.rollup.state();
  if (after.noteRoot !== state.noteRoot || after.queueHead !== NOTES)
    throw new TacitError('BENCH_ANSWER', 'the deposits did not settle to the expected state');
  return { state, depositGas: Number(gasUsed) };
}

/** The first `size` transfers and their updates; longer settlements begin with the same ones, whoever proved the transfers. */
async function proven(
  scene: Scene,
  start: LedgerState,
  { transfer, update }: Mix,
  size: number,
): Promise<[TransferProofEntry[], UpdateEntry[]]> {
  const transfers: TransferProofEntry[] = [];
  for (let first = 0; first < size; first += CIRCUITS[transfer].size) transfers.push(await proveTransfers(scene, transfer, first, start));
  const records = transfers.flatMap((entry) => entry.records);
  const updates: UpdateEntry[] = [];
  let state = start;
  for (let from = 0; from < size; from += CIRCUITS[update].size) {
    const slots = settlementSlots([], records.slice(from, from + CIRCUITS[update].size));
    const { entry, next } = await proveUpdate(scene, update, `transfers ${from} ${slots.length}`, state, slots);
    updates.push(entry);
    state = next;
  }
  return [transfers, updates];
}

/** Checks, settles, reads the trace, and takes the chain back to where it was. */
async function measure(
  scene: Scene,
  state: LedgerState,
  mix: Mix,
  transfers: TransferProofEntry[],
  updates: UpdateEntry[],
): Promise<GasRow> {
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
  const records = transfers.flatMap((entry) => entry.records);
  const proofs = transfers.length + updates.length;
  const parts =
    records.length > TRACED_TRANSFERS
      ? undefined
      : await gasParts(provider, { hash, gasUsed: Number(gasUsed), proofs, circuits: 2, input: rollupData.settle(bytes) });
  await provider.send('evm_revert', [snapshot]);
  return {
    ...mix,
    transfers: records.length,
    updates: updates.length,
    gas: Number(gasUsed),
    gasPerTransfer: Math.round(Number(gasUsed) / records.length),
    calldataBytes: bytes.length,
    recordBytes: Math.max(...records.map((record) => encodeRecord(record).length)),
    bytesPerTransfer: Math.round(bytes.length / records.length),
    ...(parts === undefined ? {} : { parts }),
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

function table(rows: readonly GasRow[]): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const head =
    '| proofs | transfers | gas | gas a transfer | pairing | curve | calldata | storage | hashing | rest, base | bytes a transfer | record |';
  const lines = rows.map(({ transfer, update, transfers, gas, gasPerTransfer, parts, bytesPerTransfer, recordBytes }) => {
    const share = (part: number | undefined): string => (part === undefined ? '–' : `${((100 * part) / gas).toFixed(1)} %`);
    const rest = parts === undefined ? undefined : parts.rest + parts.transaction;
    const cells = [
      `${transfer}, ${update}`,
      transfers,
      number(gas),
      number(gasPerTransfer),
      ...[parts?.pairing, parts?.curveArithmetic, parts?.calldata, parts?.storage, parts?.hashing, rest].map(share),
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
