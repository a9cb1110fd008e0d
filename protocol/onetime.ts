/**
 * One-time keys: how a payer makes keys that only the payee can open, fresh for every output.
 *
 * The sender holds one X25519 secret e (public E) per transfer. For output k, with the payee's address (A, N, V):
 *   s       = X25519(e, V)                        rejected when all zero
 *   tA, tN  = HKDF(s; label, E, V, k), 64 bytes each, mod l, non-zero
 *   A'      = A + tA·B8,   N' = N + tN·B8         the note's keys; only the payee knows a + tA and n + tN
 *   stream  = HKDF(s; label, E, V, k, cm)         32 bytes; another content is another cm is another key stream
 * Transfers and deposits use different labels. Two notes of one owner have nothing in common that an outsider sees.
 *
 * e of a transfer is drawn from the sender's outgoing key and everything that the transfer says, so a retry with the
 * same contents repeats the same bytes and other contents never reuse a key. Deposits draw e at random.
 * Sources: RFC 7748 (X25519), RFC 5869 (HKDF).
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { add, compressPoint, isIdentity, mulBase8, type Point, SUBGROUP_ORDER } from './babyjubjub.js';
import { concatBytes, hexToBytes, uintToBytes } from './bytes.js';
import { MEMO_BYTES } from './encryption.js';
import { TacitError } from './errors.js';
import { fieldToBytes } from './field.js';
import type { Amount, AssetId, EvmAddress, Field, SubgroupScalar } from './flavor.js';
import { type AccountKeys, type Address, WIDE_SCALAR_BYTES, wideScalar } from './keys.js';
import { ownerHash } from './note.js';

/** What kind of action makes the note; separates the key derivations. */
export type NoteLabel = 'transfer' | 'deposit';
/** Which output of the transfer; a deposit has only 0. */
export type OutputIndex = 0 | 1;

export interface OneTime {
  /** s, 32 bytes; secret. */
  readonly sharedSecret: Uint8Array;
  readonly tA: SubgroupScalar;
  readonly tN: SubgroupScalar;
  readonly APrime: Point;
  readonly NPrime: Point;
  /** H(A', N'). */
  readonly owner: Field;
}

/** One output as the sender means it, before it is given an index. */
export interface PlannedOutput {
  readonly address: Address;
  readonly asset: AssetId;
  readonly value: Amount;
  /** 12 bytes. */
  readonly memo: Uint8Array;
}

export interface SenderContext {
  readonly chainId: bigint;
  readonly contract: EvmAddress;
  readonly nf1: Field;
  readonly nf2: Field;
  readonly outputs: readonly [PlannedOutput, PlannedOutput];
}

const SALT_SENDER = ascii('tacit.sender.v1');
const SALT_SHUFFLE = ascii('tacit.shuffle.v1');
const SALT_ONE_TIME = ascii('tacit.onetime.v1');
const SALT_STREAM = ascii('tacit.stream.v1');
const KEY_BYTES = 32;
const UINT256_BYTES = 32;
const ASSET_BYTES = 4;
const AMOUNT_BYTES = 16;

/** The X25519 secret e of a transfer: a function of the outgoing key and of all contents; the order of outputs does not matter. */
export function senderSecret(outgoing: Uint8Array, context: SenderContext): Uint8Array {
  const info = concatBytes(
    uintToBytes(context.chainId, UINT256_BYTES),
    hexToBytes(context.contract, 20),
    fieldToBytes(context.nf1),
    fieldToBytes(context.nf2),
    ...sortOutputs(context.outputs).map(outputBytes),
  );
  return hkdf(sha256, outgoing, SALT_SENDER, info, KEY_BYTES);
}

/** The canonical order of two planned outputs, ascending by their bytes; `shuffleBit` then says whether to swap them. */
export function sortOutputs(outputs: readonly [PlannedOutput, PlannedOutput]): [PlannedOutput, PlannedOutput] {
  const [first, second] = outputs;
  return compareBytes(outputBytes(first), outputBytes(second)) <= 0 ? [first, second] : [second, first];
}

/** 1 when the sorted outputs are to be swapped. */
export function shuffleBit(e: Uint8Array): 0 | 1 {
  const byte = hkdf(sha256, e, SALT_SHUFFLE, undefined, 1)[0] as number;
  return (byte & 1) as 0 | 1;
}

/** E. */
export function x25519Public(secret: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secret);
}

/**
 * X25519 of a secret and somebody's public key.
 * @throws TacitError X25519_ZERO when the result is all zero, that is, the public key is of low order
 */
export function x25519Shared(secret: Uint8Array, publicKey: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(secret, publicKey);
  } catch (cause) {
    throw new TacitError('X25519_ZERO', 'X25519 gives no shared secret', {
      expected: 'a public key of 32 bytes that is not of low order',
      cause,
    });
  }
}

export function deriveForSender(e: Uint8Array, to: Address, k: OutputIndex, label: NoteLabel): OneTime {
  return oneTimeFromShared(x25519Shared(e, to.V), to, x25519Public(e), to.V, k, label);
}

/** What an incoming viewing key can compute: everything but the two secret scalars. */
export function deriveForReceiver(view: Uint8Array, A: Point, N: Point, E: Uint8Array, k: OutputIndex, label: NoteLabel): OneTime {
  return oneTimeFromShared(x25519Shared(view, E), { A, N }, E, x25519Public(view), k, label);
}

/**
 * The same for both sides once s is known; a scanner computes s once for both outputs of a record.
 * @throws TacitError SCALAR_ZERO, ONE_TIME_IDENTITY (each with chance 2^-251)
 */
export function oneTimeFromShared(
  sharedSecret: Uint8Array,
  to: { A: Point; N: Point },
  E: Uint8Array,
  V: Uint8Array,
  k: OutputIndex,
  label: NoteLabel,
): OneTime {
  const bytes = hkdf(sha256, sharedSecret, SALT_ONE_TIME, derivationInfo(E, V, k, label), 2 * WIDE_SCALAR_BYTES);
  const tA = wideScalar(bytes.slice(0, WIDE_SCALAR_BYTES));
  const tN = wideScalar(bytes.slice(WIDE_SCALAR_BYTES));
  const APrime = add(to.A, mulBase8(tA));
  const NPrime = add(to.N, mulBase8(tN));
  if (isIdentity(APrime) || isIdentity(NPrime)) throw new TacitError('ONE_TIME_IDENTITY', 'one-time key is the identity');
  return { sharedSecret, tA, tN, APrime, NPrime, owner: ownerHash(APrime, NPrime) };
}

/** 32 bytes: the ChaCha20 key of one ciphertext. */
export function streamKey(sharedSecret: Uint8Array, E: Uint8Array, V: Uint8Array, k: OutputIndex, cm: Field, label: NoteLabel): Uint8Array {
  return hkdf(sha256, sharedSecret, SALT_STREAM, concatBytes(derivationInfo(E, V, k, label), fieldToBytes(cm)), KEY_BYTES);
}

/** a' = a + tA and n' = n + tN modulo l: the secrets of one note. Whoever knows tA and a' knows a. */
export function oneTimeSecrets(
  keys: Pick<AccountKeys, 'spend' | 'nullifier'>,
  oneTime: Pick<OneTime, 'tA' | 'tN'>,
): { aPrime: SubgroupScalar; nPrime: SubgroupScalar } {
  return { aPrime: (keys.spend + oneTime.tA) % SUBGROUP_ORDER, nPrime: (keys.nullifier + oneTime.tN) % SUBGROUP_ORDER };
}

/** Fixed widths except the label, which stands last and is followed by nothing or by 32 bytes. */
function derivationInfo(E: Uint8Array, V: Uint8Array, k: OutputIndex, label: NoteLabel): Uint8Array {
  return concatBytes(E, V, Uint8Array.of(k), ascii(label));
}

/** Fixed widths, so that two different outputs never give one text. @throws TacitError MEMO_SIZE, BYTES_SIZE */
function outputBytes(output: PlannedOutput): Uint8Array {
  const { A, N, V } = output.address;
  if (output.memo.length !== MEMO_BYTES)
    throw new TacitError('MEMO_SIZE', 'memo has the wrong size', { expected: `${MEMO_BYTES} bytes`, got: String(output.memo.length) });
  if (V.length !== KEY_BYTES)
    throw new TacitError('BYTES_SIZE', 'view key has the wrong size', { expected: `${KEY_BYTES} bytes`, got: String(V.length) });
  return concatBytes(
    compressPoint(A),
    compressPoint(N),
    V,
    uintToBytes(output.asset, ASSET_BYTES),
    uintToBytes(output.value, AMOUNT_BYTES),
    output.memo,
  );
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
