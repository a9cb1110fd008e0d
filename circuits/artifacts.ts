/**
 * The door through which every artifact is handed out: built when missing, then every file hashed and compared with the
 * build's manifest and with the hashes pinned in git (pins.json). A swapped or damaged file never gets further.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { type BuildOptions, type BuiltCircuit, buildCircuit, buildDir } from './build.js';
import { sha256File } from './hash.js';
import { ARTIFACT_KINDS, type ArtifactKind, type Manifest, loadManifest as readManifest } from './manifest.js';
import { packageRoot } from './paths.js';

/** What git pins of a circuit. */
export interface CircuitPins {
  readonly sourceHash: string;
  readonly constraints: number;
  readonly wires: number;
  readonly domainSize: number;
  readonly sha256: Readonly<Record<ArtifactKind, string>>;
}

/** What proving reads of a build; the rest is for building, setting up and looking into. */
const PROVING_KINDS = ['wasm', 'zkey', 'vkey'] as const satisfies readonly ArtifactKind[];

export type Pins = Readonly<Partial<Record<CircuitName, CircuitPins>>>;

/** A build of which the files named in the call were hashed and compared. */
export interface CheckedBuild extends BuiltCircuit {
  /** snarkjs' verification_key.json, parsed; always checked. */
  readonly vkey: unknown;
}

export interface VerifiedArtifacts extends CheckedBuild {
  /** SHA-256, hex, of each file as it lay on disk now. */
  readonly hashes: Readonly<Record<ArtifactKind, string>>;
  readonly manifest: Manifest;
}

export function pinsPath(): string {
  return join(packageRoot(), 'circuits', 'pins.json');
}

export function loadPins(): Pins {
  return JSON.parse(readFileSync(pinsPath(), 'utf8')) as Pins;
}

/** The manifest of the present sources' build. @throws TacitError ARTIFACT_MISSING when it is not built */
export function loadManifest(name: CircuitName): Manifest {
  return readManifest(buildDir(name));
}

/**
 * @throws TacitError ARTIFACT_HASH naming file, expected and got; ARTIFACT_PIN when a build of present sources differs
 * from the pins; what buildCircuit throws
 */
export async function resolveArtifacts(name: CircuitName, options: BuildOptions = {}): Promise<VerifiedArtifacts> {
  const { build, manifest, hashes } = await resolve(name, ARTIFACT_KINDS, options);
  return { ...build, manifest, hashes };
}

/** The same for who proves: only the files that proving reads are looked at. @throws TacitError as resolveArtifacts */
export async function resolveProvingFiles(name: CircuitName, options: BuildOptions = {}): Promise<CheckedBuild> {
  return (await resolve(name, PROVING_KINDS, options)).build;
}

/** The same for who only verifies, or puts the key into a contract. @throws TacitError as resolveArtifacts */
export async function resolveVerifyingKey(name: CircuitName, options: BuildOptions = {}): Promise<CheckedBuild> {
  return (await resolve(name, ['vkey'], options)).build;
}

async function resolve<Kind extends ArtifactKind>(name: CircuitName, kinds: readonly Kind[], options: BuildOptions) {
  const built = await buildCircuit(name, options);
  const manifest = readManifest(built.dir);
  const hashes = await checkFiles(built.dir, manifest, kinds);
  checkPins(name, manifest, hashes, loadPins()[name]);
  const build: CheckedBuild = { ...built, vkey: JSON.parse(readFileSync(built.vkeyPath, 'utf8')) };
  return { build, manifest, hashes };
}

/** Hashes artifacts of a folder, all unless told. @throws TacitError ARTIFACT_HASH, ARTIFACT_MISSING */
export async function checkFiles<Kind extends ArtifactKind = ArtifactKind>(
  dir: string,
  manifest: Manifest,
  kinds: readonly Kind[] = ARTIFACT_KINDS as readonly Kind[],
): Promise<Record<Kind, string>> {
  const check = async (kind: Kind): Promise<[Kind, string]> => {
    const { file, sha256 } = manifest.artifacts[kind];
    const path = join(dir, file);
    const got = await sha256File(path).catch((cause: unknown) => {
      throw new TacitError('ARTIFACT_MISSING', 'an artifact is missing; delete its folder to build it again', {
        expected: path,
        got: 'no such file',
        cause,
      });
    });
    if (got !== sha256) throw mismatch(path, sha256, got);
    return [kind, got];
  };
  return Object.fromEntries(await Promise.all(kinds.map(check))) as Record<Kind, string>;
}

function checkPins(
  name: CircuitName,
  manifest: Manifest,
  hashes: Partial<Record<ArtifactKind, string>>,
  pins: CircuitPins | undefined,
): void {
  const changed = (what: string, expected: string, got: string): TacitError =>
    new TacitError(
      'ARTIFACT_PIN',
      `${what} of ${name} is not the pinned one (circuits/updatePins.ts --update-pins, if the change is meant)`,
      { expected, got },
    );
  if (pins === undefined) throw changed('build', 'a pin', 'none');
  if (manifest.sourceHash !== pins.sourceHash) throw changed('source hash', pins.sourceHash, manifest.sourceHash);
  for (const [kind, got] of Object.entries(hashes) as [ArtifactKind, string][])
    if (got !== pins.sha256[kind]) throw changed(manifest.artifacts[kind].file, pins.sha256[kind], got);
}

function mismatch(path: string, expected: string, got: string): TacitError {
  return new TacitError('ARTIFACT_HASH', `artifact ${path} is not what was built; delete its folder to build it again`, { expected, got });
}
