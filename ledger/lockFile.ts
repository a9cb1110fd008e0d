/**
 * A lock file that dies with its process: one journal, one writer.
 *
 * The file holds the process id of the owner. A file whose process is gone, or was left by a machine that has rebooted
 * since, is taken over; two starters that race are decided by exclusive creation.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { TacitError } from '../protocol/errors.js';

/** Locks held by this process, which its own id in a file cannot tell apart from a reused one. */
const held = new Set<string>();

/**
 * Takes the lock or fails at once.
 * @returns release, safe to call twice
 * @throws JOURNAL_LOCKED
 */
export function acquireLock(path: string): () => void {
  if (!create(path)) {
    const owner = ownerOf(path);
    if (held.has(path) || (owner !== process.pid && isAlive(owner))) {
      throw new TacitError('JOURNAL_LOCKED', 'another process has the journal open', { got: `process ${owner}`, retryable: true });
    }
    rmSync(path, { force: true });
    if (!create(path)) throw new TacitError('JOURNAL_LOCKED', 'another process has just opened the journal', { retryable: true });
  }
  held.add(path);
  return () => {
    if (held.delete(path)) rmSync(path, { force: true });
  };
}

function create(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function ownerOf(path: string): number {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch {
    return Number.NaN;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
