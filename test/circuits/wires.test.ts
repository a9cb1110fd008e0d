/**
 * A18: no signal of a valid witness is free. Each is altered in turn, several ways; some constraint that mentions it
 * must then break. Pairs that a constraint ties are altered together, so that a second signal makes up for the first.
 * What stays free is in FREE, with the reason; everything else fails the test.
 *
 * transfer(1) and update(2) in full; of transfer(8) and update(8) a seeded sample, a larger one with TACIT_LONG=1.
 */
import { describe, expect, it } from 'vitest';
import { applyBatch } from '../../ledger/applyBatch.js';
import { LedgerState } from '../../ledger/state.js';
import type { CircuitName } from '../../protocol/circuit.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { transferCircuitInput } from '../../protocol/transfer.js';
import { Random } from '../ledger/random.js';
import { DOMAIN, SeededBytes, USUAL, witness, world } from '../protocol/walletSupport.js';
import { type LoadedArtifacts, loadCircuit } from './helpers/circuit.js';
import { Constraints } from './helpers/constraints.js';
import { LONG } from './helpers/forgedProofs.js';
import { honestPlan, type Signals, transferSignals } from './helpers/transferProver.js';
import { LOW, updateSignals } from './helpers/updateProver.js';

/** Signals that a valid witness may hold at any value, each with the reason why that proves nothing false. */
const FREE: readonly { readonly name: RegExp; readonly when: (operand: bigint) => boolean; readonly why: string }[] = [
  {
    name: /\.inv$/,
    when: (operand) => operand === 0n,
    why: 'the inverse in a zero test: in·inv = 1 − out and in·out = 0; where in = 0, out = 1 whatever inv is, and nothing else reads inv',
  },
];

const PROVER = `0x${'33'.repeat(20)}`;
const SAMPLE = LONG ? 60_000 : 1_500;
const PAIRS = LONG ? 20_000 : 2_000;

const update2 = (): Signals =>
  updateSignals({
    rows: [{ s: 0n }, { s: 50n, low: LOW.genesis }, { s: 150n, low: LOW.hundred }, { s: 160n, same: 1n }],
    nf: [160n, 50n, 0n, 150n],
    cm: [1n, 2n, 3n, 4n],
    place: 2n,
  });
const update8 = (): Signals => {
  const first = applyBatch(LedgerState.genesis(), 'update_8', new Random('wires/eight').slots(8), PROVER, DOMAIN);
  return applyBatch(first.next, 'update_8', new Random('wires/eight again').slots(6), PROVER, DOMAIN).input;
};
const transfer8 = (): Signals => {
  const w = world('wires/eight', USUAL);
  const one = witness(w, USUAL);
  return transferCircuitInput('transfer_8', new Array(8).fill(one), one.anchor, PROVER, DOMAIN).input;
};

class Altered {
  readonly #uses: LoadedArtifacts['r1cs']['uses'];
  constructor(
    readonly isBroken: (constraint: number, values: readonly bigint[]) => boolean,
    readonly circuit: LoadedArtifacts,
    readonly values: bigint[],
  ) {
    this.#uses = (wire) => circuit.r1cs.uses(wire);
  }

  /** Whether the witness still holds with these wires set so; it is left as it was. */
  holds(changes: readonly (readonly [wire: number, value: bigint])[]): boolean {
    const before = changes.map(([wire]) => this.values[wire]!);
    for (const [wire, value] of changes) this.values[wire] = ((value % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
    const broken = changes.some(([wire]) => this.#uses(wire).some((i) => this.isBroken(i, this.values)));
    changes.forEach(([wire], k) => {
      this.values[wire] = before[k]!;
    });
    return !broken;
  }

  /** The values tried for one wire: one more, one less, zero or one, the negative, a random one. */
  valuesFor(wire: number, random: SeededBytes): bigint[] {
    const honest = this.values[wire]!;
    const candidates = [honest + 1n, honest - 1n, honest === 0n ? 1n : 0n, -honest, random.below(FIELD_MODULUS)];
    return candidates.map((value) => ((value % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS).filter((value) => value !== honest);
  }

  isFree(wire: number, random: SeededBytes): boolean {
    return this.valuesFor(wire, random).some((value) => this.holds([[wire, value]]));
  }

  /** Names, where the list of free signals does not explain this one. */
  unexplained(wire: number): string[] {
    const names = this.circuit.names(wire);
    const explained = FREE.some(({ name, when }) => names.some((text) => name.test(text)) && when(this.#operand(wire)));
    return explained ? [] : [names.join(' = ') || `wire ${wire}`];
  }

  /** What a zero test's inverse is multiplied by, in its one constraint. */
  #operand(wire: number): bigint {
    const [only, ...more] = this.#uses(wire);
    if (only === undefined || more.length > 0) return 1n;
    const { a, b } = this.circuit.r1cs.constraint(only);
    const other = a.some(([at]) => at === wire) ? b : a;
    return other.reduce((sum, [at, factor]) => (sum + factor * this.values[at]!) % FIELD_MODULUS, 0n);
  }
}

/** All constraints kept in memory: for circuits that are walked through whole. */
async function load(name: CircuitName, signals: () => Signals): Promise<Altered> {
  const circuit = await loadCircuit(name);
  const values = await circuit.witness(signals());
  const constraints = new Constraints(circuit.r1cs);
  expect(constraints.broken(values)).toEqual([]);
  return new Altered((i) => constraints.isBroken(i, values), circuit, values);
}

/** Constraints read from the file as they are needed: for samples of large circuits. */
async function loadLarge(name: CircuitName, signals: () => Signals): Promise<Altered> {
  const circuit = await loadCircuit(name);
  return new Altered((i, values) => circuit.r1cs.firstBroken(values, [i]) === i, circuit, await circuit.witness(signals()));
}

/**
 * Two wires of one constraint, altered so that a linear reading of it still holds: the one that moves by d is made up for by
 * the other, which moves by −d·c1/c2 (both in the same factor).
 */
function tiedPair(altered: Altered, random: SeededBytes): [number, bigint][] | undefined {
  const { a, b, c } = altered.circuit.r1cs.constraint(Number(random.below(BigInt(altered.circuit.r1cs.header.constraints))));
  const part = [a, b, c][Number(random.below(3n))]!.filter(([wire]) => wire !== 0);
  if (part.length < 2) return undefined;
  const [one, two] = [0, 1].map(() => part[Number(random.below(BigInt(part.length)))]!) as [(typeof part)[0], (typeof part)[0]];
  if (one[0] === two[0]) return undefined;
  // The first moves by the other's coefficient and the second by its own, so no division is needed.
  const d = random.below(2n) === 0n ? 1n : 1n + random.below(FIELD_MODULUS - 1n);
  return [
    [one[0], altered.values[one[0]]! + d * two[1]],
    [two[0], altered.values[two[0]]! - d * one[1]],
  ];
}

describe('A18: altered signals', () => {
  it.each<[CircuitName, () => Signals]>([
    ['transfer_1', () => transferSignals(honestPlan())],
    ['update_2', update2],
  ])('A18: every signal of %s altered five ways, and pairs that a constraint ties → a constraint breaks', async (name, signals) => {
    const altered = await load(name, signals);
    const random = new SeededBytes(`wires/${name}`);
    const free: string[] = [];
    for (let wire = 1; wire < altered.values.length; wire++) if (altered.isFree(wire, random)) free.push(...altered.unexplained(wire));
    expect(free).toEqual([]);
    for (let tried = 0; tried < PAIRS; ) {
      const pair = tiedPair(altered, random);
      if (pair === undefined) continue;
      tried++;
      expect(altered.holds(pair), pair.map(([wire]) => altered.circuit.names(wire)[0]).join(', ')).toBe(false);
    }
  });

  it.each<[CircuitName, () => Signals]>([
    ['update_8', update8],
    ...(LONG ? ([['transfer_8', transfer8]] as [CircuitName, () => Signals][]) : []),
  ])('A18: a sample of the signals of %s altered five ways → a constraint breaks', async (name, signals) => {
    const altered = await loadLarge(name, signals);
    const random = new SeededBytes(`wires/${name}`);
    const free: string[] = [];
    for (let tried = 0; tried < SAMPLE; tried++) {
      const wire = 1 + Number(random.below(BigInt(altered.values.length - 1)));
      if (altered.isFree(wire, random)) free.push(...altered.unexplained(wire));
    }
    expect(free).toEqual([]);
  });

  it('A18 honest: a free signal of the list really is one, and its neighbour is not', async () => {
    const altered = await load('update_2', update2);
    const random = new SeededBytes('wires/free');
    const inverse = altered.circuit.r1cs.header.wires;
    let free = 0;
    for (let wire = 1; wire < inverse; wire++) {
      if (!altered.circuit.names(wire).some((name) => name.endsWith('.inv'))) continue;
      if (altered.isFree(wire, random)) free++;
    }
    // One of the four sorted nullifiers is zero, so one zero test has a free inverse.
    expect(free).toBe(1);
  });
});
