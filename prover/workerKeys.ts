/**
 * A worker's two kinds of keys and the file they live in.
 *
 * `account` is the Ethereum key whose address is paid; it stays. Seal keys are X25519 keys that jobs are sealed to; one
 * is made a day, lives two, and is then destroyed, so that a farm broken into next week cannot read this week's jobs.
 *
 * The file is JSON of mode 0600, replaced in one step: {version, account, sealKeys: [{secret, createdAt, until}]},
 * times in seconds. A file that others may read is refused, because somebody has probably read it.
 */
import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, stat } from 'node:fs/promises';
import { z } from 'zod';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { evmAddressOfKey } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { x25519Public } from '../protocol/onetime.js';

const KEY_BYTES = 32;
const FILE_MODE = 0o600;
const OTHERS = 0o077;
const DAY_SECONDS = 86_400;
/** A roster outlives its signing by hours, a sealed job its roster by minutes: a day of overlap covers both. */
export const SEAL_KEY_ROTATE_SECONDS = DAY_SECONDS;
export const SEAL_KEY_LIFETIME_SECONDS = 2 * DAY_SECONDS;

interface SealKey {
  secret: Hex;
  createdAt: number;
  until: number;
}
interface KeyFile {
  version: 1;
  account: Hex;
  sealKeys: SealKey[];
}

const hex32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const fileShape = z.strictObject({
  version: z.literal(1),
  account: hex32,
  sealKeys: z.array(z.strictObject({ secret: hex32, createdAt: z.int(), until: z.int() })),
});

export class WorkerKeys {
  readonly address: EvmAddress;
  readonly #contents: KeyFile;
  readonly #path: string | undefined;

  private constructor(contents: KeyFile, path: string | undefined) {
    this.#contents = contents;
    this.#path = path;
    this.address = evmAddressOfKey(this.account);
  }

  /** Keys that are kept in memory only: a worker that restarts cannot open jobs sealed before. */
  static inMemory(nowSeconds: number, account: Hex = bytesToHex(randomBytes(KEY_BYTES))): WorkerKeys {
    return new WorkerKeys({ version: 1, account, sealKeys: [newSealKey(nowSeconds)] }, undefined);
  }

  /**
   * Reads the file, or makes one with fresh keys where there is none.
   * @throws TacitError WORKER_KEYS_MODE, WORKER_KEYS_FORMAT
   */
  static async load(path: string, nowSeconds: number): Promise<WorkerKeys> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) {
      const keys = new WorkerKeys({ version: 1, account: bytesToHex(randomBytes(KEY_BYTES)), sealKeys: [newSealKey(nowSeconds)] }, path);
      await keys.#save();
      return keys;
    }
    assertPrivate(found.mode);
    const keys = new WorkerKeys(parse(await readFile(path, 'utf8')), path);
    await keys.rotate(nowSeconds);
    return keys;
  }

  /**
   * The file as it stands, beside a worker that may be using it: nothing is made, changed or destroyed.
   * @throws TacitError FILE_MISSING, WORKER_KEYS_MODE, WORKER_KEYS_FORMAT
   */
  static async read(path: string): Promise<WorkerKeys> {
    const found = await stat(path).catch((cause: unknown) => {
      throw new TacitError('FILE_MISSING', 'cannot read the worker keys', { got: path, cause });
    });
    assertPrivate(found.mode);
    return new WorkerKeys(parse(await readFile(path, 'utf8')), undefined);
  }

  /** The Ethereum private key (32 bytes). */
  get account(): Uint8Array {
    return hexToBytes(this.#contents.account, KEY_BYTES);
  }

  /** The key to announce: the newest. */
  get sealKey(): { publicKey: Hex; until: number } {
    const newest = this.#contents.sealKeys.at(-1) as SealKey;
    return { publicKey: bytesToHex(x25519Public(hexToBytes(newest.secret, KEY_BYTES))), until: newest.until };
  }

  /** Secrets that a job may be sealed to, newest first. */
  get sealSecrets(): Uint8Array[] {
    return this.#contents.sealKeys.map(({ secret }) => hexToBytes(secret, KEY_BYTES)).reverse();
  }

  /** Destroys what has had its time and makes a new key when the newest is a day old. Cheap where nothing is due. */
  async rotate(nowSeconds: number): Promise<void> {
    const kept = this.#contents.sealKeys.filter(({ until }) => until > nowSeconds);
    const newest = kept.at(-1);
    if (newest === undefined || nowSeconds - newest.createdAt >= SEAL_KEY_ROTATE_SECONDS) kept.push(newSealKey(nowSeconds));
    const unchanged = kept.length === this.#contents.sealKeys.length && kept.every((key, i) => key === this.#contents.sealKeys[i]);
    if (unchanged) return;
    this.#contents.sealKeys = kept;
    await this.#save();
  }

  async #save(): Promise<void> {
    if (this.#path === undefined) return;
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, 'w', FILE_MODE);
    try {
      await chmod(temporary, FILE_MODE); // a leftover of another mode
      await file.writeFile(`${JSON.stringify(this.#contents, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}

/** @throws TacitError WORKER_KEYS_MODE */
function assertPrivate(mode: number): void {
  if ((mode & OTHERS) !== 0) {
    throw new TacitError('WORKER_KEYS_MODE', 'others may read the worker key file; run chmod 600 on it', {
      expected: 'mode 600',
      got: `mode ${(mode & 0o777).toString(8)}`,
    });
  }
}

function newSealKey(nowSeconds: number): SealKey {
  return { secret: bytesToHex(randomBytes(KEY_BYTES)), createdAt: nowSeconds, until: nowSeconds + SEAL_KEY_LIFETIME_SECONDS };
}

function parse(text: string): KeyFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new TacitError('WORKER_KEYS_FORMAT', 'the worker key file is not JSON');
  }
  const parsed = fileShape.safeParse(json);
  if (!parsed.success)
    throw new TacitError('WORKER_KEYS_FORMAT', 'the worker key file has another shape', { expected: 'version 1, account, sealKeys' });
  return parsed.data;
}
