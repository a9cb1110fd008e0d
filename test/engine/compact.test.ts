/** Compact keys: the zkey comes back byte for byte, proofs are the same, and nothing damaged is accepted. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { isTacitError } from '../../protocol/errors.js';
import { unzigzag, VariableReader, VariableWriter, zigzag } from '../../prover/engine/groth16/compact.js';
import { expandKey } from '../../prover/engine/groth16/compactReader.js';
import { compactKey } from '../../prover/engine/groth16/compactWriter.js';
import { formatFailure } from '../../prover/engine/groth16/container.js';
import { insecureProveWithFixedBlinding, loadProvingKey } from '../../prover/engine/prove.js';
import { seeded } from './harness.js';

const TIMEOUT_MS = 240_000;
const SEED = 31;
const BLINDING = { r: 12345n, s: 67890n };

let circuit: ProverCircuit;
let zkey: Uint8Array;
let compact: Uint8Array;

beforeAll(async () => {
  circuit = await buildProverCircuit(productChain(40, 3n));
  zkey = new Uint8Array(readFileSync(circuit.zkeyPath));
  compact = await compactKey(zkey);
}, TIMEOUT_MS);

/** Offset of a section's contents. */
function sectionAt(bytes: Uint8Array, type: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; ; at += 12 + Number(view.getBigUint64(at + 4, true))) if (view.getUint32(at, true) === type) return at + 12;
}

function changed(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = change(copy[at] as number) & 255;
  return copy;
}

/** Rejects with ZKEY_FORMAT and says what was expected and what came. */
async function expectRefused(work: Promise<unknown>, expected: RegExp, what = ''): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTacitError(error, 'ZKEY_FORMAT')) throw new Error(`${what}: expected ZKEY_FORMAT, got ${error}`);
  expect(String(error.expected), what).toMatch(expected);
  expect(String(error.got), what).not.toBe('');
}

describe('a compact key', () => {
  it('is smaller than half of the zkey and gives it back byte for byte, on one thread and on two', async () => {
    expect(compact.length).toBeLessThan(zkey.length / 2);
    for (const threads of [1, 2]) expect(Buffer.compare(await expandKey(compact, threads), zkey)).toBe(0);
  });

  it('makes the same proof as the zkey for the same blinding', async () => {
    const [proof, other] = await Promise.all(
      [zkey, compact].map(async (bytes) => {
        const key = await loadProvingKey(bytes, { threads: 1 });
        const result = await insecureProveWithFixedBlinding(key, circuit.wtnsPath, BLINDING);
        await key.close();
        return { proof: result.proof, publicSignals: result.publicSignals };
      }),
    );
    expect(other).toEqual(proof);
  });

  it('that is truncated anywhere is refused', async () => {
    const next = seeded(SEED);
    const lengths = [
      4,
      11,
      20,
      60,
      compact.length - 1,
      ...Array.from({ length: 12 }, () => 12 + Number(next(BigInt(compact.length - 12)))),
    ];
    for (const length of lengths) await expectRefused(loadProvingKey(compact.slice(0, length), { threads: 1 }), /./, `${length} bytes`);
  });

  it('of another version, or another hash, is refused', async () => {
    await expectRefused(expandKey(changed(compact, 4, () => 2)), /version 1/);
    await expectRefused(expandKey(changed(compact, 0, () => 65)), /tzkc/);
    await expectRefused(expandKey(changed(compact, sectionAt(compact, 0), (byte) => byte + 1)), /SHA-256/);
  });

  it('whose parts do not fit one another is refused', async () => {
    const header = sectionAt(compact, 0);
    await expectRefused(expandKey(changed(compact, header + 32, (byte) => byte + 1)), /bytes in all/);
    await expectRefused(expandKey(changed(compact, header + 39, () => 1)), /a zkey of/);
    const coefficients = sectionAt(compact, 4);
    await expectRefused(expandKey(changed(compact, coefficients, (byte) => byte + 1)), /./);
    await expectRefused(expandKey(changed(compact, coefficients + 4, (byte) => byte - 1)), /./);
    await expectRefused(expandKey(changed(compact, sectionAt(compact, 5) + 4, (byte) => byte ^ 1)), /abscissae in section 5/);
  });

  it('with one wrong bit in a coordinate, a sign or a coefficient is refused by its hash', async () => {
    for (const type of [2, 5, 7, 9]) {
      const { length } = compact;
      const end = type === 9 ? Math.min(length, sectionAt(compact, 10) - 12) : sectionAt(compact, type) + 100;
      await expectRefused(expandKey(changed(compact, end - 1, (byte) => byte ^ 128)), /SHA-256/, `section ${type}`);
    }
    await expectRefused(expandKey(changed(compact, sectionAt(compact, 4) + 8, (byte) => byte ^ 1)), /SHA-256/);
  });

  it('is not made of what is no key, nor of entries in another order', async () => {
    await expectRefused(compactKey(compact), /zkey/);
    await expectRefused(compactKey(zkey.slice(0, 500)), /./);
    const shuffled = zkey.slice();
    const first = sectionAt(zkey, 4) + 4;
    shuffled.set(zkey.subarray(first + 44, first + 88), first);
    shuffled.set(zkey.subarray(first, first + 44), first + 44);
    await expectRefused(compactKey(changed(shuffled, first + 4, () => 9)), /order of rows/);
  });
});

describe('integers of variable length', () => {
  it('come back, up to the largest, and nothing is left over', () => {
    const values = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32 - 1, 2 ** 33 - 1];
    const writer = new VariableWriter();
    for (const value of values) writer.push(value);
    const reader = new VariableReader(writer.finish().subarray(4), 'numbers', formatFailure('ZKEY_FORMAT', 'a test'));
    for (const value of values) expect(reader.next()).toBe(value);
    reader.end();
    expect(() => reader.next()).toThrow(/a test/);
    for (const overlong of [
      [...Array(200).fill(128), 0],
      [128, 128, 128, 128, 128, 1],
    ]) {
      const endless = new VariableReader(Uint8Array.from(overlong), 'numbers', formatFailure('ZKEY_FORMAT', 'a test'));
      expect(() => endless.next()).toThrow(/a test/);
    }
    for (const difference of [0, 1, -1, 25_000, -25_000, 2 ** 31, -(2 ** 31)]) expect(unzigzag(zigzag(difference))).toBe(difference);
  });
});
