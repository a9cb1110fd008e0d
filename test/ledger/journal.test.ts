import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Effects, withFaultPoints } from '../../ledger/effects.js';
import { type Journal, openJournal } from '../../ledger/journal.js';
import type { TransferRow } from '../../ledger/schema.js';

const domain = { chainId: 31337n, contract: `0x${'c0'.repeat(20)}` };
const WRITER = resolve('dist/test/ledger/crashingWriter.js');
const transfer = (id: string): TransferRow => ({ id, record: '0x00', state: 'queued', times: { queued: 5 }, attempts: 0 });

let dir: string;
let journal: Journal;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-journal-'));
  journal = openJournal(dir, domain);
});
afterEach(async () => {
  await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

async function reopen(): Promise<void> {
  await journal.close();
  journal = openJournal(dir, domain);
}

describe('journal', () => {
  it('keeps what a transaction wrote, in all tables, across a restart', async () => {
    await journal.transaction((tables) => {
      tables.transfers.put('0xaa', transfer('0xaa'));
      tables.nullifiers.put('0x01', { nf: '0x01', holder: 'proof', transfer: '0xaa' });
      tables.cursors.put('l1', { number: 7, hash: '0x77' });
    });
    await reopen();
    expect(journal.read.transfers.get('0xaa')).toEqual(transfer('0xaa'));
    expect(journal.read.nullifiers.get('0x01')?.transfer).toBe('0xaa');
    expect(journal.read.cursors.get('l1')).toEqual({ number: 7, hash: '0x77' });
    expect(journal.read.transfers.get('0xbb')).toBeUndefined();
  });

  it('takes back everything when a body throws, while transactions asked for in the same moment stand', async () => {
    const results = await Promise.allSettled([
      journal.transaction((tables) => tables.facts.put('a', '1')),
      journal.transaction((tables) => {
        tables.facts.put('a', 'wrong');
        tables.transfers.put('0xaa', transfer('0xaa'));
        tables.next('sequence');
        throw new Error('changed my mind');
      }),
      journal.transaction((tables) => tables.facts.get('a')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ value: '1' });
    await reopen();
    expect(journal.read.facts.get('a')).toBe('1');
    expect(journal.read.transfers.count()).toBe(0);
    expect(journal.read.counters.get('sequence')).toBeUndefined();
  });

  it('sees its own writes inside a transaction and runs transactions in order', async () => {
    const taken = await Promise.all(Array.from({ length: 50 }, () => journal.transaction((tables) => tables.next('sequence'))));
    expect(taken).toEqual(Array.from({ length: 50 }, (_, i) => i));
    await journal.transaction((tables) => {
      tables.sequence.put(3, '0x03');
      expect(tables.sequence.get(3)).toBe('0x03');
      expect(tables.sequence.rows()).toEqual(['0x03']);
      tables.sequence.remove(3);
      expect(tables.sequence.has(3)).toBe(false);
    });
  });

  it('shows what was committed to the very next read, whatever was read before', async () => {
    for (let i = 0; i < 300; i++) {
      journal.read.facts.get('a');
      await journal.transaction((tables) => tables.facts.put('a', String(i)));
      expect(journal.read.facts.get('a')).toBe(String(i));
      expect(journal.read.facts.rows()).toEqual([String(i)]);
    }
  });

  it('refuses an asynchronous body and takes it back', async () => {
    await expect(
      journal.transaction(async (tables) => {
        tables.facts.put('a', '1');
      }),
    ).rejects.toMatchObject({ code: 'JOURNAL_ASYNC' });
    expect(journal.read.facts.get('a')).toBeUndefined();
  });

  it('iterates in key order, numbers as numbers, with half-open bounds, both ways', async () => {
    await journal.transaction((tables) => {
      for (const i of [100, 2, 9, 10, 1]) tables.sequence.put(i, `0x${i}`);
    });
    const keys = (options: object) => journal.read.sequence.range(options).map(({ key }) => key);
    expect(keys({})).toEqual([1, 2, 9, 10, 100]);
    expect(keys({ from: 2, to: 10 })).toEqual([2, 9]);
    expect(keys({ from: 2, to: 10, reverse: true })).toEqual([9, 2]);
    expect(keys({ from: 3, limit: 2 })).toEqual([9, 10]);
    expect(keys({ reverse: true, limit: 2 })).toEqual([100, 10]);
    expect(journal.read.sequence.lastKey()).toBe(100);
    expect(journal.read.seals.lastKey()).toBeUndefined();
  });

  it('adds once, updates what is there, and says which row failed', async () => {
    await journal.transaction((tables) => tables.transfers.add('0xaa', transfer('0xaa')));
    await expect(journal.transaction((tables) => tables.transfers.add('0xaa', transfer('0xaa')))).rejects.toMatchObject({
      code: 'JOURNAL_DUPLICATE',
      got: '0xaa',
    });
    await expect(journal.transaction((tables) => tables.transfers.update('0xbb', (row) => row))).rejects.toMatchObject({
      code: 'JOURNAL_MISSING',
      got: '0xbb',
    });
    const row = await journal.transaction((tables) =>
      tables.transfers.update('0xaa', (old) => ({ ...old, state: 'proving', attempts: old.attempts + 1 })),
    );
    expect(row).toMatchObject({ state: 'proving', attempts: 1, record: '0x00' });
    expect(journal.read.transfers.get('0xaa')).toEqual(row);
  });

  it('is refused to another chain, another contract, another schema, a second owner, and after closing', async () => {
    expect(() => openJournal(dir, domain)).toThrow(expect.objectContaining({ code: 'JOURNAL_LOCKED', retryable: true }));
    await journal.close();
    await expect(journal.transaction(() => 1)).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' });
    expect(() => openJournal(dir, { ...domain, chainId: 1n })).toThrow(expect.objectContaining({ code: 'JOURNAL_FOREIGN' }));
    expect(() => openJournal(dir, { ...domain, contract: `0x${'c1'.repeat(20)}` })).toThrow(
      expect.objectContaining({ code: 'JOURNAL_FOREIGN' }),
    );
    const raw = open({ path: join(dir, 'journal.mdb'), noSubdir: true, maxDbs: 64, encoding: 'json' });
    await raw.openDB({ name: 'meta', encoding: 'json' }).put('identity', { schema: 99, chainId: '31337', contract: domain.contract });
    await raw.close();
    expect(() => openJournal(dir, domain)).toThrow(expect.objectContaining({ code: 'JOURNAL_SCHEMA', got: '99' }));
    rmSync(dir, { recursive: true, force: true });
    journal = openJournal(dir, domain);
  });

  it('refuses a file that is no journal', async () => {
    await journal.close();
    rmSync(join(dir, 'journal.mdb'));
    rmSync(join(dir, 'journal.mdb-lock'), { force: true });
    writeFileSync(join(dir, 'journal.mdb'), Buffer.alloc(8192, 7));
    expect(() => openJournal(dir, domain)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }));
    rmSync(join(dir, 'journal.mdb'));
    journal = openJournal(dir, domain);
  });
});

describe('A3: a killed process', () => {
  const start = (mode: string) => {
    expect(existsSync(WRITER), 'dist/ is built before the tests').toBe(true);
    return spawn(process.execPath, [WRITER, dir, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const ended = (child: ReturnType<typeof start>) =>
    new Promise<string>((done) => {
      let out = '';
      child.stdout.on('data', (text: Buffer) => {
        out += text.toString();
        if (child.spawnargs.includes('run') && out.split('\n').length > 30) child.kill('SIGKILL');
      });
      child.on('close', () => done(out));
    });

  it.each(['run', 'die-inside'])('loses nothing it has told and keeps nothing half done: %s', async (mode) => {
    await journal.close();
    const told = (await ended(start(mode))).trim().split('\n').map(Number);
    journal = openJournal(dir, domain);
    const last = told.at(-1) as number;
    const kept = journal.read.sequence.count();
    expect(kept).toBeGreaterThan(last);
    expect(journal.read.counters.get('sequence')).toBe(kept);
    expect(journal.read.facts.get('last')).toBe(String(kept - 1));
    if (mode === 'die-inside') expect(kept).toBe(20);
  });

  it('holds the directory while it lives and leaves it free when it is dead', async () => {
    await journal.close();
    const child = start('hold');
    await new Promise((done) => child.stdout.once('data', done));
    expect(() => openJournal(dir, domain)).toThrow(expect.objectContaining({ code: 'JOURNAL_LOCKED' }));
    const closed = new Promise((done) => child.once('close', done));
    child.kill('SIGKILL');
    await closed;
    journal = openJournal(dir, domain);
  });
});

describe('fault points', () => {
  const effects = (log: string[]) => ({
    journal,
    queue: { publish: async () => void log.push('publish') } as unknown as Effects['queue'],
    chain: { broadcast: async () => void log.push('broadcast') } as unknown as Effects['chain'],
  });

  it('stand before and after every call of every port', async () => {
    const log: string[] = [];
    const guarded = withFaultPoints(effects(log), (point) => void log.push(point));
    await guarded.queue.publish({ id: 'a', kind: 'update', data: 1 });
    await guarded.journal.transaction((tables) => tables.facts.put('a', '1'));
    expect(log).toEqual([
      'queue.publish:before',
      'publish',
      'queue.publish:after',
      'journal.transaction:before',
      'journal.transaction:after',
    ]);
    expect(guarded.journal.read.facts.get('a')).toBe('1');
  });

  it('stop a call before it happens, or hide its success after', async () => {
    const log: string[] = [];
    const crashAt = (at: string) =>
      withFaultPoints(effects(log), async (point) => {
        if (point === at) throw new Error(at);
      });
    await expect(crashAt('chain.broadcast:before').chain.broadcast('0x')).rejects.toThrow('chain.broadcast:before');
    expect(log).toEqual([]);
    await expect(crashAt('chain.broadcast:after').chain.broadcast('0x')).rejects.toThrow('chain.broadcast:after');
    expect(log).toEqual(['broadcast']);
    await expect(crashAt('journal.transaction:after').journal.transaction((tables) => tables.facts.put('b', '2'))).rejects.toThrow();
    expect(journal.read.facts.get('b')).toBe('2');
  });
});
