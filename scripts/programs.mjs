/** Programs beside Node that the tests want: a real Redis and a real browser. */
import { spawnSync } from 'node:child_process';
import { run } from './prepare.mjs';

const say = (line) => process.stderr.write(`${line}\n`);

/** The tests of record want a real redis-server and a real browser; what cannot be had is said, not passed over. */
export async function ensurePrograms() {
  await ensure('redis-server', {
    found: () => Boolean(process.env.REDIS_URL) || runs('redis-server'),
    lost: 'persistence, kill -9 of Redis and eviction were not tested (the embedded server stood in).',
    mend: 'Put redis-server on PATH (Debian: apt-get install redis-server; macOS: brew install redis) and run again.',
  });
  await ensure('chromium', {
    found: () => [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].some((name) => name && runs(name)),
    lost: 'the engine was not run in a browser.',
    mend: 'Install Chromium (Debian: apt-get install chromium), or set CHROMIUM to its executable, and run again.',
  });
}

/** Installs a Debian package where root and apt allow. */
async function ensure(name, { found, lost, mend }) {
  if (found()) return;
  if (process.platform === 'linux' && process.getuid?.() === 0 && runs('apt-get')) {
    say(`── ${name} is missing: installing it with apt-get`);
    await run('apt-get', ['update', '-qq']);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
  }
  if (found()) return;
  say(`!! NOT COVERED: no ${name} could be had, so ${lost}`);
  say(`!! ${mend}`);
}

function runs(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}
