/** The circuits that the prover is measured on, by name. */
import { buildProverCircuit, type ProverCircuit, poseidonChain, sha256Blocks } from './proverCircuits.js';

/** 540 hashes make about 130,000 constraints; four blocks of SHA-256 about 125,000; the small ones are for a quick look. */
const SOURCES: Readonly<Record<string, () => Promise<ProverCircuit>>> = {
  poseidon: () => buildProverCircuit(poseidonChain(540)),
  sha256: () => buildProverCircuit(sha256Blocks(4)),
  'poseidon-small': () => buildProverCircuit(poseidonChain(135)),
};

export const CIRCUIT_NAMES: readonly string[] = ['poseidon', 'sha256'];

export async function benchCircuit(name: string): Promise<ProverCircuit> {
  const build = SOURCES[name];
  if (!build) throw new RangeError(`no circuit named ${name}; known: ${Object.keys(SOURCES).join(', ')}`);
  return build();
}
