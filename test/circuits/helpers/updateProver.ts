/**
 * A prover of updates who may lie. It starts from a tree that the honest oracle built, takes a plan (order, gaps, low
 * leaves as the prover claims them), and follows circuit update(2) to the end with it: low leaves are overwritten,
 * leaves appended, roots and fingerprint made to fit. What then fails is the one rule that the plan breaks.
 */
import { CIRCUITS, type CircuitName } from '../../../protocol/circuit.js';
import { FIELD_MODULUS } from '../../../protocol/field.js';
import { H } from '../../../protocol/hash.js';
import { LIE } from './levers.js';
import { SparseTree } from './sparseTree.js';
import { fingerprint, type Signals } from './transferProver.js';

export interface Row {
  readonly s: bigint;
  readonly same?: bigint;
  readonly low?: { readonly value: bigint; readonly next: bigint; readonly index: bigint };
}

export interface UpdatePlan {
  readonly rows: readonly Row[];
  /** Nullifiers by slot, where they are not the rows' values in order. */
  readonly nf?: readonly bigint[];
  readonly cm: readonly bigint[];
  readonly place: bigint;
}

/** Both trees with their leaves so far. */
export interface Trees {
  readonly notes: SparseTree;
  readonly nullifiers: SparseTree;
}

export const END = 2n ** 248n - 1n;

/** Nullifiers 100 → 200 → END beside the genesis leaf 0 → 100, as an update at place 1 would leave them. */
export function treesWithTwo(): Trees {
  const nullifiers = new SparseTree();
  nullifiers.set(0n, H(0n, 100n));
  nullifiers.set(6n, H(100n, 200n));
  nullifiers.set(7n, H(200n, END));
  const notes = new SparseTree();
  notes.set(4n, 1234n);
  return { notes, nullifiers };
}

/** The leaves of treesWithTwo, as low leaves. */
export const LOW = {
  genesis: { value: 0n, next: 100n, index: 0n },
  hundred: { value: 100n, next: 200n, index: 6n },
  twoHundred: { value: 200n, next: END, index: 7n },
} as const;

/** What the lies of levers.ts do to the trees: no low leaf, a low leaf left as it was, no new leaf. */
const LOWLESS = [0n, LIE.calledZero, LIE.lowless] as const;
const KEEPING = [LIE.keptRoot, LIE.keptLeaf] as const;
const LEAFLESS = [0n, LIE.calledZero, LIE.unwritten] as const;

const NONE = { value: 0n, next: 0n, index: 0n };

export function updateSignals(plan: UpdatePlan, start: Trees = treesWithTwo(), circuit: CircuitName = 'update_2'): Signals {
  const { id, size } = CIRCUITS[circuit];
  const width = 2n * BigInt(size);
  const level = Math.log2(Number(width)) / 2;
  const nullifiers = start.nullifiers.clone();
  const notes = start.notes.clone();
  const rows = plan.rows.map((row) => ({ same: 0n, low: NONE, ...row }));

  const lowPaths = rows.map((row) => {
    const path = nullifiers.path(row.low.index);
    const isFresh = !(LOWLESS as readonly bigint[]).includes(row.s) && row.same === 0n;
    if (isFresh && !(KEEPING as readonly bigint[]).includes(row.s)) nullifiers.set(row.low.index, H(row.low.value, row.s));
    return isFresh ? path : path.map((siblings) => siblings.map(() => 0n));
  });
  const ends: bigint[] = [];
  for (const [k, row] of rows.entries()) ends.push(row.same === 1n && row.s !== LIE.lostEnd ? (ends[k - 1] ?? 0n) : row.low.next);
  const leaves = rows.map((row, k) => {
    if ((LEAFLESS as readonly bigint[]).includes(row.s)) return 0n;
    return H(row.s, rows[k + 1]?.same === 1n && row.s !== LIE.skipping ? rows[k + 1]!.s : ends[k]!);
  });

  const nullPath = nullifiers.path(plan.place, level);
  const notePath = notes.path(plan.place, level);
  const startIndex = width * plan.place;
  leaves.forEach((leaf, k) => {
    nullifiers.set(startIndex + BigInt(k), leaf);
    notes.set(startIndex + BigInt(k), plan.cm[k]!);
  });
  const nf = plan.nf ?? rows.map(({ s }) => s);
  const signals: Signals = {
    prover: 77n,
    noteRootOld: start.notes.root,
    noteRootNew: notes.root,
    nullRootOld: start.nullifiers.root,
    nullRootNew: nullifiers.root,
    startIndex,
    nf: pairs(nf),
    cm: pairs(plan.cm),
    s: rows.map(({ s }) => s),
    same: rows.map(({ same }) => same),
    lowValue: rows.map(({ low }) => low.value),
    lowNext: rows.map(({ low }) => low.next),
    lowIndex: rows.map(({ low }) => low.index),
    lowPath: lowPaths,
    subtreeIndex: plan.place,
    nullPath,
    notePath,
  };
  return withFingerprint(id, signals);
}

/** Recomputes h, z, y after a change to what they cover. */
export function withFingerprint(id: number, signals: Signals): Signals {
  const one = (name: string): bigint => signals[name] as bigint;
  const nf = signals.nf as bigint[][];
  const cm = signals.cm as bigint[][];
  const x = ['noteRootOld', 'noteRootNew', 'nullRootOld', 'nullRootNew', 'startIndex', 'prover'].map(one);
  nf.forEach((pair, j) => {
    x.push(...pair, ...cm[j]!);
  });
  return { ...signals, ...fingerprint(id, x, [...x, ...(signals.s as bigint[])]) };
}

/** The same input as ledger's oracle writes it. */
export function asText(value: unknown): unknown {
  if (typeof value === 'bigint') return (((value % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS).toString();
  if (Array.isArray(value)) return value.map(asText);
  return Object.fromEntries(Object.entries(value as Signals).map(([name, item]) => [name, asText(item)]));
}

function pairs(values: readonly bigint[]): bigint[][] {
  return Array.from({ length: values.length / 2 }, (_, j) => [values[2 * j]!, values[2 * j + 1]!]);
}
