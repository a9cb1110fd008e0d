/**
 * Predicates of circuits/lib one by one: against the TypeScript of protocol/, and against witnesses whose wires were
 * edited by hand, which no honest calculator would produce.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { BASE8, SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { AMOUNT_BITS, ASSET_BITS, DOM_NULLIFIER, DOM_SPONGE, DOM_TX, NULLIFIER_BITS, TREE_DEPTH } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { horner, sponge } from '../../protocol/fingerprint.js';
import { H } from '../../protocol/hash.js';
import { SeededBytes } from '../protocol/walletSupport.js';
import { fromFiles, type LoadedCircuit } from './helpers/circuit.js';
import { compileSmall } from './helpers/smallCircuit.js';
import { emptySubtree, SparseTree } from './helpers/sparseTree.js';

const ARITIES = [2, 3, 4, 5, 10, 16];
const SOURCE = `
pragma circom 2.1.6;
include "../lib/constants.circom";
include "../lib/hash.circom";
include "../lib/horner.circom";
include "../lib/merkle_replace.circom";
include "../lib/merkle_root.circom";
include "../lib/nullifier.circom";
include "../lib/product_at.circom";
include "../lib/sorted_step.circom";
include "../lib/sponge.circom";
include "../lib/balance.circom";

template Constants() {
    signal output c[14];
    c[0] <== DOM_TX(); c[1] <== DOM_SPONGE(); c[2] <== NULLIFIER_TAG(); c[3] <== TREE_DEPTH();
    c[4] <== NULLIFIER_BITS(); c[5] <== AMOUNT_BITS(); c[6] <== ASSET_BITS(); c[7] <== SUBGROUP_ORDER_MINUS_ONE();
    c[8] <== BASE8(0); c[9] <== BASE8(1);
    for (var i = 0; i < 4; i++) { c[10 + i] <== EMPTY_SUBTREE(i); }
}

template Gadgets() {
    signal input in[16];
    signal input bit[8];
    signal input sib[4][3];
    signal output constant[14] <== Constants()();
${ARITIES.map((n) => `    signal output h${n} <== H(${n})([${Array.from({ length: n }, (_, i) => `in[${i}]`).join(', ')}]);`).join('\n')}
    signal output spongeShort <== Sponge(9, 3)([in[0], in[1], in[2]]);
    signal output spongeLong <== Sponge(9, 16)(in);
    signal output poly <== Horner(16)(in, in[0]);
    signal output product <== ProductAt(3)([in[1], in[2], in[3]], in[0]);
    signal output root <== MerkleRoot(4)(in[0], bit, sib);
    signal output rootOld;
    signal output rootNew;
    (rootOld, rootNew) <== MerkleReplace(4)(in[0], in[1], bit, sib);

    signal input s;
    signal input sPrev;
    signal output zero;
    signal output fresh;
    (zero, fresh) <== SortedStep()(s, sPrev, 0, 0);

    signal input assets[6];
    signal input values[6];
    Balance()([assets[0], assets[1]], [values[0], values[1]], [assets[2], assets[3], assets[4], assets[5]], [values[2], values[3], values[4], values[5]]);

    // The same truncation with and without the check against p.
    signal input nk;
    signal input cm;
    signal input pos;
    component strict = Nullifier();
    strict.nk <== nk; strict.cm <== cm; strict.pos <== pos;
    signal output nf <== strict.nf;
    component loose = Num2Bits(254);
    loose.in <== H(4)([nk, cm, pos, 1]);
    var low = 0;
    for (var i = 0; i < 248; i++) { low += loose.out[i] * 2 ** i; }
    signal output nfLoose <== low;
}
component main = Gadgets();
`;

let circuit: LoadedCircuit;
const random = new SeededBytes('test/circuits/gadgets');
const field = (): bigint => random.below(FIELD_MODULUS);

beforeAll(async () => {
  const { r1csPath, wasmPath, symPath } = await compileSmall(SOURCE);
  circuit = fromFiles(r1csPath, wasmPath, symPath);
});

const tree = new SparseTree();
for (let i = 0n; i < 20n; i++) tree.set(i * 11n, field());
const INDEX = 0b01_11_10_00n;

function input(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    in: Array.from({ length: 16 }, field),
    bit: Array.from({ length: 8 }, (_, i) => (INDEX >> BigInt(i)) & 1n),
    sib: tree.path(INDEX).slice(0, 4),
    s: 5n,
    sPrev: 4n,
    assets: [1n, 2n, 1n, 2n, 1n, 2n],
    values: [10n, 20n, 9n, 15n, 1n, 5n],
    nk: 7n,
    cm: 8n,
    pos: 9n,
    ...change,
  };
}

const read = (witness: readonly bigint[], name: string): bigint => witness[circuit.wire(name)!]!;
/** The witness with some wires changed; names that the compiler removed are skipped. */
function edited(witness: readonly bigint[], changes: Record<string, bigint>): bigint[] {
  const copy = [...witness];
  for (const [name, value] of Object.entries(changes)) {
    const wire = circuit.wire(name);
    if (wire !== undefined) copy[wire] = value;
  }
  return copy;
}

describe('constants', () => {
  it('are those of protocol/, and the empty subtrees are what hashing gives', async () => {
    const witness = await circuit.witness(input());
    const expected = [
      DOM_TX,
      DOM_SPONGE,
      DOM_NULLIFIER,
      BigInt(TREE_DEPTH),
      BigInt(NULLIFIER_BITS),
      BigInt(AMOUNT_BITS),
      BigInt(ASSET_BITS),
    ];
    expected.push(SUBGROUP_ORDER - 1n, BASE8.x, BASE8.y, 0n, emptySubtree(1), emptySubtree(2), emptySubtree(3));
    expect(expected.map((_, i) => read(witness, `constant[${i}]`))).toEqual(expected);
  });
});

describe('hashes, polynomials, trees', () => {
  it.each(ARITIES)('H of %i inputs is the Poseidon of protocol/', async (n) => {
    for (const values of [
      Array.from({ length: 16 }, field),
      new Array<bigint>(16).fill(0n),
      new Array<bigint>(16).fill(FIELD_MODULUS - 1n),
    ]) {
      expect(read(await circuit.witness(input({ in: values })), `h${n}`)).toBe(H(...values.slice(0, n)));
    }
  });
  it('sponge, Horner sum and product', async () => {
    const values = Array.from({ length: 16 }, field);
    const witness = await circuit.witness(input({ in: values }));
    expect(read(witness, 'spongeShort')).toBe(sponge(9, values.slice(0, 3)));
    expect(read(witness, 'spongeLong')).toBe(sponge(9, values));
    expect(read(witness, 'poly')).toBe(horner(values, values[0]!));
    const product = values.slice(1, 4).reduce((p, value) => (p * (values[0]! - value + FIELD_MODULUS)) % FIELD_MODULUS, 1n);
    expect(read(witness, 'product')).toBe(product);
  });
  it('roots for every position of a child', async () => {
    for (let position = 0n; position < 4n; position++) {
      const index = position * 0b01010101n;
      const [before, after] = [new SparseTree(), new SparseTree()];
      const values = Array.from({ length: 16 }, field);
      for (const [t, leaf] of [
        [before, values[0]!],
        [after, values[1]!],
      ] as const) {
        for (let i = 0n; i < 4n; i++) t.set(index - position + i, i === position ? leaf : 100n + i);
        t.set(255n - index, 6n);
        t.set(index, leaf);
      }
      const bit = Array.from({ length: 8 }, (_, i) => (index >> BigInt(i)) & 1n);
      const witness = await circuit.witness(input({ in: values, bit, sib: before.path(index).slice(0, 4) }));
      expect(read(witness, 'root')).toBe(before.node(4, 0n));
      expect(read(witness, 'rootOld')).toBe(before.node(4, 0n));
      expect(read(witness, 'rootNew')).toBe(after.node(4, 0n));
    }
  });
});

describe('forged witnesses', () => {
  it('A2: T4: the bits of H + p pass a plain decomposition and fail the strict one', async () => {
    // About a third of all hashes leave room for H + p in 254 bits.
    let digest: bigint;
    let nk = 1n;
    do {
      nk++;
      digest = H(nk, 8n, 9n, 1n);
    } while (digest + FIELD_MODULUS >= 2n ** 254n);
    const witness = await circuit.witness(input({ nk }));
    const shifted = digest + FIELD_MODULUS;
    const low = shifted & (2n ** 248n - 1n);
    const bits = (prefix: string): Record<string, bigint> =>
      Object.fromEntries(Array.from({ length: 254 }, (_, i) => [`${prefix}[${i}]`, (shifted >> BigInt(i)) & 1n]));

    const loose = edited(witness, { ...bits('loose.out'), nfLoose: low });
    expect(read(loose, 'nfLoose')).not.toBe(read(witness, 'nf'));
    expect(circuit.r1cs.firstBroken(loose)).toBe(-1);

    const strict = edited(witness, { ...bits('strict.digestBit'), ...comparison(shifted), nf: low, 'strict.nf': low });
    const broken = allBroken(strict);
    expect(broken.length).toBeGreaterThan(0);
    // The equation of the bits holds: what is broken is the comparison with p, nothing else.
    for (const index of broken) expect(namesIn(index).some((name) => /BitsAtMost_\d+_\d+\.equal/.test(name))).toBe(true);
  });

  it('U1: a nullifier cannot be called zero, nor zero a nullifier', async () => {
    const nonzero = await circuit.witness(input());
    expect(read(nonzero, 'zero')).toBe(0n);
    for (const inverse of [0n, 1n]) {
      const forged = edited(nonzero, { zero: 1n, fresh: 0n, ...inverses(nonzero, inverse, /SortedStep|zero/) });
      expect(circuit.r1cs.firstBroken(forged)).toBeGreaterThanOrEqual(0);
    }
    const isZero = await circuit.witness(input({ s: 0n, sPrev: 0n }));
    expect(read(isZero, 'zero')).toBe(1n);
    expect(circuit.r1cs.firstBroken(edited(isZero, { zero: 0n, fresh: 1n }))).toBeGreaterThanOrEqual(0);
  });
});

/** Sets every inverse hint whose name matches. */
function inverses(witness: readonly bigint[], value: bigint, pattern: RegExp): Record<string, bigint> {
  const changes: Record<string, bigint> = {};
  for (let wire = 0; wire < witness.length; wire++) {
    for (const name of circuit.names(wire)) if (name.endsWith('.inv') && pattern.test(name)) changes[name] = value;
  }
  return changes;
}

/** What the strict decomposition computes for these bits on its way: whether they are so far those of p − 1. */
function comparison(value: bigint): Record<string, bigint> {
  const changes: Record<string, bigint> = {};
  for (let wire = 1; wire < circuit.r1cs.header.wires; wire++)
    for (const name of circuit.names(wire)) {
      const [, place] = /^strict\..*\.equal\[(\d+)\]$/.exec(name) ?? [];
      if (place === undefined) continue;
      const wanted = (FIELD_MODULUS - 1n) >> BigInt(place);
      changes[name] = ((value >> BigInt(place)) & wanted) === wanted ? 1n : 0n;
    }
  return changes;
}

function allBroken(witness: readonly bigint[]): number[] {
  const broken: number[] = [];
  for (let i = 0; i < circuit.r1cs.header.constraints; i++) if (circuit.r1cs.firstBroken(witness, [i]) === i) broken.push(i);
  return broken;
}

function namesIn(constraint: number): string[] {
  const { a, b, c } = circuit.r1cs.constraint(constraint);
  return [...a, ...b, ...c].flatMap(([wire]) => circuit.names(wire));
}
