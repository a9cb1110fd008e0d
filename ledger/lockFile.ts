/**
 * A lock file that dies with its process: one journal, one writer.
 *
 * The file says who holds it: a random token, the machine, the machine's boot, the namespace of process ids, the
 * process and when it started. It appears whole or not at all, because it is written elsewhere and then linked.
 *
 * A lock is taken over only when its owner is known to be dead: same machine and an earlier boot; or the same boot and
 * namespace, in which that process has ended or its number belongs to a later process; or the same boot and another
 * container, where numbers mean nothing, but nobody listens any more at the socket that the owner keeps beside the lock:
 * the kernel, which both share, refuses the connection. Of an owner on another machine, or one without a socket, nothing
 * can be known from here, so that lock is respected until somebody deletes it.
 *
 *   1. link the own file to `path`; done when nothing was there
 *   2. else look at the owner; refuse unless it is dead (in another container: ask at its socket)
 *   3. take the lock `path.takeover` in the same way; under it look again, then rename the own file over the dead one
 *
 * Invariants: a lock whose owner may live is never removed or replaced by another; only the holder of `path.takeover`
 * replaces a dead one, so two starters that both saw it cannot displace one another; releasing removes only one's own.
 * Machines are told apart by host name and, where there is one, /etc/machine-id: clones that share both and a disk are
 * beyond this.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, readlinkSync, renameSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { TacitError } from '../protocol/errors.js';
import { isRefused, listenAlone } from './lockFileSocket.js';

/** Who holds a lock. An empty text stands for what this platform does not tell. */
interface Owner {
  /** Unique to one acquisition. */
  readonly token: string;
  readonly host: string;
  readonly boot: string;
  /** Namespace in which `pid` means something. */
  readonly pidSpace: string;
  readonly pid: number;
  /** Start of the process in the kernel's clock ticks since boot: tells it from a later process of the same number. */
  readonly started: string;
  /** Name, beside the lock, of the socket that the owner listens at for as long as it lives. */
  readonly socket?: string;
}

const TOKEN_BYTES = 16;
/** Of the token, in the socket's name: a socket's whole path has room for some hundred bytes. */
const SOCKET_DIGITS = 12;
/** An owner may let go between our attempt and our look; more often than this is no coincidence. */
const ATTEMPTS = 3;
/** Errors of `link` on file systems without hard links. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'];
/** Counted from the process state, which follows the name in parentheses. Source: proc_pid_stat(5), fields 3 and 22. */
const STAT_STARTED = 19;
/** Ended, but not yet asked after by the parent. */
const STAT_ENDED: readonly unknown[] = ['Z', 'X'];

/**
 * Takes the lock or fails at once.
 * @returns release, safe to call twice
 * @throws JOURNAL_LOCKED
 */
export function acquireLock(path: string): () => void {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const own = `${path}.${token}`;
  const socketName = `.lock-${token.slice(0, SOCKET_DIGITS)}`;
  const hangUp = listenAlone(join(dirname(path), socketName));
  const self = describeSelf(token, hangUp === undefined ? undefined : socketName);
  try {
    write(own, self);
    take(path, own, self);
  } catch (error) {
    hangUp?.();
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
  let released = false;
  return () => {
    if (released) return;
    released = true;
    hangUp?.();
    const owner = ownerOf(path);
    if (owner !== 'none' && owner !== 'unreadable' && owner.token === self.token) rmSync(path, { force: true });
  };
}

/** @param own file with the content that `path` is to have */
function take(path: string, own: string, self: Owner): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (place(own, path, self)) return;
    const owner = ownerOf(path);
    if (owner === 'none') continue;
    assertDead(owner, self, path);
    const release = acquireLock(`${path}.takeover`);
    try {
      const now = ownerOf(path);
      if (now === 'none') continue;
      assertDead(now, self, path);
      renameSync(own, path);
      if (now !== 'unreadable' && now.socket !== undefined) rmSync(socketOf(now, path), { force: true });
      return;
    } finally {
      release();
    }
  }
  throw new TacitError('JOURNAL_LOCKED', 'the lock changes hands too often', { got: path, retryable: true });
}

/** False when `path` is taken. */
function place(own: string, path: string, self: Owner): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
  }
  try {
    // Not in one step: whoever looks in between finds an unreadable lock, and respects it.
    write(path, self);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Creates the file and flushes it, so that no power cut leaves an empty one. */
function write(path: string, owner: Owner): void {
  const file = openSync(path, 'wx');
  try {
    writeSync(file, `${JSON.stringify(owner)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function ownerOf(path: string): Owner | 'none' | 'unreadable' {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Partial<Owner> | null;
    const texts = [owner?.token, owner?.host, owner?.boot, owner?.pidSpace, owner?.started];
    const socketFits = owner?.socket === undefined || /^\.lock-[0-9a-f]+$/.test(owner.socket);
    const whole =
      socketFits && texts.every((text) => typeof text === 'string') && Number.isSafeInteger(owner?.pid) && (owner?.pid as number) > 0;
    return whole ? (owner as Owner) : 'unreadable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'unreadable';
  }
}

/** @throws JOURNAL_LOCKED unless the owner is known to be dead */
function assertDead(owner: Owner | 'unreadable', self: Owner, path: string): void {
  const advice = `delete ${path} if it has ended`;
  if (owner === 'unreadable') throw locked(`a lock that does not say whose it is; ${advice}`);
  const bootKnown = owner.boot !== '' && self.boot !== '';
  const sameKernel = bootKnown && owner.boot === self.boot;
  if (owner.host === self.host && bootKnown && !sameKernel) return;
  if (owner.host === self.host && owner.boot === self.boot && owner.pidSpace === self.pidSpace) {
    if (isAlive(owner)) throw locked(`process ${owner.pid}`);
    return;
  }
  // A container that is made anew has another host name and numbers of its own, but the kernel that knows who listens.
  if (sameKernel && owner.socket !== undefined && isRefused(socketOf(owner, path))) return;
  const where = sameKernel ? 'of another container' : `on machine ${owner.host}`;
  throw locked(`process ${owner.pid} ${where}, unknown from here; ${advice}`);
}

function socketOf({ socket }: Owner, path: string): string {
  return join(dirname(path), socket as string);
}

function locked(got: string): TacitError {
  return new TacitError('JOURNAL_LOCKED', 'another process has the journal open', { got, retryable: true });
}

function describeSelf(token: string, socket: string | undefined): Owner {
  return {
    token,
    host: [hostname(), readText('/etc/machine-id')].filter((part) => part !== '').join('/'),
    boot: readText('/proc/sys/kernel/random/boot_id'),
    pidSpace: readTarget('/proc/self/ns/pid'),
    pid: process.pid,
    started: statOf(process.pid)?.started ?? '',
    ...(socket === undefined ? {} : { socket }),
  };
}

/** Of an owner in our own namespace of process ids. */
function isAlive({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const stat = statOf(pid);
  if (stat === undefined) return true;
  return !STAT_ENDED.includes(stat.state) && (started === '' || stat.started === started);
}

/** Undefined where the kernel does not show the process. */
function statOf(pid: number): { state: string | undefined; started: string } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === '') return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], started: fields[STAT_STARTED] ?? '' };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function readTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
