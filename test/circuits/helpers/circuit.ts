/** The artifacts under test, loaded once a test file: program, constraints, and names of wires. */
import { readFileSync } from 'node:fs';
import { resolveArtifacts, type VerifiedArtifacts } from '../../../circuits/artifacts.js';
import { R1cs } from '../../../circuits/r1cs.js';
import { calculateWitness, type WitnessInput } from '../../../circuits/witness.js';
import { decodeWtns } from '../../../circuits/wtns.js';
import type { CircuitName } from '../../../protocol/circuit.js';

export interface LoadedCircuit {
  readonly r1cs: R1cs;
  witness(input: WitnessInput): Promise<bigint[]>;
  /** Wire of a signal named from main, e.g. `horner.sum[3]`; undefined where the compiler removed it. */
  wire(name: string): number | undefined;
  /** Every name of a wire. */
  names(wire: number): readonly string[];
}

export interface LoadedArtifacts extends LoadedCircuit {
  readonly artifacts: VerifiedArtifacts;
}

export async function loadCircuit(name: CircuitName): Promise<LoadedArtifacts> {
  const artifacts = await resolveArtifacts(name);
  return { artifacts, ...fromFiles(artifacts.r1csPath, artifacts.wasmPath, artifacts.symPath) };
}

export function fromFiles(r1csPath: string, wasmPath: string, symPath: string): LoadedCircuit {
  const program = readFileSync(wasmPath);
  const r1cs = new R1cs(readFileSync(r1csPath));
  const wires = new Map<string, number>();
  const names = new Map<number, string[]>();
  // Lines: label, wire or −1, component, name.
  for (const line of readFileSync(symPath, 'utf8').split('\n')) {
    const [, wireText, , fullName] = line.split(',');
    if (fullName === undefined || wireText === '-1') continue;
    const wire = Number(wireText);
    const name = fullName.replace(/^main\./, '');
    wires.set(name, wire);
    const list = names.get(wire);
    if (list === undefined) names.set(wire, [name]);
    else list.push(name);
  }
  return {
    r1cs,
    witness: async (input) => decodeWtns(await calculateWitness(program, input)),
    wire: (name) => wires.get(name),
    names: (wire) => names.get(wire) ?? [],
  };
}
