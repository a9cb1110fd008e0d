/** What `npm start` says to a wrong file, before anything is spent or even started. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';

const dir = mkdtempSync(join(tmpdir(), 'tacit-start-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function start(...args: string[]) {
  return spawnSync(process.execPath, [join(packageRoot(), 'dist', 'cli', 'start.js'), ...args], { encoding: 'utf8' });
}

describe('npm start', () => {
  it('names the bad line of the payments file and what was expected', () => {
    const file = join(dir, 'bad.csv');
    writeFileSync(file, 'payer,payee,asset,amount,memo\nalice,bob,ETH,1,ok\nalice,bob,ETH,one,ok\n');
    const { status, stderr, stdout } = start('--payments', file, '--json');
    expect(status).toBe(1);
    expect(stderr).toContain('line 3 of the payments file: expected a positive amount of ETH');
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'PAYMENTS_INVALID' } });
  });

  it('says that the file is missing', () => {
    const { status, stderr } = start('--payments', join(dir, 'none.csv'));
    expect(status).toBe(1);
    expect(stderr).toContain('PAYMENTS_MISSING');
  });

  it('has help with examples', () => {
    const { status, stdout } = start('--help');
    expect(status).toBe(0);
    expect(stdout).toContain('npm start -- --payments my.csv --json');
  });
});
