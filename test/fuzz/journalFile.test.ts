/**
 * The journal's file itself, cut off or with bits flipped. lmdb may end a process over it: the probe's, never this one. What is cut
 * off is refused by name, or has lost nothing. What of flipped bits the probe survives is not tried here: lmdb could end this process.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournal } from '../../ledger/journal.js';
import { isShortJournal, probeJournal } from '../../ledger/journalProbe.js';
import { checkJournal } from '../../operations/checks/journal.js';
import { DOMAIN } from '../protocol/arbitraries.js';
import { FUZZ_CASES, fuzzAsync, refusedOr, SLOW_FUZZ_TEST_MS } from './fuzz.js';

const ROWS = 40;
/** A child a case: a few in the everyday run, all in a long one. */
const PROBED_CASES = FUZZ_CASES < 1_000 ? 6 : FUZZ_CASES;
const FILE = 'journal.mdb';
let dir = '';
let honest: Buffer;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-journal-file-'));
  const journal = openJournal(dir, DOMAIN);
  for (let i = 0; i < ROWS; i++) {
    const id = `0x${i.toString(16).padStart(64, '0')}`;
    await journal.transaction((tables) =>
      tables.transfers.put(id, { id, record: `0x${'11'.repeat(231)}`, state: 'queued', times: { queued: i }, attempts: 0 }),
    );
  }
  await journal.close();
  honest = readFileSync(join(dir, FILE));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A directory with this file as its journal; lmdb's own lock file is not taken along. */
function planted(bytes: Uint8Array): string {
  const place = join(dir, 'planted');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  writeFileSync(join(place, FILE), bytes);
  return place;
}

describe('a journal file', () => {
  it('as it was written is sound, and not short', () => {
    const place = planted(honest);
    expect(isShortJournal(join(place, FILE))).toBe(false);
    expect(probeJournal(join(place, FILE))).toEqual({ sound: true, found: `${ROWS + 1} rows` });
    expect(checkJournal(place)).toMatchObject({ state: 'ok' });
  });

  it(
    'cut off anywhere does not open, or has lost nothing',
    async () => {
      await fuzzAsync(
        fc.integer({ min: 1, max: honest.length - 1 }),
        async (sizeBytes) => {
          const place = planted(honest.subarray(0, sizeBytes));
          const journal = refusedOr(() => openJournal(place, DOMAIN));
          expect(journal?.read.transfers.count() ?? ROWS).toBe(ROWS);
          await journal?.close();
        },
        [30, 5_000, 40_000],
        PROBED_CASES,
      );
    },
    SLOW_FUZZ_TEST_MS,
  );

  it(
    'with flipped bits is read or is said to be damaged, and ends no process but the probe’s',
    async () => {
      const flips = fc.array(fc.tuple(fc.integer({ min: 0, max: honest.length - 1 }), fc.integer({ min: 0, max: 7 })), {
        minLength: 1,
        maxLength: 4,
      });
      await fuzzAsync(
        flips,
        async (at) => {
          const bytes = Uint8Array.from(honest);
          for (const [offset, bit] of at) bytes[offset] = (bytes[offset] as number) ^ (1 << bit);
          const place = planted(bytes);
          const { state, mend } = checkJournal(place);
          expect(state === 'ok' || mend !== undefined).toBe(true);
        },
        [],
        PROBED_CASES,
      );
    },
    SLOW_FUZZ_TEST_MS,
  );
});
