/** The witness driver: what it refuses, what it says, and that it agrees with snarkjs' calculator. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { R1cs } from '../../circuits/r1cs.js';
import { calculateWitness } from '../../circuits/witness.js';
import { decodeWtns, wtnsOf } from '../../circuits/wtns.js';
import { applyBatch } from '../../ledger/applyBatch.js';
import { LedgerState } from '../../ledger/state.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { Random } from '../ledger/random.js';
import { DOMAIN } from '../protocol/walletSupport.js';
import { honestPlan, type Signals, transferSignals } from './helpers/transferProver.js';

const PROVER = `0x${'33'.repeat(20)}`;

let wasm: Uint8Array;
let wasmPath: string;
let r1csPath: string;
let signals: Signals;
beforeAll(async () => {
  ({ wasmPath, r1csPath } = await resolveArtifacts('transfer_1'));
  wasm = await readFile(wasmPath);
  signals = transferSignals(honestPlan());
});

describe('calculateWitness', () => {
  it('gives the same bytes from a path and from bytes, for bigints and for decimal strings', async () => {
    const text = JSON.parse(JSON.stringify(signals, (_, value) => (typeof value === 'bigint' ? value.toString() : value))) as Signals;
    const bytes = await calculateWitness(wasm, signals);
    // Buffers compare in no time; a list of a million numbers does not.
    expect(Buffer.compare(await calculateWitness(wasmPath, text), bytes)).toBe(0);
    expect(Buffer.compare(wtnsOf(decodeWtns(bytes)), bytes)).toBe(0);
  });
  it('gives the bytes that snarkjs gives', async () => {
    const library: string = 'snarkjs';
    const { wtns } = (await import(library)) as {
      wtns: { calculate(input: unknown, wasm: string, out: { type: 'mem'; data?: Uint8Array }): Promise<void> };
    };
    const update = await resolveArtifacts('update_2');
    const { input } = applyBatch(LedgerState.genesis(), 'update_2', new Random('circuits/witness').slots(2), PROVER, DOMAIN);
    for (const [path, values] of [
      [wasmPath, signals],
      [update.wasmPath, input],
    ] as const) {
      const out: { type: 'mem'; data?: Uint8Array } = { type: 'mem' };
      await wtns.calculate(values, path, out);
      expect(Buffer.compare(await calculateWitness(path, values), out.data!)).toBe(0);
    }
  });
  it('A13: a program file that changed is read again, and one that vanished is named', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tacit-witness-'));
    const path = join(dir, 'program.wasm');
    await writeFile(path, wasm);
    await calculateWitness(path, signals);
    await writeFile(path, wasm.subarray(0, wasm.length - 1));
    await expect(calculateWitness(path, signals)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
    await rm(dir, { recursive: true });
    await expect(calculateWitness(path, signals)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
  });
  it('names the failing template and line, and forgets it for the next call', async () => {
    const wrong = calculateWitness(wasm, { ...signals, fee: [99n] });
    await expect(wrong).rejects.toMatchObject({ code: 'WITNESS_ASSERTION', message: expect.stringMatching(/SpendSignature.*line/) });
    const other = await calculateWitness(wasm, { ...signals, h: 1n }).catch((e: Error) => e.message);
    expect(other).not.toContain('SpendSignature');
    await expect(calculateWitness(wasm, signals)).resolves.toBeInstanceOf(Uint8Array);
  });
  it.each([FIELD_MODULUS, FIELD_MODULUS + 5n, 2n * FIELD_MODULUS, -1n])(
    'A1: refuses the input %i instead of reducing it',
    async (value) => {
      await expect(calculateWitness(wasm, { ...signals, h: value })).rejects.toMatchObject({ code: 'WITNESS_INPUT_RANGE' });
    },
  );
  it('refuses missing, unknown and misshapen signals', async () => {
    const { h: _, ...missing } = signals;
    for (const input of [
      missing,
      { ...signals, other: 1n },
      { ...signals, fee: [1n, 2n] },
      { ...signals, fee: ['x'] },
      { ...signals, fee: [1.5] },
    ]) {
      await expect(calculateWitness(wasm, input)).rejects.toMatchObject({ code: 'WITNESS_INPUT' });
    }
  });
});

describe('R1cs', () => {
  it('names the first broken constraint, and refuses witnesses of another length or without the one', async () => {
    const r1cs = new R1cs(await readFile(r1csPath));
    const values = decodeWtns(await calculateWitness(wasm, signals));
    const wire = r1cs.constraint(1000).c[0]![0];
    const broken = [...values];
    broken[wire] = (broken[wire]! + 1n) % FIELD_MODULUS;
    expect(r1cs.uses(wire)).toContain(r1cs.firstBroken(broken));
    expect(() => r1cs.firstBroken(values.slice(1))).toThrowError(expect.objectContaining({ code: 'WITNESS_LENGTH' }));
    expect(() => r1cs.firstBroken([2n, ...values.slice(1)])).toThrowError(expect.objectContaining({ code: 'WITNESS_ONE' }));
    expect(() => new R1cs(new TextEncoder().encode('no constraints'))).toThrowError(expect.objectContaining({ code: 'FILE_FORMAT' }));
  });
});
