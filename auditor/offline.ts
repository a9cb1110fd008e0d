/**
 * Audits of files: no network, nothing but the file.
 */
import { readFile } from 'node:fs/promises';
import { TacitError } from '../protocol/errors.js';
import { parseArchive } from './archive.js';
import { auditEvidence, type OnProgress } from './audit.js';
import type { AuditReport } from './finding.js';

/** @throws TacitError FILE_UNREADABLE, ARCHIVE_FORMAT, ARCHIVE_SPELLING: nothing can be said then */
export async function auditArchive(file: string, onProgress: OnProgress = () => {}): Promise<AuditReport> {
  return auditEvidence(parseArchive(await readText(file)), onProgress);
}

/** @throws TacitError FILE_UNREADABLE */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TacitError('FILE_UNREADABLE', 'the file cannot be read', { got: file, cause });
  }
}
