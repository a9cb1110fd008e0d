/**
 * From a circuit's name to its artifacts in the per-user cache: compile, development set-up, manifest.
 *
 * A build is keyed by the hash of its sources, compiler, flags and set-up. It is made in a folder of its own and moved
 * into place in one step, so two processes may build the same circuit at once: the second one's result is dropped.
 * Invariant: a folder of the cache that has its final name is complete and is never written again.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { compileCircuit } from './compile.js';
import { sha256File } from './hash.js';
import { ARTIFACT_KINDS, type ArtifactEntry, type ArtifactKind, loadManifest, type Manifest, manifestPath } from './manifest.js';
import { circuitCache } from './paths.js';
import { DEV_SETUP_VERSION, type DevSetupResult, insecureDevSetup } from './setup/insecureDevSetup.js';
import { CIRCOM_FLAGS, type CircuitSources, circuitSources, compilerVersion } from './sources.js';

export interface BuildProgress {
  readonly circuit: string;
  readonly phase: 'compile' | 'setup';
  /** 0..1 within the phase. */
  readonly fraction: number;
}

export interface BuildOptions {
  readonly onProgress?: (progress: BuildProgress) => void;
}

export interface BuiltCircuit {
  readonly name: CircuitName;
  /** Number of the circuit in fingerprint and key table. */
  readonly id: number;
  readonly dir: string;
  readonly r1csPath: string;
  readonly wasmPath: string;
  readonly symPath: string;
  readonly zkeyPath: string;
  readonly vkeyPath: string;
}

/** File name of each artifact; a development key says so in its name. */
export function artifactFiles(name: CircuitName): Readonly<Record<ArtifactKind, string>> {
  return {
    r1cs: `${name}.r1cs`,
    wasm: `${name}.wasm`,
    sym: `${name}.sym`,
    zkey: `${name}.insecure-dev.zkey`,
    vkey: `${name}.insecure-dev.vkey.json`,
  };
}

/** Where the build of the present sources lies or will lie. */
export function buildDir(name: CircuitName, sources: CircuitSources = circuitSources(name)): string {
  const key = createHash('sha256').update(`${sources.hash} ${DEV_SETUP_VERSION}`).digest('hex');
  return join(circuitCache(), `${name}-${key.slice(0, KEY_DIGITS)}`);
}

const KEY_DIGITS = 16;
const WORK_PREFIX = '.building-';
/** No build takes a day. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;
const running = new Map<string, Promise<BuiltCircuit>>();

/**
 * Builds what is missing; returns at once when the cache has it. Hashes are checked by whoever hands artifacts out
 * (artifacts.ts), not here.
 * @throws TacitError CIRCUIT_SOURCE, CIRCUIT_COMPILE, BUILD_MISSING
 */
export function buildCircuit(name: CircuitName, options: BuildOptions = {}): Promise<BuiltCircuit> {
  const sources = circuitSources(name);
  const dir = buildDir(name, sources);
  if (existsSync(manifestPath(dir))) return Promise.resolve(describe(name, dir));
  const already = running.get(dir);
  if (already !== undefined) return already;
  const build = buildInto(name, sources, dir, options).finally(() => running.delete(dir));
  running.set(dir, build);
  return build;
}

function describe(name: CircuitName, dir: string): BuiltCircuit {
  const files = artifactFiles(name);
  const at = (kind: ArtifactKind): string => join(dir, files[kind]);
  return {
    name,
    id: CIRCUITS[name].id,
    dir,
    r1csPath: at('r1cs'),
    wasmPath: at('wasm'),
    symPath: at('sym'),
    zkeyPath: at('zkey'),
    vkeyPath: at('vkey'),
  };
}

async function buildInto(name: CircuitName, sources: CircuitSources, dir: string, { onProgress }: BuildOptions): Promise<BuiltCircuit> {
  await removeAbandoned();
  const work = join(circuitCache(), `${WORK_PREFIX}${basename(dir)}-${process.pid}-${randomBytes(4).toString('hex')}`);
  const result = join(work, 'result');
  await mkdir(result, { recursive: true });
  try {
    const compiled = await compileCircuit(sources, join(work, 'compile'), (fraction) =>
      onProgress?.({ circuit: name, phase: 'compile', fraction }),
    );
    const built = describe(name, result);
    await rename(compiled.r1csPath, built.r1csPath);
    await rename(compiled.wasmPath, built.wasmPath);
    await rename(compiled.symPath, built.symPath);
    const { r1csPath, zkeyPath, vkeyPath } = built;
    const setup = await insecureDevSetup({
      circuit: name,
      r1csPath,
      zkeyPath,
      vkeyPath,
      onFraction: (fraction) => onProgress?.({ circuit: name, phase: 'setup', fraction }),
    });
    await writeFile(manifestPath(result), `${JSON.stringify(await manifest(name, sources, result, setup), null, 2)}\n`);
    await install(result, dir);
    return describe(name, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function manifest(name: CircuitName, sources: CircuitSources, dir: string, setup: DevSetupResult): Promise<Manifest> {
  const files = artifactFiles(name);
  const entry = async (kind: ArtifactKind): Promise<[ArtifactKind, ArtifactEntry]> => {
    const path = join(dir, files[kind]);
    return [kind, { file: files[kind], sizeBytes: (await stat(path)).size, sha256: await sha256File(path) }];
  };
  return {
    format: 1,
    circuit: name,
    id: CIRCUITS[name].id,
    insecure: true,
    setup: DEV_SETUP_VERSION,
    compiler: compilerVersion(),
    flags: CIRCOM_FLAGS,
    sourceHash: sources.hash,
    ...setup,
    artifacts: Object.fromEntries(await Promise.all(ARTIFACT_KINDS.map(entry))) as Record<ArtifactKind, ArtifactEntry>,
  };
}

/** Work folders of processes that died. Age decides, not the process id, which another machine may have given out. */
async function removeAbandoned(): Promise<void> {
  const names = await readdir(circuitCache()).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith(WORK_PREFIX))) {
    const path = join(circuitCache(), name);
    const ageMs = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (ageMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

/** Moves a finished folder into place; a folder that another process put there first stays. */
async function install(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!existsSync(manifestPath(to))) throw error;
    loadManifest(to);
  }
}
