/**
 * The Foundry tests against a contract with one bug at a time: each bug makes one of them fail. Minutes of compiling,
 * hence only with TACIT_LONG=1; otherwise the list is held against the sources.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hunt, MUTANTS } from '../foundry/mutants.js';
import { prepareFoundry } from '../foundry/prepare.js';
import { prepareRealPool } from '../foundry/realPool.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('mutants', () => {
  it('stand where the list says', async () => {
    for (const { file, from } of MUTANTS) {
      const text = await readFile(join(root, 'verifier-contract', 'contracts', file), 'utf8');
      expect(text.split(from).length, `${file}: ${from}`).toBe(2);
    }
  });
});

if (process.env.TACIT_LONG === '1')
  describe('a contract with a bug is found out', () => {
    beforeAll(async () => {
      await prepareFoundry(root);
      await prepareRealPool(root, 'short');
    });

    it.each(MUTANTS)('$file: $from', async (mutant) => {
      expect((await hunt(root, mutant))?.name).toBeDefined();
    });
  });
