/**
 * BN254's groups as the verifiers use them: points are checked once, at the door, and a product of pairings takes one
 * run of Miller loops and one final exponentiation. Arithmetic is @noble/curves'.
 *
 * A point at infinity is a legal operand, as it is for the chain's precompile (EIP-197): its pairing is 1.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { TacitError } from './errors.js';
import { assertCoordinate, type G1, type G2, isInfinityG1, isInfinityG2 } from './proof.js';

const { G1: Curve1, G2: Curve2, fields } = bn254;
export type G1Point = typeof Curve1.Point.BASE;
export type G2Point = typeof Curve2.Point.BASE;
/** The lines of a Miller loop with this G2 point; worth keeping for the points of a key. */
export type G2Lines = ReturnType<typeof bn254.utils.calcPairingPrecomputes> | undefined;

export interface Pairing {
  readonly g1: G1Point;
  readonly g2: G2Lines;
}

/** How many Miller loops run side by side; bounds the memory that their lines take (some 100 KB each). */
const LOOPS_AT_ONCE = 32;

/** @throws TacitError PROOF_COORDINATE, POINT_OFF_CURVE */
export function toG1({ x, y }: G1, what: string): G1Point {
  assertCoordinate(x);
  assertCoordinate(y);
  if (isInfinityG1({ x, y })) return Curve1.Point.ZERO;
  if (!fields.Fp.eql(fields.Fp.sqr(y), fields.Fp.add(fields.Fp.mul(fields.Fp.sqr(x), x), Curve1.Point.CURVE().b))) throw offCurve(what);
  return Curve1.Point.fromAffine({ x, y });
}

/** @throws TacitError PROOF_COORDINATE, POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP */
export function toG2(point: G2, what: string): G2Point {
  const { x, y } = point;
  for (const coordinate of [...x, ...y]) assertCoordinate(coordinate);
  if (isInfinityG2(point)) return Curve2.Point.ZERO;
  const { Fp2 } = fields;
  const at = { x: Fp2.fromBigTuple([...x]), y: Fp2.fromBigTuple([...y]) };
  if (!Fp2.eql(Fp2.sqr(at.y), Fp2.add(Fp2.mul(Fp2.sqr(at.x), at.x), Curve2.Point.CURVE().b))) throw offCurve(what);
  const affine = Curve2.Point.fromAffine(at);
  // G1 has prime order, G2's curve has not: a point may satisfy the equation and lie outside the group.
  if (!affine.isTorsionFree())
    throw new TacitError('POINT_OUTSIDE_SUBGROUP', `${what} lies outside the group of order p`, { expected: 'a point of G2' });
  return affine;
}

export function generatorG2(): G2Point {
  return Curve2.Point.BASE;
}

export function infinityG1(): G1Point {
  return Curve1.Point.ZERO;
}

/** k·P for public k. @param k in [0, p) */
export function scale(point: G1Point, k: bigint): G1Point {
  return point.multiplyUnsafe(k);
}

/** Undefined stands for infinity. */
export function linesOf(point: G2Point): G2Lines {
  return point.is0() ? undefined : bn254.utils.calcPairingPrecomputes(point);
}

/** True when the product of the pairings is 1. Takes them from `pairings` as it goes and keeps LOOPS_AT_ONCE of them at most. */
export function productIsOne(pairings: Iterable<Pairing>): boolean {
  const { Fp12 } = fields;
  let product = Fp12.ONE;
  let loops: [NonNullable<G2Lines>, bigint, bigint][] = [];
  const run = () => {
    product = Fp12.mul(product, bn254.millerLoopBatch(loops));
    loops = [];
  };
  for (const { g1, g2 } of pairings) {
    if (g2 === undefined || g1.is0()) continue;
    const { x, y } = g1.toAffine();
    loops.push([g2, x, y]);
    if (loops.length === LOOPS_AT_ONCE) run();
  }
  run();
  return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
}

function offCurve(what: string): TacitError {
  return new TacitError('POINT_OFF_CURVE', `${what} is not on its curve`, { expected: 'a point of BN254' });
}
