/** Writes a secret into a file that only its owner may read, and returns the path. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const FILE_MODE = 0o600;

export function writeSecret(path: string, secret: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${secret}\n`, { mode: FILE_MODE });
  chmodSync(path, FILE_MODE);
  return path;
}
