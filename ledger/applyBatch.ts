/**
 * The readable oracle of circuit `update(N)`: applies one batch of slots to a state and writes down, line by line, what
 * the circuit has to be shown.
 *
 * The steps carry the ids of the statement (docs/spec/update.md):
 *   U1        sort the 2N nullifiers, zeros first, then strictly ascending
 *   U2 U3 U6  group them by gap: `same` for all but the first of a group, which is `fresh`; carry the gap's end
 *   U4 U5 U7  for each fresh one, ascending: show the gap's leaf in the running root, then close the gap at its value
 *   U8 U10    append the new leaves as one subtree, in an empty aligned place
 *   U9 U11    append the commitments at the same index of the note tree
 *   U12       the public inputs
 *
 * Nothing here is fast by cleverness; the tree shares and delays its hashing underneath.
 */
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TREE_DEPTH } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { PublicInputs } from '../protocol/fingerprint.js';
import type { EvmAddress, Field } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { type Slot, sortedNullifiers, type UpdateStatement, updatePublicInputs } from '../protocol/update.js';
import type { BatchRow } from './nullifierTree.js';
import { levelOf } from './quaternary.js';
import { padSlots, slotCommitments } from './slots.js';
import type { LedgerState } from './state.js';

/** A circuit input as circom reads it: decimal strings, nested as the signals are. */
export type SignalValue = string | SignalValue[];
export type CircuitInput = Record<string, SignalValue>;

export interface AppliedBatch {
  readonly statement: UpdateStatement;
  readonly input: CircuitInput;
  readonly publicInputs: PublicInputs;
  /** The state after the batch; the one passed in is left as it was. */
  readonly next: LedgerState;
}

/**
 * @param slots 0..N slots, in order; missing ones are empty
 * @param prover who is paid for the proof, not zero on a chain
 * @throws U1 (a nullifier twice), U5 (used before), NULLIFIER_RANGE, SLOTS_TOO_MANY, TREE_FULL, FIELD_RANGE,
 *   CIRCUIT_KIND
 */
export function applyBatch(
  state: LedgerState,
  circuit: CircuitName,
  slots: readonly Slot[],
  prover: EvmAddress,
  domain: Domain,
): AppliedBatch {
  const { kind, size } = CIRCUITS[circuit];
  if (kind !== 'update') throw new TacitError('CIRCUIT_KIND', 'not an update circuit', { got: circuit });
  const next = state.fork();
  const padded = padSlots(size, slots);
  const startIndex = next.nextStartIndex(size);
  const sorted = sortedNullifiers(padded);
  const rows = next.nullifiers.planBatch(sorted);

  const lowPaths = rows.map((row) => {
    const path = row.low && next.nullifiers.path(row.low.index);
    next.nullifiers.closeGap(row);
    return path ?? emptyPath();
  });

  const level = levelOf(2 * size);
  const place = Number(startIndex) / (2 * size);
  const notePath = next.notes.subtreePath(level, place);
  next.notes.insertBatch(startIndex, slotCommitments(padded));
  const nullPath = next.nullifiers.subtreePath(level, place);
  next.nullifiers.append(startIndex, rows);

  const statement: UpdateStatement = {
    noteRootOld: state.noteRoot,
    noteRootNew: next.noteRoot,
    nullRootOld: state.nullifierRoot,
    nullRootNew: next.nullifierRoot,
    startIndex,
    prover,
    slots: padded,
  };
  const publicInputs = updatePublicInputs(circuit, statement, sorted, domain);
  const input: CircuitInput = {
    ...statementSignals(statement, publicInputs),
    ...rowSignals(rows),
    lowPath: signal(lowPaths),
    subtreeIndex: signal(BigInt(place)),
    nullPath: signal(nullPath),
    notePath: signal(notePath),
  };
  return { statement, input, publicInputs, next };
}

function statementSignals(statement: UpdateStatement, { h, z, y }: PublicInputs): CircuitInput {
  const { noteRootOld, noteRootNew, nullRootOld, nullRootNew, startIndex, prover, slots } = statement;
  return {
    h: signal(h),
    z: signal(z),
    y: signal(y),
    prover: signal(BigInt(prover)),
    noteRootOld: signal(noteRootOld),
    noteRootNew: signal(noteRootNew),
    nullRootOld: signal(nullRootOld),
    nullRootNew: signal(nullRootNew),
    startIndex: signal(startIndex),
    nf: signal(slots.map(({ nf1, nf2 }) => [nf1, nf2])),
    cm: signal(slots.map(({ cm1, cm2 }) => [cm1, cm2])),
  };
}

function rowSignals(rows: readonly BatchRow[]): CircuitInput {
  return {
    s: signal(rows.map((row) => row.value)),
    same: signal(rows.map((row) => (row.same ? 1n : 0n))),
    lowValue: signal(rows.map((row) => row.low?.value ?? 0n)),
    lowNext: signal(rows.map((row) => row.low?.next ?? 0n)),
    lowIndex: signal(rows.map((row) => row.low?.index ?? 0n)),
  };
}

/** The path of a row that shows none. */
function emptyPath(): Field[][] {
  return Array.from({ length: TREE_DEPTH }, () => [0n, 0n, 0n]);
}

type Nested = bigint | readonly Nested[];

function signal(value: Nested): SignalValue {
  return typeof value === 'bigint' ? value.toString() : value.map(signal);
}
