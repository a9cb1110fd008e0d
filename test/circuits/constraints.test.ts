/** The kept constraints of the tests judge as the reader of r1cs files does. */
import { describe, expect, it } from 'vitest';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { SeededBytes } from '../protocol/walletSupport.js';
import { loadCircuit } from './helpers/circuit.js';
import { Constraints } from './helpers/constraints.js';
import { honestPlan, transferSignals } from './helpers/transferProver.js';

describe('constraints kept in memory', () => {
  it('break where the reader of the file says so, for altered witnesses', async () => {
    const { r1cs, witness } = await loadCircuit('transfer_1');
    const constraints = new Constraints(r1cs);
    const values = await witness(transferSignals(honestPlan()));
    expect(constraints.broken(values)).toEqual([]);
    const random = new SeededBytes('constraints');
    for (let round = 0; round < 200; round++) {
      const wire = 1 + Number(random.below(BigInt(values.length - 1)));
      const altered = [...values];
      altered[wire] = random.below(FIELD_MODULUS);
      const uses = r1cs.uses(wire);
      const slow = uses.filter((i) => r1cs.firstBroken(altered, [i]) === i);
      expect(constraints.broken(altered, uses)).toEqual(slow);
    }
  });
});
