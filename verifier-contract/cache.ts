/**
 * The per-user cache: files named by a hash of what they were made from, written whole or not at all.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$XDG_CACHE_HOME/tacit/<room>`, by default below `~/.cache`. */
export function cacheDir(room: string): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(base, 'tacit', room);
}

/** Hex SHA-256 over the parts, each preceded by its length so that no two lists collide. */
export function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

/** The file's content, or `undefined` where there is no such file. */
export async function readCached(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes beside the target and renames: a reader sees the old file, the new one, or none. */
export async function writeCached(dir: string, name: string, content: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const temporary = join(dir, `.${name}.${randomBytes(6).toString('hex')}`);
  await writeFile(temporary, content);
  await rename(temporary, join(dir, name));
}
