/** The lying calculator is the circuit's own, but for the lies: told nothing false, it gives the honest witness. */
import { describe, expect, it } from 'vitest';
import type { CircuitName } from '../../protocol/circuit.js';
import { loadLiar } from './helpers/liar.js';
import { honestPlan, type Signals, transferSignals } from './helpers/transferProver.js';
import { LOW, updateSignals } from './helpers/updateProver.js';

const update = (): Signals =>
  updateSignals({
    rows: [{ s: 0n }, { s: 50n, low: LOW.genesis }, { s: 150n, low: LOW.hundred }, { s: 160n, same: 1n }],
    nf: [160n, 50n, 0n, 150n],
    cm: [1n, 2n, 3n, 4n],
    place: 2n,
  });

describe('the lying calculator', () => {
  it.each<[CircuitName, () => Signals]>([
    ['transfer_1', () => transferSignals(honestPlan())],
    ['update_2', update],
  ])('%s: gives the honest witness for honest data', async (name, signals) => {
    const liar = await loadLiar(name);
    const input = signals();
    const forged = await liar.forge(input);
    expect(forged).toEqual(await liar.circuit.witness(input));
    expect(liar.brokenBy(forged)).toEqual([]);
  });

  it('carries a lie through to the end, and every constraint but one is content', async () => {
    const liar = await loadLiar('transfer_1');
    const input = transferSignals(honestPlan());
    const forged = await liar.forge({ ...input, y: 5n });
    expect(liar.brokenBy(forged)).toHaveLength(1);
  });
});
