/**
 * The wallet on disk: one file, encrypted as a whole, replaced as a whole.
 *
 *   { format, kdf: {name, N, r, p, salt}, nonce, ciphertext }      JSON, mode 0600
 *
 * The passphrase goes through scrypt; XChaCha20-Poly1305 encrypts the contents under a fresh nonce at every save, with
 * the header as associated data, so that nobody can weaken the parameters of an existing file. A save writes beside the
 * file, flushes, renames and flushes the folder: after a crash there is the old state or the new one. A lock file
 * keeps a second process out. Sources: RFC 7914, draft-irtf-cfrg-xchacha.
 */
import { randomBytes, scrypt } from 'node:crypto';
import { access, type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { acquireLock } from '../ledger/lockFile.js';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';

/** scrypt's cost. Memory is 128·N·r bytes. */
export interface KdfCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and some 0.3 s: what OWASP's password storage guide asks of scrypt. */
export const KDF_COST: KdfCost = { N: 2 ** 17, r: 8, p: 1 };
/** A file that asks for more than 1 GiB, or for more than eight times the usual work, is refused rather than served. */
const KDF_MEMORY_MAX_BYTES = 2 ** 30;
const KDF_WORK_MAX = 8 * KDF_COST.N * KDF_COST.r * KDF_COST.p;
const SCRYPT_SLACK_BYTES = 2 ** 20;
const FORMAT = 'tacit.wallet.v1';
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 24;
const MODE = 0o600;
/** Tells the files apart that are written beside a wallet before they take its place. */
const BESIDE_BYTES = 6;
const BESIDE = /^\.(.+)\.[0-9a-f]{12}$/;

interface Header {
  readonly format: string;
  readonly kdf: { readonly name: 'scrypt'; readonly salt: Hex } & KdfCost;
}

interface Envelope extends Header {
  readonly nonce: Hex;
  readonly ciphertext: Hex;
}

export class WalletFile {
  readonly path: string;
  readonly #key: Uint8Array;
  readonly #header: Header;
  readonly #release: () => void;
  #saving: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(path: string, key: Uint8Array, header: Header, release: () => void) {
    this.path = path;
    this.#key = key;
    this.#header = header;
    this.#release = release;
  }

  /**
   * A new file. Nothing is ever overwritten.
   * @throws TacitError WALLET_EXISTS, WALLET_LOCKED, PASSPHRASE_EMPTY
   */
  static async create(path: string, passphrase: string, contents: string, cost: KdfCost = KDF_COST): Promise<WalletFile> {
    assertPassphrase(passphrase);
    const full = resolve(path);
    const release = lock(full);
    try {
      if (await exists(full))
        throw new TacitError('WALLET_EXISTS', 'there is a file of this name already', { expected: 'a new file name', got: full });
      const salt = randomBytes(SALT_BYTES);
      const header: Header = { format: FORMAT, kdf: { name: 'scrypt', ...cost, salt: bytesToHex(salt) } };
      const file = new WalletFile(full, await deriveKey(passphrase, salt, cost), header, release);
      await file.save(contents);
      return file;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** @throws TacitError WALLET_MISSING, WALLET_LOCKED, WALLET_FORMAT, PASSPHRASE_WRONG */
  static async open(path: string, passphrase: string): Promise<{ file: WalletFile; contents: string }> {
    const full = resolve(path);
    // Says what is missing before a lock lies beside nothing.
    parseEnvelope(await readText(full));
    const release = lock(full);
    try {
      // Once more: whoever had the lock a moment ago may have written.
      const { nonce, ciphertext, ...header } = parseEnvelope(await readText(full));
      await sweep(full);
      const key = await deriveKey(passphrase, hexToBytes(header.kdf.salt, SALT_BYTES), header.kdf);
      const contents = decrypt(key, header, nonce, ciphertext);
      return { file: new WalletFile(full, key, header, release), contents };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Saves run one after another, in the order of the calls; resolves when the contents are on disk. */
  save(contents: string): Promise<void> {
    if (this.#closed) return Promise.reject(new TacitError('WALLET_CLOSED', 'the wallet is closed'));
    const nonce = randomBytes(NONCE_BYTES);
    const ciphertext = xchacha20poly1305(this.#key, nonce, headerBytes(this.#header)).encrypt(new TextEncoder().encode(contents));
    const envelope: Envelope = { ...this.#header, nonce: bytesToHex(nonce), ciphertext: hexOf(ciphertext) };
    const write = () => writeWhole(this.path, JSON.stringify(envelope));
    this.#saving = this.#saving.then(write, write);
    return this.#saving;
  }

  /** Waits for running saves, forgets the key, gives the lock back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#saving.catch(() => {});
    this.#key.fill(0);
    this.#release();
  }
}

/** Writes beside the file, flushes, renames, flushes the folder. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(BESIDE_BYTES).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', MODE);
    await finish(handle, () => handle.writeFile(text));
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new TacitError('WALLET_WRITE', 'the wallet cannot be written', { got: path, cause });
  }
  const folder = await open(dirname(path), 'r').catch(() => undefined);
  // Some platforms cannot flush a folder; the rename is atomic all the same.
  if (folder !== undefined) await finish(folder, async () => {}).catch(() => {});
}

/** Takes away what a process left that was killed between writing beside the file and renaming. To be called under the lock. */
async function sweep(path: string): Promise<void> {
  const left = (name: string) => [basename(path), `${basename(path)}.chain`].includes(BESIDE.exec(name)?.[1] ?? '');
  for (const name of (await readdir(dirname(path))).filter(left)) await rm(join(dirname(path), name), { force: true });
}

async function finish(handle: FileHandle, act: () => Promise<void>): Promise<void> {
  try {
    await act();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function decrypt(key: Uint8Array, header: Header, nonce: Hex, ciphertext: Hex): string {
  try {
    const plain = xchacha20poly1305(key, hexToBytes(nonce, NONCE_BYTES), headerBytes(header)).decrypt(
      Buffer.from(ciphertext.slice(2), 'hex'),
    );
    return new TextDecoder().decode(plain);
  } catch (cause) {
    throw new TacitError('PASSPHRASE_WRONG', 'the passphrase does not open this wallet', {
      expected: 'the passphrase it was made with, and an undamaged file',
      cause,
    });
  }
}

function deriveKey(passphrase: string, salt: Uint8Array, { N, r, p }: KdfCost): Promise<Uint8Array> {
  return new Promise((done, fail) => {
    const refuse = (cause: unknown) =>
      fail(
        new TacitError('WALLET_FORMAT', 'the file’s scrypt parameters cannot be used', {
          expected: 'N a power of two',
          got: `N ${N}, r ${r}, p ${p}`,
          cause,
        }),
      );
    try {
      scrypt(
        passphrase.normalize('NFKC'),
        salt,
        KEY_BYTES,
        { N, r, p, maxmem: 2 * 128 * r * (N + p) + SCRYPT_SLACK_BYTES },
        (error, key) => (error === null ? done(new Uint8Array(key)) : refuse(error)),
      );
    } catch (error) {
      refuse(error);
    }
  });
}

function parseEnvelope(text: string): Envelope {
  const malformed = (cause?: unknown) =>
    new TacitError('WALLET_FORMAT', 'this is not a wallet file', { expected: `a file of format ${FORMAT}`, cause });
  let raw: Envelope;
  try {
    raw = JSON.parse(text) as Envelope;
  } catch (cause) {
    throw malformed(cause);
  }
  const kdf = raw?.kdf;
  const whole = [kdf?.N, kdf?.r, kdf?.p].every((n) => Number.isSafeInteger(n) && (n as number) > 0);
  if (
    raw?.format !== FORMAT ||
    kdf?.name !== 'scrypt' ||
    !whole ||
    [kdf.salt, raw.nonce, raw.ciphertext].some((hex) => typeof hex !== 'string')
  )
    throw malformed();
  if (128 * kdf.r * (kdf.N + kdf.p) > KDF_MEMORY_MAX_BYTES || kdf.N * kdf.r * kdf.p > KDF_WORK_MAX) throw malformed();
  return {
    format: raw.format,
    kdf: { name: 'scrypt', N: kdf.N, r: kdf.r, p: kdf.p, salt: kdf.salt },
    nonce: raw.nonce,
    ciphertext: raw.ciphertext,
  };
}

function headerBytes({ format, kdf: { name, N, r, p, salt } }: Header): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([format, name, N, r, p, salt]));
}

/** Buffer's hex is many times faster than one digit at a time, and wallets grow. */
function hexOf(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

function assertPassphrase(passphrase: string): void {
  if (passphrase === '') throw new TacitError('PASSPHRASE_EMPTY', 'a wallet needs a passphrase', { expected: 'at least one character' });
}

function lock(path: string): () => void {
  try {
    return acquireLock(`${path}.lock`);
  } catch (cause) {
    if (isTacitError(cause, 'JOURNAL_LOCKED'))
      throw new TacitError('WALLET_LOCKED', 'another process has this wallet open', {
        ...(cause.got === undefined ? {} : { got: cause.got }),
        retryable: true,
        cause,
      });
    throw new TacitError('WALLET_WRITE', 'the wallet’s folder cannot be written', { got: dirname(path), cause });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new TacitError('WALLET_MISSING', 'there is no wallet at this path', { got: path, cause });
    throw new TacitError('WALLET_FORMAT', 'the wallet cannot be read', { got: path, cause });
  }
}
