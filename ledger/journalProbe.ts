/**
 * Whether a journal file can be read through, found out by a process of its own.
 *
 * lmdb maps the file into memory and trusts it: a page that is not there, or points where nothing is, ends the whole process
 * (SIGBUS, SIGSEGV) instead of throwing. So what may be damaged is read by a child first, which may die of it. It compares each row with
 * its check (journalRow.ts) and their count with the one that lmdb keeps. What it cannot find is a whole transaction that is gone.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CHECK_BYTES } from './journalRow.js';
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

/** Arguments: the path of the lmdb package, the file, the tables. Prints the count of rows; rows that are not what was written throw. */
const SCRIPT = `
const [, lmdb, path, ...names] = process.argv;
const { createHash } = require('node:crypto');
const root = require(lmdb).open({ path, noSubdir: true, readOnly: true, maxDbs: 64, encoding: 'binary' });
const identity = root.openDB({ name: 'meta', encoding: 'binary' });
let rows = 0;
if (identity !== undefined) for (const { value } of identity.getRange()) rows += JSON.stringify(JSON.parse(value.toString())) === undefined ? 0 : 1;
for (const name of names) {
  const table = root.openDB({ name, encoding: 'binary' });
  if (table === undefined) continue;
  let here = 0;
  for (const { key, value } of table.getRange()) {
    const check = createHash('sha256').update(JSON.stringify([name, key])).update(value.subarray(${CHECK_BYTES})).digest();
    if (!check.subarray(0, ${CHECK_BYTES}).equals(value.subarray(0, ${CHECK_BYTES}))) throw new Error('a row of ' + name + ' is not what was written: ' + key);
    here++;
  }
  if (here !== table.getStats().entryCount) throw new Error('rows of ' + name + ' are missing');
  rows += here;
}
console.log(rows + ' rows');
`;

/** Reads all rows of the journal file in a child process. */
export function probeJournal(path: string): JournalProbe {
  if (!existsSync(path)) return { sound: false, found: 'there is no such file' };
  if (isTorn(path)) return { sound: false, found: 'the file ends in the middle of a page' };
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', SCRIPT, lmdb, path, ...TABLE_NAMES], {
    encoding: 'utf8',
    timeout: PROBE_LIMIT_MS,
  });
  if (status === 0) return { sound: true, found: stdout.trim() };
  const said = stderr.split('\n').find((line) => /^\w*Error: /.test(line));
  return { sound: false, found: signal === null ? (said ?? `ended with status ${status}`) : `the reading process ended with ${signal}` };
}

/**
 * lmdb writes whole pages. What is missing of the last one reads as zeros, which no signal tells: rows and whole tables that stand
 * there would simply not be found.
 */
function isTorn(path: string): boolean {
  const { pageBytes } = newestMeta(path);
  return pageBytes === 0 || statSync(path).size % pageBytes !== 0;
}

/** The number of the newest transaction in the file. */
export function newestTransaction(path: string): bigint {
  return newestMeta(path).transaction;
}

/** The file ends before the last page that its newest transaction speaks of: cut off, or that page was never used. */
export function isShortJournal(path: string): boolean {
  const sizeBytes = statSync(path).size;
  const { pageBytes, lastPage } = newestMeta(path);
  return pageBytes === 0 || sizeBytes < 2 * pageBytes || BigInt(sizeBytes) < (lastPage + 1n) * BigInt(pageBytes);
}

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

/** The newer of the two meta pages, with the page size that the first one tells. */
function newestMeta(path: string): Meta {
  const file = openSync(path, 'r');
  try {
    const first = metaAt(file, 0);
    const second = metaAt(file, first.pageBytes);
    return second.transaction > first.transaction ? { ...second, pageBytes: first.pageBytes } : first;
  } finally {
    closeSync(file);
  }
}

function metaAt(file: number, offset: number): Meta {
  const page = Buffer.alloc(META_BYTES);
  readSync(file, page, 0, META_BYTES, offset);
  return {
    pageBytes: page.readUInt32LE(PAGE_SIZE_OFFSET),
    lastPage: page.readBigUInt64LE(LAST_PAGE_OFFSET),
    transaction: page.readBigUInt64LE(TRANSACTION_OFFSET),
  };
}
