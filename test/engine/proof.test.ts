/**
 * Whole proofs: snarkjs accepts ours, and with the same blinding both make the same bytes.
 * snarkjs draws r and s from its one shared curve object; the tests replace that one function.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { calculateWitness } from '../../circuits/witness.js';
import { isTacitError } from '../../protocol/errors.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import {
  insecureProveWithFixedBlinding,
  loadProvingKey,
  type ProvingKey,
  proveWithKey,
  type SnarkjsProof,
} from '../../prover/engine/prove.js';
import { seeded } from './harness.js';

interface Proved {
  proof: SnarkjsProof;
  publicSignals: string[];
}
interface Curve {
  Fr: { random(): Uint8Array; e(value: bigint): Uint8Array };
  terminate(): Promise<void>;
}
interface Snarkjs {
  groth16: {
    prove(zkey: string, wtns: Uint8Array): Promise<Proved>;
    verify(vkey: unknown, publicSignals: string[], proof: SnarkjsProof): Promise<boolean>;
  };
  curves: { getCurveFromName(name: string): Promise<Curve> };
}

const SEED = 99;
const SIZES = [3, 6, 40];
const WITNESSES = 8;
const BUILD_TIMEOUT_MS = 240_000;

// @ts-expect-error snarkjs has no types
const snarkjs = (await import('snarkjs')) as Snarkjs;
const curve = await snarkjs.curves.getCurveFromName('bn128');
const circuits: ProverCircuit[] = [];

beforeAll(async () => {
  for (const size of SIZES) circuits.push(await buildProverCircuit(productChain(size, 3n)));
}, BUILD_TIMEOUT_MS);
afterAll(() => curve.terminate());

async function withSnarkjsBlinding<T>(blinding: { r: bigint; s: bigint }, work: () => Promise<T>): Promise<T> {
  const { Fr } = curve;
  const original = Fr.random;
  const values = [blinding.r, blinding.s];
  Fr.random = () => Fr.e(values.shift() as bigint);
  try {
    return await work();
  } finally {
    Fr.random = original;
  }
}

async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isTacitError(error, code), `${code}, got ${String(error)}`).toBe(true);
}

describe.each([1, 2])('with %i thread(s)', (threads) => {
  it(
    "proofs equal snarkjs' for the same blinding, over circuits, witnesses and edge values of r and s",
    async () => {
      const next = seeded(SEED + threads);
      for (const circuit of circuits) {
        const key = await loadProvingKey(circuit.zkeyPath, { threads });
        for (let i = 0; i < WITNESSES; i++) {
          const seed = i === 0 ? 0n : i === 1 ? SCALAR_FIELD.prime - 1n : next(SCALAR_FIELD.prime);
          const wtns = await calculateWitness(circuit.wasmPath, { seed: seed.toString(), bit: String(i % 2) });
          const blinding =
            i === 0
              ? { r: 0n, s: 0n }
              : i === 1
                ? { r: 1n, s: SCALAR_FIELD.prime - 1n }
                : { r: next(SCALAR_FIELD.prime), s: next(SCALAR_FIELD.prime) };
          const ours = await insecureProveWithFixedBlinding(key, wtns, blinding);
          const theirs = await withSnarkjsBlinding(blinding, () => snarkjs.groth16.prove(circuit.zkeyPath, wtns));
          expect(ours.proof).toEqual(theirs.proof);
          expect(ours.publicSignals).toEqual(theirs.publicSignals);
        }
        await key.close();
      }
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'snarkjs accepts a proof with fresh randomness, and two proofs differ',
    async () => {
      const [circuit] = circuits as [ProverCircuit];
      const key = await loadProvingKey(new Uint8Array(readFileSync(circuit.zkeyPath)), { threads });
      const progress: number[] = [];
      const both = await Promise.all([
        proveWithKey(key, circuit.wtnsPath, { onProgress: ({ fraction }) => progress.push(fraction) }),
        proveWithKey(key, new Uint8Array(readFileSync(circuit.wtnsPath))),
      ]);
      const vkey: unknown = JSON.parse(readFileSync(circuit.vkeyPath, 'utf8'));
      for (const { proof, publicSignals } of both) expect(await snarkjs.groth16.verify(vkey, publicSignals, proof)).toBe(true);
      expect(both[0]?.proof).not.toEqual(both[1]?.proof);
      expect(progress.at(-1)).toBe(1);
      expect(both[0]?.timesMs.total).toBeGreaterThan(0);
      await key.close();
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'a cancelled proof rejects with PROVE_CANCELLED and the key serves the next one',
    async () => {
      const circuit = circuits[2] as ProverCircuit;
      const key = await loadProvingKey(circuit.zkeyPath, { threads });
      const controller = new AbortController();
      const cancelled = proveWithKey(key, circuit.wtnsPath, { signal: controller.signal, onProgress: () => controller.abort() });
      await expectCode(cancelled, 'PROVE_CANCELLED');
      await expectCode(proveWithKey(key, circuit.wtnsPath, { signal: AbortSignal.abort() }), 'PROVE_CANCELLED');
      const { proof, publicSignals } = await proveWithKey(key, circuit.wtnsPath);
      expect(await snarkjs.groth16.verify(JSON.parse(readFileSync(circuit.vkeyPath, 'utf8')), publicSignals, proof)).toBe(true);
      await key.close();
      await expectCode(proveWithKey(key, circuit.wtnsPath), 'PROVE_FAILED');
    },
    BUILD_TIMEOUT_MS,
  );
});

describe('refusals', () => {
  const zkey = (): Uint8Array => new Uint8Array(readFileSync((circuits[0] as ProverCircuit).zkeyPath));
  const wtns = (): Uint8Array => new Uint8Array(readFileSync((circuits[0] as ProverCircuit).wtnsPath));
  const load = (bytes: Uint8Array | string): Promise<ProvingKey> => loadProvingKey(bytes, { threads: 1 });
  /** Offset of a section's contents. */
  const sectionAt = (bytes: Uint8Array, type: number): number => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 12; ; at += 12 + Number(view.getBigUint64(at + 4, true))) if (view.getUint32(at, true) === type) return at + 12;
  };
  const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
    bytes[at] = value;
    return bytes;
  };

  it('keys that are missing, truncated, of another kind, curve or shape', async () => {
    await expectCode(load('/nonexistent.zkey'), 'ARTIFACT_MISSING');
    await expectCode(load(new Uint8Array(5)), 'ZKEY_FORMAT');
    await expectCode(load(wtns()), 'ZKEY_FORMAT');
    for (const keep of [11, 40, 300, zkey().length - 1]) await expectCode(load(zkey().slice(0, keep)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), 4, 2)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), sectionAt(zkey(), 1), 2)), 'ZKEY_FORMAT');
    const header = sectionAt(zkey(), 2);
    await expectCode(load(changed(zkey(), header + 5, 1)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), header + 36 + 5, 1)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), header + 72, 200)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), header + 80, 3)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), sectionAt(zkey(), 4), 1)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), sectionAt(zkey(), 4) + 4, 7)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), sectionAt(zkey(), 4) + 4 + 11, 255)), 'ZKEY_FORMAT');
    await expectCode(load(changed(zkey(), sectionAt(zkey(), 9) + 31, 255)), 'ZKEY_FORMAT');
  });

  it('witnesses that are missing, truncated, of another field, length or range', async () => {
    const key = await load(zkey());
    const prove = (witness: string | Uint8Array): Promise<unknown> => proveWithKey(key, witness);
    await expectCode(prove('/nonexistent.wtns'), 'ARTIFACT_MISSING');
    await expectCode(prove(new Uint8Array(3)), 'WTNS_FORMAT');
    await expectCode(prove(wtns().slice(0, -1)), 'WTNS_FORMAT');
    await expectCode(prove(changed(wtns(), sectionAt(wtns(), 1) + 4, 0)), 'WTNS_FORMAT');
    await expectCode(prove(changed(wtns(), sectionAt(wtns(), 2), 2)), 'WTNS_FORMAT');
    await expectCode(prove(changed(wtns(), sectionAt(wtns(), 2) + 63, 255)), 'WTNS_FORMAT');
    await expectCode(prove(new Uint8Array(readFileSync((circuits[1] as ProverCircuit).wtnsPath))), 'WITNESS_MISMATCH');
    await expectCode(proveWithKey(key, wtns(), { backend: 'wide' }), 'BACKEND_MISSING');
    await key.close();
  });
});

describe('a process that proved', () => {
  const compiled = fileURLToPath(new URL('../../dist/prover/engine/prove.js', import.meta.url));
  it.skipIf(!existsSync(compiled))(
    'ends by itself',
    async () => {
      const circuit = circuits[0] as ProverCircuit;
      const script = `import { loadProvingKey, proveWithKey } from ${JSON.stringify(compiled)};
      const key = await loadProvingKey(process.argv[1], { threads: 2 });
      await proveWithKey(key, process.argv[2]);
      console.log('proved');`;
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, circuit.zkeyPath, circuit.wtnsPath], {
        timeout: BUILD_TIMEOUT_MS,
      });
      expect(stdout.trim()).toBe('proved');
    },
    BUILD_TIMEOUT_MS,
  );
});
