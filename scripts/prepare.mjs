/**
 * What both commands of the README begin with, in plain Node without a dependency: check Node, install the packages
 * when the lock file changed, compile TypeScript into dist/ when a source changed. Everything goes to standard error.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
// AbortSignal.any came with 20.3.
const MIN_NODE = [20, 3];
/** Exit codes that stand for SIGINT and SIGTERM: 128 and the signal's number. */
const [INTERRUPTED, TERMINATED] = [130, 143];

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
  if (code !== 0) fail('npm install failed; its messages stand above.', code);
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, wanted);
}

/**
 * The compiler takes seconds to find that nothing changed, so what went into its last good run is kept beside its output. So
 * is what that run noted down itself: somebody who ran the compiler by hand since has changed the output.
 */
async function compile(log) {
  const marker = join(root, 'dist', '.tacit-compiled');
  const wanted = hashOf('tsconfig.json', 'package-lock.json', ...sources());
  const mark = () => `${wanted} ${hashOf('dist/.tsbuildinfo')}`;
  if (existsSync(marker) && readFileSync(marker, 'utf8') === mark()) return;
  log('Compiling TypeScript …');
  rmSync(marker, { force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const code = await run(process.execPath, [tsc, '-p', root]);
  if (code !== 0) fail('TypeScript does not compile; its messages stand above.', code);
  writeFileSync(marker, mark());
}

/** Every TypeScript file that tsconfig.json includes, in order, relative to the root. */
function sources() {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const found = [];
  const visit = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith('.ts')) found.push(path);
    }
  };
  for (const folder of include) visit(folder);
  return found.sort();
}

/** Of names and contents, so that a file that was moved counts as changed. */
function hashOf(...names) {
  const hash = createHash('sha256');
  for (const name of names) {
    const contents = existsSync(join(root, name)) ? readFileSync(join(root, name)) : '';
    hash.update(`${name}\n${contents.length}\n`).update(contents);
  }
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
      resolve(code ?? (signal === 'SIGINT' ? INTERRUPTED : TERMINATED));
    });
  });
}

/** Ends this process; what somebody interrupted is not reported as failed. @param {number} code of the command that failed */
export function fail(message, code = 1) {
  const interrupted = code === INTERRUPTED || code === TERMINATED;
  if (!interrupted) process.stderr.write(`${message}\n`);
  process.exit(interrupted ? code : 1);
}
