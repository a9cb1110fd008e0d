/** `tacit setup`: proving keys. Build development keys, verify any key, and take part in a ceremony. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { resolveArtifacts } from '../circuits/artifacts.js';
import { compactKeyPath } from '../circuits/paths.js';
import { applyBeacon, contribute, type FileHash, importPowersOfTau, startPhase2 } from '../circuits/setup/ceremony.js';
import { verifySetup } from '../circuits/setup/verifySetup.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { expandKey } from '../prover/engine/groth16/compactReader.js';
import { compactKey } from '../prover/engine/groth16/compactWriter.js';
import { type CommandResult, runs } from './output.js';
import { progressBars } from './progress.js';

interface VerifyOptions {
  readonly circuit?: string;
  readonly zkey?: string;
  readonly r1cs?: string;
  readonly ptau?: string;
  readonly ptauSha256?: string;
  readonly ptauBlake2b?: string;
  readonly vkey?: string;
  readonly with?: string[];
  readonly minContributions: string;
  readonly allowInsecure?: boolean;
}

const EXAMPLES = `
Examples:
  tacit setup build transfer_1
  tacit setup verify --circuit transfer_1 --allow-insecure
  tacit setup import-ptau --from hez.ptau --to phase1.ptau --blake2b 8c7fe…
  tacit setup compact --zkey final.zkey --out final.tzkc
  tacit setup begin --r1cs transfer_1.r1cs --ptau phase1.ptau --out 0000.zkey
  tacit setup contribute --zkey 0000.zkey --out 0001.zkey --name alice
  tacit setup beacon --zkey 0001.zkey --out final.zkey --name beacon --value 0102… --iterations-exp 10
  tacit setup verify --zkey final.zkey --r1cs transfer_1.r1cs --ptau phase1.ptau --ptau-blake2b 8c7fe…`;

export function registerSetup(program: Command): void {
  const setup = program.command('setup').description('build, verify and make proving keys').addHelpText('after', EXAMPLES);
  const build = setup.command('build <circuit>').description('compile a circuit and make its insecure development key, into the cache');
  runs(build, (_options, [circuit]) => runBuild(circuitName(circuit ?? '')));
  registerVerify(setup);
  registerCeremony(setup);
  registerCompact(setup);
  registerShelve(setup);
}

function registerCompact(setup: Command): void {
  const forms = [
    {
      name: 'compact',
      what: 'write a proving key in the small form that a browser loads; it expands to the very same file',
      convert: compactKey,
    },
    { name: 'expand', what: 'the zkey that a compact key was made from, compared with its hash', convert: expandKey },
  ];
  for (const { name, what, convert } of forms) {
    const command = setup
      .command(name)
      .description(what)
      .requiredOption('--zkey <file>', 'the key to read')
      .requiredOption('--out <file>', 'the file to write');
    runs<{ zkey: string; out: string }>(command, async ({ zkey, out }) => {
      const before = await readFile(zkey).catch((cause: unknown) => {
        throw new TacitError('ARTIFACT_MISSING', 'the key cannot be read', { expected: 'a file', got: zkey, cause });
      });
      const after = await convert(before);
      await writeFile(out, after).catch((cause: unknown) => {
        throw new TacitError('FILE_WRITE', 'cannot write the key', { got: out, cause });
      });
      const sizes = { bytesBefore: before.length, bytesAfter: after.length };
      return done({ file: out, ...sizes }, `${out}: ${megabytes(after.length)} MB from ${megabytes(before.length)} MB`);
    });
  }
}

/** Workers that ask the node for the key then get the small form, and expand it. */
function registerShelve(setup: Command): void {
  const command = setup.command('shelve <circuit>').description('put the small form of a circuit’s key where a node gives it to workers');
  runs(command, async (_options, [circuit]) => {
    const { zkeyPath, hashes } = await resolveArtifacts(circuitName(circuit ?? ''));
    const before = await readFile(zkeyPath);
    const after = await compactKey(before);
    const path = compactKeyPath(hashes.zkey);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, after);
    await rename(`${path}.new`, path);
    const sizes = { bytesBefore: before.length, bytesAfter: after.length };
    return done({ file: path, ...sizes }, `${path}: ${megabytes(after.length)} MB from ${megabytes(before.length)} MB`);
  });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

function registerVerify(setup: Command): void {
  const verify = setup
    .command('verify')
    .description('check a key against its circuit, phase 1 and every contribution')
    .option('--circuit <name>', 'one of this package’s circuits: its key in the cache, unless --zkey is given')
    .option('--zkey <file>', 'the proving key')
    .option('--r1cs <file>', 'the compiled circuit')
    .option('--ptau <file>', 'the powers-of-tau file of phase 1')
    .option('--ptau-sha256 <hex>', 'its published SHA-256')
    .option('--ptau-blake2b <hex>', 'its published BLAKE2b-512')
    .option('--vkey <file>', 'a verification key that must be this key’s')
    .option('--with <zkey...>', 'keys of the other circuits of one contract: no δ may equal another')
    .option('--min-contributions <n>', 'contributions asked for; beacons do not count', '1')
    .option('--allow-insecure', 'accept a development key, after deriving it again');
  runs<VerifyOptions>(verify, runVerify);
}

function registerCeremony(setup: Command): void {
  const ptau = setup
    .command('import-ptau')
    .description('take a published powers-of-tau file, by its hash')
    .requiredOption('--from <file>', 'the file as it was downloaded')
    .requiredOption('--to <file>', 'where it goes once its hash is right')
    .option('--sha256 <hex>', 'its published SHA-256')
    .option('--blake2b <hex>', 'its published BLAKE2b-512')
    .option('--verify-transcript', 'also verify every contribution of phase 1 (hours for large files)');
  runs<{ from: string; to: string; sha256?: string; blake2b?: string; verifyTranscript?: boolean }>(ptau, async (options) => {
    const hash = fileHash(options.sha256, options.blake2b);
    if (hash === undefined) throw new TacitError('USAGE', 'no hash to compare with', { expected: '--sha256 or --blake2b' });
    await importPowersOfTau({ from: options.from, to: options.to, hash, verifyTranscript: options.verifyTranscript === true });
    return done({ file: options.to }, `${options.to} is the expected file`);
  });
  const begin = setup
    .command('begin')
    .description('begin phase 2 of a circuit')
    .requiredOption('--r1cs <file>', 'the compiled circuit')
    .requiredOption('--ptau <file>', 'the powers-of-tau file of phase 1')
    .requiredOption('--out <zkey>', 'the file to write, for the first contribution');
  runs<{ r1cs: string; ptau: string; out: string }>(begin, async ({ r1cs, ptau: from, out }) => {
    await startPhase2(r1cs, from, out);
    return done({ zkey: out }, `${out} waits for contributions; it is not a key yet`);
  });
  const contribution = setup
    .command('contribute')
    .description('add a secret that is drawn here and kept nowhere')
    .requiredOption('--zkey <file>', 'what the contributor before has written')
    .requiredOption('--out <zkey>', 'the file to write, for the next contribution or the beacon')
    .requiredOption('--name <name>', 'public, in the transcript');
  runs<{ zkey: string; out: string; name: string }>(contribution, async ({ zkey, out, name }) => {
    await contribute(zkey, out, name);
    return done({ zkey: out }, `${out} holds the contribution of ${name}`);
  });
  const beacon = setup
    .command('beacon')
    .description('end phase 2 with public randomness')
    .requiredOption('--zkey <file>', 'what the last contributor has written')
    .requiredOption('--out <zkey>', 'the final key')
    .requiredOption('--name <name>', 'public, in the transcript')
    .requiredOption('--value <hex>', 'randomness that nobody knew at the last contribution, such as a later block’s hash')
    .requiredOption('--iterations-exp <n>', '2^n hash iterations, 10 to 63', wholeNumber);
  runs<{ zkey: string; out: string; name: string; value: string; iterationsExp: number }>(
    beacon,
    async ({ zkey, out, name, value, iterationsExp }) => {
      await applyBeacon(zkey, out, name, value, iterationsExp);
      return done({ zkey: out }, `${out} is final; verify it`);
    },
  );
}

async function runBuild(circuit: CircuitName): Promise<CommandResult> {
  const bars = progressBars();
  const { dir, hashes, manifest } = await resolveArtifacts(circuit, {
    onProgress: ({ phase, fraction }) => bars.report(`${phase} ${circuit}`, fraction),
  });
  bars.close();
  return done(
    { circuit, dir, hashes, constraints: manifest.constraints },
    `${circuit}: ${manifest.constraints} constraints, INSECURE development key, in ${dir}`,
  );
}

async function runVerify(options: VerifyOptions): Promise<CommandResult> {
  const ptauHash = fileHash(options.ptauSha256, options.ptauBlake2b);
  const verdict = await verifySetup({
    ...(options.circuit === undefined ? {} : { circuit: circuitName(options.circuit) }),
    ...(options.zkey === undefined ? {} : { zkeyPath: options.zkey }),
    ...(options.r1cs === undefined ? {} : { r1csPath: options.r1cs }),
    ...(options.ptau === undefined ? {} : { ptauPath: options.ptau }),
    ...(ptauHash === undefined ? {} : { ptauHash }),
    ...(options.vkey === undefined ? {} : { vkeyPath: options.vkey }),
    ...(options.with === undefined ? {} : { foldedWith: options.with }),
    minContributions: wholeNumber(options.minContributions),
    allowInsecureDev: options.allowInsecure === true,
  });
  const text = verdict.insecure
    ? `valid, but an INSECURE development key (sha256 ${verdict.zkeySha256})`
    : `valid: ${verdict.contributions.length} contributions, ${verdict.endsWithBeacon ? 'ends with a beacon' : 'no beacon'} (sha256 ${verdict.zkeySha256})`;
  return done(verdict, text);
}

function done(value: unknown, text: string): CommandResult {
  return { value, text };
}

function fileHash(sha256: string | undefined, blake2b: string | undefined): FileHash | undefined {
  if (blake2b !== undefined) return { algorithm: 'blake2b512', hex: blake2b };
  return sha256 === undefined ? undefined : { algorithm: 'sha256', hex: sha256 };
}

function circuitName(text: string): CircuitName {
  if (text in CIRCUITS) return text as CircuitName;
  throw new TacitError('CIRCUIT_UNKNOWN', 'no such circuit', { expected: Object.keys(CIRCUITS).join(', '), got: text });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('a whole number is expected');
  return Number(text);
}
