/** `npm run bench -- NAME [--json]`: runs one benchmark. Each checks its answers before it times anything. */
import { benchEngine } from './engine.js';
import { benchFarm } from './farm.js';
import { benchGas } from './gas.js';
import { benchGrouping } from './grouping.js';
import { benchMsmWebgpu, serveMsmPage } from './msmWebgpu.js';
import { benchProofWebgpu } from './proofWebgpu.js';
import { benchProver } from './prover.js';
import { benchSetup } from './setup.js';
import { benchVerify } from './verify.js';
import { benchWitness } from './witness.js';

interface Bench {
  readonly run: (args: string[]) => Promise<void>;
  /** What it takes beside --json; each with a value. */
  readonly options: readonly string[];
}

const BENCHES: Readonly<Record<string, Bench>> = {
  engine: { run: benchEngine, options: ['--powers', '--runs'] },
  farm: { run: benchFarm, options: ['--jobs'] },
  gas: { run: benchGas, options: [] },
  grouping: { run: benchGrouping, options: [] },
  'msm-page': { run: serveMsmPage, options: ['--port'] },
  'msm-webgpu': { run: benchMsmWebgpu, options: ['--from', '--to', '--threads', '--runs'] },
  'proof-webgpu': { run: benchProofWebgpu, options: ['--circuits', '--threads', '--runs'] },
  prover: { run: benchProver, options: ['--circuits', '--threads', '--runs'] },
  setup: { run: benchSetup, options: ['--circuits', '--threads', '--runs'] },
  verify: { run: benchVerify, options: ['--runs'] },
  witness: { run: benchWitness, options: ['--circuits', '--runs'] },
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--json' && !bench?.options.includes(arg));
if (bench === undefined) {
  process.stderr.write(`Which benchmark? One of: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else if (unknown !== undefined) {
  process.stderr.write(`${name} takes ${['--json', ...bench.options.map((option) => `${option} VALUE`)].join(', ')}; got ${unknown}\n`);
  process.exitCode = 2;
} else {
  try {
    await bench.run(args);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
