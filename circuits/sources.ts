/**
 * The circom sources that one circuit is made of, and the hash that names a build of it.
 *
 * The closure of `include` lines is followed by this code, so that a change in a template rebuilds exactly the circuits
 * that use it, and so that the compiler can be given a folder with those files and nothing else (circom2 cannot follow
 * a link that leads out of its working folder, as a linked node_modules does).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import type { CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { packageRoot } from './paths.js';

/** Simplification level of keys: every linear constraint is removed. */
export const CIRCOM_FLAGS: readonly string[] = ['--r1cs', '--wasm', '--sym', '--O2'];

/** A source file as the compiler sees it. */
export interface SourceFile {
  /** Path in the compiler's folder, with slashes: `circuits/lib/…` or `circomlib/circuits/…`. */
  readonly path: string;
  readonly text: string;
}

export interface CircuitSources {
  /** The file with `component main`. */
  readonly main: string;
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  /** SHA-256, hex, over compiler version, flags and every file. */
  readonly hash: string;
}

const INCLUDE = /^\s*include\s+"([^"]+)"\s*;/gm;
const LIBRARY = 'circomlib';

/** @throws TacitError CIRCUIT_SOURCE when a file is missing */
export function circuitSources(name: CircuitName): CircuitSources {
  return sourcesOf(`circuits/main/${name}.circom`, packageRoot());
}

/**
 * @param main path below `root`, with slashes
 * @param given texts that stand in for files, by path: circuits that exist in memory only
 */
export function sourcesOf(main: string, root: string, given: ReadonlyMap<string, string> = new Map()): CircuitSources {
  const require = createRequire(join(packageRoot(), 'package.json'));
  const libraryRoot = dirname(dirname(require.resolve(`${LIBRARY}/package.json`)));
  const found = new Map<string, string>();
  const pending = [main];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (found.has(path)) continue;
    const text = given.get(path) ?? read(join(path.startsWith(`${LIBRARY}/`) ? libraryRoot : root, path), path);
    found.set(path, text);
    for (const [, target] of text.matchAll(INCLUDE)) {
      if (target === undefined) continue;
      pending.push(target.startsWith(`${LIBRARY}/`) ? target : posix.normalize(posix.join(posix.dirname(path), target)));
    }
  }
  const files = [...found].map(([path, text]) => ({ path, text })).sort((a, b) => (a.path < b.path ? -1 : 1));
  return { main, files, hash: hashOf(files) };
}

/** Version of the compiler package. */
export function compilerVersion(): string {
  const require = createRequire(join(packageRoot(), 'package.json'));
  return `circom2 ${(require('circom2/package.json') as { version: string }).version}`;
}

function hashOf(files: readonly SourceFile[]): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([compilerVersion(), CIRCOM_FLAGS]));
  for (const file of files) hash.update(JSON.stringify([file.path, file.text]));
  return hash.digest('hex');
}

function read(file: string, path: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TacitError('CIRCUIT_SOURCE', 'a circuit source is missing', { expected: path, got: 'no such file', cause });
  }
}
