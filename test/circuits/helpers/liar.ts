/**
 * A calculator that lies. The circuit's program computes every signal and stops where an assertion fails; this one is
 * compiled from the same sources with the assertions taken out and with the levers of levers.ts put in, so that it
 * carries any lie through to a whole witness: every hint, hash and product fits what the liar claims.
 *
 * The witness is then laid out as the real circuit's (both compilers number signals alike, by order of declaration) and
 * written to a file. The real constraints judge it: `brokenBy` gives those that fail, by the names of their signals.
 * What is broken is the statement the lie is about and nothing else, which is also the evidence that the
 * statement is needed: without it, this witness would be a proof.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { circuitCache, packageRoot } from '../../../circuits/paths.js';
import { type CircuitSources, sourcesOf } from '../../../circuits/sources.js';
import { calculateWitness, type WitnessInput } from '../../../circuits/witness.js';
import { decodeWtns } from '../../../circuits/wtns.js';
import type { CircuitName } from '../../../protocol/circuit.js';
import { type LoadedArtifacts, loadCircuit } from './circuit.js';
import { Constraints } from './constraints.js';
import { LEVERS } from './levers.js';

/** No simplification: every signal has a wire, numbered by its declaration. */
const FLAGS = ['--wasm', '--O0'];
/** `a === b;`, from behind the statement or brace before it; comments hold no semicolon before one. */
const ASSERTION = /[^;{}\n]*===[^;\n]*;/g;

export interface Liar {
  readonly circuit: LoadedArtifacts;
  /** A witness in the real circuit's layout that keeps every equation which the lie does not have to break. */
  forge(input: WitnessInput): Promise<bigint[]>;
  /** For each broken constraint the names of its signals, from main downwards without the compiler's numbers. */
  brokenBy(witness: readonly bigint[]): string[][];
  /** The wire whose name, without the compiler's numbers, ends so. */
  wire(nameEnd: string): number;
}

export async function loadLiar(name: CircuitName): Promise<Liar> {
  const circuit = await loadCircuit(name);
  const program = readFileSync(await lyingProgram(name));
  const { wires } = circuit.r1cs.header;
  const constraints = new Constraints(circuit.r1cs);
  return {
    circuit,
    forge: async (input) => {
      const signals = decodeWtns(await calculateWitness(program, input));
      return Array.from({ length: wires }, (_, wire) => signals[circuit.r1cs.label(wire)]!);
    },
    brokenBy: (witness) => constraints.broken(witness).map((i) => signalsOf(circuit, i)),
    wire: (nameEnd) => {
      for (let wire = 1; wire < wires; wire++) if (circuit.names(wire).some((text) => plain(text).endsWith(nameEnd))) return wire;
      throw new Error(`no wire is called …${nameEnd}`);
    },
  };
}

/** A signal's name with anonymous components called by their template alone. */
function plain(name: string): string {
  return name.replaceAll(/_\d+_\d+/g, '');
}

/** Plain names of a constraint's signals. */
function signalsOf({ r1cs, names }: LoadedArtifacts, constraint: number): string[] {
  const { a, b, c } = r1cs.constraint(constraint);
  const found = new Set([...a, ...b, ...c].flatMap(([wire]) => names(wire)));
  return [...found].map(plain);
}

/** Path of the compiled program, kept in the cache under the hash of its sources. */
async function lyingProgram(name: CircuitName): Promise<string> {
  const sources = lyingSources(name);
  const dir = join(dirname(circuitCache()), 'test', `liar-${name}-${sources.hash.slice(0, 16)}`);
  const program = join(dir, `${name}_js`, `${name}.wasm`);
  if (existsSync(program)) return program;
  await mkdir(dirname(dir), { recursive: true });
  const work = await mkdtemp(`${dir}.building-`);
  try {
    await compile(sources, work);
    // A rival that was faster has left the same program there.
    await rename(join(work, 'out'), dir).catch((error: unknown) => {
      if (!existsSync(program)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return program;
}

/** The circuit's sources without assertions and with levers. */
function lyingSources(name: CircuitName): CircuitSources {
  const main = `circuits/main/${name}.circom`;
  const honest = sourcesOf(main, packageRoot());
  const lying = new Map<string, string>();
  for (const { path, text } of honest.files) {
    let changed = text;
    for (const { file, from, to } of LEVERS.filter((lever) => path.endsWith(`/${lever.file}`))) {
      if (changed.split(from).length !== 2) throw new Error(`lever: not exactly once in ${file}: ${from}`);
      changed = changed.replace(from, () => to);
    }
    // Blanks in place of an assertion: names of anonymous components, hence the order of signals, depend on offsets.
    lying.set(
      path,
      changed.replaceAll(ASSERTION, (assertion) => assertion.replaceAll(/\S/g, ' ')),
    );
  }
  return sourcesOf(main, packageRoot(), lying);
}

async function compile(sources: CircuitSources, work: string): Promise<void> {
  for (const { path, text } of sources.files) {
    await mkdir(dirname(join(work, path)), { recursive: true });
    await writeFile(join(work, path), text);
  }
  await mkdir(join(work, 'out'));
  const compiler = createRequire(join(packageRoot(), 'package.json')).resolve('circom2/cli.js');
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, [compiler, sources.main, '-l', '.', ...FLAGS, '-o', 'out'], { cwd: work });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`circom2: ${output.slice(-1500)}`))));
  });
}
