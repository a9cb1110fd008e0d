/** Many proofs in one process: memory stays flat and no thread is left behind. */
import { describe, expect, it } from 'vitest';
import { buildProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { loadProvingKey, proveWithKey } from '../../prover/engine/prove.js';

const WARM_UP = 50;
const PROOFS = 200;
const KEYS = 5;
const MOST_GROWTH_BYTES = 48 << 20;
const TIMEOUT_MS = 300_000;

describe('soak', () => {
  it(
    `${PROOFS} proofs on one key and ${KEYS} keys one after another leave memory and threads as they were`,
    async () => {
      const circuit = await buildProverCircuit(productChain(3, 3n));
      const before = process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;
      const key = await loadProvingKey(circuit.zkeyPath, { threads: 2 });
      for (let i = 0; i < WARM_UP; i++) await proveWithKey(key, circuit.wtnsPath);
      const warm = process.memoryUsage().rss;
      for (let i = 0; i < PROOFS; i++) await proveWithKey(key, circuit.wtnsPath);
      await key.close();
      for (let i = 0; i < KEYS; i++) {
        const another = await loadProvingKey(circuit.zkeyPath, { threads: 2 });
        await proveWithKey(another, circuit.wtnsPath);
        await another.close();
      }
      expect(process.memoryUsage().rss - warm).toBeLessThan(MOST_GROWTH_BYTES);
      expect(process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length).toBe(before);
    },
    TIMEOUT_MS,
  );
});
