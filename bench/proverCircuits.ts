/**
 * Circuits for measuring and testing the prover: compiled, keyed and with a witness, kept in the user's cache.
 *
 * `poseidon(n)` is a chain of n Poseidon hashes of two inputs (240 constraints each, dense witness), `sha256(n)` a chain
 * of n SHA-256 compressions (bits throughout), `cubes(n)` a tiny chain of products. Keys come from the insecure
 * development set-up.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { compileCircuit } from '../circuits/compile.js';
import { insecureDevSetup } from '../circuits/setup/insecureDevSetup.js';
import { calculateWitness, type WitnessInput } from '../circuits/witness.js';

export interface ProverCircuit {
  readonly name: string;
  readonly zkeyPath: string;
  readonly vkeyPath: string;
  readonly wtnsPath: string;
  readonly wasmPath: string;
  /** What the witness was made from. */
  readonly input: WitnessInput;
}

interface CircuitSource {
  readonly name: string;
  readonly text: string;
  readonly input: WitnessInput;
}

const INCLUDE = 'lib/circomlib/circuits';

/** A chain of n Poseidon(2) hashes with one public input. */
export function poseidonChain(n: number): CircuitSource {
  const text = `pragma circom 2.1.0;
include "${INCLUDE}/poseidon.circom";
template Chain(n) {
  signal input seed;
  signal input step[n];
  signal output out;
  component hash[n];
  for (var i = 0; i < n; i++) {
    hash[i] = Poseidon(2);
    hash[i].inputs[0] <== i == 0 ? seed : hash[i - 1].out;
    hash[i].inputs[1] <== step[i];
  }
  out <== hash[n - 1].out;
}
component main { public [seed] } = Chain(${n});
`;
  return { name: `poseidon_${n}`, text, input: { seed: '7', step: Array.from({ length: n }, (_, i) => String(i * i + 1)) } };
}

/** SHA-256 of n blocks of 512 bits, less the padding. */
export function sha256Blocks(n: number): CircuitSource {
  const bits = 512 * n - 65;
  const text = `pragma circom 2.1.0;
include "${INCLUDE}/sha256/sha256.circom";
component main = Sha256(${bits});
`;
  return { name: `sha256_${n}`, text, input: { in: Array.from({ length: bits }, (_, i) => ((i * 2654435761) >>> 16) & 1) } };
}

/** n multiplications; out = seed^(2^n)-like products with a mixed factor. Small enough for tests. */
export function productChain(n: number, seed: bigint): CircuitSource {
  const text = `pragma circom 2.1.0;
template Products(n) {
  signal input seed;
  signal input bit;
  signal output out;
  signal x[n + 1];
  bit * (bit - 1) === 0;
  x[0] <== seed;
  for (var i = 0; i < n; i++) x[i + 1] <== x[i] * (x[i] + i + bit);
  out <== x[n];
}
component main { public [seed] } = Products(${n});
`;
  return { name: `products_${n}_${seed}`, text, input: { seed: seed.toString(), bit: '1' } };
}

function cacheRoot(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tacit', 'prover-circuits');
}

function libraryFiles(): { path: string; text: string }[] {
  const root = join(dirname(createRequire(import.meta.url).resolve('circomlib/package.json')), 'circuits');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.circom'));
  return files.map((file) => ({ path: `${INCLUDE}/${file}`, text: readFileSync(join(root, file), 'utf8') }));
}

/** Builds a circuit, unless the cache has it. */
export async function buildProverCircuit(source: CircuitSource): Promise<ProverCircuit> {
  const key = createHash('sha256').update(source.text).update(JSON.stringify(source.input)).digest('hex').slice(0, 16);
  const dir = join(cacheRoot(), `${source.name}-${key}`);
  const files = (root: string): ProverCircuit => ({
    name: source.name,
    zkeyPath: join(root, 'circuit.zkey'),
    vkeyPath: join(root, 'vkey.json'),
    wtnsPath: join(root, 'witness.wtns'),
    wasmPath: join(root, 'circuit.wasm'),
    input: source.input,
  });
  if (existsSync(dir)) return files(dir);
  const work = `${dir}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  const main = 'main.circom';
  const compiled = await compileCircuit({ main, files: [{ path: main, text: source.text }, ...libraryFiles()], hash: key }, work);
  const made = files(work);
  await insecureDevSetup({ circuit: source.name, r1csPath: compiled.r1csPath, zkeyPath: made.zkeyPath, vkeyPath: made.vkeyPath });
  renameSync(compiled.wasmPath, made.wasmPath);
  writeFileSync(made.wtnsPath, await calculateWitness(made.wasmPath, source.input));
  for (const scrap of ['out', 'lib', main]) rmSync(join(work, scrap), { recursive: true, force: true });
  try {
    renameSync(work, dir);
  } catch (error) {
    // Another process was faster: its files are as good.
    rmSync(work, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return files(dir);
}
