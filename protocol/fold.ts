/**
 * Many Groth16 proofs under several keys of one phase 1, checked by one product of pairings.
 *
 * Multiply the verification equation of proof i by a random r_i and add: a false equation survives the sum only for
 * one in 2^128 choices of r. One weight may be fixed, because only the ratios of the weights count: the first is 1. The others
 * come from Keccak over everything they must not be chosen before: the count, every circuit id, proof and public input. Then
 *
 *   Π e(r_i·A_i, B_i) · e(−Σ r_i·α, β) · e(−Σ r_i·vkx_i, γ) · Π_c e(−Σ_{i in c} r_i·C_i, δ_c) = 1
 *
 *   1. r_0 = 1, r_i = low 128 bits of keccak(seed ‖ i)      2. r_i·A_i for each proof, Σ r_i·C_i for each circuit
 *   3. vkx needs three scalar sums a circuit: Σ r_i, Σ r_i·h_i, Σ r_i·z_i, Σ r_i·y_i against ic_0..ic_3
 *   4. one product of m + 2 + (circuits used) pairings
 *
 * Keys must share α, β, γ, and no two δ may be equal up to sign: with one δ for two circuits, columns of the one could
 * be used in proofs of the other. Source: Zcash protocol specification, appendix B.2 (batch validation).
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToUint, concatBytes, uintToBytes } from './bytes.js';
import { circuitById } from './circuit.js';
import { TAG_FOLD } from './constants.js';
import { TacitError } from './errors.js';
import { assertField, FIELD_MODULUS, fieldToBytes } from './field.js';
import { type PublicInputs, publicSignals } from './fingerprint.js';
import { checkKey, equalUpToSign, isValidGroth16 } from './groth16.js';
import { type G1Point, infinityG1, linesOf, type Pairing, productIsOne, scale, toG1, toG2 } from './pairing.js';
import { encodeProof, type Groth16Proof } from './proof.js';
import type { VerifyingKey } from './vkey.js';

export interface FoldItem {
  readonly circuitId: number;
  readonly publicInputs: PublicInputs;
  readonly proof: Groth16Proof;
}

/** Circuit id → its key. Made by makeKeyTable; the brand says that the keys have been compared with one another. */
export type KeyTable = ReadonlyMap<number, VerifyingKey> & { readonly __checked: true };

/** Public inputs of every circuit: h, z, y. */
const PUBLIC_COUNT = 3;
const COEFFICIENT_MASK = (1n << 128n) - 1n;
/** Below this many proofs a bad one is looked for singly; above, by halves. */
const SINGLE_SEARCH = 4;

/** @throws TacitError CIRCUIT_UNKNOWN, KEY_TABLE, KEY_INSECURE, and as groth16's checkKey */
export function makeKeyTable(entries: Iterable<readonly [number, VerifyingKey]>): KeyTable {
  const table = new Map<number, VerifyingKey>();
  for (const [circuitId, key] of entries) {
    const { name } = circuitById(circuitId);
    if (table.has(circuitId)) throw new TacitError('KEY_TABLE', 'two keys for one circuit', { got: name });
    if (key.ic.length !== PUBLIC_COUNT + 1)
      throw new TacitError('KEY_TABLE', `key of ${name} has another number of public inputs`, {
        expected: `${PUBLIC_COUNT}`,
        got: `${key.ic.length - 1}`,
      });
    const mine = checkKey(key);
    if (mine.ic.some((point) => point.is0()))
      throw new TacitError('KEY_INSECURE', `key of ${name} does not bind every public input`, { expected: 'no ic point at infinity' });
    for (const [otherId, otherKey] of table) {
      const other = checkKey(otherKey);
      const pair = `${circuitById(otherId).name} and ${name}`;
      if (!mine.alpha.equals(other.alpha) || !mine.beta.equals(other.beta) || !mine.gamma.equals(other.gamma)) {
        throw new TacitError('KEY_TABLE', 'keys come from different phase-1 set-ups', { expected: 'one α, β and γ', got: pair });
      }
      if (equalUpToSign(mine.delta, other.delta))
        throw new TacitError('KEY_INSECURE', 'two circuits share δ up to sign', {
          expected: 'a contribution of its own for every circuit',
          got: pair,
        });
    }
    table.set(circuitId, key);
  }
  return table as unknown as KeyTable;
}

/** keccak(tag ‖ m ‖ per item: id ‖ proof ‖ h ‖ z ‖ y), every number 32 bytes, the proof 256. */
export function foldSeed(items: readonly FoldItem[]): Uint8Array {
  const hasher = keccak_256.create().update(TAG_FOLD).update(uintToBytes(items.length, 32));
  for (const { circuitId, proof, publicInputs } of items) {
    hasher.update(uintToBytes(circuitId, 32)).update(encodeProof(proof));
    for (const signal of publicSignals(publicInputs)) hasher.update(fieldToBytes(signal));
  }
  return hasher.digest();
}

/** r_0 = 1, r_1 … r_(m−1) of 128 bits each. */
export function foldCoefficients(items: readonly FoldItem[]): bigint[] {
  const seed = foldSeed(items);
  return items.map((_, i) => (i === 0 ? 1n : bytesToUint(keccak_256(concatBytes(seed, uintToBytes(i, 32)))) & COEFFICIENT_MASK));
}

/**
 * Returns when every proof is valid (up to one chance in 2^128).
 * @throws TacitError FOLD_EMPTY, KEY_MISSING, FOLD_INVALID, and for malformed members FIELD_RANGE, PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP
 */
export function verifyFold(keys: KeyTable, items: readonly FoldItem[]): void {
  if (items.length === 0) throw new TacitError('FOLD_EMPTY', 'nothing to verify', { expected: 'at least one proof' });
  for (const { circuitId, publicInputs } of items) {
    keyOf(keys, circuitId);
    for (const signal of publicSignals(publicInputs)) assertField(signal, 'public input');
  }
  if (!productIsOne(foldPairings(keys, items)))
    throw new TacitError('FOLD_INVALID', 'the folded verification equation does not hold', { expected: `${items.length} valid proofs` });
}

/**
 * The pairings of the folded equation, made one by one as they are taken: the lines of a Miller loop are many times
 * larger than a proof, and only those of one slice need to exist at a time.
 */
function* foldPairings(keys: KeyTable, items: readonly FoldItem[]): Generator<Pairing> {
  const coefficients = foldCoefficients(items);
  const sums = new Map<number, CircuitSum>();
  for (const [i, item] of items.entries()) {
    const r = coefficients[i] as bigint;
    const g1 = scale(toG1(item.proof.a, `A of proof ${i}`), r);
    const g2 = linesOf(toG2(item.proof.b, `B of proof ${i}`));
    const sum = sums.get(item.circuitId) ?? { c: infinityG1(), scalars: [0n, 0n, 0n, 0n] };
    const weighted = [1n, ...publicSignals(item.publicInputs)].map(
      (signal, k) => ((sum.scalars[k] as bigint) + r * signal) % FIELD_MODULUS,
    );
    sums.set(item.circuitId, { c: sum.c.add(scale(toG1(item.proof.c, `C of proof ${i}`), r)), scalars: weighted });
    yield { g1, g2 };
  }
  yield* keySide(keys, sums);
}

/** Indices of the items whose own proof is invalid, ascending; empty when the fold is fine. */
export function findBadProofs(keys: KeyTable, items: readonly FoldItem[]): number[] {
  const search = (from: number, to: number): number[] => {
    if (to - from <= SINGLE_SEARCH) {
      return Array.from({ length: to - from }, (_, k) => from + k).filter((i) => !isValidItem(keys, items[i] as FoldItem));
    }
    if (foldHolds(keys, items.slice(from, to))) return [];
    const middle = (from + to) >> 1;
    return [...search(from, middle), ...search(middle, to)];
  };
  return search(0, items.length);
}

interface CircuitSum {
  /** Σ r_i·C_i */
  c: G1Point;
  /** Σ r_i, Σ r_i·h_i, Σ r_i·z_i, Σ r_i·y_i, all mod p */
  scalars: bigint[];
}

/** The pairings with β, γ and every δ. */
function keySide(keys: KeyTable, sums: ReadonlyMap<number, CircuitSum>): Pairing[] {
  const pairings: Pairing[] = [];
  let total = 0n;
  let inputs = infinityG1();
  for (const [circuitId, { c, scalars }] of sums) {
    const { ic, deltaLines } = checkKey(keyOf(keys, circuitId));
    total = (total + (scalars[0] as bigint)) % FIELD_MODULUS;
    ic.forEach((point, k) => {
      inputs = inputs.add(scale(point, scalars[k] as bigint));
    });
    pairings.push({ g1: c.negate(), g2: deltaLines });
  }
  const [[firstId] = [0]] = sums;
  const shared = checkKey(keyOf(keys, firstId));
  return [...pairings, { g1: scale(shared.alpha, total).negate(), g2: shared.betaLines }, { g1: inputs.negate(), g2: shared.gammaLines }];
}

/** @throws TacitError KEY_MISSING */
export function keyOf(keys: KeyTable, circuitId: number): VerifyingKey {
  const key = keys.get(circuitId);
  if (key === undefined)
    throw new TacitError('KEY_MISSING', 'no verifying key for this circuit', {
      expected: [...keys.keys()].join(', '),
      got: String(circuitId),
    });
  return key;
}

function isValidItem(keys: KeyTable, { circuitId, publicInputs, proof }: FoldItem): boolean {
  const key = keys.get(circuitId);
  return key !== undefined && isValidGroth16(key, publicSignals(publicInputs), proof);
}

function foldHolds(keys: KeyTable, items: readonly FoldItem[]): boolean {
  try {
    verifyFold(keys, items);
    return true;
  } catch (error) {
    if (error instanceof TacitError) return false;
    throw error;
  }
}
