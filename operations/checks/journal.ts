/** A node's journal: can it be read through? By a process of its own, because a damaged file can end the one that reads it. */
import { join } from 'node:path';
import { probeJournal } from '../../ledger/journalProbe.js';
import type { Check } from './check.js';

/** @param dir the node's data directory, where `journal.mdb` stands */
export function checkJournal(dir: string): Check {
  const { sound, found } = probeJournal(join(dir, 'journal.mdb'));
  if (sound) return { name: 'journal', state: 'ok', found };
  return {
    name: 'journal',
    state: 'wrong',
    found,
    mend: 'restore the file from a copy, or start the node with an empty directory: it reads L1 again',
  };
}
