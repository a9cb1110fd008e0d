/**
 * Many proofs in one process: memory stays flat, no thread is left behind, and every proof is valid.
 * Two hundred on a tiny circuit in every run; TACIT_LONG=1 takes a thousand, and a hundred of update(2), some cancelled.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { benchCircuit } from '../../bench/proverInputs.js';
import { isTacitError } from '../../protocol/errors.js';
import { loadProvingKey, type ProvingKey, proveWithKey } from '../../prover/engine/prove.js';
import { seeded } from './harness.js';
import { SnarkjsOracle } from './snarkjs.js';

const WARM_UP = 50;
const LONG = process.env.TACIT_LONG === '1';
const PROOFS = LONG ? 1000 : 200;
const UPDATE_PROOFS = 100;
/** Every so many proofs of update(2) one is cancelled at a random step. */
const CANCEL_EVERY = 5;
const MOST_STEPS = 60;
const SEED = 7;
const KEYS = 5;
const MOST_GROWTH_BYTES = 48 << 20;
/** Generous: other work on the machine may take most of its cores. */
const TIMEOUT_MS = 4 * 3_600_000;

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

  it.skipIf(!LONG)(
    `${UPDATE_PROOFS} proofs of update(2), every one valid`,
    async () => {
      const circuit = await benchCircuit('update_2');
      const oracle = await SnarkjsOracle.create();
      const vkey: unknown = JSON.parse(readFileSync(circuit.vkeyPath, 'utf8'));
      const next = seeded(SEED);
      const key = await loadProvingKey(circuit.zkeyPath, { threads: 2 });
      for (let i = 0; i < UPDATE_PROOFS; i++) {
        if (i % CANCEL_EVERY === CANCEL_EVERY - 1) await cancelSomewhere(key, circuit.wtnsPath, Number(next(BigInt(MOST_STEPS))));
        expect(await oracle.verify(vkey, await proveWithKey(key, circuit.wtnsPath)), `proof ${i}`).toBe(true);
      }
      await key.close();
      await oracle.close();
    },
    TIMEOUT_MS,
  );
});

async function cancelSomewhere(key: ProvingKey, wtnsPath: string, step: number): Promise<void> {
  const controller = new AbortController();
  let steps = 0;
  const onProgress = (): void => {
    if (steps++ === step) controller.abort();
  };
  const error: unknown = await proveWithKey(key, wtnsPath, { signal: controller.signal, onProgress }).catch((reason: unknown) => reason);
  expect(isTacitError(error, 'PROVE_CANCELLED')).toBe(true);
}
