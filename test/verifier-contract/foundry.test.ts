/**
 * Foundry's tests of the contract, each as a test of its own here: unit tests of every revert branch, fuzzing of the
 * decoder, invariants (verifier-contract/PROPERTIES.md), gas figures. TACIT_LONG=1 takes the long profile,
 * then tries the tests on a contract with one bug at a time; TACIT_GAS_WRITE=1 writes the gas figures instead of
 * comparing them.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runForge } from '../foundry/forge.js';
import { gasFigures } from '../foundry/gas.js';
import { hunt, MUTANTS } from '../foundry/mutants.js';
import { prepareFoundry } from '../foundry/prepare.js';
import { prepareRealPool } from '../foundry/realPool.js';
import { revertBranches, staleExceptions } from '../foundry/revertBranches.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
// A missing forge and sources that do not compile end this file here, as a failure.
const long = process.env.TACIT_LONG === '1';
await prepareFoundry(root);
await prepareRealPool(root, long ? 'long' : 'short');
const results = await runForge(root, long ? 'long' : 'default');
const branches = await revertBranches(join(root, 'verifier-contract', 'contracts'), join(root, 'test', 'foundry'));

describe.each([...new Set(results.map(({ suite }) => suite))])('%s', (suite) => {
  it.each(results.filter((result) => result.suite === suite))('$name', ({ passed, detail }) => {
    expect(passed, detail).toBe(true);
  });
});

describe('gas', () => {
  it('is what was committed, call by call', async () => {
    const { measured, committed } = await gasFigures(root, results);
    expect(measured, 'a rise needs a reason; TACIT_GAS_WRITE=1 writes new figures to be committed').toEqual(committed);
  });
});

describe('revert branches', () => {
  it.each(branches)('$name has a test for each of its $places places', ({ places, tests, exception }) => {
    expect(tests.length + (exception?.places ?? 0)).toBeGreaterThanOrEqual(places);
  });

  it('have no exception that is needed no more', () => {
    expect(staleExceptions(branches)).toEqual([]);
  });
});

describe('mutants of the contract', () => {
  it('are bugs that still can be made', async () => {
    for (const { file, from } of MUTANTS) {
      const text = await readFile(join(root, 'verifier-contract', 'contracts', file), 'utf8');
      expect(text.split(from).length, `${file} holds this exactly once: ${from}`).toBe(2);
    }
  });

  // Minutes of compiling: in the long run only.
  if (long)
    it.each(MUTANTS)('$file: a test fails without $from', async (mutant) => {
      expect((await hunt(root, mutant))?.name).toBeDefined();
    });
});
