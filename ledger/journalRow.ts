/**
 * How a row of the journal stands in its file, and how it is known again.
 *
 *   check 8 │ JSON, UTF-8
 *
 * check: the first bytes of SHA-256 over table, key and JSON. lmdb has no checksums: without this a bit that flips on a disk or in memory
 * could make another row that is still JSON, another position of a note say, and the node would act on it. It is no protection
 * from people: who can write the file can write the check. It does not see a row that is gone.
 */
import { createHash } from 'node:crypto';
import { TacitError } from '../protocol/errors.js';

export const CHECK_BYTES = 8;

/** The bytes that are stored for a row. */
export function storedRow(table: string, key: string | number, row: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(row), 'utf8');
  return Buffer.concat([checkOf(table, key, text), text]);
}

/** The row of stored bytes. @throws TacitError JOURNAL_DAMAGED where they are not those that `storedRow` made for this place */
export function rowOf(table: string, key: string | number, stored: Uint8Array): unknown {
  const text = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).subarray(CHECK_BYTES);
  if (stored.length <= CHECK_BYTES || !checkOf(table, key, text).equals(stored.subarray(0, CHECK_BYTES)))
    throw new TacitError('JOURNAL_DAMAGED', `a row of ${table} is not what was written`, {
      expected: 'a row with its check',
      got: String(key),
    });
  return JSON.parse(text.toString('utf8'));
}

/** The key's type counts: 1 and '1' are two keys. journalProbe.ts computes the same in a process of its own. */
function checkOf(table: string, key: string | number, text: Buffer): Buffer {
  const place = JSON.stringify([table, key]);
  return createHash('sha256').update(place).update(text).digest().subarray(0, CHECK_BYTES);
}
