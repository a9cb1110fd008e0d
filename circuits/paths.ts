/**
 * Where things lie: the package's root (circom sources and node_modules are found from it, also when this code runs
 * from dist/) and the per-user cache.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TacitError } from '../protocol/errors.js';

const PACKAGE_NAME = 'tacit';

/** Folder of this package's package.json. @throws TacitError PACKAGE_ROOT */
export function packageRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === PACKAGE_NAME) return dir;
    if (dirname(dir) === dir)
      throw new TacitError('PACKAGE_ROOT', 'package root not found', { expected: `a package.json named ${PACKAGE_NAME} above the code` });
  }
}

/** `$XDG_CACHE_HOME/tacit/circuits`, or the same below `~/.cache`. Nothing is created here. */
export function circuitCache(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'tacit', 'circuits');
}

/** Where the small form of a proving key lies, by the hash (SHA-256, hex) of the key that it expands to. */
export function compactKeyPath(zkeySha256: string): string {
  return join(circuitCache(), 'compact', `${zkeySha256}.tzkc`);
}

/**
 * The compiled twin of a module of this folder, for worker threads, which cannot load TypeScript.
 * @param relative path below circuits/, ending in .js
 * @throws TacitError BUILD_MISSING when the project has not been compiled
 */
export function compiledModule(relative: string): string {
  const file = join(packageRoot(), 'dist', 'circuits', relative);
  if (!existsSync(file))
    throw new TacitError('BUILD_MISSING', 'the project is not compiled', {
      expected: `dist/circuits/${relative} (run npm run build)`,
      got: 'no such file',
    });
  return file;
}
