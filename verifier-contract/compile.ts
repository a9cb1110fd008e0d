/**
 * Solidity to bytecode: `contracts/*.sol` through solc, the result kept in the per-user cache under the hash of
 * sources, settings and compiler version.
 *
 * The compiler runs in a process of its own: it takes seconds of one core, and the caller's event loop stays free.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InterfaceAbi } from 'ethers';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { cacheDir, hashOf, readCached, writeCached } from './cache.js';

export interface ContractArtifact {
  readonly name: string;
  readonly abi: InterfaceAbi;
  /** Creation code, constructor arguments not included. */
  readonly bytecode: Hex;
  /** Size of the code that stays on chain. */
  readonly runtimeBytes: number;
}

/** Source units compiled together: the rollup, or the tokens and adversaries of devnets and tests. */
export type SourceSet = 'rollup' | 'test';

/** EIP-170: more code than this cannot be deployed. */
export const MAX_RUNTIME_BYTES = 24_576;

// Cancun: MCOPY and transient storage. viaIR: the settlement pass has more live values than the legacy stack holds.
const SETTINGS = {
  rollup: { viaIR: true, evmVersion: 'cancun', optimizer: { enabled: true, runs: 1_000_000 } },
  test: { viaIR: false, evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 } },
} as const;

interface SolcOutput {
  errors?: { severity: string; formattedMessage: string }[];
  contracts?: Record<
    string,
    Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string }; deployedBytecode: { object: string } } }>
  >;
}

const require = createRequire(import.meta.url);
const running = new Map<SourceSet, Promise<Map<string, ContractArtifact>>>();

/**
 * All contracts of a set, by name. Built once per process and per content.
 * @throws TacitError SOLC_FAILED, CONTRACT_TOO_LARGE
 */
export function compileContracts(set: SourceSet = 'rollup'): Promise<Map<string, ContractArtifact>> {
  let job = running.get(set);
  if (job === undefined) {
    job = compileOrLoad(set);
    running.set(set, job);
    job.catch(() => running.delete(set));
  }
  return job;
}

/** One contract of a set. @throws TacitError CONTRACT_UNKNOWN and as compileContracts */
export async function contractArtifact(name: string, set: SourceSet = 'rollup'): Promise<ContractArtifact> {
  const artifact = (await compileContracts(set)).get(name);
  if (artifact === undefined) throw new TacitError('CONTRACT_UNKNOWN', `no contract of this name among the ${set} sources`, { got: name });
  return artifact;
}

async function compileOrLoad(set: SourceSet): Promise<Map<string, ContractArtifact>> {
  const sources = await readSources(set);
  const version = (require('solc/package.json') as { version: string }).version;
  const name = `${set}-${hashOf(version, JSON.stringify(SETTINGS[set]), JSON.stringify(sources)).slice(0, 32)}.json`;
  const dir = cacheDir('contracts');
  const cached = await readCached(join(dir, name));
  const artifacts = cached === undefined ? await compile(set, sources) : (JSON.parse(cached) as ContractArtifact[]);
  if (cached === undefined) await writeCached(dir, name, JSON.stringify(artifacts));
  return new Map(artifacts.map((artifact) => [artifact.name, artifact]));
}

async function readSources(set: SourceSet): Promise<Record<string, { content: string }>> {
  const dir = join(packageRoot(), 'verifier-contract', 'contracts', ...(set === 'test' ? ['test'] : []));
  const files = (await readdir(dir)).filter((file) => file.endsWith('.sol')).sort();
  const entries = files.map(async (file) => [file, { content: await readFile(join(dir, file), 'utf8') }] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function compile(set: SourceSet, sources: Record<string, { content: string }>): Promise<ContractArtifact[]> {
  const outputSelection = { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } };
  const input = JSON.stringify({ language: 'Solidity', sources, settings: { ...SETTINGS[set], outputSelection } });
  const output = JSON.parse(await runSolc(input)) as SolcOutput;
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new TacitError('SOLC_FAILED', errors.map(({ formattedMessage }) => formattedMessage).join('\n'));
  const artifacts = Object.values(output.contracts ?? {}).flatMap((unit) =>
    Object.entries(unit).map(([name, { abi, evm }]) => ({
      name,
      abi,
      bytecode: `0x${evm.bytecode.object}`,
      runtimeBytes: evm.deployedBytecode.object.length / 2,
    })),
  );
  for (const { name, runtimeBytes } of artifacts) {
    if (runtimeBytes > MAX_RUNTIME_BYTES)
      throw new TacitError('CONTRACT_TOO_LARGE', `${name} cannot be deployed`, {
        expected: `at most ${MAX_RUNTIME_BYTES} bytes`,
        got: `${runtimeBytes}`,
      });
  }
  return artifacts.filter(({ bytecode }) => bytecode.length > 2);
}

/** Standard JSON in, standard JSON out. */
function runSolc(input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [require.resolve('solc/solc.js'), '--standard-json'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const text = Buffer.concat(out).toString();
      // A banner may precede the object.
      const start = text.indexOf('{');
      if (code === 0 && start >= 0) resolve(text.slice(start));
      else
        reject(
          new TacitError('SOLC_FAILED', 'the Solidity compiler did not finish', {
            got: Buffer.concat(err).toString().slice(-400) || `exit status ${code}`,
          }),
        );
    });
    child.stdin.end(input);
  });
}

/** The folder that holds package.json: sources stay there when this file runs from `dist/`. */
function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) {
    const parent = dirname(dir);
    if (parent === dir)
      throw new TacitError('PACKAGE_ROOT', 'the contract sources are not where they should be', {
        expected: 'a package.json above this file',
      });
    dir = parent;
  }
  return dir;
}
