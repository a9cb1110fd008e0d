/**
 * Whether a journal file can be read through, found out by a process of its own.
 *
 * lmdb maps the file into memory and trusts it: a page that is not there, or points where nothing is, ends the whole process
 * (SIGBUS, SIGSEGV) instead of throwing. So what may be damaged is read by a child first, which may die of it. What it cannot find
 * is a changed bit inside a row that is still JSON: the journal has no checksums; a file system that keeps them has.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TABLE_NAMES } from './schema.js';

export interface JournalProbe {
  readonly sound: boolean;
  /** Rows that were read, or why reading ended. */
  readonly found: string;
}

// lmdb's two meta pages (data format of lmdb 3.x for Node): page size, last page and transaction, from the page's beginning.
const PAGE_SIZE_OFFSET = 48;
const LAST_PAGE_OFFSET = 144;
const TRANSACTION_OFFSET = 152;
const META_BYTES = 160;
/** Reading through a journal of gigabytes is done by then. */
const PROBE_LIMIT_MS = 600_000;

/** Arguments: the path of the lmdb package, the file, the tables. Prints the count of rows; rows that are no JSON throw. */
const SCRIPT = `
const [, lmdb, path, ...names] = process.argv;
const root = require(lmdb).open({ path, noSubdir: true, readOnly: true, maxDbs: 64, encoding: 'json' });
let rows = 0;
for (const name of names) {
  const table = root.openDB({ name, encoding: 'json' });
  if (table !== undefined) for (const { value } of table.getRange()) rows += JSON.stringify(value) === undefined ? 0 : 1;
}
console.log(rows + ' rows');
`;

/** Reads all rows of the journal file in a child process. */
export function probeJournal(path: string): JournalProbe {
  if (!existsSync(path)) return { sound: false, found: 'there is no such file' };
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', SCRIPT, lmdb, path, 'meta', ...TABLE_NAMES], {
    encoding: 'utf8',
    timeout: PROBE_LIMIT_MS,
  });
  if (status === 0) return { sound: true, found: stdout.trim() };
  const said = stderr.split('\n').find((line) => /Error/.test(line));
  return { sound: false, found: signal === null ? (said ?? `ended with status ${status}`) : `the reading process ended with ${signal}` };
}

/** The file ends before the last page that its newest transaction speaks of: cut off, or that page was never used. */
export function isShortJournal(path: string): boolean {
  const sizeBytes = statSync(path).size;
  const file = openSync(path, 'r');
  try {
    const first = metaAt(file, 0);
    const second = metaAt(file, first.pageBytes);
    const newest = second.transaction > first.transaction ? second : first;
    const wholeBytes = (newest.lastPage + 1n) * BigInt(first.pageBytes);
    return first.pageBytes === 0 || sizeBytes < 2 * first.pageBytes || BigInt(sizeBytes) < wholeBytes;
  } finally {
    closeSync(file);
  }
}

function metaAt(file: number, offset: number): { pageBytes: number; lastPage: bigint; transaction: bigint } {
  const page = Buffer.alloc(META_BYTES);
  readSync(file, page, 0, META_BYTES, offset);
  return {
    pageBytes: page.readUInt32LE(PAGE_SIZE_OFFSET),
    lastPage: page.readBigUInt64LE(LAST_PAGE_OFFSET),
    transaction: page.readBigUInt64LE(TRANSACTION_OFFSET),
  };
}
