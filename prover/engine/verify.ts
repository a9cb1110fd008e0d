/**
 * Groth16 verification on the engine's pairing: the fast twins of protocol/groth16.ts and protocol/fold.ts, with the
 * same equations, the same strictness and the same errors in the same order. Milliseconds a proof instead of tens.
 *
 * The rules for keys (no δ equal to another's, to γ or to a generator, …) are protocol's own: a key is checked there
 * once, and remembered. The engine is made at the first call and kept; it runs on the calling thread. Where a page refuses
 * to compile a module without waiting, the twins do the work.
 */
import { TacitError } from '../../protocol/errors.js';
import { assertField, FIELD_MODULUS } from '../../protocol/field.js';
import { publicSignals } from '../../protocol/fingerprint.js';
import { type FoldItem, foldCoefficients, type KeyTable, keyOf, verifyFold as slowVerifyFold } from '../../protocol/fold.js';
import { checkKey, verifyGroth16 as slowVerifyGroth16 } from '../../protocol/groth16.js';
import {
  assertCoordinate,
  BASE_FIELD_MODULUS,
  type G1,
  type G2,
  type Groth16Proof,
  isInfinityG1,
  isInfinityG2,
} from '../../protocol/proof.js';
import type { VerifyingKey } from '../../protocol/vkey.js';
import { type Coordinates, type Pair, PairingEngine } from './pairing/pairing.js';

/** Points whose multiples share their doublings. */
const POINTS_AT_ONCE = 64;
/** Below this many proofs a bad one is looked for singly; above, by halves. */
const SINGLE_SEARCH = 4;

/** Null where there can be none. */
let made: PairingEngine | null | undefined;

function engine(): PairingEngine | null {
  if (made === undefined) {
    try {
      made = PairingEngine.create();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      made = null;
    }
  }
  made?.reset();
  return made;
}

/**
 * Returns when the proof is valid.
 * @param signals exactly ic.length − 1 values below p
 * @throws TacitError PUBLIC_COUNT, FIELD_RANGE, PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP, KEY_INSECURE, PROOF_INVALID
 */
export function verifyGroth16(key: VerifyingKey, signals: readonly bigint[], proof: Groth16Proof): void {
  const pairing = engine();
  if (!pairing) {
    slowVerifyGroth16(key, signals, proof);
    return;
  }
  checkKey(key);
  if (signals.length !== key.ic.length - 1)
    throw new TacitError('PUBLIC_COUNT', 'wrong number of public inputs', { expected: `${key.ic.length - 1}`, got: `${signals.length}` });
  for (const [i, signal] of signals.entries()) assertField(signal, `public input ${i}`);
  const [a, b, c] = [toG1(pairing, proof.a, 'A'), toG2(pairing, proof.b, 'B'), toG1(pairing, proof.c, 'C')];
  const scalars = [1n, ...signals];
  const inputs = sumOf(
    pairing,
    key.ic.map((point, i) => [g1(point), scalars[i] as bigint]),
  );
  const valid = pairing.productIsOne([
    { g1: a, g2: b },
    { g1: negative(g1(key.alpha)), g2: g2(key.beta) },
    { g1: negative(inputs), g2: g2(key.gamma) },
    { g1: negative(c), g2: g2(key.delta) },
  ]);
  if (!valid) throw new TacitError('PROOF_INVALID', 'the proof does not satisfy the verification equation');
}

/** False for anything that verifyGroth16 throws about. */
export function isValidGroth16(key: VerifyingKey, signals: readonly bigint[], proof: Groth16Proof): boolean {
  return holds(() => verifyGroth16(key, signals, proof));
}

/**
 * Returns when every proof is valid (up to one chance in 2^128).
 * @throws TacitError FOLD_EMPTY, KEY_MISSING, FOLD_INVALID, and for malformed members FIELD_RANGE, PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP
 */
export function verifyFold(keys: KeyTable, items: readonly FoldItem[]): void {
  const pairing = engine();
  if (!pairing) {
    slowVerifyFold(keys, items);
    return;
  }
  if (items.length === 0) throw new TacitError('FOLD_EMPTY', 'nothing to verify', { expected: 'at least one proof' });
  for (const { circuitId, publicInputs } of items) {
    keyOf(keys, circuitId);
    for (const signal of publicSignals(publicInputs)) assertField(signal, 'public input');
  }
  if (!pairing.productIsOne(foldPairs(pairing, keys, items)))
    throw new TacitError('FOLD_INVALID', 'the folded verification equation does not hold', { expected: `${items.length} valid proofs` });
}

/** Indices of the items whose own proof is invalid, ascending; empty when the fold is fine. */
export function findBadProofs(keys: KeyTable, items: readonly FoldItem[]): number[] {
  const search = (from: number, to: number): number[] => {
    if (to - from <= SINGLE_SEARCH) {
      return Array.from({ length: to - from }, (_, k) => from + k).filter((i) => !isValidItem(keys, items[i] as FoldItem));
    }
    if (holds(() => verifyFold(keys, items.slice(from, to)))) return [];
    const middle = (from + to) >> 1;
    return [...search(from, middle), ...search(middle, to)];
  };
  return search(0, items.length);
}

function isValidItem(keys: KeyTable, { circuitId, publicInputs, proof }: FoldItem): boolean {
  const key = keys.get(circuitId);
  return key !== undefined && isValidGroth16(key, publicSignals(publicInputs), proof);
}

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof TacitError) return false;
    throw error;
  }
}

/** What the fold adds up for one circuit. */
interface CircuitSum {
  /** Σ r_i·C_i so far. */
  c: Coordinates;
  /** C_i and r_i that are not yet in it. */
  waiting: [point: Coordinates, r: bigint][];
  /** Σ r_i, Σ r_i·h_i, Σ r_i·z_i, Σ r_i·y_i, all mod p. */
  scalars: bigint[];
}

/** The pairings of the folded equation, see protocol/fold.ts, made as they are taken. */
function* foldPairs(pairing: PairingEngine, keys: KeyTable, items: readonly FoldItem[]): Generator<Pair> {
  const coefficients = foldCoefficients(items);
  const sums = new Map<number, CircuitSum>();
  for (const [i, { circuitId, publicInputs, proof }] of items.entries()) {
    const r = coefficients[i] as bigint;
    const a = toG1(pairing, proof.a, `A of proof ${i}`);
    const b = toG2(pairing, proof.b, `B of proof ${i}`);
    const c = toG1(pairing, proof.c, `C of proof ${i}`);
    const sum = sums.get(circuitId) ?? { c: undefined, waiting: [], scalars: [0n, 0n, 0n, 0n] };
    sums.set(circuitId, sum);
    sum.scalars = [1n, ...publicSignals(publicInputs)].map((signal, k) => ((sum.scalars[k] as bigint) + r * signal) % FIELD_MODULUS);
    sum.waiting.push([c, r]);
    if (sum.waiting.length === POINTS_AT_ONCE) addWaiting(pairing, sum);
    yield { g1: sumOf(pairing, [[a, r]]), g2: b };
  }
  for (const sum of sums.values()) addWaiting(pairing, sum);
  yield* keySide(pairing, keys, sums);
}

/** The pairings with β, γ and every δ. */
function* keySide(pairing: PairingEngine, keys: KeyTable, sums: ReadonlyMap<number, CircuitSum>): Generator<Pair> {
  let total = 0n;
  const inputs: [Coordinates, bigint][] = [];
  for (const [circuitId, { c, scalars }] of sums) {
    const { ic, delta } = keyOf(keys, circuitId);
    total = (total + (scalars[0] as bigint)) % FIELD_MODULUS;
    for (const [k, point] of ic.entries()) inputs.push([g1(point), scalars[k] as bigint]);
    yield { g1: negative(c), g2: g2(delta) };
  }
  const [[firstId] = [0]] = sums;
  const { alpha, beta, gamma } = keyOf(keys, firstId);
  yield { g1: negative(sumOf(pairing, [[g1(alpha), total]])), g2: g2(beta) };
  yield { g1: negative(sumOf(pairing, inputs)), g2: g2(gamma) };
}

function addWaiting(pairing: PairingEngine, sum: CircuitSum): void {
  sum.c = sumOf(pairing, [[sum.c, 1n], ...sum.waiting]);
  sum.waiting = [];
}

/** Σ k·P, affine. A key may have any number of inputs, the engine's memory has not. */
function sumOf(pairing: PairingEngine, terms: readonly (readonly [Coordinates, bigint])[]): Coordinates {
  let sum: Coordinates;
  for (let from = 0; from < terms.length; from += 2 * POINTS_AT_ONCE) {
    pairing.reset();
    const part = terms.slice(from, from + 2 * POINTS_AT_ONCE);
    const points = part.map(([point]) => pairing.load(point));
    const places = [
      pairing.load(sum),
      pairing.sumOfMultiples(
        points,
        part.map(([, k]) => k),
      ),
    ] as const;
    sum = pairing.coordinates(from === 0 ? places[1] : pairing.add(...places));
  }
  return sum;
}

function g1(point: G1): Coordinates {
  return isInfinityG1(point) ? undefined : [point.x, point.y];
}

function g2(point: G2): Coordinates {
  return isInfinityG2(point) ? undefined : [...point.x, ...point.y];
}

function negative(point: Coordinates): Coordinates {
  if (!point) return undefined;
  const [x, y] = point as [bigint, bigint];
  return [x, (BASE_FIELD_MODULUS - y) % BASE_FIELD_MODULUS];
}

/** @throws TacitError PROOF_COORDINATE, POINT_OFF_CURVE */
function toG1(pairing: PairingEngine, point: G1, what: string): Coordinates {
  for (const coordinate of [point.x, point.y]) assertCoordinate(coordinate);
  const checked = g1(point);
  if (!pairing.isOnCurve('g1', checked)) throw offCurve(what);
  return checked;
}

/** @throws TacitError PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP */
function toG2(pairing: PairingEngine, point: G2, what: string): Coordinates {
  for (const coordinate of [...point.x, ...point.y]) assertCoordinate(coordinate);
  const checked = g2(point);
  if (!pairing.isOnCurve('g2', checked)) throw offCurve(what);
  if (!pairing.isInSubgroup(checked))
    throw new TacitError('POINT_OUTSIDE_SUBGROUP', `${what} lies outside the group of order p`, { expected: 'a point of G2' });
  return checked;
}

function offCurve(what: string): TacitError {
  return new TacitError('POINT_OFF_CURVE', `${what} is not on its curve`, { expected: 'a point of BN254' });
}
