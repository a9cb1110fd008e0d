/** How much memory a key takes, planned without making one. */
import { expect, it } from 'vitest';
import { planLayout } from '../../prover/engine/groth16/layout.js';
import { COEFFICIENT_BYTES } from '../../prover/engine/groth16/zkey.js';
import { kernels } from '../../prover/engine/kernels.js';

const G1_BYTES = 64;
const G2_BYTES = 128;
const MOST_GROWTH = 1.3;

it.each(['portable', 'wide'] as const)('a key of 1 GB takes at most 1.3 GB with two threads, %s', (backend) => {
  // Constraints of a million wires with ten entries each, as our own circuits have them.
  const [variables, publicInputs, domainSize, coefficients] = [1_300_000, 20, 2 ** 20, 12_000_000];
  const fileBytes = coefficients * COEFFICIENT_BYTES + variables * (3 * G1_BYTES + G2_BYTES) + domainSize * G1_BYTES;
  expect(fileBytes).toBeGreaterThan(1e9);
  const layout = planLayout(
    {
      variables,
      domainSize,
      entries: { a: coefficients / 2, b: coefficients / 2 },
      coefficientValues: coefficients / 20,
      bases: { a: variables, b1: variables, b2: variables, c: variables - publicInputs - 1, h: domainSize },
      threads: 2,
    },
    kernels(backend).info,
  );
  // While it is loaded: the index of every coefficient's value and the counts of the rows.
  const transientBytes = 4 * coefficients + 8 * (domainSize + 1);
  expect((layout.sizeBytes + transientBytes) / fileBytes).toBeLessThan(MOST_GROWTH);
});
