/**
 * Scalars in two halves: k = k1 + k2·λ mod r with |k1|, |k2| < 2^127, where λ·(x, y) = (β·x, y).
 *
 * (a1, b1) and (a2, b2) are two short vectors of the lattice {(a, b): a + b·λ = 0 mod r}, and (c1, c2) the coordinates of
 * (k, 0) on them, rounded down: k1 = k − c1·a1 − c2·a2, k2 = −c1·b1 − c2·b2. Rounding down instead of to the nearest costs
 * less than a bit and spares a comparison; what the truncated reciprocals g1, g2 miss is below one as well.
 * Source: Gallant, Lambert, Vanstone (CRYPTO 2001), §4; reciprocals as in Guide to Elliptic Curve Cryptography, §3.5.
 */
import { BASE_FIELD, powerModulo, SCALAR_FIELD } from '../field/parameters.js';

const { prime: q } = BASE_FIELD;
const { prime: r } = SCALAR_FIELD;

/** λ, a cube root of unity in the scalar field: 5 generates its multiplicative group. */
export const EIGENVALUE = powerModulo(5n, (r - 1n) / 3n, r);
/** β, the one of the base field's two cube roots of unity that belongs to λ (the tests compare λ·G): 3 is no cube there. */
export const CUBE_ROOT = powerModulo(3n, (2n * (q - 1n)) / 3n, q);

/** Bits below the point of the reciprocals: 18 more than a scalar has, so that truncating them costs less than 2^−18. */
export const RECIPROCAL_BITS = 272n;
const TRUNCATION_BITS = RECIPROCAL_BITS - 254n;

export interface Lattice {
  readonly a1: bigint;
  readonly b1: bigint;
  readonly a2: bigint;
  readonly b2: bigint;
  /** ⌊2^272·b2/r⌋ and ⌊2^272·(−b1)/r⌋, of a basis with determinant +r. */
  readonly g1: bigint;
  readonly g2: bigint;
}

/** Two short vectors: the last remainders of (r, λ) around √r in the extended Euclidean algorithm. */
function shortVectors(): [bigint, bigint, bigint, bigint] {
  const rows: [remainder: bigint, factor: bigint][] = [
    [r, 0n],
    [EIGENVALUE, 1n],
  ];
  for (;;) {
    const [[r0, t0], [r1, t1]] = rows.slice(-2) as [[bigint, bigint], [bigint, bigint]];
    const quotient = r0 / r1;
    rows.push([r0 - quotient * r1, t0 - quotient * t1]);
    // r0, r1 and the new one surround √r once r1·r1 < r.
    if (r1 * r1 < r) {
      const [r2, t2] = rows.at(-1) as [bigint, bigint];
      const longer = r0 * r0 + t0 * t0 < r2 * r2 + t2 * t2 ? ([r0, -t0] as const) : ([r2, -t2] as const);
      return [r1, -t1, ...longer];
    }
  }
}

function lattice(): Lattice {
  let [a1, b1, a2, b2] = shortVectors();
  if (a1 * b2 - a2 * b1 < 0n) [a2, b2] = [-a2, -b2];
  return { a1, b1, a2, b2, g1: floorDivide(b2 << RECIPROCAL_BITS, r), g2: floorDivide(-b1 << RECIPROCAL_BITS, r) };
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

export const LATTICE = lattice();

const magnitude = (x: bigint): bigint => (x < 0n ? -x : x);
const larger = (x: bigint, y: bigint): bigint => (x > y ? x : y);
const longest = larger(magnitude(LATTICE.a1) + magnitude(LATTICE.a2), magnitude(LATTICE.b1) + magnitude(LATTICE.b2));

/** No half is further from zero: each coordinate is off by less than 1 + 2^−18. */
export const HALF_BOUND = longest + (longest >> TRUNCATION_BITS) + 1n;

/** The halves of a scalar, by the same steps as the kernel; the readable twin of `digits.ts`. */
export function split(k: bigint): [k1: bigint, k2: bigint] {
  const { a1, b1, a2, b2, g1, g2 } = LATTICE;
  const c1 = (k * g1) >> RECIPROCAL_BITS;
  const c2 = (k * g2) >> RECIPROCAL_BITS;
  return [k - c1 * a1 - c2 * a2, -c1 * b1 - c2 * b2];
}
