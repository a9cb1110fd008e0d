/**
 * Wide arithmetic in Node, as soon as a Node has it: the kernels against the bigint reference, and whole proofs against
 * the portable backend's. Chromium has it behind a flag today: `test/browser/engine.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { buildProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { wideArithmeticAvailable } from '../../prover/engine/field/backends.js';
import { BACKEND_NAMES } from '../../prover/engine/field/representation.js';
import { insecureProveWithFixedBlinding, loadProvingKey } from '../../prover/engine/prove.js';
import { checkKernels } from '../browser/checks.js';

const BLINDING = { r: 1234567890123456789n, s: 9876543210987654321n };
/** A run that compared less has lost its way. */
const FEWEST_COMPARISONS = 10_000;

describe.each(BACKEND_NAMES.filter((backend) => backend === 'portable' || wideArithmeticAvailable()))(
  'backend %s in this Node',
  (backend) => {
    it('every kernel agrees with the bigint reference', async () => {
      expect(await checkKernels(backend)).toBeGreaterThan(FEWEST_COMPARISONS);
    });

    it('a proof is the portable backend’s for the same blinding', async () => {
      const circuit = await buildProverCircuit(productChain(6, 3n));
      const proofs = [];
      for (const name of ['portable', backend] as const) {
        const key = await loadProvingKey(circuit.zkeyPath, { threads: 2, backend: name });
        expect(key.backend).toBe(name);
        proofs.push((await insecureProveWithFixedBlinding(key, circuit.wtnsPath, BLINDING)).proof);
        await key.close();
      }
      expect(proofs[1]).toEqual(proofs[0]);
    });
  },
);
