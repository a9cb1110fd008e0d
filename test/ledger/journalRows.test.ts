/** Rows as they stand in the journal's file: every changed bit of them is seen when they are read, by name, and by the doctor's probe. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../ledger/journal.js';
import { probeJournal } from '../../ledger/journalProbe.js';
import { CHECK_BYTES, rowOf, storedRow } from '../../ledger/journalRow.js';
import type { QueueItemRow } from '../../ledger/schema.js';
import { checkJournal } from '../../operations/checks/journal.js';
import { DOMAIN } from '../protocol/arbitraries.js';
import { code } from '../protocol/walletErrors.js';

const ITEM: QueueItemRow = {
  item: 7,
  kind: 'deposit',
  block: { number: 12, hash: '0xb1' },
  queuedAtSeconds: 1_700_000_000,
  state: 'waiting',
};
const damaged = expect.objectContaining({ code: 'JOURNAL_DAMAGED' });
let dir = '';
const file = () => join(dir, 'journal.mdb');
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-journal-rows-'));
  const journal = openJournal(dir, DOMAIN);
  await journal.transaction((tables) => {
    for (const item of [6, 7, 8]) tables.queueItems.put(item, { ...ITEM, item });
    tables.facts.put('a', 'whole');
  });
  await journal.close();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What stands in the file under a key, and a way to put something else there, behind the journal's back. */
async function behind<T>(table: string, body: (db: Database<Buffer, string | number>) => Promise<T> | T): Promise<T> {
  const root = open({ path: file(), noSubdir: true, maxDbs: 64, encoding: 'binary' });
  try {
    return await body(root.openDB<Buffer, string | number>({ name: table, encoding: 'binary' }));
  } finally {
    await root.close();
  }
}

describe('a stored row', () => {
  it('is its JSON behind a check, and comes back', async () => {
    const stored = await behind('queueItems', (db) => Buffer.from(db.get(7) as Buffer));
    expect(stored.subarray(CHECK_BYTES).toString()).toBe(JSON.stringify(ITEM));
    expect(stored).toEqual(storedRow('queueItems', 7, ITEM));
    expect(rowOf('queueItems', 7, stored)).toEqual(ITEM);
  });

  it('is refused with any of its bits flipped, any byte missing, and in any other place', () => {
    const stored = storedRow('queueItems', 7, ITEM);
    for (let bit = 0; bit < 8 * stored.length; bit++) {
      const flipped = Buffer.from(stored);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(
        code(() => rowOf('queueItems', 7, flipped)),
        `bit ${bit}`,
      ).toBe('JOURNAL_DAMAGED');
    }
    for (let length = 0; length < stored.length; length++)
      expect(code(() => rowOf('queueItems', 7, stored.subarray(0, length)))).toBe('JOURNAL_DAMAGED');
    for (const [table, key] of [
      ['queueItems', 8],
      ['queueItems', '7'],
      ['settled', 7],
    ] as const)
      expect(code(() => rowOf(table, key, stored))).toBe('JOURNAL_DAMAGED');
  });
});

describe('a journal one of whose rows has changed in the file', () => {
  it('says which table and key, in every way of reading, writes nothing over it, and reads the others', async () => {
    // Still JSON, still a row of this type: item 7 becomes a deposit of block 13.
    await behind('queueItems', async (db) => {
      const stored = Buffer.from(db.get(7) as Buffer);
      const at = stored.indexOf('"number":12') + '"number":1'.length;
      stored[at] = '3'.charCodeAt(0);
      expect(JSON.parse(stored.subarray(CHECK_BYTES).toString()).block.number).toBe(13);
      await db.put(7, stored);
    });
    const journal = openJournal(dir, DOMAIN);
    try {
      expect(() => journal.read.queueItems.get(7)).toThrow(
        expect.objectContaining({ code: 'JOURNAL_DAMAGED', message: expect.stringContaining('queueItems'), got: '7' }),
      );
      expect(() => journal.read.queueItems.has(7)).toThrow(damaged);
      expect(() => journal.read.queueItems.rows()).toThrow(damaged);
      expect(() => journal.read.queueItems.range({ from: 7, to: 8 })).toThrow(damaged);
      await expect(
        journal.transaction((tables) => {
          tables.facts.put('a', 'half done');
          tables.queueItems.update(7, (row) => ({ ...row, state: 'settled' }));
        }),
      ).rejects.toEqual(damaged);
      expect(journal.read.facts.get('a')).toBe('whole');
      expect(journal.read.queueItems.get(6)).toEqual({ ...ITEM, item: 6 });
      expect(journal.read.queueItems.range({ from: 8 })).toHaveLength(1);
    } finally {
      await journal.close();
    }
    expect(checkJournal(dir)).toMatchObject({
      state: 'wrong',
      found: expect.stringContaining('a row of queueItems is not what was written: 7'),
    });
  });

  it('finds each flipped bit that lies in a row of the file itself', async () => {
    const whole = readFileSync(file());
    const text = JSON.stringify(ITEM);
    // lmdb may have left older copies of the page: the bit is flipped in all of them.
    const places: number[] = [];
    for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) places.push(at);
    expect(places.length).toBeGreaterThan(0);
    for (let offset = -CHECK_BYTES; offset < text.length; offset += 5) {
      const bytes = Buffer.from(whole);
      for (const at of places) bytes[at + offset] = (bytes[at + offset] as number) ^ (1 << (Math.abs(offset) % 8));
      writeFileSync(file(), bytes);
      const journal = openJournal(dir, DOMAIN);
      try {
        expect(() => journal.read.queueItems.get(7), `offset ${offset}`).toThrow(damaged);
        expect(journal.read.facts.get('a')).toBe('whole');
      } finally {
        await journal.close();
      }
    }
    writeFileSync(file(), whole);
    expect(probeJournal(file())).toEqual({ sound: true, found: '5 rows' });
  });
});

describe('a journal that has lost more than a row', () => {
  it('is refused where its file ends in the middle of a page, which would read as tables without rows', async () => {
    const whole = readFileSync(file());
    const pageBytes = 4096;
    for (let pages = 3; pages * pageBytes < whole.length; pages++) {
      writeFileSync(file(), whole.subarray(0, pages * pageBytes - 700));
      expect(
        code(() => openJournal(dir, DOMAIN)),
        `${pages} pages`,
      ).toBe('JOURNAL_DAMAGED');
      expect(checkJournal(dir)).toMatchObject({ state: 'wrong', found: 'the file ends in the middle of a page' });
    }
    writeFileSync(file(), whole);
    expect(checkJournal(dir)).toMatchObject({ state: 'ok' });
  });

  it('is not taken for a new one where its identity is gone, and is one where nothing but the identity was written', async () => {
    await behind('meta', async (db) => void (await db.remove('identity')));
    expect(() => openJournal(dir, DOMAIN)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED', got: 'undefined' }));
    for (const killedAfter of ['nothing', 'the table']) {
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir);
      if (killedAfter === 'the table') await behind('meta', () => {});
      else writeFileSync(file(), '');
      const journal = openJournal(dir, DOMAIN);
      expect(journal.identity.schema).toBe(2);
      await journal.close();
      await openJournal(dir, DOMAIN).close();
    }
  });
});
