/**
 * `tacit doctor`: looks at what this machine and its settings would need, says what is wrong and how to mend it.
 * Exit code 0: all well; 1: something is unsafe or broken; 2: something could not be decided.
 */
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Command } from 'commander';
import { checkFiles, loadManifest } from '../circuits/artifacts.js';
import { buildDir } from '../circuits/build.js';
import { manifestPath } from '../circuits/manifest.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { isTacitError } from '../protocol/errors.js';
import { checkRedis, redactUrl } from '../queue/redis.js';
import { decodeKeyBlob, encodeKeyBlob, keyBlobHash } from '../verifier-contract/keyBlob.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type CommandResult, runs } from './output.js';

export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'wrong' | 'unknown' | 'skipped';
  readonly found: string;
  /** How to mend it. */
  readonly mend?: string;
}

interface DoctorOptions {
  readonly redis?: string;
  readonly rpc?: string;
  readonly contract?: string;
}

const MIN_NODE_MAJOR = 20;
/** The chain's clock and ours: seals and rosters expire by the clock. */
const MAX_CLOCK_SKEW_SECONDS = 120;
const GIB = 2 ** 30;

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('check this machine, its artifacts, Redis and the chain; say how to mend what is wrong')
    .option('--redis <url>', 'Redis to look at (default: REDIS_URL)')
    .option('--rpc <url>', 'JSON-RPC of the chain to look at')
    .option('--contract <address>', 'rollup contract to look at (with --rpc)')
    .addHelpText('after', '\nExample:\n  tacit doctor --rpc http://127.0.0.1:8545 --contract 0x…');
  runs<DoctorOptions>(command, runDoctor);
}

async function runDoctor(options: DoctorOptions): Promise<CommandResult> {
  const checks = [
    checkNode(),
    checkMachine(),
    ...(await checkArtifacts()),
    await checkRedisUrl(options.redis ?? process.env.REDIS_URL),
    ...(await checkChain(options)),
  ];
  const text = checks.map(
    ({ name, state, found, mend }) =>
      `${MARKS[state]} ${name.padEnd(20)} ${found}${mend === undefined ? '' : `\n  ${' '.repeat(20)} mend: ${mend}`}`,
  );
  const wrong = checks.some(({ state }) => state === 'wrong');
  const unknown = checks.some(({ state }) => state === 'unknown');
  return { value: { healthy: !wrong && !unknown, checks }, text: text.join('\n'), exitCode: wrong ? 1 : unknown ? 2 : 0 };
}

const MARKS: Readonly<Record<Check['state'], string>> = { ok: '✓', wrong: '✗', unknown: '?', skipped: '–' };

function checkNode(): Check {
  const found = process.versions.node;
  if (Number(found.split('.')[0]) >= MIN_NODE_MAJOR) return { name: 'Node', state: 'ok', found };
  return { name: 'Node', state: 'wrong', found, mend: `install Node ${MIN_NODE_MAJOR} or newer` };
}

function checkMachine(): Check {
  return { name: 'machine', state: 'ok', found: `${availableParallelism()} cores, ${(totalmem() / GIB).toFixed(1)} GiB` };
}

async function checkArtifacts(): Promise<Check[]> {
  return Promise.all((Object.keys(CIRCUITS) as CircuitName[]).map(checkArtifact));
}

async function checkArtifact(circuit: CircuitName): Promise<Check> {
  const name = `circuit ${circuit}`;
  const dir = buildDir(circuit);
  if (!existsSync(manifestPath(dir))) return { name, state: 'skipped', found: 'not built yet; built on first use' };
  try {
    const manifest = loadManifest(circuit);
    await checkFiles(dir, manifest);
    return {
      name,
      state: 'ok',
      found: `${manifest.constraints} constraints, ${manifest.insecure ? 'INSECURE development key' : 'key'}, hashes match`,
    };
  } catch (error) {
    return { name, state: 'wrong', found: messageOf(error), mend: `delete ${dir} and let it be built again` };
  }
}

async function checkRedisUrl(url: string | undefined): Promise<Check> {
  const name = 'Redis';
  if (url === undefined) return { name, state: 'skipped', found: 'no REDIS_URL; a server of its own is started where needed' };
  try {
    const { version, policy } = await checkRedis(url);
    return { name, state: 'ok', found: `${version} at ${redactUrl(url)}, ${policy}` };
  } catch (error) {
    const unreachable = isTacitError(error) && error.retryable;
    return {
      name,
      state: unreachable ? 'unknown' : 'wrong',
      found: messageOf(error),
      mend: unreachable ? 'start Redis, or correct REDIS_URL' : 'redis-cli CONFIG SET maxmemory-policy noeviction',
    };
  }
}

async function checkChain({ rpc, contract }: DoctorOptions): Promise<Check[]> {
  if (rpc === undefined) return [{ name: 'chain', state: 'skipped', found: 'no --rpc given' }];
  try {
    const provider = await openRpc(rpc);
    try {
      const block = await provider.getBlock('latest');
      const { chainId } = await provider.getNetwork();
      const skewSeconds = Math.round(Date.now() / 1000) - (block?.timestamp ?? 0);
      const checks: Check[] = [{ name: 'chain', state: 'ok', found: `chain ${chainId}, block ${block?.number}` }, clockCheck(skewSeconds)];
      return contract === undefined ? checks : [...checks, ...(await checkContract(new RollupContract(contract, provider)))];
    } finally {
      provider.destroy();
    }
  } catch (error) {
    return [{ name: 'chain', state: 'unknown', found: messageOf(error), mend: 'start the chain, or correct --rpc' }];
  }
}

function clockCheck(skewSeconds: number): Check {
  // A chain without new blocks looks like a clock that runs fast; only the other direction is certain.
  if (skewSeconds < -MAX_CLOCK_SKEW_SECONDS)
    return { name: 'clock', state: 'wrong', found: `${-skewSeconds} s behind the chain`, mend: 'synchronise the clock (NTP)' };
  return { name: 'clock', state: 'ok', found: `newest block is ${skewSeconds} s old` };
}

async function checkContract(rollup: RollupContract): Promise<Check[]> {
  try {
    await rollup.assertDeployed();
    const [{ keysHash, aggregator }, blob, overdue] = await Promise.all([rollup.config(), rollup.keyBlob(), rollup.isOverdue()]);
    const table = decodeKeyBlob(blob);
    const genuine = keyBlobHash(encodeKeyBlob(table)) === keysHash;
    return [
      { name: 'contract', state: 'ok', found: `${rollup.address}, aggregator ${aggregator}` },
      genuine
        ? { name: 'verifying keys', state: 'ok', found: `${table.size} circuits, hash matches` }
        : { name: 'verifying keys', state: 'wrong', found: 'their hash is not the one on chain', mend: 'use another RPC: this one lies' },
      overdue
        ? { name: 'queue', state: 'wrong', found: 'its head is overdue; anybody may settle', mend: 'start a node' }
        : { name: 'queue', state: 'ok', found: 'nothing overdue' },
    ];
  } catch (error) {
    return [{ name: 'contract', state: 'wrong', found: messageOf(error), mend: 'correct --contract' }];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
