/** The coset's shift tables, from powers by bigints. */
import { inverseModulo, powerModulo, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { rootOfUnity } from '../../prover/engine/groth16/key.js';
import { type ShiftTables, shiftColumns } from '../../prover/engine/ntt/plan.js';
import type { Harness } from './harness.js';

const { prime: r } = SCALAR_FIELD;

export function putShifts(harness: Harness, n: number): ShiftTables {
  const power = Math.log2(n);
  const shift = rootOfUnity(power + 1);
  /** Bits of the index of a coefficient, turned round. */
  const reversed = (i: number): bigint => BigInt(`0b${[...i.toString(2).padStart(power, '0')].reverse().join('')}`);
  const columns = shiftColumns(n);
  const entries = (count: number, index: (i: number) => number, factor: bigint): bigint[] =>
    Array.from({ length: count }, (_, i) => (powerModulo(shift, reversed(index(i)), r) * factor) % r);
  return {
    columns,
    low: harness.put(
      SCALAR_FIELD,
      entries(columns, (j) => j, 1n),
    ),
    high: harness.put(
      SCALAR_FIELD,
      entries(n / columns, (i) => i * columns, inverseModulo(BigInt(n), r)),
    ),
  };
}
