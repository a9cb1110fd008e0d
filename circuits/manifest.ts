/**
 * The manifest of one build, beside its artifacts in the cache: what was built from what, and the SHA-256 of each file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';

export type ArtifactKind = 'r1cs' | 'wasm' | 'sym' | 'zkey' | 'vkey';
export const ARTIFACT_KINDS: readonly ArtifactKind[] = ['r1cs', 'wasm', 'sym', 'zkey', 'vkey'];

export interface ArtifactEntry {
  readonly file: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface Manifest {
  readonly format: 1;
  readonly circuit: CircuitName;
  readonly id: number;
  /** True for keys whose toxic waste is published. */
  readonly insecure: boolean;
  /** How the key was made, e.g. `insecure-dev-1`. */
  readonly setup: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Hash of every source, the compiler's version and its flags. */
  readonly sourceHash: string;
  readonly constraints: number;
  readonly wires: number;
  readonly publicInputs: number;
  readonly domainSize: number;
  readonly artifacts: Readonly<Record<ArtifactKind, ArtifactEntry>>;
}

const MANIFEST_FILE = 'manifest.json';

export function manifestPath(dir: string): string {
  return join(dir, MANIFEST_FILE);
}

/** @throws TacitError ARTIFACT_MISSING, ARTIFACT_MANIFEST */
export function loadManifest(dir: string): Manifest {
  const path = manifestPath(dir);
  if (!existsSync(path)) throw new TacitError('ARTIFACT_MISSING', 'no build here', { expected: path, got: 'no such file' });
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    if (manifest.format === 1 && ARTIFACT_KINDS.every((kind) => typeof manifest.artifacts[kind].sha256 === 'string')) return manifest;
  } catch (cause) {
    throw new TacitError('ARTIFACT_MANIFEST', 'manifest cannot be read', { expected: `a manifest of format 1 at ${path}`, cause });
  }
  throw new TacitError('ARTIFACT_MANIFEST', 'manifest has an unknown shape', { expected: `a manifest of format 1 at ${path}` });
}
