/**
 * `tacit prove` and `tacit verify`: Groth16 on BN254 for any circom circuit, on snarkjs' and rapidsnark's files.
 *
 * Exit codes of verify: 0 the proof is valid, 1 it is not (or the key is one to forge with), 2 cannot tell: a file is
 * missing or is not what it should be.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { assertProofPoints } from '../prover/proofPoints.js';
import { BACKEND_NAMES, type BackendName } from '../prover/prove.js';
import { ProvingHost } from '../prover/thread.js';
import { isVerdict, verifyProof } from '../prover/verify.js';
import { type CommandResult, EXIT_FAILED, EXIT_OK, EXIT_UNDECIDED, runs } from './output.js';
import { progressBars } from './progress.js';

interface ProveFlags {
  zkey: string;
  wtns: string;
  proof: string;
  public: string;
  vkey?: string;
  threads?: string;
  backend: string;
}

interface VerifyFlags {
  vkey: string;
  public: string;
  proof: string;
}

const MAX_THREADS = 64;
/** snarkjs writes its JSON with one space. */
const JSON_INDENT = 1;

export function registerProve(program: Command): void {
  const prove = program
    .command('prove')
    .description('make a Groth16 proof (BN254) from a proving key and a witness')
    .requiredOption('--zkey <file>', 'proving key')
    .requiredOption('--wtns <file>', 'witness')
    .requiredOption('--proof <file>', 'where the proof goes (JSON)')
    .requiredOption('--public <file>', 'where the public signals go (JSON)')
    .option('--vkey <file>', 'check the proof against this verification key before writing it; wise where the proving key is not your own')
    .option('--threads <n>', 'threads to use')
    .option('--backend <name>', BACKEND_NAMES.join(', '), 'auto')
    .addHelpText(
      'after',
      '\nExamples:\n  tacit prove --zkey circuit.zkey --wtns witness.wtns --proof proof.json --public public.json\n  tacit verify --vkey verification_key.json --public public.json --proof proof.json',
    );
  runs<ProveFlags>(prove, runProve);
  const verify = program
    .command('verify')
    .description('verify a Groth16 proof (BN254), strictly: counts, ranges, curve, subgroup, forgeable keys')
    .requiredOption('--vkey <file>', 'verification key (JSON)')
    .requiredOption('--public <file>', 'public signals (JSON)')
    .requiredOption('--proof <file>', 'proof (JSON)')
    .addHelpText(
      'after',
      '\nExit code: 0 valid, 1 invalid, 2 cannot tell.\n\nExample:\n  tacit verify --vkey verification_key.json --public public.json --proof proof.json',
    );
  runs<VerifyFlags>(verify, runVerify);
}

async function runProve(flags: ProveFlags): Promise<CommandResult> {
  const backend = backendFrom(flags.backend);
  const threads = threadsFrom(flags.threads);
  const vkey = flags.vkey === undefined ? undefined : await readJson(flags.vkey, 'verification key');
  const host = new ProvingHost();
  const bars = progressBars();
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  try {
    const {
      proof,
      publicSignals,
      timesMs,
      sums,
      gpuFailures = [],
    } = await host.prove(
      flags.zkey,
      { kind: 'witness', witness: flags.wtns },
      { backend, threads, signal: interrupt.signal, onProgress: ({ stage, fraction }) => bars.report('prove', fraction, stage) },
    );
    if (vkey === undefined) assertProofPoints(proof);
    else verifyProof(vkey, publicSignals, proof);
    await Promise.all([writeJson(flags.proof, proof), writeJson(flags.public, publicSignals)]);
    const totalMs = Math.round(timesMs.total ?? 0);
    return {
      value: {
        proof: flags.proof,
        public: flags.public,
        publicSignals: publicSignals.length,
        verified: vkey !== undefined,
        timesMs,
        ...(sums && { sums, gpuFailures }),
      },
      text: [
        ...gpuFailures.map(({ message }) => `the GPU failed, the proof was finished without it: ${message}`),
        `proof in ${flags.proof}, ${publicSignals.length} public signals in ${flags.public}, ${totalMs} ms${vkey === undefined ? '' : ', verified'}${onGpu(sums)}`,
      ].join('\n'),
    };
  } finally {
    process.off('SIGINT', onInterrupt);
    bars.close();
    await host.close();
  }
}

function onGpu(sums: Readonly<Record<string, string>> = {}): string {
  const names = Object.keys(sums).filter((name) => sums[name] === 'webgpu');
  return names.length === 0 ? '' : `, sums ${names.join(', ')} on the GPU`;
}

async function runVerify(flags: VerifyFlags): Promise<CommandResult> {
  try {
    const [vkey, publicSignals, proof] = await Promise.all([
      readJson(flags.vkey, 'verification key'),
      readJson(flags.public, 'public signals'),
      readJson(flags.proof, 'proof'),
    ]);
    verifyProof(vkey, publicSignals, proof);
    return { value: { valid: true }, text: 'valid', exitCode: EXIT_OK };
  } catch (error) {
    if (isVerdict(error))
      return { value: { valid: false, error }, text: `invalid: ${error.message} [${error.code}]`, exitCode: EXIT_FAILED };
    if (isTacitError(error))
      return { value: { valid: null, error }, text: `cannot tell: ${error.message} [${error.code}]`, exitCode: EXIT_UNDECIDED };
    throw error;
  }
}

async function readJson(path: string, what: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TacitError('FILE_MISSING', `cannot read the ${what}`, { got: path, cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TacitError('FILE_FORMAT', `the ${what} is not JSON`, { got: path, cause });
  }
}

/** In one step, so that nobody reads half a proof. */
async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await writeFile(temporary, `${JSON.stringify(value, null, JSON_INDENT)}\n`);
    await rename(temporary, path);
  } catch (cause) {
    throw new TacitError('FILE_WRITE', 'cannot write the output', { got: path, cause });
  }
}

export function backendFrom(name: string): BackendName {
  const backend = BACKEND_NAMES.find((known) => known === name);
  if (backend === undefined) throw new TacitError('OPTION_INVALID', 'no such backend', { expected: BACKEND_NAMES.join(', '), got: name });
  return backend;
}

export function threadsFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const threads = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  if (threads < 1 || threads > MAX_THREADS) {
    throw new TacitError('OPTION_INVALID', 'not a number of threads', { expected: `1 to ${MAX_THREADS}`, got: text });
  }
  return threads;
}
