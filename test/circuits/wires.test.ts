/**
 * A18: no wire of a valid witness is free. Every wire is altered in turn, twice; some constraint that mentions it must
 * then fail. Free by design is the inverse hint of a zero test whose operand is zero.
 */
import { describe, expect, it } from 'vitest';
import type { CircuitName } from '../../protocol/circuit.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { SeededBytes } from '../protocol/walletSupport.js';
import { loadCircuit } from './helpers/circuit.js';
import { honestPlan, type Signals, transferSignals } from './helpers/transferProver.js';
import { LOW, updateSignals } from './helpers/updateProver.js';

const transfer = (): Signals => transferSignals(honestPlan());
const update = (): Signals =>
  updateSignals({
    rows: [{ s: 0n }, { s: 50n, low: LOW.genesis }, { s: 150n, low: LOW.hundred }, { s: 160n, same: 1n }],
    nf: [160n, 50n, 0n, 150n],
    cm: [1n, 2n, 3n, 4n],
    place: 2n,
  });

describe('A18: altered wires', () => {
  it.each<[CircuitName, () => Signals]>([
    ['transfer_1', transfer],
    ['update_2', update],
  ])('A18: every wire of %s is bound by a constraint', async (name, signals) => {
    const { r1cs, witness, names } = await loadCircuit(name);
    const values = await witness(signals());
    expect(r1cs.firstBroken(values)).toBe(-1);
    const random = new SeededBytes(`wires/${name}`);
    const free: number[] = [];
    for (let wire = 1; wire < values.length; wire++) {
      const honest = values[wire]!;
      for (const value of [(honest + 1n) % FIELD_MODULUS, random.below(FIELD_MODULUS)]) {
        values[wire] = value;
        if (r1cs.firstBroken(values, r1cs.uses(wire)) === -1) {
          free.push(wire);
          break;
        }
      }
      values[wire] = honest;
    }
    const freeNames = free.map((wire) => names(wire).join(' = '));
    expect(freeNames.filter((text) => !text.endsWith('.inv'))).toEqual([]);
  });
});
