/**
 * The place where a helper joins a proof: with it and without it, the proof is the one that the engine makes alone. The
 * helper here computes with bigints. How helpers fail: hostFailures.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { calculateWitness } from '../../circuits/witness.js';
import { insecureProveWithFixedBlinding, loadProvingKey, type ProveResult, type ProvingKey } from '../../prover/engine/prove.js';
import { BigintHelper, helperMaker } from './bigintHelper.js';

const BLINDING = { r: 1234567890123456789n, s: 9876543210987654321n };
const BUILD_TIMEOUT_MS = 240_000;
const ALL_G1 = { a: 'bigint', b1: 'bigint', b2: 'wasm', c: 'bigint', h: 'bigint' };
const ALL_WASM = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };

let circuit: ProverCircuit;
let alone: ProveResult;
const open: ProvingKey[] = [];

beforeAll(async () => {
  circuit = await buildProverCircuit(productChain(6, 3n));
  alone = await insecureProveWithFixedBlinding(await keyWith(), circuit.wtnsPath, BLINDING);
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  for (const key of open) await key.close();
});

async function keyWith(helper?: BigintHelper, threads = 2): Promise<ProvingKey> {
  const key = await loadProvingKey(circuit.zkeyPath, { threads, ...(helper && { helper: helperMaker(helper) }) });
  open.push(key);
  return key;
}

const prove = (key: ProvingKey, options = {}): Promise<ProveResult> =>
  insecureProveWithFixedBlinding(key, circuit.wtnsPath, BLINDING, options);

describe('a helper of the proof', () => {
  it('without one, everything is computed here', () => {
    expect(alone.sums).toEqual(ALL_WASM);
    expect(alone.helperFailures).toEqual([]);
  });

  it('gets every base of G1 as it stands in the key, and the pool agrees with it on a combination of them', async () => {
    const helper = new BigintHelper({ compares: true });
    await keyWith(helper);
    expect([...helper.compared.keys()]).toEqual(['a', 'b1', 'c', 'h']);
    for (const [name, { ours, pool }] of helper.compared) expect(pool, name).toEqual(ours);
  });

  it('computes the sums it takes, and the proof is the same', async () => {
    for (const threads of [1, 2]) {
      const key = await keyWith(new BigintHelper(), threads);
      for (let i = 0; i < 2; i++) {
        const progress: number[] = [];
        const { proof, publicSignals, sums, helperFailures } = await prove(key, {
          onProgress: ({ fraction }: { fraction: number }) => progress.push(fraction),
        });
        expect({ proof, publicSignals, sums }).toEqual({ proof: alone.proof, publicSignals: alone.publicSignals, sums: ALL_G1 });
        expect(helperFailures).toEqual([]);
        expect(progress.at(-1)).toBe(1);
      }
    }
  });

  it('takes only what it says it takes', async () => {
    const key = await keyWith(new BigintHelper({ takes: (name) => name === 'h' }));
    const { proof, sums } = await prove(key);
    expect(proof).toEqual(alone.proof);
    expect(sums).toEqual({ ...ALL_WASM, h: 'bigint' });
  });

  it('where it takes neither C nor H, both are one sum of the pool, as without a helper', async () => {
    for (const [takes, apart] of [
      [['a', 'b1'], false],
      [['a', 'c'], true],
      [['h'], true],
      [[], false],
    ] as const) {
      const key = await keyWith(new BigintHelper({ takes: (name) => (takes as readonly string[]).includes(name) }));
      const { proof, timesMs } = await prove(key);
      expect(proof).toEqual(alone.proof);
      const ofBoth = Object.keys(timesMs).filter((phase) => /^[ch]( |$)/.test(phase));
      expect(ofBoth, takes.join()).toHaveLength(apart ? 2 : 1);
    }
  });

  it('is left out where the caller wants the engine alone', async () => {
    const { proof, sums } = await prove(await keyWith(new BigintHelper()), { helped: false });
    expect(proof).toEqual(alone.proof);
    expect(sums).toEqual(ALL_WASM);
  });

  it('is not blamed for a witness that does not satisfy the circuit', async () => {
    const helper = new BigintHelper();
    const key = await keyWith(helper);
    const wrong = (await calculateWitness(circuit.wasmPath, { seed: '3', bit: '1' })).slice();
    // The last value of the witness, below r after the change as before.
    wrong[wrong.length - 32] = (wrong[wrong.length - 32] as number) ^ 1;
    const helped = await insecureProveWithFixedBlinding(key, wrong, BLINDING);
    const unhelped = await insecureProveWithFixedBlinding(key, wrong, BLINDING, { helped: false });
    expect(helped.proof).toEqual(unhelped.proof);
    expect(helped.sums).toEqual(ALL_G1);
    expect(helper.distrusted).toBe(0);
  });

  it('is closed with the key', async () => {
    const helper = new BigintHelper();
    const key = await keyWith(helper);
    await key.close();
    expect(helper.closed).toBe(true);
  });
});
