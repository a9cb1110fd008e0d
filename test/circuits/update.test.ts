/**
 * U1–U12 of docs/spec/update.md on circuit update(2). The lying prover completes everything else honestly, and an
 * independent reading of the statement (the ledger's) confirms which line its plan breaks.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { CircuitInput } from '../../ledger/applyBatch.js';
import { applyBatch } from '../../ledger/applyBatch.js';
import { LedgerState } from '../../ledger/state.js';
import { H } from '../../protocol/hash.js';
import { Random } from '../ledger/random.js';
import { brokenLines } from '../ledger/updateStatement.js';
import { DOMAIN } from '../protocol/walletSupport.js';
import { type LoadedArtifacts, loadCircuit } from './helpers/circuit.js';
import { SparseTree } from './helpers/sparseTree.js';
import { brokenStatement } from './helpers/statement.js';
import type { Signals } from './helpers/transferProver.js';
import { asText, END, LOW, type Row, treesWithTwo, type UpdatePlan, updateSignals, withFingerprint } from './helpers/updateProver.js';

const UPDATE_2 = 3;
const PROVER = `0x${'22'.repeat(20)}`;
let circuit: LoadedArtifacts;
beforeAll(async () => {
  circuit = await loadCircuit('update_2');
});

const zero: Row = { s: 0n };
const plan = (rows: readonly Row[], change: Partial<UpdatePlan> = {}): UpdatePlan => ({
  rows,
  cm: [11n, 12n, 13n, 0n],
  place: 2n,
  ...change,
});
/** [what the circuit says first, all lines that plain arithmetic finds broken]. */
const verdict = async (signals: Signals): Promise<[string, string[]]> => {
  const text = asText(signals) as CircuitInput;
  return [await brokenStatement(circuit.witness(text)), brokenLines('update_2', text)];
};
/** Lines that name several ids report them together; these are the lines of low_leaf.circom and gap.circom. */
const only = (id: string, reported = id) => [reported, [id]] as const;

describe('accepted', () => {
  it('agrees with the oracle on a seeded history of batches of every kind', async () => {
    const random = new Random('circuits/update');
    let state = LedgerState.genesis();
    for (let round = 0; round < 8; round++) {
      const batch = applyBatch(state, 'update_2', random.slots(2), PROVER, DOMAIN);
      const values = await circuit.witness(batch.input);
      expect(circuit.r1cs.firstBroken(values)).toBe(-1);
      expect(values.slice(1, 4)).toEqual([batch.publicInputs.h, batch.publicInputs.z, batch.publicInputs.y]);
      state = batch.next;
    }
  });
  it.each<[string, UpdatePlan]>([
    ['nothing at all', plan([zero, zero, zero, zero])],
    [
      'four in one gap',
      plan([
        { s: 110n, low: LOW.hundred },
        { s: 120n, same: 1n },
        { s: 121n, same: 1n },
        { s: 199n, same: 1n },
      ]),
    ],
    ['one in each gap', plan([zero, { s: 1n, low: LOW.genesis }, { s: 150n, low: LOW.hundred }, { s: END - 1n, low: LOW.twoHundred }])],
    [
      'slots in another order than the values',
      plan([zero, zero, { s: 7n, low: LOW.genesis }, { s: 300n, low: LOW.twoHundred }], { nf: [300n, 0n, 7n, 0n] }),
    ],
  ])('%s', async (_, honest) => {
    expect(await verdict(updateSignals(honest))).toEqual(['none', []]);
  });
  it('the last place of the trees', async () => {
    expect(await verdict(updateSignals(plan([zero, zero, zero, { s: 5n, low: LOW.genesis }], { place: 2n ** 30n - 1n })))).toEqual([
      'none',
      [],
    ]);
  });
});

describe('U1: order', () => {
  it.each<[string, Row[]]>([
    ['two fresh ones the wrong way round', [zero, zero, { s: 150n, low: LOW.hundred }, { s: 50n, low: LOW.genesis }]],
    ['one value twice', [zero, zero, { s: 50n, low: LOW.genesis }, { s: 50n, same: 1n }]],
    ['a zero behind a nullifier', [zero, zero, { s: 50n, low: LOW.genesis }, zero]],
  ])('A10: U1 refuses %s', async (_, rows) => {
    expect(await verdict(updateSignals(plan(rows)))).toEqual(only('U1'));
  });
});

describe('U2: the flags', () => {
  it('A10: U2 refuses `same` behind a zero, whose free low leaf would stand for the gap', async () => {
    const rows = [zero, zero, { s: 0n, low: { value: 0n, next: END, index: 0n } }, { s: 100n, same: 1n }];
    expect(await verdict(updateSignals(plan(rows)))).toEqual(only('U2'));
  });
  it('A10: U2 refuses `same` for the first', async () => {
    // It breaks U6 as well, because there is no gap whose end could be carried.
    const rows = [
      { s: 5n, same: 1n },
      { s: 6n, same: 1n },
      { s: 7n, same: 1n },
      { s: 8n, same: 1n },
    ];
    expect(await verdict(updateSignals(plan(rows)))).toEqual(['U2', ['U2', 'U6']]);
  });
  it('A10: U2 refuses `same` for a zero', async () => {
    const signals = updateSignals(plan([zero, zero, zero, { s: 5n, low: LOW.genesis }]));
    expect((await verdict({ ...signals, same: [0n, 1n, 0n, 0n] }))[0]).toBe('U2');
  });
  it('A10: U2 refuses a flag that is neither 0 nor 1', async () => {
    const signals = updateSignals(plan([zero, zero, { s: 5n, low: LOW.genesis }, { s: 6n, same: 1n }]));
    expect((await verdict({ ...signals, same: [0n, 0n, 0n, 2n] }))[0]).toBe('U2');
  });
});

describe('U3, U4, U5: low leaves', () => {
  it('A10: U3, U4 refuse a nullifier without a low leaf', async () => {
    expect((await verdict(updateSignals(plan([zero, zero, zero, { s: 5n, low: { value: 0n, next: END, index: 3n } }]))))[0]).toBe('U4');
  });
  it('A10: U4 refuses a low leaf that the tree does not hold', async () => {
    expect(await verdict(updateSignals(plan([zero, zero, zero, { s: 250n, low: { value: 150n, next: END, index: 6n } }])))).toEqual(
      only('U4'),
    );
  });
  it('A10: U4 refuses a fresh low leaf for a gap that is used already', async () => {
    expect(await verdict(updateSignals(plan([zero, zero, { s: 110n, low: LOW.hundred }, { s: 120n, low: LOW.hundred }])))).toEqual(
      only('U4'),
    );
  });
  it('A10: U4 refuses an index of 33 bits', async () => {
    const signals = updateSignals(plan([zero, zero, zero, { s: 150n, low: LOW.hundred }]));
    expect((await verdict({ ...signals, lowIndex: [0n, 0n, 0n, 2n ** 32n + 6n] }))[0]).toBe('U4');
  });
  it.each([200n, 150n, 101n])('A3: U5 refuses %i above the low leaf 200', async (s) => {
    expect(await verdict(updateSignals(plan([zero, zero, zero, { s, low: LOW.twoHundred }])))).toEqual(only('U5'));
  });
});

describe("U6: the gap's end", () => {
  it.each([200n, 201n, 500n])('A3: U6 refuses %i in the gap from 100 to 200', async (s) => {
    expect(await verdict(updateSignals(plan([zero, zero, zero, { s, low: LOW.hundred }])))).toEqual(only('U6'));
  });
  it('A10: U6 carries the end: the second of a gap may not pass it either', async () => {
    expect(await verdict(updateSignals(plan([zero, zero, { s: 150n, low: LOW.hundred }, { s: 200n, same: 1n }])))).toEqual(only('U6'));
    expect(await verdict(updateSignals(plan([zero, { s: 150n, low: LOW.hundred }, { s: 160n, same: 1n }, { s: 300n, same: 1n }])))).toEqual(
      only('U6'),
    );
  });
  it('A10: U6: a low leaf claimed in a row that shares a gap does not move the end', async () => {
    expect(
      await verdict(updateSignals(plan([zero, zero, { s: 150n, low: LOW.hundred }, { s: 300n, same: 1n, low: LOW.twoHundred }]))),
    ).toEqual(only('U6'));
  });
});

describe('U7, U8: what is written', () => {
  it('A10: U7: the next low leaf is shown in the root that this one left', async () => {
    const signals = updateSignals(plan([zero, zero, { s: 50n, low: LOW.genesis }, { s: 150n, low: LOW.hundred }]));
    const stale = treesWithTwo().nullifiers.path(LOW.hundred.index);
    const paths = [...(signals.lowPath as bigint[][][])];
    paths[3] = stale;
    expect((await verdict({ ...signals, lowPath: paths }))[0]).toBe('U4');
  });
  it('A10: U7: a low leaf that is left as it was gives another root', async () => {
    expect((await tamperedRoot([zero, zero, zero, { s: 150n, low: LOW.hundred }], (tree) => tree.set(6n, H(100n, 200n))))[0]).toBe('U10');
  });
  it('A10: U8: a new leaf that skips the rest of its gap gives another root', async () => {
    expect(
      (await tamperedRoot([zero, zero, { s: 150n, low: LOW.hundred }, { s: 160n, same: 1n }], (tree) => tree.set(10n, H(150n, 200n))))[0],
    ).toBe('U10');
  });
  it('A10: U8: a leaf in the place of a zero gives another root', async () => {
    expect((await tamperedRoot([zero, zero, zero, { s: 150n, low: LOW.hundred }], (tree) => tree.set(8n, H(0n, END))))[0]).toBe('U10');
  });
});

/** The honest input of `rows`, except that nullRootNew comes from a tree with one leaf changed. */
async function tamperedRoot(rows: Row[], change: (tree: SparseTree) => void): Promise<[string, string[]]> {
  const signals = updateSignals(plan(rows));
  const tree = treesWithTwo().nullifiers;
  const ends: bigint[] = [];
  rows.forEach((row, k) => {
    if (row.s !== 0n && row.same !== 1n) tree.set(row.low!.index, H(row.low!.value, row.s));
    ends.push(row.same === 1n ? ends[k - 1]! : (row.low?.next ?? 0n));
  });
  rows.forEach((row, k) => {
    if (row.s !== 0n) tree.set(8n + BigInt(k), H(row.s, rows[k + 1]?.same === 1n ? rows[k + 1]!.s : ends[k]!));
  });
  expect(tree.root).toBe(signals.nullRootNew);
  change(tree);
  return verdict(withFingerprint(UPDATE_2, { ...signals, nullRootNew: tree.root }));
}

describe('U9–U11: the place', () => {
  const rows = [zero, zero, zero, { s: 5n, low: LOW.genesis }];
  it('A10: U9 refuses a startIndex that is not 2N·J', async () => {
    const signals = updateSignals(plan(rows));
    expect(await verdict(withFingerprint(UPDATE_2, { ...signals, startIndex: 9n }))).toEqual(only('U9'));
  });
  it('A10: U9 refuses a place of 31 bits whose low bits are right', async () => {
    const signals = updateSignals(plan(rows));
    const place = 2n + 2n ** 30n;
    expect((await verdict(withFingerprint(UPDATE_2, { ...signals, subtreeIndex: place, startIndex: 4n * place })))[0]).toBe('U9');
  });
  it('A10: U10 refuses a place that holds nullifiers', async () => {
    const trees = treesWithTwo();
    trees.notes.set(4n, 0n);
    expect(await verdict(updateSignals(plan(rows, { place: 1n }), trees))).toEqual(only('U10'));
  });
  it('A10: U11 refuses a place that holds notes', async () => {
    const trees = treesWithTwo();
    trees.notes.set(8n, 99n);
    expect(await verdict(updateSignals(plan(rows), trees))).toEqual(only('U11'));
  });
  it('A10: U10, U11 refuse roots of other trees', async () => {
    const signals = updateSignals(plan(rows));
    const other = new SparseTree().root;
    expect((await verdict(withFingerprint(UPDATE_2, { ...signals, noteRootOld: other })))[0]).toBe('U11');
    expect((await verdict(withFingerprint(UPDATE_2, { ...signals, noteRootNew: other })))[0]).toBe('U11');
    expect((await verdict(withFingerprint(UPDATE_2, { ...signals, nullRootNew: other })))[0]).toBe('U10');
    expect((await verdict(withFingerprint(UPDATE_2, { ...signals, nullRootOld: other })))[0]).toBe('U4');
  });
  it('A10: U11 refuses a commitment that no slot has', async () => {
    const signals = updateSignals(plan(rows));
    expect(
      await verdict(
        withFingerprint(UPDATE_2, {
          ...signals,
          cm: [
            [11n, 12n],
            [13n, 14n],
          ],
        }),
      ),
    ).toEqual(only('U11'));
  });
});

describe('U12: slots and fingerprint', () => {
  const rows = [zero, zero, { s: 5n, low: LOW.genesis }, { s: 6n, same: 1n }];
  it('A10: U12 refuses a nullifier that no slot has', async () => {
    expect(await verdict(updateSignals(plan(rows, { nf: [5n, 0n, 7n, 0n] })))).toEqual(only('U12'));
  });
  it('A10: U12 refuses a slot whose nullifier is not entered', async () => {
    expect(await verdict(updateSignals(plan(rows, { nf: [5n, 6n, 7n, 0n] })))).toEqual(only('U12'));
  });
  it.each(['h', 'y', 'z', 'prover'])('U12 refuses another %s', async (name) => {
    const signals = updateSignals(plan(rows));
    expect(await verdict({ ...signals, [name]: (signals[name] as bigint) + 1n })).toEqual(only('U12'));
  });
});
