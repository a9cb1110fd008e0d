/**
 * The keys of one address, and what may be handed to others.
 *
 * From one seed, HKDF-SHA256 draws every key on a path of its own:
 *   salt "tacit.keys.v1", info "<network>/<index>/<role>"
 * so that keys of two networks, of two address indexes and of two roles are independent. Spend and nullifier scalars
 * are 64 bytes reduced modulo l and are never zero. Nothing derives one key from another one: learning the nullifier
 * scalar of an index (a farm worker may, see docs/threat-model.md) says nothing about its spend scalar or about
 * another index.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { mulBase8, type Point, SUBGROUP_ORDER } from './babyjubjub.js';
import { bytesToUint } from './bytes.js';
import { TacitError } from './errors.js';
import type { SubgroupScalar } from './flavor.js';

export type Network = 'main' | 'test' | 'dev';

/** What a payer needs: two points of Baby Jubjub and an X25519 public key of 32 bytes. */
export interface Address {
  readonly network: Network;
  /** Spend key a·B8. */
  readonly A: Point;
  /** Nullifier key n·B8. */
  readonly N: Point;
  /** X25519 public key of the view secret. */
  readonly V: Uint8Array;
}

/** All secrets of one address index. */
export interface AccountKeys {
  readonly network: Network;
  /** 0 to 2^31 − 1. */
  readonly index: number;
  /** a, in [1, l). */
  readonly spend: SubgroupScalar;
  /** n, in [1, l). */
  readonly nullifier: SubgroupScalar;
  /** v, X25519 secret of 32 bytes. */
  readonly view: Uint8Array;
  /** o, 32 bytes; the senders' one-time secrets come from it. */
  readonly outgoing: Uint8Array;
  /** 32 bytes mixed into every signature nonce. */
  readonly noncePrefix: Uint8Array;
  readonly address: Address;
}

/** Sees receipts and spends, cannot spend. */
export interface FullViewingKey {
  readonly A: Point;
  readonly nullifier: SubgroupScalar;
  readonly view: Uint8Array;
}

/** Sees receipts only. */
export interface IncomingViewingKey {
  readonly A: Point;
  readonly N: Point;
  readonly view: Uint8Array;
}

const SALT = ascii('tacit.keys.v1');
const SECRET_BYTES = 32;
/** 64 bytes reduced modulo the 251-bit l: the bias is below 2^-256. */
export const WIDE_SCALAR_BYTES = 64;
const INDEX_END = 2 ** 31;
/** HKDF cannot stretch less than 128 bits of entropy into more. */
const SEED_MIN_BYTES = 16;

/** Chains on one machine: the ids that Anvil and Hardhat, and Ganache and geth --dev, start with. */
const DEVELOPMENT_CHAINS: readonly bigint[] = [31337n, 1337n];
/** Public chains whose coin is worth nothing. Source of ids and names: chainlist.org (ethereum-lists/chains). */
const TEST_CHAINS: readonly bigint[] = [
  11155111n, // Sepolia
  17000n, // Holesky
  560048n, // Hoodi
  84532n, // Base Sepolia
  421614n, // Arbitrum Sepolia
  11155420n, // OP Sepolia
];

/**
 * Which address prefix and key path a chain uses. A chain that is not known to be worthless counts as `main`: money on
 * an unknown chain must not lie under keys that people treat as play money. All chains of one network share keys, see
 * docs/threat-model.md.
 */
export function networkForChain(chainId: bigint | number): Network {
  const id = BigInt(chainId);
  if (DEVELOPMENT_CHAINS.includes(id)) return 'dev';
  return TEST_CHAINS.includes(id) ? 'test' : 'main';
}

/**
 * @param seed at least 16 bytes; a BIP-39 seed has 64
 * @throws TacitError SEED_SIZE, ADDRESS_INDEX
 */
export function deriveAccount(seed: Uint8Array, network: Network, index: number): AccountKeys {
  if (seed.length < SEED_MIN_BYTES)
    throw new TacitError('SEED_SIZE', 'seed too short', { expected: `${SEED_MIN_BYTES} bytes or more`, got: String(seed.length) });
  if (!Number.isInteger(index) || index < 0 || index >= INDEX_END) {
    throw new TacitError('ADDRESS_INDEX', 'address index out of range', { expected: '0 to 2^31 − 1', got: String(index) });
  }
  const draw = (role: string, sizeBytes: number) => hkdf(sha256, seed, SALT, ascii(`${network}/${index}/${role}`), sizeBytes);
  const spend = wideScalar(draw('spend', WIDE_SCALAR_BYTES));
  const nullifier = wideScalar(draw('nullifier', WIDE_SCALAR_BYTES));
  const view = draw('view', SECRET_BYTES);
  const address: Address = { network, A: mulBase8(spend), N: mulBase8(nullifier), V: x25519.getPublicKey(view) };
  return {
    network,
    index,
    spend,
    nullifier,
    view,
    outgoing: draw('outgoing', SECRET_BYTES),
    noncePrefix: draw('nonce', SECRET_BYTES),
    address,
  };
}

export function fullViewingKey(keys: AccountKeys): FullViewingKey {
  return { A: keys.address.A, nullifier: keys.nullifier, view: keys.view };
}

export function incomingViewingKey(keys: AccountKeys): IncomingViewingKey {
  return { A: keys.address.A, N: keys.address.N, view: keys.view };
}

/**
 * 64 bytes, big-endian, modulo l.
 * @throws TacitError SCALAR_ZERO (chance 2^-251)
 */
export function wideScalar(bytes: Uint8Array): SubgroupScalar {
  if (bytes.length !== WIDE_SCALAR_BYTES)
    throw new TacitError('BYTES_SIZE', 'wide scalar has the wrong size', { expected: '64 bytes', got: String(bytes.length) });
  const scalar = bytesToUint(bytes) % SUBGROUP_ORDER;
  if (scalar === 0n) throw new TacitError('SCALAR_ZERO', 'derived scalar is zero');
  return scalar;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
