/**
 * EdDSA over Baby Jubjub with Poseidon, as circomlib's EdDSAPoseidonVerifier checks it, with the raw scalar a':
 *
 *   r  = SHA-512(DOM ‖ noncePrefix ‖ a' ‖ A' ‖ M ‖ 32 fresh random bytes) mod l,  R8 = r·B8
 *   h  = H(R8.x, R8.y, A'.x, A'.y, M)
 *   S  = r + 8·h·a' mod l,          verified as  S·B8 = R8 + 8h·A'
 *
 * The one-time scalars of one address are related, a'_1 − a'_2 = tA_1 − tA_2, and both payers may be the same person.
 * If r depended on a master secret and M alone, two inputs of one transfer would be signed with one r, and
 * S_1 − S_2 would give a away. So r takes in a', A' and fresh randomness, each of which would do alone.
 */
import { sha512 } from '@noble/hashes/sha2.js';
import { add, isInSubgroup, mul, mulBase8, type Point, SUBGROUP_ORDER } from './babyjubjub.js';
import { bytesToUint, concatBytes } from './bytes.js';
import { TacitError } from './errors.js';
import { assertField, fieldToBytes, isField } from './field.js';
import type { Field, SubgroupScalar } from './flavor.js';
import { H } from './hash.js';

export interface Signature {
  readonly R8: Point;
  /** In [0, l). */
  readonly S: SubgroupScalar;
}

const NONCE_DOMAIN = new TextEncoder().encode('tacit.nonce.v1');
const PREFIX_BYTES = 32;
const RANDOM_BYTES = 32;
const COFACTOR = 8n;

/**
 * @param aPrime the one-time spend scalar, in [1, l)
 * @param noncePrefix 32 secret bytes of the account
 * @param random32 32 fresh random bytes
 * @throws TacitError SCALAR_RANGE, FIELD_RANGE, BYTES_SIZE
 */
export function signMessage(aPrime: SubgroupScalar, noncePrefix: Uint8Array, M: Field, random32: Uint8Array): Signature {
  if (aPrime <= 0n || aPrime >= SUBGROUP_ORDER)
    throw new TacitError('SCALAR_RANGE', 'signing scalar out of range', { expected: '1 to l − 1' });
  if (random32.length !== RANDOM_BYTES)
    throw new TacitError('BYTES_SIZE', 'nonce randomness has the wrong size', { expected: '32 bytes', got: String(random32.length) });
  if (noncePrefix.length !== PREFIX_BYTES)
    throw new TacitError('BYTES_SIZE', 'nonce prefix has the wrong size', { expected: '32 bytes', got: String(noncePrefix.length) });
  assertField(M, 'message');
  const A = mulBase8(aPrime);
  const seed = concatBytes(
    NONCE_DOMAIN,
    noncePrefix,
    fieldToBytes(aPrime as bigint),
    fieldToBytes(A.x),
    fieldToBytes(A.y),
    fieldToBytes(M),
    random32,
  );
  const r = bytesToUint(sha512(seed)) % SUBGROUP_ORDER;
  if (r === 0n) throw new TacitError('SCALAR_ZERO', 'nonce is zero');
  const R8 = mulBase8(r);
  return { R8, S: (r + COFACTOR * challengeScalar(R8, A, M) * aPrime) % SUBGROUP_ORDER };
}

/** Strict: S in [0, l), R8 and A' of prime order, M a field element. Stricter than the circuit, which clears A's cofactor. */
export function verifySignature(APrime: Point, M: Field, { R8, S }: Signature): boolean {
  if (S < 0n || S >= SUBGROUP_ORDER || !isField(M)) return false;
  if (!isInSubgroup(APrime) || !isInSubgroup(R8)) return false;
  const right = add(R8, mul(APrime, (COFACTOR * challengeScalar(R8, APrime, M)) % SUBGROUP_ORDER));
  const left = mulBase8(S);
  return left.x === right.x && left.y === right.y;
}

function challengeScalar(R8: Point, A: Point, M: Field): Field {
  return H(R8.x, R8.y, A.x, A.y, M);
}
