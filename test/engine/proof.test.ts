/**
 * Whole proofs: snarkjs accepts ours, and with the same blinding both make the same bytes.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { calculateWitness } from '../../circuits/witness.js';
import { isTacitError } from '../../protocol/errors.js';
import { BASE_FIELD, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { placeCoefficients, scanCoefficients } from '../../prover/engine/groth16/coefficients.js';
import { memoryReader, readInteger, writeInteger } from '../../prover/engine/groth16/container.js';
import { openZkey } from '../../prover/engine/groth16/zkey.js';
import { insecureProveWithFixedBlinding, loadProvingKey, type ProvingKey, proveWithKey } from '../../prover/engine/prove.js';
import { seeded } from './harness.js';
import { SnarkjsOracle } from './snarkjs.js';

const SEED = 99;
const SIZES = [3, 6, 40];
const WITNESSES = 8;
const BUILD_TIMEOUT_MS = 240_000;

const oracle = await SnarkjsOracle.create();
const circuits: ProverCircuit[] = [];

beforeAll(async () => {
  for (const size of SIZES) circuits.push(await buildProverCircuit(productChain(size, 3n)));
}, BUILD_TIMEOUT_MS);
afterAll(() => oracle.close());

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
          const theirs = await oracle.prove(circuit.zkeyPath, wtns, blinding);
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
      for (const proved of both) expect(await oracle.verify(vkey, proved)).toBe(true);
      expect(both[0]?.proof).not.toEqual(both[1]?.proof);
      expect(progress.at(-1)).toBe(1);
      expect(both[0]?.timesMs.total).toBeGreaterThan(0);
      await key.close();
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'closing a key ends the proof in hand, those that wait, and all later ones',
    async () => {
      const circuit = circuits[2] as ProverCircuit;
      const key = await loadProvingKey(circuit.zkeyPath, { threads });
      expect(key.usable).toBe(true);
      let closing: Promise<void> | undefined;
      const closeKey = (): void => {
        closing ??= key.close();
      };
      const proofs = [proveWithKey(key, circuit.wtnsPath, { onProgress: closeKey }), proveWithKey(key, circuit.wtnsPath)];
      await Promise.all(proofs.map((proof) => expectCode(proof, 'PROVE_FAILED')));
      await closing;
      expect(key.usable).toBe(false);
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'numbers of threads that are none count as all of them',
    async () => {
      const [circuit] = circuits as [ProverCircuit];
      const key = await loadProvingKey(circuit.zkeyPath, { threads });
      for (const asked of [Number.NaN, 0, -1]) await proveWithKey(key, circuit.wtnsPath, { threads: asked });
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
      const proved = await proveWithKey(key, circuit.wtnsPath);
      expect(await oracle.verify(JSON.parse(readFileSync(circuit.vkeyPath, 'utf8')), proved)).toBe(true);
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
    await expectCode(load(tmpdir()), 'ARTIFACT_MISSING');
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

  it('keys with a point off its curve: in each query, and of the verifying key', async () => {
    const flipped = (at: number): Uint8Array => changed(zkey(), at, (zkey()[at] as number) ^ 1);
    for (const section of [5, 6, 7, 8, 9]) await expectCode(load(flipped(sectionAt(zkey(), section))), 'ZKEY_FORMAT');
    const points = sectionAt(zkey(), 2) + 84;
    for (const offset of [0, 64, 128, 384, 448]) await expectCode(load(flipped(points + offset)), 'ZKEY_FORMAT');
  });

  it('keys whose header names a point by a coordinate x + q', async () => {
    const points = sectionAt(zkey(), 2) + 84;
    for (const offset of [0, 64, 128, 384, 448]) {
      const bytes = zkey();
      bytes.set(writeInteger(readInteger(bytes, points + offset) + BASE_FIELD.prime), points + offset);
      await expectCode(load(bytes), 'ZKEY_FORMAT');
    }
  });

  it('a key whose coefficients change between the two readings', () => {
    const bytes = zkey();
    const key = openZkey(memoryReader(bytes));
    const scan = scanCoefficients(key);
    const matrix = (name: 'a' | 'b') => ({
      rowStarts: new Uint32Array(key.domainSize + 1),
      entries: new Uint32Array(2 * scan.totals[name]),
    });
    const place = (): void => placeCoefficients(key, scan, matrix('a'), matrix('b'));
    place();
    const entry = key.coefficients.offset;
    // Of the first entry: the matrix (another one, and none), the row (another one, and none), the signal.
    for (const at of [entry, entry + 3, entry + 4, entry + 7, entry + 11]) {
      bytes[at] = (bytes[at] as number) ^ 1;
      expect(place).toThrow(/ZKEY_FORMAT|not a usable/);
      bytes[at] = (bytes[at] as number) ^ 1;
    }
    place();
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
