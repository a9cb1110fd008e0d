/**
 * `node dist/circuits/parts.js NAME`: where a circuit's constraints go, counted part by part.
 *
 * A constraint belongs to the component whose signal is the last declared of those that it mentions; after the compiler's
 * simplification a border may lie a few constraints off. Parts are named from main downwards, as deep as DEPTH, without the
 * compiler's numbers and without indices, so that two of a kind are counted together.
 */
import { readFileSync } from 'node:fs';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { resolveArtifacts } from './artifacts.js';
import { R1cs } from './r1cs.js';

/** Levels of components that are told apart below main. */
const DEPTH = 4;

export interface Part {
  readonly name: string;
  readonly constraints: number;
}

/** @param sym the compiler's list of signals. @returns the largest part first; together they are all constraints */
export function partsOf(r1cs: R1cs, sym: string): Part[] {
  const components = new Map<number, string>();
  // Lines: label, wire or −1, component, name.
  for (const line of sym.split('\n')) {
    const [label, , , name] = line.split(',');
    if (name !== undefined) components.set(Number(label), partName(name));
  }
  const counts = new Map<string, number>();
  for (let i = 0; i < r1cs.header.constraints; i++) {
    const { a, b, c } = r1cs.constraint(i);
    const last = [...a, ...b, ...c].reduce((most, [wire]) => Math.max(most, r1cs.label(wire)), 0);
    const part = components.get(last) ?? 'main';
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  return [...counts].map(([name, constraints]) => ({ name, constraints })).sort((x, y) => y.constraints - x.constraints);
}

/** `main.InputNote_48_1_2[0].Nullifier_44_7.digest` is in `InputNote.Nullifier`. */
function partName(signal: string): string {
  const components = signal.split('.').slice(1, -1);
  const plain = components.map((component) => component.replaceAll(/\[\d+\]/g, '').replace(/(_\d+)+$/, ''));
  return plain.slice(0, DEPTH).join('.') || 'main';
}

async function main([name = '']: readonly string[]): Promise<void> {
  if (!(name in CIRCUITS))
    throw new TacitError('CIRCUIT_UNKNOWN', 'no such circuit', { expected: Object.keys(CIRCUITS).join(', '), got: name });
  const { r1csPath, symPath } = await resolveArtifacts(name as CircuitName);
  const r1cs = new R1cs(readFileSync(r1csPath));
  for (const { name: part, constraints } of partsOf(r1cs, readFileSync(symPath, 'utf8')))
    process.stdout.write(`${String(constraints).padStart(8)}  ${part}\n`);
  process.stdout.write(`${String(r1cs.header.constraints).padStart(8)}  all\n`);
}

if (process.argv[1]?.endsWith('parts.js') === true) await main(process.argv.slice(2));
