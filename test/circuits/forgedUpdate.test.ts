/**
 * U1–U12 with forged witnesses. For each statement a liar keeps everything else: hints, hashes, trees and fingerprint
 * fit the lie. The edited witness file then breaks the constraints of that statement and no other, so the statement
 * alone stops the attack, and no proof made from the file verifies.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wtnsOf } from '../../circuits/wtns.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { ForgedProofs, LONG } from './helpers/forgedProofs.js';
import { LIE } from './helpers/levers.js';
import { type Liar, loadLiar } from './helpers/liar.js';
import { SparseTree } from './helpers/sparseTree.js';
import type { Signals } from './helpers/transferProver.js';
import { END, LOW, type Row, treesWithTwo, type UpdatePlan, updateSignals, withFingerprint } from './helpers/updateProver.js';

const UPDATE_2 = 3;
let liar: Liar;
let proofs: ForgedProofs;
beforeAll(async () => {
  liar = await loadLiar('update_2');
  proofs = new ForgedProofs(liar.circuit.artifacts);
});
afterAll(() => proofs.close());

interface Forgery {
  /** Id and what was tried → how it was stopped, as the attack table prints it. */
  readonly name: string;
  readonly signals: () => Signals;
  /** Every broken constraint has a signal whose name matches. */
  readonly place: RegExp;
  /** What breaks along with it, because the statement's neighbours read the same signal. */
  readonly along?: RegExp;
  /** Proven in every run; the others in the long one. */
  readonly proven?: true;
}

const zero: Row = { s: 0n };
/** The last rows of four, the others zero; commitments 11, 12, 13, none; place 2. */
const rows = (...last: Row[]): Signals => plan([...[zero, zero, zero, zero].slice(last.length), ...last]);
const plan = (all: readonly Row[], change: Partial<UpdatePlan> = {}, trees = treesWithTwo()): Signals =>
  updateSignals({ rows: all, cm: [11n, 12n, 13n, 0n], place: 2n, ...change }, trees);
const honest = (): Signals => rows({ s: 50n, low: LOW.genesis }, { s: 150n, low: LOW.hundred }, { s: 160n, same: 1n });
/** The honest signals with some replaced, and a fingerprint that fits. */
const but = (change: (signals: Signals) => Signals): Signals => {
  const signals = honest();
  return withFingerprint(UPDATE_2, { ...signals, ...change(signals) });
};
/** An element of a list replaced. */
const put = (list: unknown, at: number, value: bigint): bigint[] => (list as bigint[]).map((old, i) => (i === at ? value : old));

const forgeries: Forgery[] = [
  {
    name: 'A10: U1: one nullifier twice → the step in 248 bits breaks',
    signals: () => rows({ s: 150n, low: LOW.hundred }, { s: 150n, same: 1n }),
    place: /SortedStep\[3\]\.AssertWidth/,
  },
  {
    name: 'A10: U1: an unsorted list → the step in 248 bits breaks',
    signals: () => rows({ s: 150n, low: LOW.hundred }, { s: 50n, low: LOW.genesis }),
    place: /SortedStep\[3\]\.AssertWidth/,
  },
  {
    name: 'A10: U1: a nullifier called zero, so that it is never entered → the test for zero breaks',
    signals: () => rows({ s: LIE.calledZero }),
    place: /^zero\[3\]/,
  },
  {
    name: 'A10: U2: `same` behind a zero, whose made-up gap it inherits → same · z_(k−1) breaks',
    signals: () => rows({ s: 0n, low: { value: 0n, next: END, index: 0n } }, { s: 100n, same: 1n }),
    place: /^same\[3\]/,
  },
  {
    name: 'A10: U2: `same` for the first of the list → the circuit has no wire for it: its gap ends at its own low leaf',
    signals: () =>
      plan([
        { s: 120n, same: 1n },
        { s: 121n, same: 1n },
        { s: 122n, same: 1n },
        { s: 123n, same: 1n },
      ]),
    place: /^Gap\[/,
    along: /LowLeaf|AppendSubtree/,
  },
  {
    name: 'A10: U2: `same` for a zero → same · z breaks',
    signals: () => ({ ...rows({ s: 50n, low: LOW.genesis }, { s: 60n, same: 1n }), same: [0n, 1n, 0n, 1n] }),
    place: /^zero\[1\]/,
    along: /Gap|LowLeaf|AppendSubtree|^zero\[0\]/,
  },
  {
    name: 'A10: U2: `same` = 2 → same · (same − 1) breaks',
    signals: () => but(() => ({ same: [0n, 0n, 0n, 2n] })),
    place: /^same\[3\]/,
    along: /Gap|LowLeaf|AppendSubtree/,
  },
  {
    name: 'A10: U3: a nullifier said to need no low leaf → the low leaf’s equations break, which hold 1 − z − same itself',
    signals: () => rows({ s: LIE.lowless, low: { value: 0n, next: END, index: 0n } }),
    place: /LowLeaf\[3\]/,
  },
  {
    name: 'A10: U4: a low leaf that the tree does not hold → fresh · (root − R_k) breaks',
    signals: () => rows({ s: 250n, low: { value: 150n, next: END, index: 6n } }),
    place: /LowLeaf\[3\]\.rootOld/,
  },
  {
    name: 'A10: U4: a fresh low leaf for a gap that is used already → fresh · (root − R_k) breaks',
    signals: () => rows({ s: 110n, low: LOW.hundred }, { s: 120n, low: LOW.hundred }),
    place: /LowLeaf\[3\]\.rootOld/,
  },
  {
    name: 'A3: U4: the spent 200 under a low leaf opened as 100 → 251 instead of 100 → 200 → the hash of the leaf breaks',
    signals: () => rows({ s: 200n, low: { ...LOW.hundred, next: LIE.claimedNext } }),
    place: /LowLeaf\[3\]\.H\./,
  },
  {
    name: 'A10: U4: an index of 33 bits → its sum of 32 bits breaks',
    signals: () => but(({ lowIndex }) => ({ lowIndex: put(lowIndex, 2, LOW.hundred.index + 2n ** 32n) })),
    place: /LowLeaf\[2\]\.indexBit/,
  },
  {
    name: 'A10: U4: index bits 3 and −1 with the right sum → the bits’ own equation breaks',
    signals: () => but(({ lowIndex }) => ({ lowIndex: put(lowIndex, 0, LIE.splitIndex) })),
    place: /LowLeaf\[0\]\.indexBit/,
  },
  {
    name: 'A3: U5: the spent 200 above itself → the distance in 248 bits breaks',
    signals: () => rows({ s: 200n, low: LOW.twoHundred }),
    place: /LowLeaf\[3\]\.AssertWidth/,
  },
  {
    name: 'A10: U5: 101 above the low leaf 200, with a distance of 0 → fresh · (s − v − 1) breaks',
    signals: () => rows({ s: LIE.belowLow, low: LOW.twoHundred }),
    place: /LowLeaf\[3\]\.distance/,
  },
  {
    name: 'A3: U6: the spent 200 in the gap from 100 to 200 → the distance in 248 bits breaks',
    signals: () => rows({ s: 200n, low: LOW.hundred }),
    place: /Gap\[3\]\.AssertWidth/,
  },
  {
    name: 'A10: U6: 201 in the gap from 100 to 200, with a distance of 0 → (1 − z) · (g − s − 1) breaks',
    signals: () => rows({ s: LIE.pastEnd, low: LOW.hundred }),
    place: /Gap\[3\]\.distance/,
  },
  {
    name: 'A10: U6: the gap’s end not carried: the second of a gap brings its own → g_k = g_(k−1) breaks',
    signals: () => rows({ s: 150n, low: LOW.hundred }, { s: LIE.lostEnd, same: 1n, low: { value: 0n, next: END, index: 0n } }),
    place: /^gapEnd\[3\]/,
    proven: true,
  },
  {
    name: 'A10: U7: a root that is not moved on, so that the gap can be used again → R_(k+1) breaks',
    signals: () => rows({ s: LIE.keptRoot, low: LOW.hundred }),
    place: /^running\[4\]/,
  },
  {
    name: 'A10: U7: a low leaf written as it was → the hash of the new low leaf breaks',
    signals: () => rows({ s: LIE.keptLeaf, low: LOW.hundred }),
    place: /LowLeaf\[3\]\.H\./,
  },
  {
    name: 'A10: U8: a new leaf that skips the next of its gap → the leaf’s target breaks',
    signals: () => rows({ s: LIE.skipping, low: LOW.hundred }, { s: 160n, same: 1n }),
    place: /Gap\[2\]\.target/,
  },
  {
    name: 'A10: U8: a nullifier whose new leaf is left out → (1 − z) · H breaks',
    signals: () => rows({ s: LIE.unwritten, low: LOW.hundred }),
    place: /^leaf\[3\]/,
  },
  {
    name: 'A10: U9: a startIndex that is not 2N·J → the polynomial’s sum with startIndex breaks',
    signals: () => but(() => ({ startIndex: 9n })),
    place: /^(startIndex|placeBit)/,
  },
  {
    name: 'A10: U9: a place of 31 bits whose low bits are right → its sum of 30 bits breaks',
    signals: () => but(() => ({ subtreeIndex: 2n + 2n ** 30n, startIndex: 4n * (2n + 2n ** 30n) })),
    place: /^(startIndex|placeBit)/,
  },
  {
    name: 'A10: U10: a place that holds nullifiers → the empty subtree’s root breaks',
    signals: () => {
      const trees = treesWithTwo();
      trees.notes.set(4n, 0n);
      return plan([zero, zero, zero, { s: 50n, low: LOW.genesis }], { place: 1n }, trees);
    },
    place: /^running\[4\]/,
  },
  {
    name: 'A10: U10: a new nullifier root of one’s own → nullRootNew breaks',
    signals: () => but(() => ({ nullRootNew: new SparseTree().root })),
    place: /^nullRootNew/,
  },
  {
    name: 'A10: U11: a place that holds notes → the empty subtree’s root breaks',
    signals: () => {
      const trees = treesWithTwo();
      trees.notes.set(8n, 99n);
      return plan([zero, zero, zero, { s: 50n, low: LOW.genesis }], {}, trees);
    },
    place: /^noteRootOld/,
  },
  {
    name: 'A10: U11: a new note root with a commitment that no slot has → noteRootNew breaks',
    signals: () =>
      but(() => {
        const notes = treesWithTwo().notes;
        [11n, 12n, 13n, 14n].forEach((cm, k) => {
          notes.set(8n + BigInt(k), cm);
        });
        return { noteRootNew: notes.root };
      }),
    place: /^noteRootNew/,
  },
  {
    name: 'A10: U12: a nullifier that no slot has → the products differ',
    signals: () => plan([zero, zero, { s: 50n, low: LOW.genesis }, { s: 60n, same: 1n }], { nf: [50n, 0n, 61n, 0n] }),
    place: /^sortedProduct/,
  },
  {
    name: 'A10: U12: a slot whose nullifier is not entered → the products differ',
    signals: () => plan([zero, zero, zero, { s: 50n, low: LOW.genesis }], { nf: [50n, 60n, 0n, 0n] }),
    place: /^sortedProduct/,
    proven: true,
  },
  {
    name: 'A10: U12: y of a list with another commitment → the polynomial’s last sum breaks',
    signals: () => {
      const signals = honest();
      return { ...signals, y: ((signals.y as bigint) + (signals.z as bigint)) % FIELD_MODULUS };
    },
    place: /^horner\.sum/,
  },
  {
    name: 'A10: U12: h of other sorted nullifiers → the sponge breaks',
    signals: () => {
      const signals = honest();
      return { ...signals, h: (signals.h as bigint) + 1n };
    },
    place: /^sponge\.absorb/,
  },
];

describe('U1–U12: a forged witness breaks the statement it lies about and no other', () => {
  it.each(forgeries.map((forgery) => [forgery.name, forgery] as const))('%s', async (_, { signals, place, along, proven }) => {
    const forged = await liar.forge(signals());
    const broken = liar.brokenBy(forged);
    const isAt = (where: RegExp | undefined, names: readonly string[]): boolean => names.some((signal) => where?.test(signal));
    expect(broken.some((names) => isAt(place, names))).toBe(true);
    for (const names of broken) expect(isAt(place, names) || isAt(along, names), names.slice(0, 9).join(' ')).toBe(true);
    if (proven || LONG) expect(await proofs.verdict(wtnsOf(forged))).toBe('PROOF_INVALID');
  });
  it('A3, A10 honest: the same plans without a lie break nothing, and their proof verifies', async () => {
    const witness = await liar.forge(honest());
    expect(liar.brokenBy(witness)).toEqual([]);
    expect(await proofs.verdict(wtnsOf(witness))).toBe('verified');
  });
});
