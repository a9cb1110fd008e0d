import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatAmount, parseAmount } from '../../client/amount.js';
import { KDF_COST, WalletFile } from '../../client/walletFile.js';
import { TacitError } from '../../protocol/errors.js';
import { code } from '../protocol/walletErrors.js';

const CHEAP = { N: 2 ** 10, r: 8, p: 1 };
let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tacit-file-'));
  path = join(dir, 'w');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof TacitError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
const create = async (contents = 'secret contents') => {
  const file = await WalletFile.create(path, 'pass', contents, CHEAP);
  await file.close();
};
const alter = async (change: (envelope: Record<string, unknown>) => unknown) =>
  writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));

describe('wallet file', () => {
  it('A3: sweeps away what a killed process had written beside it, and nothing else', async () => {
    await create();
    const others = ['.w.zz', '.other.0123456789ab', 'w.0123456789ab'];
    for (const name of ['.w.0123456789ab', '.w.chain.0123456789ab', ...others]) await writeFile(join(dir, name), 'half');
    const { file } = await WalletFile.open(path, 'pass');
    await file.close();
    expect((await readdir(dir)).sort()).toEqual(['w', ...others].sort());
  });

  it('gives back what was saved last, and nothing of it is readable', async () => {
    const file = await WalletFile.create(path, 'pass', 'one', CHEAP);
    await Promise.all([file.save('two'), file.save('three')]);
    await file.close();
    expect(await readFile(path, 'utf8')).not.toContain('three');
    const opened = await WalletFile.open(path, 'pass');
    expect(opened.contents).toBe('three');
    await opened.file.close();
  });

  it('uses another nonce for every save', async () => {
    const file = await WalletFile.create(path, 'pass', 'same', CHEAP);
    const first = JSON.parse(await readFile(path, 'utf8')) as { nonce: string; ciphertext: string };
    await file.save('same');
    const second = JSON.parse(await readFile(path, 'utf8')) as typeof first;
    expect(second.nonce).not.toBe(first.nonce);
    expect(second.ciphertext).not.toBe(first.ciphertext);
    await file.close();
  });

  it('is of mode 0600 and leaves no temporary file', async () => {
    await create();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['w']);
  });

  it('refuses a wrong passphrase', async () => {
    await create();
    expect(await codeOf(WalletFile.open(path, 'Pass'))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(WalletFile.open(path, ''))).toBe('PASSPHRASE_WRONG');
    // The failed attempts gave the lock back.
    await (await WalletFile.open(path, 'pass')).file.close();
  });

  it('takes a passphrase in any spelling of its characters', async () => {
    const file = await WalletFile.create(path, 'p\u00e4ss', 'x', CHEAP);
    await file.close();
    await (await WalletFile.open(path, 'pa\u0308ss')).file.close();
  });

  it('refuses a damaged or weakened file', async () => {
    await create();
    const good = await readFile(path, 'utf8');
    const flip = (hex: string) => hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0');
    const cases: [string, (envelope: Record<string, never>) => unknown][] = [
      ['PASSPHRASE_WRONG', (e) => ({ ...e, ciphertext: flip(e.ciphertext ?? '') })],
      ['PASSPHRASE_WRONG', (e) => ({ ...e, nonce: flip(e.nonce ?? '') })],
      ['PASSPHRASE_WRONG', (e) => ({ ...e, kdf: { ...(e.kdf as object | undefined), N: 2 } })],
      ['WALLET_FORMAT', (e) => ({ ...e, kdf: { ...(e.kdf as object | undefined), N: 1000 } })],
      ['WALLET_FORMAT', (e) => ({ ...e, kdf: { ...(e.kdf as object | undefined), N: 2 ** 40 } })],
      ['WALLET_FORMAT', (e) => ({ ...e, format: 'other' })],
      ['WALLET_FORMAT', () => null],
      ['WALLET_FORMAT', () => ({})],
    ];
    for (const [expected, change] of cases) {
      await writeFile(path, good);
      await alter(change as (envelope: Record<string, unknown>) => unknown);
      expect(await codeOf(WalletFile.open(path, 'pass'))).toBe(expected);
    }
    await writeFile(path, 'not json');
    expect(await codeOf(WalletFile.open(path, 'pass'))).toBe('WALLET_FORMAT');
  });

  it('never overwrites and never invents', async () => {
    await create();
    expect(await codeOf(WalletFile.create(path, 'pass', 'other', CHEAP))).toBe('WALLET_EXISTS');
    expect(await codeOf(WalletFile.open(join(dir, 'none'), 'pass'))).toBe('WALLET_MISSING');
    expect(await codeOf(WalletFile.create(join(dir, 'no', 'folder'), 'pass', 'x', CHEAP))).toBe('WALLET_WRITE');
    expect(await codeOf(WalletFile.create(join(dir, 'new'), '', 'x', CHEAP))).toBe('PASSPHRASE_EMPTY');
  });

  it('is open once at a time, and free again after a process died', async () => {
    await create();
    const { file } = await WalletFile.open(path, 'pass');
    expect(await codeOf(WalletFile.open(path, 'pass'))).toBe('WALLET_LOCKED');
    await file.close();
    expect(await codeOf(file.save('late'))).toBe('WALLET_CLOSED');
    const module = pathToFileURL(resolve('dist/client/walletFile.js')).href;
    const script = `import(${JSON.stringify(module)}).then(({ WalletFile }) => WalletFile.open(${JSON.stringify(path)}, 'pass')).then(() => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' })).toThrow();
    expect(await readdir(dir)).toContain('w.lock');
    await (await WalletFile.open(path, 'pass')).file.close();
  });

  it('a save that fails leaves the old contents', async () => {
    await create('old');
    const { file } = await WalletFile.open(path, 'pass');
    await rm(path);
    await writeFile(join(dir, 'keep'), '');
    // A folder in the file's place: the rename must fail.
    execFileSync('mkdir', ['-p', join(path, 'full')]);
    expect(await codeOf(file.save('new'))).toBe('WALLET_WRITE');
    expect((await readdir(dir)).filter((name) => name.startsWith('.w'))).toEqual([]);
    await rm(path, { recursive: true });
    await file.save('new');
    await file.close();
  });

  it('asks at least 128 MiB of scrypt by default', () => {
    expect(128 * KDF_COST.N * KDF_COST.r).toBeGreaterThanOrEqual(2 ** 27);
  });
});

describe('amounts', () => {
  it.each([
    ['1.5', 6, 1_500_000n],
    ['0', 18, 0n],
    ['0.000001', 6, 1n],
    ['340282366920938463463374607431768211455', 0, 2n ** 128n - 1n],
    ['007', 0, 7n],
  ])('%s with %i decimals', (text, decimals, value) => {
    expect(parseAmount(text, decimals)).toBe(value);
    expect(parseAmount(formatAmount(value, decimals), decimals)).toBe(value);
  });

  it('never rounds, and reads nothing but decimal numbers', () => {
    for (const text of ['', '.5', '1.', '1e3', '-1', '+1', '0x10', '1,5', ' 1', '1.0000001'])
      expect(code(() => parseAmount(text, 6))).toBe('AMOUNT_FORMAT');
    expect(code(() => parseAmount('340282366920938463463374607431768211456', 0))).toBe('AMOUNT_RANGE');
    expect(formatAmount(0n, 18)).toBe('0');
    expect(formatAmount(1n, 18)).toBe('0.000000000000000001');
    expect(formatAmount(1_500_000n, 6)).toBe('1.5');
  });
});
