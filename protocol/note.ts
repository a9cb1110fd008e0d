/**
 * A note: what is owned, by whom, and the two values that stand for it in the trees.
 *
 *   owner = H(A'.x, A'.y, N'.x, N'.y)          names the one-time keys, never an address
 *   cm    = H(owner, asset, value)             leaf of the note tree
 *   nf    = low 248 bits of H(n', cm, position, DOM_NULLIFIER)
 *
 * nf binds cm, and cm binds the value: a dummy (value 0) never gives the nullifier of a note that is worth something.
 * The 248 bits are those of the hash as an integer below p; the circuit's strict decomposition admits no other.
 */
import { type Point, SUBGROUP_ORDER } from './babyjubjub.js';
import { AMOUNT_BITS, ASSET_BITS, DOM_NULLIFIER, NULLIFIER_BITS, TREE_CAPACITY } from './constants.js';
import { TacitError } from './errors.js';
import { assertField } from './field.js';
import type { Amount, AssetId, Field, LeafIndex, SubgroupScalar } from './flavor.js';
import { H } from './hash.js';

export interface Note {
  readonly owner: Field;
  readonly asset: AssetId;
  readonly value: Amount;
}

const LOW_BITS = 2n ** BigInt(NULLIFIER_BITS) - 1n;

/** Both points are one-time keys, in affine coordinates. */
export function ownerHash(APrime: Point, NPrime: Point): Field {
  return H(APrime.x, APrime.y, NPrime.x, NPrime.y);
}

/** @throws TacitError FIELD_RANGE, ASSET_RANGE, AMOUNT_RANGE */
export function commitment(note: Note): Field {
  assertField(note.owner, 'owner');
  assertAsset(note.asset);
  assertAmount(note.value);
  return H(note.owner, BigInt(note.asset), note.value as bigint);
}

/**
 * @param nPrime one-time nullifier scalar n', in [1, l): a second representative n' + l would be a second nullifier
 * @param position leaf index of cm in the note tree
 * @throws TacitError SCALAR_RANGE, FIELD_RANGE, POSITION_RANGE
 */
export function nullifier(nPrime: SubgroupScalar, cm: Field, position: LeafIndex): Field {
  if (nPrime <= 0n || nPrime >= SUBGROUP_ORDER)
    throw new TacitError('SCALAR_RANGE', 'nullifier scalar out of range', { expected: '1 to l − 1' });
  assertField(cm, 'commitment');
  if (position < 0n || position >= TREE_CAPACITY)
    throw new TacitError('POSITION_RANGE', 'position out of range', { expected: '0 to 2^32 − 1', got: String(position) });
  return H(nPrime as bigint, cm, position as bigint, DOM_NULLIFIER) & LOW_BITS;
}

/** @throws TacitError AMOUNT_RANGE */
export function assertAmount(value: bigint, what = 'amount'): Amount {
  if (value < 0n || value >= 1n << BigInt(AMOUNT_BITS))
    throw new TacitError('AMOUNT_RANGE', `${what} out of range`, {
      expected: '0 to 2^128 − 1',
      got: value < 0n ? 'a negative amount' : 'an amount of 2^128 or more',
    });
  return value;
}

/** @throws TacitError ASSET_RANGE */
export function assertAsset(asset: number): AssetId {
  if (!Number.isInteger(asset) || asset < 0 || asset >= 2 ** ASSET_BITS)
    throw new TacitError('ASSET_RANGE', 'asset id out of range', { expected: '0 to 2^32 − 1', got: String(asset) });
  return asset;
}
