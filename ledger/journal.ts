/**
 * The journal on disk: the tables of `schema.ts` in one lmdb environment.
 *
 * Guarantees
 * - a transaction is all or nothing, and its promise resolves after the file has been flushed: what was told to the
 *   outside afterwards survives a power cut;
 * - transactions run one after another, in the order in which they were asked for;
 * - a directory belongs to one contract on one chain and one schema version; any other is refused before a row is read;
 * - a row is what was written under its key, or is said to be damaged (journalRow.ts);
 * - one process at a time: a second one is refused while the first holds the directory.
 *
 * lmdb's plain asynchronous transaction commits the writes of a callback that threw; its child transaction does not,
 * which test/ledger/journal.test.ts checks, so that is the one used.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { TacitError } from '../protocol/errors.js';
import type { Domain } from '../protocol/record.js';
import type { JournalPort, RangeOptions, ReadTables, TableReader, TableWriter, WriteTables } from './effects.js';
import { isShortJournal, newestTransaction, probeJournal } from './journalProbe.js';
import { rowOf, storedRow } from './journalRow.js';
import { acquireLock } from './lockFile.js';
import { JOURNAL_SCHEMA_VERSION, type JournalIdentity, TABLE_NAMES } from './schema.js';

/** Room for the tables, the identity, and tables of later versions. */
const MAX_TABLES = 64;
const FILE_NAME = 'journal.mdb';
const IDENTITY_KEY = 'identity';
/** Transactions of a journal that is being created: its first table, then the identity in it. */
const CREATION_TRANSACTIONS = 2n;
/** First word of lmdb's meta page and where it stands in the file, in the data format of lmdb 3.x for Node. */
const LMDB_MAGIC = 0xbeefc0de;
const LMDB_MAGIC_OFFSET = 24;

type LmdbKey = string | number;
/** Identity aside, lmdb sees bytes only: rows are written and read by journalRow.ts. */
type StoredTable = Database<Buffer, LmdbKey>;

export interface Journal extends JournalPort {
  readonly identity: JournalIdentity;
  /** Flushes and lets go of the directory. */
  close(): Promise<void>;
}

/**
 * Opens, or creates, the journal in `dir` for the contract of `domain`.
 * @throws JOURNAL_LOCKED, JOURNAL_FOREIGN (other chain or contract), JOURNAL_SCHEMA, JOURNAL_DAMAGED
 */
export function openJournal(dir: string, domain: Domain): Journal {
  mkdirSync(dir, { recursive: true });
  const release = acquireLock(join(dir, 'journal.lock'));
  try {
    const path = join(dir, FILE_NAME);
    const root = openEnvironment(path);
    const identity = checkIdentity(root, domain, newestTransaction(path) > CREATION_TRANSACTIONS);
    return makeJournal(root, identity, release);
  } catch (error) {
    release();
    throw error;
  }
}

function openEnvironment(path: string): RootDatabase {
  assertLmdbFile(path);
  try {
    // Without overlapping sync a commit is flushed before its promise resolves.
    return open({ path, noSubdir: true, maxDbs: MAX_TABLES, encoding: 'json', overlappingSync: false });
  } catch (cause) {
    throw new TacitError('JOURNAL_DAMAGED', 'the journal file cannot be opened', { cause, expected: 'a journal that this program wrote' });
  }
}

/** lmdb ends the whole process on a file that is not its own, or cut off, so it is looked at beforehand. */
function assertLmdbFile(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  const head = Buffer.alloc(LMDB_MAGIC_OFFSET + 4);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  if (head.readUInt32LE(LMDB_MAGIC_OFFSET) !== LMDB_MAGIC) {
    throw new TacitError('JOURNAL_DAMAGED', 'the journal file is not a journal', { expected: 'an lmdb file', got: path });
  }
  const probe = isShortJournal(path) ? probeJournal(path) : undefined;
  if (probe?.sound === false)
    throw new TacitError('JOURNAL_DAMAGED', 'the journal file is cut off', { expected: 'all of its pages', got: probe.found });
}

/** @param used whether anything has been written after the journal's creation */
function checkIdentity(root: RootDatabase, domain: Domain, used: boolean): JournalIdentity {
  const meta = root.openDB<JournalIdentity, string>({ name: 'meta', encoding: 'json' });
  const own: JournalIdentity = {
    schema: JOURNAL_SCHEMA_VERSION,
    chainId: domain.chainId.toString(),
    contract: domain.contract.toLowerCase(),
  };
  const found = identityIn(root, meta, used);
  if (found === undefined) {
    meta.putSync(IDENTITY_KEY, own);
    return own;
  }
  const problem = identityProblem(found, own);
  if (problem === undefined) return found;
  void root.close();
  throw problem;
}

/** Undefined for a new journal. A used one that has lost its identity has lost more, and must not pass for a new one. */
function identityIn(root: RootDatabase, meta: Database<JournalIdentity, string>, used: boolean): JournalIdentity | undefined {
  try {
    const found = reading('meta', () => meta.get(IDENTITY_KEY) as JournalIdentity | null | undefined);
    if (found === null || (found === undefined && used))
      throw new TacitError('JOURNAL_DAMAGED', 'the journal does not say whose it is', { expected: 'its identity', got: String(found) });
    return found;
  } catch (problem) {
    void root.close();
    throw problem;
  }
}

function identityProblem(found: JournalIdentity, own: JournalIdentity): TacitError | undefined {
  if (found.schema !== own.schema) {
    return new TacitError('JOURNAL_SCHEMA', 'the journal has another schema version', {
      expected: String(own.schema),
      got: String(found.schema),
    });
  }
  if (found.chainId !== own.chainId || found.contract !== own.contract) {
    return new TacitError('JOURNAL_FOREIGN', 'the journal belongs to another contract', {
      expected: `chain ${own.chainId}, contract ${own.contract}`,
      got: `chain ${found.chainId}, contract ${found.contract}`,
    });
  }
  return undefined;
}

function makeJournal(root: RootDatabase, identity: JournalIdentity, release: () => void): Journal {
  const writers = TABLE_NAMES.map((name) => [name, tableOf(name, root.openDB<Buffer, LmdbKey>({ name, encoding: 'binary' }))] as const);
  // The table of each name has the row type that `Tables` gives it; lmdb itself is untyped here.
  const tables = Object.fromEntries(writers) as unknown as Omit<WriteTables, 'next'>;
  const writable: WriteTables = { ...tables, next: (counter) => takeNext(tables, counter) };
  let closed = false;
  return {
    identity,
    read: tables as ReadTables,
    async transaction<T>(body: (tables: WriteTables) => T): Promise<T> {
      if (closed) throw new TacitError('JOURNAL_CLOSED', 'the journal has been closed');
      return await (root.childTransaction(() => synchronous(body(writable))) as unknown as Promise<T>);
    },
    async close() {
      if (closed) return;
      closed = true;
      await root.flushed;
      await root.close();
      release();
    },
  };
}

function synchronous<T>(result: T): T {
  if (typeof result === 'object' && result !== null && 'then' in result) {
    throw new TacitError('JOURNAL_ASYNC', 'the body of a journal transaction returned a promise', { expected: 'a synchronous body' });
  }
  return result;
}

function takeNext(tables: Omit<WriteTables, 'next'>, counter: string): number {
  const value = tables.counters.get(counter) ?? 0;
  tables.counters.put(counter, value + 1);
  return value;
}

function tableOf(name: string, db: StoredTable): TableWriter<LmdbKey, unknown> {
  const reader = readerOf(name, db);
  const write = (key: LmdbKey, row: unknown) => void db.put(key, storedRow(name, key, row));
  const missing = (key: LmdbKey) => new TacitError('JOURNAL_MISSING', `no such row in ${name}`, { got: String(key) });
  return {
    ...reader,
    put: write,
    add(key, row) {
      if (reader.has(key)) throw new TacitError('JOURNAL_DUPLICATE', `the row stands in ${name} already`, { got: String(key) });
      write(key, row);
    },
    update(key, change) {
      const row = reader.get(key);
      if (row === undefined) throw missing(key);
      const changed = change(row);
      write(key, changed);
      return changed;
    },
    remove(key) {
      const there = reader.has(key);
      if (there) db.remove(key);
      return there;
    },
  };
}

/** Runs a read. @throws TacitError JOURNAL_DAMAGED where a row is not what was written */
function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    throw new TacitError('JOURNAL_DAMAGED', `a row of ${name} cannot be read`, { expected: 'a journal that this program wrote', cause });
  }
}

function readerOf(name: string, db: StoredTable): TableReader<LmdbKey, unknown> {
  const get = (key: LmdbKey) =>
    reading(name, () => {
      const stored = db.get(key);
      return stored === undefined ? undefined : rowOf(name, key, stored);
    });
  const range = (options: RangeOptions<LmdbKey> = {}) =>
    reading(name, () => Array.from(db.getRange(bounds(options)), ({ key, value }) => ({ key, row: rowOf(name, key, value) })));
  return {
    get,
    has: (key) => get(key) !== undefined,
    range,
    rows: (options) => range(options).map(({ row }) => row),
    count: () => db.getCount(),
    lastKey: () => range({ reverse: true, limit: 1 })[0]?.key,
  };
}

/** lmdb's own bounds: downwards, `start` is the upper end and counts, `end` the lower and does not. */
function bounds({ from, to, reverse = false, limit }: RangeOptions<LmdbKey>): Record<string, unknown> {
  const some = limit === undefined ? {} : { limit };
  if (!reverse) return { ...some, ...(from === undefined ? {} : { start: from }), ...(to === undefined ? {} : { end: to }) };
  return {
    ...some,
    reverse: true,
    ...(to === undefined ? {} : { start: to, exclusiveStart: true }),
    ...(from === undefined ? {} : { end: from, inclusiveEnd: true }),
  };
}
