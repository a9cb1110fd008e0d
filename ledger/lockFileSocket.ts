/**
 * A sign of life that the kernel gives: a process listens at a socket in a folder; when it is gone, whatever it died of,
 * a connection there is refused. Unlike process numbers this holds across containers that share the folder and the
 * kernel; a process that is merely busy or stopped is still connected to, for the kernel does that on its behalf.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

/** Of a path in sockaddr_un, with the closing zero, on the platform that has the least (macOS 104, Linux 108). */
const PATH_MAX_BYTES = 103;
const ASK_LIMIT_MS = 5_000;
const MODE = 0o600;
const REFUSED = 'ECONNREFUSED';
/** Run by a process of its own: the answer is needed at once, and a connection's outcome comes with the event loop. */
const ASK = `require('node:net').connect(process.argv[1]).on('connect', () => process.exit(0)).on('error', (e) => { process.stdout.write(e.code ?? ''); process.exit(1); })`;

/**
 * Listens; does not keep the process alive.
 * @returns hangs up and takes the socket away; undefined where the folder cannot hold sockets
 */
export function listenAlone(path: string): (() => void) | undefined {
  if (process.platform === 'win32' || Buffer.byteLength(path) > PATH_MAX_BYTES) return undefined;
  const server = createServer((visitor) => visitor.destroy());
  let failed = false;
  server.on('error', () => {
    failed = true;
  });
  // Binds before it returns; what it could not do, it says later, so the file is asked for.
  server.listen(path);
  server.unref();
  try {
    chmodSync(path, MODE);
  } catch {
    server.close();
    return undefined;
  }
  return () => {
    if (!failed) server.close();
    rmSync(path, { force: true });
  };
}

/** True where the kernel says that nobody listens; false where somebody does, or nothing is known. */
export function isRefused(path: string): boolean {
  const { stdout } = spawnSync(process.execPath, ['-e', ASK, path], {
    encoding: 'utf8',
    timeout: ASK_LIMIT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return stdout === REFUSED;
}
