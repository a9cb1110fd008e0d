import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock } from '../../ledger/lockFile.js';
import { code } from '../protocol/walletErrors.js';

const RACER = resolve('dist/test/ledger/lockRacer.js');
const HAS_PROC = existsSync('/proc/self/stat');

type Lock = Record<string, unknown>;
let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-lock-'));
  path = join(dir, 'journal.lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What this process would write. */
function ownLock(): Lock {
  const release = acquireLock(path);
  const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock;
  release();
  return lock;
}
/** What lies in the folder beside the sockets of living owners. */
const files = () => readdirSync(dir).filter((name) => !name.startsWith('.lock-'));
const leave = (lock: unknown) => writeFileSync(path, typeof lock === 'string' ? lock : `${JSON.stringify(lock)}\n`);
/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

/** The lock is refused, and what lies there is left as it is. */
function expectRespected(lock: unknown): void {
  leave(lock);
  const before = readFileSync(path, 'utf8');
  expect(code(() => acquireLock(path))).toBe('JOURNAL_LOCKED');
  expect(readFileSync(path, 'utf8')).toBe(before);
  expect(readdirSync(dir)).toEqual(['journal.lock']);
}
function expectTakenOver(lock: unknown): void {
  leave(lock);
  const release = acquireLock(path);
  expect((JSON.parse(readFileSync(path, 'utf8')) as Lock).pid).toBe(process.pid);
  expect(files()).toEqual(['journal.lock']);
  release();
  expect(readdirSync(dir)).toEqual([]);
}

describe('lock file', () => {
  it('is held once, freed, and held again', () => {
    const release = acquireLock(path);
    expect(() => acquireLock(path)).toThrow(
      expect.objectContaining({ code: 'JOURNAL_LOCKED', retryable: true, got: `process ${process.pid}` }),
    );
    release();
    release();
    acquireLock(path)();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('releases its own lock only', () => {
    const release = acquireLock(path);
    leave({ ...ownLockText(), token: '00' });
    release();
    expect(existsSync(path)).toBe(true);
  });
  const ownLockText = () => JSON.parse(readFileSync(path, 'utf8')) as Lock;

  it('A3: takes over the lock of a process that has ended', () => {
    expectTakenOver({ ...ownLock(), pid: deadPid(), started: '1' });
  });

  it.runIf(HAS_PROC)('A3: takes over the lock of an earlier process that had our number, or that of another living one', () => {
    const own = ownLock();
    expectTakenOver({ ...own, started: '1' });
    expectTakenOver({ ...own, pid: process.ppid, started: '1' });
    expectRespected({ ...own, token: '00' });
  });

  it.runIf(HAS_PROC)('A3: takes over the lock of a process that is dead and not yet collected by its parent', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
      const pid = Number((await lines.next()).value);
      const stat = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      while (stat()[0] !== 'Z') await new Promise((done) => setTimeout(done, 20));
      expect(() => process.kill(pid, 0)).not.toThrow();
      expectTakenOver({ ...ownLock(), pid, started: stat()[19] });
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it.runIf(HAS_PROC)('A3: takes over the lock of an earlier boot of this machine, whatever runs under that number now', () => {
    expectTakenOver({ ...ownLock(), boot: '00000000-0000-0000-0000-000000000000' });
  });

  it('A3: respects an owner on another machine, even where its number is dead or ours here', () => {
    const own = ownLock();
    for (const pid of [process.pid, deadPid(), 2 ** 22]) {
      expectRespected({ ...own, host: 'elsewhere', pid });
      expectRespected({ ...own, host: 'elsewhere', boot: 'another', pid });
    }
  });

  it('A3: respects an owner in another container, whose numbers mean nothing here', () => {
    const own = ownLock();
    for (const pid of [process.pid, deadPid()]) expectRespected({ ...own, pidSpace: 'pid:[1]', pid });
    expectRespected({ ...own, boot: '', pid: deadPid() });
  });

  it.each([
    '',
    '\n',
    '12345\n',
    'null',
    '{}',
    '[]',
    '{"token":"00","host":"',
    JSON.stringify({ token: '0', host: 'h', boot: 'b', pidSpace: '', started: '', pid: -1 }),
  ])('A3: respects a lock that does not say whose it is: %j', (text) => {
    expectRespected(text);
  });

  it('A3: says which file to delete where it cannot know', () => {
    leave('');
    expect(() => acquireLock(path)).toThrow(expect.objectContaining({ got: expect.stringContaining(path) }));
  });

  it('A3: a starter that died while it took over stops nobody; one that lives does', () => {
    const dead = { ...ownLock(), pid: deadPid(), started: '1' };
    writeFileSync(`${path}.takeover`, JSON.stringify(dead));
    expectTakenOver(dead);
    leave(dead);
    const other = acquireLock(`${path}.takeover`);
    expect(code(() => acquireLock(path))).toBe('JOURNAL_LOCKED');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(dead);
    other();
    acquireLock(path)();
  });
});

describe.runIf(HAS_PROC)('A3: containers that share the folder and the kernel', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));
  /** An owner whose numbers mean nothing here, as its lock tells it. */
  async function owner(command: string, args: string[]): Promise<Lock> {
    const started = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child = started;
    const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    started.stdin.write('take\n');
    expect((await lines.next()).value).toBe('won');
    return JSON.parse(readFileSync(path, 'utf8')) as Lock;
  }
  const killed = async () => {
    const ended = new Promise((done) => child?.once('exit', done));
    child?.kill('SIGKILL');
    await ended;
  };
  const takesOver = () => {
    acquireLock(path)();
    expect(readdirSync(dir)).toEqual([]);
  };

  it.each([
    ['restarted', { pidSpace: 'pid:[1]' }],
    ['made anew under another name', { pidSpace: 'pid:[1]', host: 'f00d' }],
  ])('A3: one that was killed and %s gets its journal back; while it lives it is respected', async (_, change) => {
    leave({ ...(await owner(process.execPath, [RACER, path])), ...change });
    expect(code(() => acquireLock(path))).toBe('JOURNAL_LOCKED');
    child?.kill('SIGSTOP');
    expect(code(() => acquireLock(path))).toBe('JOURNAL_LOCKED');
    await killed();
    takesOver();
  });

  it('A3: a socket that somebody took away says nothing', async () => {
    const lock = await owner(process.execPath, [RACER, path]);
    leave({ ...lock, pidSpace: 'pid:[1]' });
    await killed();
    rmSync(join(dir, lock.socket as string));
    expect(code(() => acquireLock(path))).toBe('JOURNAL_LOCKED');
  });

  const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;
  it.runIf(canUnshare)('A3: the same with a true namespace of process ids, in which the owner is number 1', async () => {
    const lock = await owner('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, RACER, path]);
    expect([lock.pid, lock.pidSpace === ownSpace()]).toEqual([1, false]);
    expect(code(() => acquireLock(path))).toBe('JOURNAL_LOCKED');
    await killed();
    while (code(() => acquireLock(path)()) === 'JOURNAL_LOCKED') await new Promise((done) => setTimeout(done, 20));
    expect(readdirSync(dir)).toEqual([]);
  });
  const ownSpace = () => readlinkSync('/proc/self/ns/pid');
});

describe('A3: many starters at once', () => {
  const RACERS = 4;
  const ROUNDS = 25;
  const racers: { child: ChildProcess; lines: AsyncIterator<string> }[] = [];
  afterEach(() => {
    for (const { child } of racers.splice(0)) child.kill('SIGKILL');
  });
  const answers = async () => Promise.all(racers.map(async ({ lines }) => (await lines.next()).value as string));
  const order = (text: string) => {
    for (const { child } of racers) child.stdin?.write(`${text}\n`);
  };
  const start = async () => {
    expect(existsSync(RACER), 'dist/ is built before the tests').toBe(true);
    for (let i = 0; i < RACERS; i++) {
      const child = spawn(process.execPath, [RACER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
      racers.push({ child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() });
    }
    await answers();
  };

  it.each(['a dead lock', 'no lock', 'a dead lock and a dead takeover'])(
    'A3: one wins and the others are refused, from %s',
    async (from) => {
      const dead = JSON.stringify({ ...ownLock(), pid: deadPid(), started: '1' });
      await start();
      for (let round = 0; round < ROUNDS; round++) {
        if (from !== 'no lock') writeFileSync(path, dead);
        if (from.endsWith('takeover')) writeFileSync(`${path}.takeover`, dead);
        order('take');
        const results = await answers();
        expect(results.filter((result) => result !== 'won')).toEqual(Array(RACERS - 1).fill('JOURNAL_LOCKED'));
        expect(racers.map(({ child }) => child.pid)).toContain((JSON.parse(readFileSync(path, 'utf8')) as Lock).pid);
        order('free');
        await answers();
        expect(readdirSync(dir)).toEqual([]);
      }
    },
  );

  it('A3: the winner is killed, the next one follows at once', async () => {
    await start();
    const [first, second] = racers as [(typeof racers)[0], (typeof racers)[0]];
    first.child.stdin?.write('take\n');
    expect((await first.lines.next()).value).toBe('won');
    second.child.stdin?.write('take\n');
    expect((await second.lines.next()).value).toBe('JOURNAL_LOCKED');
    const closed = new Promise((done) => first.child.once('exit', done));
    first.child.kill('SIGKILL');
    await closed;
    second.child.stdin?.write('take\n');
    expect((await second.lines.next()).value).toBe('won');
  });
});
