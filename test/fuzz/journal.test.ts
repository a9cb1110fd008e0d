/** Rows of a journal that something has spoiled: what was written, or JOURNAL_DAMAGED; the journal stays usable. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../ledger/journal.js';
import { storedRow } from '../../ledger/journalRow.js';
import { DOMAIN } from '../protocol/arbitraries.js';
import { COSTLY_CASES, fuzzAsync, refusedOr, refusedOrLater, SLOW_FUZZ_TEST_MS, spoiledBytes } from './fuzz.js';

const ROW = { id: `0x${'aa'.repeat(32)}`, record: '0x11', state: 'queued', times: { queued: 1 }, attempts: 0 } as const;
const SPOILED = '0xspoiled';
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-fuzz-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Writes bytes where a row of `table` should stand, behind the journal's back. */
async function plant(table: string, key: string, bytes: Uint8Array): Promise<void> {
  const root = open({ path: join(dir, 'journal.mdb'), noSubdir: true, maxDbs: 64, encoding: 'binary' });
  await root.openDB<Buffer, string>({ name: table, encoding: 'binary' }).put(key, Buffer.from(bytes));
  await root.close();
}

describe('a journal with a spoiled row', () => {
  it(
    'tells it by name and goes on with the others',
    async () => {
      const written = openJournal(dir, DOMAIN);
      await written.transaction((tables) => tables.transfers.put(ROW.id, ROW));
      await written.close();
      const valid = Uint8Array.from(storedRow('transfers', SPOILED, ROW));
      await fuzzAsync(
        spoiledBytes(fc.constant(valid)),
        async (bytes) => {
          await plant('transfers', SPOILED, bytes);
          const journal = openJournal(dir, DOMAIN);
          try {
            // Nothing spoiled passes for another row.
            expect(refusedOr(() => journal.read.transfers.get(SPOILED)) ?? ROW).toEqual(ROW);
            expect(refusedOr(() => journal.read.transfers.rows()) ?? [ROW, ROW]).toEqual([ROW, ROW]);
            await refusedOrLater(() => journal.transaction((tables) => tables.transfers.update(SPOILED, (row) => row)));
            expect(journal.read.transfers.get(ROW.id)).toEqual(ROW);
          } finally {
            await journal.close();
          }
        },
        [],
        COSTLY_CASES,
      );
    },
    SLOW_FUZZ_TEST_MS,
  );

  it(
    'and with a spoiled identity it does not open',
    async () => {
      await openJournal(dir, DOMAIN).close();
      await fuzzAsync(
        spoiledBytes(fc.constant(new TextEncoder().encode('{"schema":2,"chainId":"31337"}'))),
        async (bytes) => {
          await plant('meta', 'identity', bytes);
          const journal = refusedOr(() => openJournal(dir, DOMAIN));
          await journal?.close();
          if (journal !== undefined) throw new Error('a journal of nobody was opened');
        },
        [],
        COSTLY_CASES,
      );
    },
    SLOW_FUZZ_TEST_MS,
  );
});
