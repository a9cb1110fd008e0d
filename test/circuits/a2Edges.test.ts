/**
 * A2 at the edges: which numbers the circuits and the contract were compiled with, and what transfer(1) does with the
 * scalars next to the subgroup's order. One wrong digit in that order admits n' + l, a second nullifier for one note.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { calculateWitness } from '../../circuits/witness.js';
import { EMPTY_ROOTS } from '../../ledger/emptyRoots.js';
import { LedgerState } from '../../ledger/state.js';
import { add, BASE8, isIdentity, mulBase8, SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import {
  AMOUNT_BITS,
  ASSET_BITS,
  DOM_NULLIFIER,
  DOM_SPONGE,
  DOM_TX,
  NULLIFIER_BITS,
  TREE_ARITY,
  TREE_CAPACITY,
  TREE_DEPTH,
} from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { H } from '../../protocol/hash.js';
import { nullifier } from '../../protocol/note.js';
import { BASE_FIELD_MODULUS } from '../../protocol/proof.js';
import { code } from '../protocol/walletErrors.js';
import { type LoadedArtifacts, loadCircuit } from './helpers/circuit.js';
import { brokenStatement } from './helpers/statement.js';
import { honestPlan, type Signals, transferSignals, withInput } from './helpers/transferProver.js';

const read = (...parts: string[]) => readFileSync(join(packageRoot(), ...parts), 'utf8');
const l = SUBGROUP_ORDER;

describe('A2: constants compiled in are those of protocol/', () => {
  const circom = read('circuits', 'lib', 'constants.circom').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  /** Body of `function name(…) { … }`, to the brace that closes it. */
  const body = (name: string): string => {
    const start = circom.indexOf(`function ${name}(`);
    expect(start, name).toBeGreaterThanOrEqual(0);
    const next = circom.indexOf('function ', start + 1);
    return circom.slice(circom.indexOf('{', start), next < 0 ? undefined : next);
  };
  const single = (name: string): bigint => BigInt(/^\{\s*return (\d+);\s*\}\s*$/.exec(body(name))?.[1] ?? -1);

  it.each<[string, bigint]>([
    ['DOM_TX', DOM_TX],
    ['DOM_SPONGE', DOM_SPONGE],
    ['NULLIFIER_TAG', DOM_NULLIFIER],
    ['TREE_DEPTH', BigInt(TREE_DEPTH)],
    ['NULLIFIER_BITS', BigInt(NULLIFIER_BITS)],
    ['AMOUNT_BITS', BigInt(AMOUNT_BITS)],
    ['ASSET_BITS', BigInt(ASSET_BITS)],
    ['SUBGROUP_ORDER_MINUS_ONE', l - 1n],
  ])('A2: %s', (name, wanted) => {
    expect(single(name)).toBe(wanted);
  });

  it('A2: l is the order of B8, and l − 1 the scalar of −B8', () => {
    const minus = mulBase8(l - 1n);
    expect(minus).toEqual({ x: FIELD_MODULUS - BASE8.x, y: BASE8.y });
    expect(isIdentity(add(minus, BASE8))).toBe(true);
  });

  it('A2: BASE8', () => {
    expect([...body('BASE8').matchAll(/\d{10,}/g)].map(([digits]) => BigInt(digits))).toEqual([BASE8.x, BASE8.y]);
  });

  it('A2: EMPTY_SUBTREE, derived again from H', () => {
    const levels = [...body('EMPTY_SUBTREE').matchAll(/level == (\d)\) \{ return (\d+); \}/g)].map(([, level, root]) => [
      Number(level),
      BigInt(root as string),
    ]);
    expect(levels.map(([level]) => level)).toEqual([1, 2, 3]);
    let root = 0n;
    for (const [level, found] of levels) {
      root = H(root, root, root, root);
      expect(found).toBe(root);
      expect(found).toBe(EMPTY_ROOTS[level as number]);
    }
  });

  it('A2: every function of the file is compared here', () => {
    const names = [...circom.matchAll(/function (\w+)\(/g)].map(([, name]) => name);
    expect(names.sort()).toEqual(
      [
        'AMOUNT_BITS',
        'ASSET_BITS',
        'BASE8',
        'DOM_SPONGE',
        'DOM_TX',
        'EMPTY_SUBTREE',
        'NULLIFIER_BITS',
        'NULLIFIER_TAG',
        'SUBGROUP_ORDER_MINUS_ONE',
        'TREE_DEPTH',
      ].sort(),
    );
    expect(BigInt(TREE_ARITY) ** BigInt(TREE_DEPTH)).toBe(TREE_CAPACITY);
  });

  it('A2: genesis roots and field orders of the contract', () => {
    const long = (file: string) =>
      [...read('verifier-contract', 'contracts', file).matchAll(/\b\d{70,}\b/g)].map(([digits]) => BigInt(digits));
    const genesis = LedgerState.genesis();
    expect(long('Ledger.sol')).toEqual([genesis.noteRoot, genesis.nullifierRoot]);
    expect(genesis.noteRoot).toBe(EMPTY_ROOTS[TREE_DEPTH]);
    expect(long('Field.sol')).toEqual([FIELD_MODULUS, BASE_FIELD_MODULUS]);
  });
});

describe('A2: scalars at the edges of [0, l) in transfer(1)', () => {
  let circuit: LoadedArtifacts;
  beforeAll(async () => {
    circuit = await loadCircuit('transfer_1');
  });
  const broken = (signals: Signals) => brokenStatement(circuit.witness(signals));
  const withScalar = (nk: bigint) => transferSignals(withInput(honestPlan(), 0, { nk }));
  const expectRefused = async (signals: Signals, statement: string) => {
    await expect(calculateWitness(circuit.artifacts.wasmPath, signals)).rejects.toMatchObject({ code: 'WITNESS_ASSERTION' });
    expect(await broken(signals)).toBe(statement);
  };

  it.each([
    ['1', 1n],
    ['2', 2n],
    ['7', 7n],
    ['l − 2', l - 2n],
    ['l − 1', l - 1n],
  ])("A2: n' = %s is accepted", async (_, nk) => {
    const values = await circuit.witness(withScalar(nk));
    expect(circuit.r1cs.firstBroken(values)).toBe(-1);
  });

  it.each([
    ['l', l],
    ['l + 1', l + 1n],
    ['7 + l', 7n + l],
    ['2l − 1', 2n * l - 1n],
    ['7 + 2l', 7n + 2n * l],
    ['7 + 5l, the last below 2^253', 7n + 5n * l],
    ['7 + 6l, beyond 2^253', 7n + 6n * l],
    ['p − 1', FIELD_MODULUS - 1n],
  ])("A2: n' = %s is refused", async (_, nk) => {
    await expectRefused(withScalar(nk), 'T1');
  });

  it("A2: n' + l would be a second nullifier: the same N', the same note, another number", () => {
    const cm = 5n;
    for (const nk of [1n, 7n, l - 1n]) {
      expect(mulBase8((nk + l) % l)).toEqual(mulBase8(nk));
      const low = (scalar: bigint) => H(scalar, cm, 3n, DOM_NULLIFIER) % 2n ** BigInt(NULLIFIER_BITS);
      expect(nullifier(nk, cm, 3n)).toBe(low(nk));
      expect(low(nk + l)).not.toBe(low(nk));
      expect(code(() => nullifier(nk + l, cm, 3n))).toBe('SCALAR_RANGE');
    }
  });

  it.each([1n, 2n, 4n])('A2: S + %d·l is refused, and S accepted', async (times) => {
    const signals = transferSignals(honestPlan());
    expect(await broken(signals)).toBe('none');
    const [first, second] = (signals.sigS as bigint[][])[0] as [bigint, bigint];
    await expectRefused({ ...signals, sigS: [[first + times * l, second]] }, 'T5');
    await expectRefused({ ...signals, sigS: [[first, second + times * l]] }, 'T5');
  });
});
