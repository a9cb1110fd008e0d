/**
 * An address as text: bech32m over  version(1) ‖ A(32) ‖ N(32) ‖ V(32),  prefix by network.
 *
 * Decoding accepts exactly one text per address: points are canonical, on the curve, of prime order and not the
 * identity; V is a canonical X25519 u-coordinate and not of low order. BIP-350's upper-case spelling is refused too, so
 * that texts may be compared as texts. A payer who skipped one of these checks could be
 * made to pay to a key that somebody else knows, or to nobody.
 * At 164 to 171 characters the text is longer than the length for which bech32m guarantees finding four errors; the
 * 30-bit checksum still misses a random change with chance 2^-30.
 * Source: BIP-350.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { bech32m } from '@scure/base';
import { compressPoint, decompressPoint, isInSubgroup, type Point } from './babyjubjub.js';
import { ByteReader, bytesToUint, concatBytes } from './bytes.js';
import { TacitError } from './errors.js';
import type { Address, Network } from './keys.js';

export type { Address } from './keys.js';

/** Human-readable part of each network. */
export const ADDRESS_PREFIX: Readonly<Record<Network, string>> = { main: 'tacit', test: 'tacittest', dev: 'tacitdev' };
const ADDRESS_VERSION = 1;
const POINT_BYTES = 32;
const X25519_BYTES = 32;
/** RFC 7748: the field of Curve25519. */
const X25519_PRIME = 2n ** 255n - 19n;
/** Any scalar will do: X25519 clears the cofactor, so a low-order key gives zero under each. */
const PROBE_SCALAR = new Uint8Array(X25519_BYTES).fill(1);
/** BIP-350's limit of 90 does not fit; ours is checked beforehand. */
const NO_LENGTH_LIMIT = false;
/** The longest address has 171 characters; a little more, so that a slip of the hand is called a wrong length. */
const TEXT_MAX_CHARACTERS = 256;

export function encodeAddress(address: Address): string {
  const payload = concatBytes(Uint8Array.of(ADDRESS_VERSION), compressPoint(address.A), compressPoint(address.N), address.V);
  return bech32m.encode(ADDRESS_PREFIX[address.network], bech32m.toWords(payload), NO_LENGTH_LIMIT);
}

/**
 * @param network when given, an address of another network is refused
 * @throws TacitError ADDRESS_CHECKSUM, ADDRESS_NETWORK, ADDRESS_VERSION, ADDRESS_LENGTH, ADDRESS_POINT, ADDRESS_VIEW_KEY,
 *   ADDRESS_SPELLING for another text than the one that encodeAddress writes
 */
export function decodeAddress(text: string, network?: Network): Address {
  const { prefix, bytes } = decodeText(text);
  const found = (Object.keys(ADDRESS_PREFIX) as Network[]).find((name) => ADDRESS_PREFIX[name] === prefix);
  if (found === undefined || (network !== undefined && found !== network)) {
    const expected = network === undefined ? Object.values(ADDRESS_PREFIX).join(', ') : ADDRESS_PREFIX[network];
    throw new TacitError('ADDRESS_NETWORK', 'address of another network', { expected: `prefix ${expected}`, got: prefix });
  }
  const size = 1 + 2 * POINT_BYTES + X25519_BYTES;
  if (bytes.length !== size)
    throw new TacitError('ADDRESS_LENGTH', 'address has the wrong length', { expected: `${size} bytes`, got: String(bytes.length) });
  const reader = new ByteReader(bytes, 'address');
  const version = reader.small(1);
  if (version !== ADDRESS_VERSION)
    throw new TacitError('ADDRESS_VERSION', 'address of an unknown version', { expected: String(ADDRESS_VERSION), got: String(version) });
  const A = readPoint(reader.take(POINT_BYTES), 'spend key');
  const N = readPoint(reader.take(POINT_BYTES), 'nullifier key');
  const V = reader.take(X25519_BYTES);
  assertViewKey(V);
  const address = { network: found, A, N, V };
  if (encodeAddress(address) !== text)
    throw new TacitError('ADDRESS_SPELLING', 'not the spelling of this address', { expected: 'lower-case letters and digits' });
  return address;
}

/**
 * Refuses an X25519 public key that is not canonical or of low order (the shared secret would be all zero).
 * @throws TacitError ADDRESS_VIEW_KEY
 */
export function assertViewKey(V: Uint8Array): void {
  const reject = (got: string, cause?: unknown) =>
    new TacitError('ADDRESS_VIEW_KEY', 'unusable X25519 key', { expected: 'a canonical key that is not of low order', got, cause });
  if (V.length !== X25519_BYTES) throw reject(`${V.length} bytes`);
  if (bytesToUint(Uint8Array.from(V).reverse()) >= X25519_PRIME) throw reject('a non-canonical key');
  try {
    x25519.getSharedSecret(PROBE_SCALAR, V);
  } catch (cause) {
    throw reject('a key of low order', cause);
  }
}

function decodeText(text: string): { prefix: string; bytes: Uint8Array } {
  if (text.length > TEXT_MAX_CHARACTERS)
    throw new TacitError('ADDRESS_CHECKSUM', 'malformed address', {
      expected: 'a bech32m text such as tacit1…',
      got: `${text.length} characters`,
    });
  try {
    const { prefix, words } = bech32m.decode(text as `${string}1${string}`, NO_LENGTH_LIMIT);
    return { prefix, bytes: bech32m.fromWords(words) };
  } catch (cause) {
    throw new TacitError('ADDRESS_CHECKSUM', 'malformed address', {
      expected: 'a bech32m text such as tacit1…',
      got: `${text.length} characters that do not decode`,
      cause,
    });
  }
}

function readPoint(bytes: Uint8Array, what: string): Point {
  let point: Point;
  try {
    point = decompressPoint(bytes);
  } catch (cause) {
    throw new TacitError('ADDRESS_POINT', `${what} is not a point of the curve`, { cause });
  }
  if (!isInSubgroup(point))
    throw new TacitError('ADDRESS_POINT', `${what} is not of prime order`, {
      expected: 'a point of the prime-order subgroup, not the identity',
    });
  return point;
}
