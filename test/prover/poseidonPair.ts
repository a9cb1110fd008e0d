/**
 * One of circomlib's circuits with a key made by snarkjs' own ceremony, in the per-user cache: what a stranger's files look like.
 * Some 240 constraints, two public signals (the hash, then `right`).
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compileCircuit } from '../../circuits/compile.js';
import { circuitCache, packageRoot } from '../../circuits/paths.js';
import { sourcesOf } from '../../circuits/sources.js';
import { calculateWitness } from '../../circuits/witness.js';

export interface PairFiles {
  wasm: string;
  zkey: string;
  vkey: unknown;
  vkeyPath: string;
}

interface Snarkjs {
  powersOfTau: {
    newAccumulator(curve: unknown, power: number, file: string): Promise<unknown>;
    contribute(from: string, to: string, name: string, entropy: string): Promise<unknown>;
    preparePhase2(from: string, to: string): Promise<unknown>;
  };
  zKey: {
    newZKey(r1cs: string, ptau: string, zkey: string): Promise<unknown>;
    contribute(from: string, to: string, name: string, entropy: string): Promise<unknown>;
    exportVerificationKey(zkey: string): Promise<unknown>;
  };
  groth16: {
    prove(zkey: string, wtns: { type: 'mem'; data: Uint8Array }): Promise<{ proof: unknown; publicSignals: string[] }>;
    verify(vkey: unknown, publicSignals: string[], proof: unknown): Promise<boolean>;
  };
  curves: { getCurveFromName(name: string): Promise<{ terminate(): Promise<void> }> };
}

/** 2^8 rows hold the circuit. */
const POWER = 8;

export async function snarkjs(): Promise<Snarkjs> {
  const name = 'snarkjs';
  return (await import(name)) as Snarkjs;
}

export async function endSnarkjs(): Promise<void> {
  await (await (await snarkjs()).curves.getCurveFromName('bn128')).terminate();
}

/** The pair's witness for two numbers. */
export function pairWitness(files: PairFiles, left: bigint, right: bigint): Promise<Uint8Array> {
  return calculateWitness(files.wasm, { left, right });
}

export async function poseidonPair(): Promise<PairFiles> {
  const sources = sourcesOf('poseidon_pair.circom', join(packageRoot(), 'test', 'prover', 'circuits'));
  const dir = join(dirname(circuitCache()), 'test', `poseidon_pair-${sources.hash.slice(0, 16)}`);
  if (!existsSync(dir)) await build(sources, dir);
  const vkeyPath = join(dir, 'vkey.json');
  return { wasm: join(dir, 'pair.wasm'), zkey: join(dir, 'pair.zkey'), vkeyPath, vkey: JSON.parse(await readFile(vkeyPath, 'utf8')) };
}

async function build(sources: ReturnType<typeof sourcesOf>, dir: string): Promise<void> {
  await mkdir(dirname(dir), { recursive: true });
  const work = await mkdtemp(`${dir}.`);
  const at = (file: string): string => join(work, file);
  try {
    const compiled = await compileCircuit(sources, at('compile'));
    const { powersOfTau, zKey } = await snarkjs();
    const curve = await (await snarkjs()).curves.getCurveFromName('bn128');
    await powersOfTau.newAccumulator(curve, POWER, at('0.ptau'));
    await powersOfTau.contribute(at('0.ptau'), at('1.ptau'), 'test', 'entropy of a test');
    await powersOfTau.preparePhase2(at('1.ptau'), at('2.ptau'));
    await zKey.newZKey(compiled.r1csPath, at('2.ptau'), at('uncontributed.zkey'));
    await zKey.contribute(at('uncontributed.zkey'), at('pair.zkey'), 'test', 'more of it');
    await writeFile(at('vkey.json'), JSON.stringify(await zKey.exportVerificationKey(at('pair.zkey'))));
    await writeFile(at('uncontributed.vkey.json'), JSON.stringify(await zKey.exportVerificationKey(at('uncontributed.zkey'))));
    await rename(compiled.wasmPath, at('pair.wasm'));
    for (const scrap of ['compile', '0.ptau', '1.ptau', '2.ptau']) await rm(at(scrap), { recursive: true });
    await rename(work, dir).catch((error) => {
      if (!existsSync(dir)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
