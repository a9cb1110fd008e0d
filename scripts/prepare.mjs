/**
 * What both commands of the README begin with, in plain Node without a dependency: check Node, install the packages
 * when the lock file changed, compile TypeScript into dist/. Everything goes to standard error.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
// AbortSignal.any came with 20.3.
const MIN_NODE = [20, 3];

/** Installs and compiles. @param {{log?: (line: string) => void}} options */
export async function prepare({ log = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
    fail(`Node ${MIN_NODE.join('.')} or newer is needed, this is ${process.versions.node}.`);
  }
  await install(log);
  await compile(log);
}

async function install(log) {
  const marker = join(root, 'node_modules', '.tacit-install');
  const wanted = hashOf('package.json', 'package-lock.json');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  log('Installing packages (npm install) …');
  // A lock file knows the platform it was written on only, so `npm ci` refuses it elsewhere; --no-save keeps it as it is.
  const code = await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--include=dev', '--loglevel=error']);
  if (code !== 0) fail('npm install failed; its messages stand above.');
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, wanted);
}

async function compile(log) {
  log('Compiling TypeScript …');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const code = await run(process.execPath, [tsc, '-p', root]);
  if (code !== 0) fail('TypeScript does not compile; its messages stand above.');
}

function hashOf(...names) {
  const hash = createHash('sha256');
  for (const name of names) hash.update(existsSync(join(root, name)) ? readFileSync(join(root, name)) : '');
  return hash.digest('hex');
}

/**
 * Runs a command in the project's root; its output goes to standard error unless `stdio` says otherwise.
 * @returns {Promise<number>} exit code; 128 + n where signal n ended it
 */
export function run(command, args, { stdio = ['ignore', 2, 2], env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio, env });
    const forward = (signal) => child.kill(signal);
    process.once('SIGINT', forward);
    process.once('SIGTERM', forward);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.removeListener('SIGINT', forward);
      process.removeListener('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
