/** The production path on a circuit of a few constraints: phase 1 made here, import, phase 2, beacon, verification. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBn254 } from '../../circuits/setup/bn254.js';
import {
  applyBeacon,
  contribute,
  exportVerifyingKey,
  type FileHash,
  importPowersOfTau,
  startPhase2,
} from '../../circuits/setup/ceremony.js';
import { insecureDevSetup } from '../../circuits/setup/insecureDevSetup.js';
import { assertIndependentDeltas } from '../../circuits/setup/toxicWaste.js';
import { verifySetup } from '../../circuits/setup/verifySetup.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { compileSmall } from './helpers/smallCircuit.js';

const circuitText = (power: number): string => `
pragma circom 2.1.6;
template Power(N) {
    signal input y;
    signal input x;
    signal step[N];
    step[0] <== x * x;
    for (var i = 1; i < N; i++) { step[i] <== step[i - 1] * x; }
    y === step[N - 1] * x + 1;
}
component main { public [y] } = Power(${power});
`;

interface Library {
  curves: { getCurveFromName(name: string): Promise<{ terminate(): Promise<void> }> };
  powersOfTau: {
    newAccumulator(curve: unknown, power: number, out: string): Promise<unknown>;
    contribute(from: string, to: string, name: string, entropy: string): Promise<unknown>;
    preparePhase2(from: string, to: string): Promise<unknown>;
  };
}
const PACKAGE: string = 'snarkjs';
const POWER = 4;
const BEACON = '0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20';
/** Offset of γ2 and δ2 in a zkey's second section: sizes and moduli, counts, α1 β1 β2, γ2, δ1. */
const GAMMA_2 = 2 * 36 + 12 + 64 + 64 + 128;
const DELTA_2 = GAMMA_2 + 128 + 64;

let dir: string;
let r1csPath: string;
let otherR1cs: string;
let final: string;
let ptauHash: FileHash;
const at = (name: string): string => join(dir, name);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tacit-ceremony-'));
  ({ r1csPath } = await compileSmall(circuitText(5)));
  ({ r1csPath: otherR1cs } = await compileSmall(circuitText(6)));
  const { curves, powersOfTau } = (await import(PACKAGE)) as Library;
  const curve = await curves.getCurveFromName('bn128');
  for (const name of ['published', 'other']) {
    await powersOfTau.newAccumulator(curve, POWER, at('new.ptau'));
    await powersOfTau.contribute(at('new.ptau'), at('raw.ptau'), name, `entropy of ${name}`);
    await powersOfTau.preparePhase2(at('raw.ptau'), at(`${name}.ptau`));
  }
  await curve.terminate();
  const bytes = await readFile(at('published.ptau'));
  ptauHash = { algorithm: 'blake2b512', hex: createHash('blake2b512').update(bytes).digest('hex') };
  await importPowersOfTau({ from: at('published.ptau'), to: at('phase1.ptau'), hash: ptauHash, verifyTranscript: true });
  await startPhase2(r1csPath, at('phase1.ptau'), at('start.zkey'));
  await contribute(at('start.zkey'), at('one.zkey'), 'first participant', 'dice');
  await contribute(at('one.zkey'), at('two.zkey'), 'second participant');
  await applyBeacon(at('two.zkey'), at('final.zkey'), 'block hash', BEACON, 10);
  final = at('final.zkey');
  await writeFile(at('vkey.json'), JSON.stringify(await exportVerifyingKey(final)));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const verify = (change: Partial<Parameters<typeof verifySetup>[0]> = {}) =>
  verifySetup({ zkeyPath: final, r1csPath, ptauPath: at('phase1.ptau'), ptauHash, ...change });
/** A copy of the final key with some bytes changed. */
async function tampered(name: string, change: (bytes: Buffer, section2: number) => void): Promise<string> {
  const bytes = await readFile(final);
  // Section 1 holds one word; section 2 comes next.
  change(bytes, 12 + 12 + 4 + 12);
  await writeFile(at(name), bytes);
  return at(name);
}

describe('a real ceremony in small', () => {
  it('A13 honest: is verified, with contributions and beacon by name', async () => {
    const verdict = await verify({ vkeyPath: at('vkey.json') });
    expect(verdict).toMatchObject({ insecure: false, endsWithBeacon: true, publicInputs: 1, zkeySha256: sha256(await readFile(final)) });
    expect(verdict.contributions).toEqual([
      { kind: 'contribution', name: 'first participant' },
      { kind: 'contribution', name: 'second participant' },
      { kind: 'beacon', name: 'block hash' },
    ]);
  });
  it('A13: a powers-of-tau file is taken by its hash only', async () => {
    const hash: FileHash = { algorithm: 'sha256', hex: '00'.repeat(32) };
    expect(await code(importPowersOfTau({ from: at('published.ptau'), to: at('never.ptau'), hash }))).toBe('SETUP_PTAU_HASH');
    expect(await code(readFile(at('never.ptau')))).toBe('ENOENT');
    expect(await code(verify({ ptauPath: at('other.ptau') }))).toBe('SETUP_PTAU_HASH');
  });
  it('A13: refuses a beacon out of range', async () => {
    expect(await code(applyBeacon(at('two.zkey'), at('never.zkey'), 'b', 'zz', 10))).toBe('SETUP_BEACON');
    expect(await code(applyBeacon(at('two.zkey'), at('never.zkey'), 'b', BEACON, 9))).toBe('SETUP_BEACON');
  });
});

describe('A13: keys that are refused', () => {
  it('A13: zero contributions', async () => {
    expect(await code(verify({ zkeyPath: at('start.zkey') }))).toBe('SETUP_DELTA');
  });
  it('A13: a beacon and nobody’s secret', async () => {
    await applyBeacon(at('start.zkey'), at('beaconOnly.zkey'), 'b', BEACON, 10);
    expect(await code(verify({ zkeyPath: at('beaconOnly.zkey') }))).toBe('SETUP_CONTRIBUTIONS');
  });
  it('A13: fewer contributions than asked for', async () => {
    expect(await code(verify({ minContributions: 3 }))).toBe('SETUP_CONTRIBUTIONS');
  });
  it('A13: wrong powers of tau', async () => {
    const { ptauHash: _, ...options } = { zkeyPath: final, r1csPath, ptauPath: at('other.ptau'), ptauHash };
    expect(await code(verifySetup(options))).toBe('SETUP_MISMATCH');
  });
  it('A13: the key of another circuit', async () => {
    expect(await code(verify({ r1csPath: otherR1cs }))).toBe('SETUP_MISMATCH');
  });
  it.each([0.25, 0.5, 0.75])('A13: one flipped byte, at %f of the file', async (place) => {
    const path = await tampered('flipped.zkey', (bytes) => {
      bytes[Math.floor(bytes.length * place)]! ^= 1;
    });
    expect(['SETUP_MISMATCH', 'SNARKJS_FAILED']).toContain(await code(verify({ zkeyPath: path })));
  });
  it('A13: δ = γ and δ = −γ', async () => {
    const equal = await tampered('equal.zkey', (bytes, start) =>
      bytes.copy(bytes, start + DELTA_2, start + GAMMA_2, start + GAMMA_2 + 128),
    );
    expect(await code(verify({ zkeyPath: equal }))).toBe('SETUP_DELTA');
    const { G2, Fr } = await loadBn254();
    const opposite = await tampered('opposite.zkey', (bytes, start) =>
      G2.toRprLEM(bytes, start + DELTA_2, G2.toAffine(G2.timesFr(G2.g, Fr.e(FIELD_MODULUS - 1n)))),
    );
    expect(await code(verify({ zkeyPath: opposite }))).toBe('SETUP_DELTA');
  });
  it('A13: the δ of another key of the same contract, or another phase 1', async () => {
    await copyFile(final, at('twin.zkey'));
    expect(await code(verify({ foldedWith: [at('twin.zkey')] }))).toBe('SETUP_DELTA');
    expect(await code(verify({ foldedWith: [at('two.zkey')] }))).toBe('none');
    await startPhase2(r1csPath, at('other.ptau'), at('elsewhere.zkey'));
    expect(await code(verify({ foldedWith: [at('elsewhere.zkey')] }))).toBe('SETUP_PHASE1');
  });
  it('A13: a verifying key of another proving key', async () => {
    await writeFile(at('wrong.json'), JSON.stringify(await exportVerifyingKey(at('two.zkey'))));
    expect(await code(verify({ vkeyPath: at('wrong.json') }))).toBe('SETUP_VKEY');
  });
});

describe('A13: development keys', () => {
  it('A13: are refused unless allowed, and recomputed where allowed', async () => {
    const dev = { circuit: 'transfer_1', r1csPath, zkeyPath: at('dev.zkey'), vkeyPath: at('dev.json') } as const;
    await insecureDevSetup({ ...dev, threads: 1 });
    expect(await code(verify(dev))).toBe('SETUP_INSECURE');
    expect(await verify({ ...dev, allowInsecureDev: true })).toMatchObject({ insecure: true, contributions: [] });
    expect(await code(verify({ ...dev, r1csPath: otherR1cs, allowInsecureDev: true }))).toBe('SETUP_MISMATCH');
    const bytes = await readFile(at('dev.zkey'));
    // The mark alone may be scratched off; the published α still tells.
    bytes.fill(0, bytes.length - 68, bytes.length - 4);
    await writeFile(at('scratched.zkey'), bytes);
    expect(await code(verify({ ...dev, zkeyPath: at('scratched.zkey') }))).toBe('SETUP_INSECURE');
    expect(await code(verify({ ...dev, zkeyPath: at('scratched.zkey'), allowInsecureDev: true }))).toBe('SETUP_MISMATCH');
  });
  it('A11: δ equal to ± another, ± γ or ± 1 is refused', () => {
    const refuse = (deltas: bigint[], gamma = 7n): void =>
      expect(() => assertIndependentDeltas(deltas, gamma)).toThrowError(expect.objectContaining({ code: 'SETUP_DELTA' }));
    assertIndependentDeltas([2n, 3n], 7n);
    for (const deltas of [[2n, 2n], [2n, FIELD_MODULUS - 2n], [7n], [FIELD_MODULUS - 7n], [1n], [FIELD_MODULUS - 1n], [0n]]) refuse(deltas);
  });
});
