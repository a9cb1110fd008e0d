import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../protocol/bytes.js';
import { evmAddressOfKey } from '../../protocol/eip712.js';
import { x25519Public } from '../../protocol/onetime.js';
import { SEAL_KEY_LIFETIME_SECONDS, SEAL_KEY_ROTATE_SECONDS, WorkerKeys } from '../../prover/workerKeys.js';
import { code } from './code.js';

const NOW = 1_790_000_000;
let dir: string;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tacit-keys-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('a worker’s keys', () => {
  it('are made once, in a file for its owner only, and read again', async () => {
    const made = await WorkerKeys.load(at('new.json'), NOW);
    expect((await stat(at('new.json'))).mode & 0o777).toBe(0o600);
    const read = await WorkerKeys.load(at('new.json'), NOW + 1);
    expect([read.address, read.sealKey]).toEqual([made.address, made.sealKey]);
    expect(made.address).toBe(evmAddressOfKey(made.account));
    expect(made.sealKey).toEqual({ publicKey: bytesToHex(x25519Public(made.sealSecrets[0]!)), until: NOW + SEAL_KEY_LIFETIME_SECONDS });
    expect((await WorkerKeys.load(at('other.json'), NOW)).address).not.toBe(made.address);
  });

  it('seal keys change daily, the old one serves another day, and is then gone from the file', async () => {
    const keys = await WorkerKeys.load(at('rotating.json'), NOW);
    const first = keys.sealSecrets[0]!;
    await keys.rotate(NOW + SEAL_KEY_ROTATE_SECONDS - 1);
    expect(keys.sealSecrets).toEqual([first]);
    await keys.rotate(NOW + SEAL_KEY_ROTATE_SECONDS);
    expect(keys.sealSecrets.length).toBe(2);
    expect(keys.sealSecrets[1]).toEqual(first);
    expect(keys.sealKey.publicKey).not.toBe(bytesToHex(x25519Public(first)));
    expect((await WorkerKeys.load(at('rotating.json'), NOW + SEAL_KEY_ROTATE_SECONDS)).sealSecrets).toEqual(keys.sealSecrets);
    await keys.rotate(NOW + SEAL_KEY_LIFETIME_SECONDS);
    expect(keys.sealSecrets).not.toContainEqual(first);
    expect(await readFile(at('rotating.json'), 'utf8')).not.toContain(bytesToHex(first));
  });

  it('a file that others can read, or that is something else, is refused', async () => {
    await WorkerKeys.load(at('open.json'), NOW);
    for (const mode of [0o640, 0o604, 0o644]) {
      await chmod(at('open.json'), mode);
      expect(await code(() => WorkerKeys.load(at('open.json'), NOW))).toBe('WORKER_KEYS_MODE');
    }
    for (const text of ['', '{}', '{"version":2}']) {
      await writeFile(at('strange.json'), text, { mode: 0o600 });
      expect(await code(() => WorkerKeys.load(at('strange.json'), NOW))).toBe('WORKER_KEYS_FORMAT');
    }
  });
});
