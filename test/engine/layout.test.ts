/** How much memory a key takes, planned without making one. */
import { expect, it } from 'vitest';
import { isTacitError } from '../../protocol/errors.js';
import { type LayoutInput, planLayout, STAGING_SLOT_BYTES } from '../../prover/engine/groth16/layout.js';
import { COEFFICIENT_BYTES } from '../../prover/engine/groth16/zkey.js';
import { createMemory } from '../../prover/engine/instance.js';
import { kernels } from '../../prover/engine/kernels.js';

const G1_BYTES = 64;
const G2_BYTES = 128;
const MOST_GROWTH = 1.3;

/** Constraints of a million wires with ten entries each, as our own circuits have them. */
const [variables, publicInputs, domainSize, coefficients] = [1_300_000, 20, 2 ** 20, 12_000_000];
const input = (threads: number): LayoutInput => ({
  variables,
  domainSize,
  entries: { a: coefficients / 2, b: coefficients / 2 },
  coefficientValues: coefficients / 20,
  bases: { a: variables, b1: variables, b2: variables, c: variables - publicInputs - 1, h: domainSize },
  threads,
});

it.each(['portable', 'wide'] as const)('a key of 1 GB takes at most 1.3 GB with two threads, %s', (backend) => {
  const fileBytes = coefficients * COEFFICIENT_BYTES + variables * (3 * G1_BYTES + G2_BYTES) + domainSize * G1_BYTES;
  expect(fileBytes).toBeGreaterThan(1e9);
  const layout = planLayout(input(2), kernels(backend).info);
  // While it is loaded: the index of every coefficient's value and the counts of the rows.
  const transientBytes = 4 * coefficients + 8 * (domainSize + 1);
  expect((layout.sizeBytes + transientBytes) / fileBytes).toBeLessThan(MOST_GROWTH);
});

it.each([
  ['a large key', input(1)],
  [
    'a tiny one, whose work area is larger than its polynomials',
    { ...input(1), variables: 40, domainSize: 32, bases: { a: 40, b1: 40, b2: 40, c: 30, h: 32 } },
  ],
] as const)('a single thread works where the polynomials were, and reaches nothing else: %s', (_, given) => {
  const { info } = kernels('portable');
  const [one, two] = [planLayout(given, info), planLayout({ ...given, threads: 2 }, info)];
  expect([one.windowsWait, two.windowsWait]).toEqual([true, false]);
  expect(one.work).toEqual([one.polynomials[0]]);
  const [first, second] = two.work as [number, number];
  const room = Math.max(second - first, two.sizeBytes - second, one.staging.length * STAGING_SLOT_BYTES);
  expect(one.roots - (one.work[0] as number)).toBeGreaterThanOrEqual(room);
  expect(one.roots - one.polynomials[0]).toBeGreaterThanOrEqual(3 * given.domainSize * info.representation.elementBytes);
  expect(one.sizeBytes).toBeLessThan(two.sizeBytes);
});

it('a key that 32-bit addresses do not reach is refused with what it would take', () => {
  const { sizeBytes } = planLayout({ ...input(2), variables: 2 ** 25, domainSize: 2 ** 25 }, kernels('portable').info);
  let refusal: unknown;
  try {
    createMemory(sizeBytes);
  } catch (error) {
    refusal = error;
  }
  expect(isTacitError(refusal, 'PROVE_FAILED')).toBe(true);
  expect(refusal).toMatchObject({ expected: `at most ${2 ** 32} bytes`, got: `${sizeBytes}`, retryable: false });
});
