/** Pinned counts, hash-checked artifacts, real proofs with the development keys. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkFiles, loadPins, resolveArtifacts } from '../../circuits/artifacts.js';
import { ARTIFACT_KINDS, loadManifest } from '../../circuits/manifest.js';
import { R1cs } from '../../circuits/r1cs.js';
import { circuitSources } from '../../circuits/sources.js';
import { calculateWitness } from '../../circuits/witness.js';
import { decodeWtns } from '../../circuits/wtns.js';
import { applyBatch } from '../../ledger/applyBatch.js';
import { LedgerState } from '../../ledger/state.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { isTacitError } from '../../protocol/errors.js';
import type { PublicInputs } from '../../protocol/fingerprint.js';
import { transferCircuitInput } from '../../protocol/transfer.js';
import { Random } from '../ledger/random.js';
import { DOMAIN, USUAL, witness, world } from '../protocol/walletSupport.js';

const PROVER = `0x${'33'.repeat(20)}`;
/** Most constraints a transfer or a slot may take. */
const LIMITS: Partial<Record<CircuitName, number>> = { transfer_1: 24_500, transfer_8: 24_500, update_2: 32_600, update_8: 25_500 };
/** Exact counts; a change must be meant. */
const COUNTS: Partial<Record<CircuitName, number>> = { transfer_1: 23_881, transfer_8: 187_072, update_2: 64_437, update_8: 200_571 };

interface Snarkjs {
  groth16: {
    prove(zkey: string, wtns: Uint8Array): Promise<{ proof: unknown; publicSignals: string[] }>;
    verify(vkey: unknown, publicSignals: string[], proof: unknown): Promise<boolean>;
  };
  zKey: { exportVerificationKey(zkey: string): Promise<unknown> };
}
const PACKAGE: string = 'snarkjs';
const snarkjs = (await import(PACKAGE)) as Snarkjs;
const temporary: string[] = [];

afterAll(async () => {
  await (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128?.terminate();
  for (const dir of temporary) await rm(dir, { recursive: true, force: true });
});

describe('pins', () => {
  it.each(Object.entries(COUNTS) as [CircuitName, number][])(
    '%s has exactly %i constraints, within its limit and its domain',
    (name, count) => {
      const pins = loadPins()[name]!;
      expect(pins.constraints).toBe(count);
      expect(pins.constraints / CIRCUITS[name].size).toBeLessThanOrEqual(LIMITS[name]!);
      // Three public inputs and the constant take a row each.
      expect(pins.constraints + 4).toBeLessThanOrEqual(pins.domainSize);
    },
  );
  it('transfer(1) fits 2^15 and update(2) fits 2^16', () => {
    expect(loadPins().transfer_1!.domainSize).toBe(2 ** 15);
    expect(loadPins().update_2!.domainSize).toBe(2 ** 16);
  });
  it.each(Object.keys(loadPins()) as CircuitName[])('the sources of %s are the pinned ones', (name) => {
    expect(circuitSources(name).hash).toBe(loadPins()[name]!.sourceHash);
  });
});

describe('artifacts', () => {
  it('declare three public inputs, no outputs, and are marked insecure', async () => {
    const { r1csPath, zkeyPath, manifest } = await resolveArtifacts('transfer_1');
    const { outputs, publicInputs } = new R1cs(await readFile(r1csPath)).header;
    expect([outputs, publicInputs]).toEqual([0, 3]);
    expect(manifest.insecure).toBe(true);
    expect(zkeyPath).toContain('insecure-dev');
  });

  it.each(ARTIFACT_KINDS)('A13: one flipped byte of the %s is named', async (kind) => {
    const { dir, manifest } = await resolveArtifacts('transfer_1');
    const copy = await mkdtemp(join(tmpdir(), 'tacit-artifacts-'));
    temporary.push(copy);
    await cp(dir, copy, { recursive: true });
    const file = join(copy, manifest.artifacts[kind].file);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file, bytes);
    const error = await checkFiles(copy, loadManifest(copy)).catch((e: unknown) => e);
    expect(isTacitError(error, 'ARTIFACT_HASH')).toBe(true);
    expect((error as Error).message).toContain(file);
    await rm(copy, { recursive: true });
  });

  it('A13: a missing file is named', async () => {
    const { dir, manifest } = await resolveArtifacts('transfer_1');
    const copy = await mkdtemp(join(tmpdir(), 'tacit-artifacts-'));
    temporary.push(copy);
    await cp(dir, copy, { recursive: true });
    await rm(join(copy, manifest.artifacts.zkey.file));
    await expect(checkFiles(copy, loadManifest(copy))).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
    // Who asks for other files only is not concerned.
    const { wasm, vkey } = manifest.artifacts;
    expect(await checkFiles(copy, loadManifest(copy), ['wasm', 'vkey'])).toEqual({ wasm: wasm.sha256, vkey: vkey.sha256 });
  });
});

describe('proofs', () => {
  const inputs: [CircuitName, () => { input: Record<string, unknown>; publicInputs: PublicInputs }][] = [
    [
      'transfer_1',
      () => {
        const w = world('circuits/proof', USUAL);
        return transferCircuitInput('transfer_1', [witness(w, USUAL)], w.tree.root, PROVER, DOMAIN);
      },
    ],
    ['update_2', () => applyBatch(LedgerState.genesis(), 'update_2', new Random('circuits/proof').slots(2), PROVER, DOMAIN)],
  ];
  it.each(inputs)('%s: snarkjs proves with the development key and verifies', async (name, make) => {
    const { wasmPath, zkeyPath, vkey } = await resolveArtifacts(name);
    const { input, publicInputs } = make();
    const { proof, publicSignals } = await snarkjs.groth16.prove(zkeyPath, await calculateWitness(wasmPath, input));
    expect(publicSignals).toEqual([publicInputs.h, publicInputs.z, publicInputs.y].map(String));
    expect(await snarkjs.groth16.verify(vkey, publicSignals, proof)).toBe(true);
    for (const i of [0, 1, 2]) {
      const altered = publicSignals.map((signal, j) => (i === j ? String(BigInt(signal) + 1n) : signal));
      expect(await snarkjs.groth16.verify(vkey, altered, proof)).toBe(false);
    }
    expect(await snarkjs.zKey.exportVerificationKey(zkeyPath)).toEqual(vkey);
  });

  it('update_8 accepts a batch of the oracle', async () => {
    const { wasmPath, r1csPath } = await resolveArtifacts('update_8');
    const first = applyBatch(LedgerState.genesis(), 'update_8', new Random('circuits/eight').slots(8), PROVER, DOMAIN);
    const { input } = applyBatch(first.next, 'update_8', new Random('circuits/eight again').slots(5), PROVER, DOMAIN);
    const values = decodeWtns(await calculateWitness(wasmPath, input));
    expect(new R1cs(await readFile(r1csPath)).firstBroken(values)).toBe(-1);
  });
});
