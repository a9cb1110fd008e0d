/** The circuits that the prover is measured on, by name. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { resolveArtifacts } from '../circuits/artifacts.js';
import { calculateWitness, type WitnessInput } from '../circuits/witness.js';
import { applyBatch } from '../ledger/applyBatch.js';
import { LedgerState } from '../ledger/state.js';
import type { CircuitName } from '../protocol/circuit.js';
import { H } from '../protocol/hash.js';
import { transferCircuitInput } from '../protocol/transfer.js';
import { DOMAIN, USUAL, witness, world } from '../test/protocol/walletSupport.js';
import { buildProverCircuit, type ProverCircuit, poseidonChain, sha256Blocks } from './proverCircuits.js';

const PROVER = `0x${'33'.repeat(20)}`;
const NULLIFIER_MODULUS = 2n ** 248n - 2n;

/** A transfer with the usual amounts, its paths and signatures. */
function transferInput(): WitnessInput {
  const w = world('bench/prover', USUAL);
  return transferCircuitInput('transfer_1', [witness(w, USUAL)], w.tree.root, PROVER, DOMAIN).input;
}

/** A full update: every slot has two nullifiers and two commitments. */
function updateInput(name: 'update_2' | 'update_8', slotCount: number): WitnessInput {
  const value = (i: number, k: number): bigint => H(BigInt(4 * i + k + 1));
  const slots = Array.from({ length: slotCount }, (_, i) => ({
    nf1: (value(i, 0) % NULLIFIER_MODULUS) + 1n,
    nf2: (value(i, 1) % NULLIFIER_MODULUS) + 1n,
    cm1: value(i, 2),
    cm2: value(i, 3),
  }));
  return applyBatch(LedgerState.genesis(), name, slots, PROVER, DOMAIN).input;
}

/** One of the project's circuits, with its development key and a witness beside it. */
async function projectCircuit(name: CircuitName, makeInput: () => WitnessInput): Promise<ProverCircuit> {
  const { zkeyPath, vkeyPath, wasmPath, dir } = await resolveArtifacts(name);
  // Named after the build: a witness of one version of a circuit is none of another.
  const folder = join(dir, '..', '..', 'prover-circuits', basename(dir));
  mkdirSync(folder, { recursive: true });
  const wtnsPath = join(folder, 'witness.wtns');
  const input = makeInput();
  writeFileSync(wtnsPath, await calculateWitness(wasmPath, input));
  if (!existsSync(zkeyPath)) throw new RangeError(`no key at ${zkeyPath}`);
  return { name, zkeyPath, vkeyPath, wasmPath, wtnsPath, input };
}

/** 540 hashes make about 130,000 constraints; four blocks of SHA-256 about 125,000; the small one is for a quick look. */
const SOURCES: Readonly<Record<string, () => Promise<ProverCircuit>>> = {
  transfer_1: () => projectCircuit('transfer_1', transferInput),
  update_2: () => projectCircuit('update_2', () => updateInput('update_2', 2)),
  update_8: () => projectCircuit('update_8', () => updateInput('update_8', 8)),
  poseidon: () => buildProverCircuit(poseidonChain(540)),
  sha256: () => buildProverCircuit(sha256Blocks(4)),
  'poseidon-small': () => buildProverCircuit(poseidonChain(135)),
};

export const CIRCUIT_NAMES: readonly string[] = ['transfer_1', 'update_8', 'poseidon', 'sha256'];

export async function benchCircuit(name: string): Promise<ProverCircuit> {
  const build = SOURCES[name];
  if (!build) throw new RangeError(`no circuit named ${name}; known: ${Object.keys(SOURCES).join(', ')}`);
  return build();
}
