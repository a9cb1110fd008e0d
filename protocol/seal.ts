/**
 * A job sealed for farm workers: the witness of a transfer, readable by the workers whom the client chose and by nobody
 * else, in particular not by the queue that carries it.
 *
 *   contentKey           32 random bytes, encrypts the padded plaintext with XChaCha20-Poly1305
 *   per recipient        s = X25519(fresh ephemeral, sealKey),  kek = HKDF(s; ephemeral public, sealKey, worker address)
 *                        wrapped = XChaCha20-Poly1305(kek, contentKey)
 *   associated data      DOM ‖ chainId ‖ contract ‖ recordHash ‖ rosterId ‖ expiry, in every encryption
 *
 * So a sealed job opens only for the record, chain, roster and time it was made for, and a wrap moved to another
 * worker does not open. Every wrap has an ephemeral key of its own: wraps cannot be linked and no secret outlives the
 * call. The plaintext is padded to a multiple of 4 KiB, because its length would tell how large the numbers in it are.
 * Sources: RFC 7748, RFC 5869, draft-irtf-cfrg-xchacha.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, bytesToUint, concatBytes, hexToBytes, uintToBytes } from './bytes.js';
import { TacitError } from './errors.js';
import type { EvmAddress, Hex } from './flavor.js';
import { x25519Public, x25519Shared } from './onetime.js';

/** A worker as the signed roster names it. */
export interface SealRecipient {
  readonly address: EvmAddress;
  /** X25519 public key, 32 bytes. */
  readonly sealKey: Hex;
}

/** What the ciphertext is bound to. */
export interface SealContext {
  readonly domain: { readonly chainId: bigint; readonly contract: EvmAddress };
  /** 32 bytes. */
  readonly recordHash: Hex;
  /** 32 bytes. */
  readonly rosterId: Hex;
  /** Seconds since 1970; a worker refuses the job afterwards. */
  readonly expiry: number;
}

export interface SealedRecipient {
  readonly address: EvmAddress;
  /** X25519 public key made for this wrap, 32 bytes. */
  readonly ephemeral: Hex;
  /** The content key under the worker's key, 48 bytes. */
  readonly wrapped: Hex;
}

/** Plain JSON. */
export interface SealedJob {
  readonly recordHash: Hex;
  readonly rosterId: Hex;
  readonly expiry: number;
  readonly recipients: readonly SealedRecipient[];
  /** 24 bytes. */
  readonly nonce: Hex;
  readonly ciphertext: Hex;
}

export type RandomBytes = (sizeBytes: number) => Uint8Array;

/** Longest roster and most recipients of one job. */
export const SEAL_MAX_RECIPIENTS = 16;
/** The padded plaintext is a multiple of this. */
export const SEAL_PADDING_BYTES = 4096;
const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const LENGTH_BYTES = 4;
const TAG_SEAL = new TextEncoder().encode('tacit.seal.v1');
const SALT_WRAP = new TextEncoder().encode('tacit.seal.wrap.v1');
/** A wrap's key is fresh and used once. */
const WRAP_NONCE = new Uint8Array(NONCE_BYTES);

/**
 * @param random source of keys and nonces; the platform's by default
 * @throws TacitError SEAL_RECIPIENTS (none, more than 16, twice the same), X25519_ZERO, HEX_INVALID
 */
export function sealJob(
  plaintext: Uint8Array,
  context: SealContext & { readonly recipients: readonly SealRecipient[] },
  random: RandomBytes = platformRandom,
): SealedJob {
  const addresses = new Set(context.recipients.map((recipient) => recipient.address.toLowerCase()));
  if (addresses.size === 0 || addresses.size > SEAL_MAX_RECIPIENTS || addresses.size !== context.recipients.length) {
    throw new TacitError('SEAL_RECIPIENTS', 'unusable list of recipients', {
      expected: `1 to ${SEAL_MAX_RECIPIENTS} different workers`,
      got: `${context.recipients.length} (${addresses.size} different)`,
    });
  }
  const aad = associatedData(context);
  const contentKey = random(KEY_BYTES);
  const nonce = random(NONCE_BYTES);
  const recipients = context.recipients.map((recipient) => {
    const secret = random(KEY_BYTES);
    const ephemeral = x25519Public(secret);
    const sealKey = hexToBytes(recipient.sealKey, KEY_BYTES);
    const kek = wrapKey(x25519Shared(secret, sealKey), ephemeral, sealKey, recipient.address);
    secret.fill(0);
    return {
      address: recipient.address.toLowerCase(),
      ephemeral: bytesToHex(ephemeral),
      wrapped: bytesToHex(xchacha20poly1305(kek, WRAP_NONCE, aad).encrypt(contentKey)),
    };
  });
  const ciphertext = xchacha20poly1305(contentKey, nonce, aad).encrypt(pad(plaintext));
  contentKey.fill(0);
  return {
    recordHash: context.recordHash,
    rosterId: context.rosterId,
    expiry: context.expiry,
    recipients,
    nonce: bytesToHex(nonce),
    ciphertext: bytesToHex(ciphertext),
  };
}

/**
 * @param secret the worker's X25519 secret, 32 bytes
 * @param context what the worker knows the job to be for; the job's own claims must agree with it
 * @param nowSeconds seconds since 1970
 * @throws TacitError SEAL_TAMPERED (does not open, or is no sealed job at all), SEAL_CONTEXT (made for something else),
 *   SEAL_EXPIRED, SEAL_NOT_ADDRESSED
 */
export function openJob(sealed: SealedJob, secret: Uint8Array, address: EvmAddress, context: SealContext, nowSeconds: number): Uint8Array {
  assertShape(sealed);
  for (const claim of ['recordHash', 'rosterId', 'expiry'] as const) {
    if (sealed[claim] !== context[claim])
      throw new TacitError('SEAL_CONTEXT', `sealed for another ${claim}`, { expected: String(context[claim]), got: String(sealed[claim]) });
  }
  if (!(nowSeconds < sealed.expiry))
    throw new TacitError('SEAL_EXPIRED', 'sealed job has expired', { expected: `before ${sealed.expiry}`, got: String(nowSeconds) });
  const mine = sealed.recipients.find((recipient) => recipient.address === address.toLowerCase());
  if (mine === undefined) throw new TacitError('SEAL_NOT_ADDRESSED', 'job is not sealed for this worker', { got: address });
  const aad = associatedData(context);
  try {
    const ephemeral = hexToBytes(mine.ephemeral, KEY_BYTES);
    const kek = wrapKey(x25519Shared(secret, ephemeral), ephemeral, x25519Public(secret), address);
    const contentKey = xchacha20poly1305(kek, WRAP_NONCE, aad).decrypt(hexToBytes(mine.wrapped));
    return unpad(xchacha20poly1305(contentKey, hexToBytes(sealed.nonce, NONCE_BYTES), aad).decrypt(hexToBytes(sealed.ciphertext)));
  } catch (cause) {
    throw new TacitError('SEAL_TAMPERED', 'sealed job does not open', {
      expected: 'bytes sealed for this worker, record, chain and roster',
      cause,
    });
  }
}

/** The job comes out of a queue: its type says what it should be, this says whether it is. @throws TacitError SEAL_TAMPERED */
function assertShape(sealed: unknown): asserts sealed is SealedJob {
  const malformed = (what: string) => new TacitError('SEAL_TAMPERED', `sealed job is malformed at ${what}`);
  if (!isObject(sealed)) throw malformed('the whole');
  const { recordHash, rosterId, expiry, recipients, nonce, ciphertext } = sealed;
  if (!isHex(recordHash, KEY_BYTES)) throw malformed('recordHash');
  if (!isHex(rosterId, KEY_BYTES)) throw malformed('rosterId');
  if (!Number.isSafeInteger(expiry) || (expiry as number) < 0) throw malformed('expiry');
  if (!isHex(nonce, NONCE_BYTES)) throw malformed('nonce');
  if (!isHex(ciphertext)) throw malformed('ciphertext');
  if (!Array.isArray(recipients) || recipients.length === 0 || recipients.length > SEAL_MAX_RECIPIENTS) throw malformed('recipients');
  for (const recipient of recipients as unknown[]) {
    if (!isObject(recipient) || !isHex(recipient.address) || !isHex(recipient.ephemeral) || !isHex(recipient.wrapped))
      throw malformed('a recipient');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** With a size: hexadecimal of that many bytes. Without: a text, whose digits are looked at where it is decoded. */
function isHex(value: unknown, sizeBytes?: number): value is Hex {
  if (typeof value !== 'string') return false;
  return sizeBytes === undefined || (value.length === 2 + 2 * sizeBytes && /^0x[0-9a-f]*$/i.test(value));
}

function associatedData({ domain, recordHash, rosterId, expiry }: SealContext): Uint8Array {
  return concatBytes(
    TAG_SEAL,
    uintToBytes(domain.chainId, 32),
    hexToBytes(domain.contract, 20),
    hexToBytes(recordHash, 32),
    hexToBytes(rosterId, 32),
    uintToBytes(expiry, 8),
  );
}

function wrapKey(shared: Uint8Array, ephemeral: Uint8Array, sealKey: Uint8Array, address: EvmAddress): Uint8Array {
  return hkdf(sha256, shared, SALT_WRAP, concatBytes(ephemeral, sealKey, hexToBytes(address.toLowerCase(), 20)), KEY_BYTES);
}

function pad(plaintext: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((LENGTH_BYTES + plaintext.length) / SEAL_PADDING_BYTES) * SEAL_PADDING_BYTES);
  padded.set(uintToBytes(plaintext.length, LENGTH_BYTES));
  padded.set(plaintext, LENGTH_BYTES);
  return padded;
}

function unpad(padded: Uint8Array): Uint8Array {
  const length = Number(bytesToUint(padded.slice(0, LENGTH_BYTES)));
  if (padded.length % SEAL_PADDING_BYTES !== 0 || LENGTH_BYTES + length > padded.length)
    throw new TacitError('SEAL_TAMPERED', 'sealed job has a wrong length');
  return padded.slice(LENGTH_BYTES, LENGTH_BYTES + length);
}

function platformRandom(sizeBytes: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(sizeBytes));
}
