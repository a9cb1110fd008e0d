/**
 * Runs circom2 on one circuit, in a child process, in a folder that holds that circuit's sources only.
 *
 * Why a child process: the compiler is synchronous WebAssembly and takes ten seconds to minutes; two circuits then
 * compile side by side, and neither blocks the caller's event loop.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { TacitError } from '../protocol/errors.js';
import { packageRoot } from './paths.js';
import { CIRCOM_FLAGS, type CircuitSources } from './sources.js';

export interface CompiledFiles {
  readonly r1csPath: string;
  readonly wasmPath: string;
  readonly symPath: string;
}

/** What the compiler prints when a stage is done, and the share of its time that lies behind it then. */
const STAGES: readonly (readonly [RegExp, number])[] = [
  [/template instances/, 0.25],
  [/non-linear constraints/, 0.8],
  [/Written successfully.*\.r1cs/, 0.82],
  [/Written successfully.*\.sym/, 0.84],
  [/Everything went okay/, 1],
];

/** Characters of compiler output kept for an error message. */
const ERROR_TAIL = 2000;

/**
 * @param workDir empty folder; sources are written below it, results into `workDir/out`
 * @param onFraction called with 0..1 as stages finish
 * @throws TacitError CIRCUIT_COMPILE with the compiler's own words
 */
export async function compileCircuit(
  sources: CircuitSources,
  workDir: string,
  onFraction: (fraction: number) => void = () => {},
): Promise<CompiledFiles> {
  for (const file of sources.files) {
    const target = join(workDir, file.path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.text);
  }
  mkdirSync(join(workDir, 'out'), { recursive: true });
  const compiler = createRequire(join(packageRoot(), 'package.json')).resolve('circom2/cli.js');
  await runCompiler([compiler, sources.main, '-l', '.', ...CIRCOM_FLAGS, '-o', 'out'], workDir, onFraction);
  const name = basename(sources.main, '.circom');
  return {
    r1csPath: join(workDir, 'out', `${name}.r1cs`),
    wasmPath: join(workDir, 'out', `${name}_js`, `${name}.wasm`),
    symPath: join(workDir, 'out', `${name}.sym`),
  };
}

function runCompiler(args: string[], cwd: string, onFraction: (fraction: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const listen = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      let reached = 0;
      for (const [pattern, fraction] of STAGES) if (pattern.test(output)) reached = fraction;
      onFraction(reached);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && output.includes('Everything went okay')) resolve();
      else
        reject(
          new TacitError('CIRCUIT_COMPILE', `circom2 failed: ${output.slice(-ERROR_TAIL)}`, { expected: 'exit code 0', got: String(code) }),
        );
    });
  });
}
