/**
 * What a node has of each circuit and gives to workers: witness program, proving key, verification key, as they lie in its
 * cache, and the small form of the proving key where one was made (`tacit setup compact --circuit`).
 *
 * A node settles without any of these files; one that has none of a circuit says so. Whether a file is the right one is not for the
 * node to say: a worker compares it with the hashes that its own copy of the software pins.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadManifest } from '../circuits/artifacts.js';
import { buildDir } from '../circuits/build.js';
import { compactKeyPath } from '../circuits/paths.js';
import type { CircuitName } from '../protocol/circuit.js';
import { isTacitError } from '../protocol/errors.js';

export type ShelfKind = 'wasm' | 'zkey' | 'vkey' | 'compact';
export const SHELF_KINDS: readonly ShelfKind[] = ['wasm', 'zkey', 'vkey', 'compact'];

export interface ShelfFile {
  /** As it is asked for. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Hex: of the file, and for the small form of a key, of the key that it expands to. */
  readonly sha256: string;
}

export interface StoredFile extends ShelfFile {
  readonly path: string;
}

export interface ShelfCircuit {
  readonly circuit: CircuitName;
  readonly files: Readonly<Partial<Record<ShelfKind, StoredFile>>>;
}

export interface ArtifactShelf {
  /** Undefined where the node has no files of the circuit. */
  circuit(name: CircuitName): Promise<ShelfCircuit | undefined>;
}

/** The shelf of this machine's cache. Looked at anew for each question: a circuit may be built while the node runs. */
export function cacheShelf(): ArtifactShelf {
  return {
    circuit: async (name) => {
      const found = builtFiles(name);
      if (found === undefined) return undefined;
      const { dir, artifacts } = found;
      const stored = (kind: 'wasm' | 'zkey' | 'vkey'): StoredFile => {
        const { file, sizeBytes, sha256 } = artifacts[kind];
        return { file, sizeBytes, sha256, path: join(dir, file) };
      };
      const files = { wasm: stored('wasm'), zkey: stored('zkey'), vkey: stored('vkey') };
      const small = compactKeyPath(files.zkey.sha256);
      const size = await stat(small).then(
        ({ size: bytes }) => bytes,
        () => undefined,
      );
      const compact = { file: `${name}.tzkc`, sizeBytes: size ?? 0, sha256: files.zkey.sha256, path: small };
      return { circuit: name, files: size === undefined ? files : { ...files, compact } };
    },
  };
}

/** Names the bytes. The small form of a key carries the key's hash: its name keeps the two apart. */
export function etagOf({ file, sha256 }: Pick<ShelfFile, 'file' | 'sha256'>): string {
  return `"${file.endsWith('.tzkc') ? `${sha256}-compact` : sha256}"`;
}

/** 32 bytes in lower-case hexadecimal digits, as manifests and pins have it. */
export function isSha256(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function builtFiles(name: CircuitName): { dir: string; artifacts: ReturnType<typeof loadManifest>['artifacts'] } | undefined {
  try {
    const dir = buildDir(name);
    return existsSync(dir) ? { dir, artifacts: loadManifest(name).artifacts } : undefined;
  } catch (error) {
    if (isTacitError(error)) return undefined;
    throw error;
  }
}
