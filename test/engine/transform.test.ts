import { describe, expect, it } from 'vitest';
import { powerModulo, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { rootOfUnity } from '../../prover/engine/groth16/key.js';
import { toCoset } from '../../prover/engine/ntt/plan.js';
import { executeTask } from '../../prover/engine/pool/task.js';
import { evaluate, interpolate } from '../../prover/engine/reference/transform.js';
import { Harness, seeded } from './harness.js';
import { putShifts } from './shifts.js';

const SEED = 11;
const { prime: r } = SCALAR_FIELD;
const harness = await Harness.create();

describe('transform to the coset', () => {
  it.each([2, 4, 8, 32, 512, 1024])('of %i values agrees with interpolation and evaluation, for 1, 2, 4 and 64 threads', (n) => {
    const power = Math.log2(n);
    const next = seeded(SEED + n);
    const values = Array.from({ length: n }, (_, i) => (i === 0 ? r - 1n : i === 1 ? 0n : next(r)));
    const root = rootOfUnity(power);
    const shift = rootOfUnity(power + 1);
    const range = Array.from({ length: n }, (_, i) => BigInt(i));
    const pow = (x: bigint, e: bigint): bigint => powerModulo(x, e, r);
    const memory = {
      elementBytes: harness.elementBytes,
      roots: harness.put(
        SCALAR_FIELD,
        range.slice(0, n / 2 + 1).map((i) => pow(root, i)),
      ),
      shifts: putShifts(harness, n),
    };
    const expected = evaluate(interpolate(values, root), root, shift);
    for (const threads of [1, 2, 4, 64]) {
      const data = harness.put(SCALAR_FIELD, values);
      for (const stage of toCoset(memory, [data], n, threads)) for (const task of stage) executeTask(harness.instance, task, 0);
      expect(
        range.map((i) => harness.get(SCALAR_FIELD, data + harness.elementBytes * Number(i))),
        `${threads} threads`,
      ).toEqual(expected);
    }
  });

  it('roots of unity have their order', () => {
    for (const power of [1, 5, 28]) {
      let x = rootOfUnity(power);
      for (let i = 1; i < power; i++) x = (x * x) % r;
      expect(x).toBe(r - 1n);
    }
  });
});
