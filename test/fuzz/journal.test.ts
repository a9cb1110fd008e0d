/** Rows of a journal that somebody or something has spoiled: a value, or JOURNAL_DAMAGED; the journal stays usable. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../ledger/journal.js';
import { DOMAIN } from '../protocol/arbitraries.js';
import { COSTLY_CASES, FUZZ_TEST_MS, fuzzAsync, refusedOr, refusedOrLater, spoiledBytes } from './fuzz.js';

const ROW = { id: `0x${'aa'.repeat(32)}`, record: '0x11', state: 'queued', times: { queued: 1 }, attempts: 0 } as const;
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
      const valid = new TextEncoder().encode(JSON.stringify(ROW));
      await fuzzAsync(
        spoiledBytes(fc.constant(valid)),
        async (bytes) => {
          await plant('transfers', '0xspoiled', bytes);
          const journal = openJournal(dir, DOMAIN);
          try {
            refusedOr(() => journal.read.transfers.get('0xspoiled'));
            refusedOr(() => journal.read.transfers.rows());
            await refusedOrLater(() => journal.transaction((tables) => tables.transfers.update('0xspoiled', (row) => row)));
            expect(journal.read.transfers.get(ROW.id)).toEqual(ROW);
          } finally {
            await journal.close();
          }
        },
        [],
        COSTLY_CASES,
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'and with a spoiled identity it does not open',
    async () => {
      await openJournal(dir, DOMAIN).close();
      await fuzzAsync(
        spoiledBytes(fc.constant(new TextEncoder().encode('{"schema":1,"chainId":"31337"}'))),
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
    FUZZ_TEST_MS,
  );
});
