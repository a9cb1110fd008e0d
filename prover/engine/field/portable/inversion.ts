/**
 * Emits the inverse modulo a prime p by division steps on limbs of 29 bits: a third of the time of a power.
 *
 * f = p, g = x, d = 0, e = 1, and d·x ≡ f, e·x ≡ g (mod p) all along. Until g = 0:
 *   1. 29 division steps on the lowest limbs alone. A step halves g when it is even, else first adds f to it, or swaps the two
 *      when f has been halved less often (that is what the sign of `eta` tells); runs of zero bits are taken at once, and up to
 *      six bits of g are cleared by one multiple of f. What they do to f and g is a matrix (u v; q r)/2^29;
 *   2. the matrix on (f, g): exact, and the division by 2^29 is a move by one limb;
 *   3. the matrix on (d, e), with multiples of p that make the lowest limb zero: they stay within (−2p, p).
 * Then f = ±1 and ±d is the inverse; for x = 0, f = p and d = 0. The time depends on x, as that of a multi-exponentiation does.
 *
 * Sources: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (2019); the variable-time variant and
 * its bounds as in bitcoin-core/secp256k1, doc/safegcd_implementation.md, there with limbs of 30 bits.
 */
import { at, type Expr, type FunctionBuilder, I32, I64, i32, i64, type Local, type Operand, select } from '../../wasm/assembler.js';
import { LIMB_BITS, LIMB_COUNT, LIMB_MASK, type PortableParameters } from './parameters.js';

const TOP = LIMB_COUNT - 1;
/** The formula for the multiple of f is right for so many bits. */
const BITS_AT_ONCE = 6;
const WORD_BITS = 32;
const shift = i64.const(LIMB_BITS);
const mask = i64.const(LIMB_MASK);
const zero = i64.const(0);
const sign = (value: Operand): Expr => i64.shrS(value, i64.const(63));

/** The steps' matrix, its entries within ±2^29: (f, g) ← (u·f + v·g, q·f + r·g)/2^29. */
interface Matrix {
  readonly u: Local;
  readonly v: Local;
  readonly q: Local;
  readonly r: Local;
}

/** Swaps two 32-bit locals and negates what comes to the second. */
function swapNegating(f: FunctionBuilder, a: Local, b: Local, spare: Local): void {
  f.set(spare, a);
  f.set(a, b);
  f.set(b, i32.sub(i32.const(0), spare));
}

/** Step 1; `low` are 32-bit copies of the lowest limbs of f and g. */
function emitSteps(f: FunctionBuilder, eta: Local, [low, lowG]: readonly [Local, Local], { u, v, q, r }: Matrix): void {
  const [left, zeros, limit, factor, spare] = f.locals(I32, 5) as [Local, Local, Local, Local, Local];
  for (const [entry, value] of [
    [u, 1],
    [v, 0],
    [q, 0],
    [r, 1],
    [left, LIMB_BITS],
  ] as const) {
    f.set(entry, i32.const(value));
  }
  f.block((done) => {
    f.loop((again) => {
      // Ones above the steps that are left end the count.
      f.set(zeros, i32.ctz(i32.or(lowG, i32.shl(i32.const(-1), left))));
      f.set(lowG, i32.shrU(lowG, zeros));
      f.set(u, i32.shl(u, zeros));
      f.set(v, i32.shl(v, zeros));
      f.set(eta, i32.sub(eta, zeros));
      f.set(left, i32.sub(left, zeros));
      f.branchIf(done, i32.eqz(left));
      f.if(i32.ltS(eta, i32.const(0)), () => {
        f.set(eta, i32.sub(i32.const(0), eta));
        swapNegating(f, low, lowG, spare);
        swapNegating(f, u, q, spare);
        swapNegating(f, v, r, spare);
      });
      // No further than the steps go, and than to where eta changes its sign.
      f.set(limit, i32.add(eta, i32.const(1)));
      f.set(limit, select(limit, left, i32.ltS(limit, left)));
      const bits = i32.and(i32.shrU(i32.const(-1), i32.sub(i32.const(WORD_BITS), limit)), i32.const((1 << BITS_AT_ONCE) - 1));
      // −g/f modulo 2^6: 1/f is f·(2 − f²) there.
      f.set(factor, i32.and(i32.mul(i32.mul(low, lowG), i32.sub(i32.mul(low, low), i32.const(2))), bits));
      f.set(lowG, i32.add(lowG, i32.mul(low, factor)));
      f.set(q, i32.add(q, i32.mul(u, factor)));
      f.set(r, i32.add(r, i32.mul(v, factor)));
      f.branch(again);
    });
  });
}

/** Step 2. */
function emitUpdate(f: FunctionBuilder, a: readonly Local[], b: readonly Local[], { u, v, q, r }: Matrix): void {
  const [carryA, carryB, first, second] = f.locals(I64, 4) as [Local, Local, Local, Local];
  for (let i = 0; i <= TOP; i++) {
    f.set(first, i64.add(i64.mul(u, at(a, i)), i64.mul(v, at(b, i))));
    f.set(second, i64.add(i64.mul(q, at(a, i)), i64.mul(r, at(b, i))));
    if (i > 0) {
      f.set(first, i64.add(first, carryA));
      f.set(second, i64.add(second, carryB));
      f.set(at(a, i - 1), i64.and(first, mask));
      f.set(at(b, i - 1), i64.and(second, mask));
    }
    f.set(carryA, i64.shrS(first, shift));
    f.set(carryB, i64.shrS(second, shift));
  }
  f.set(at(a, TOP), carryA);
  f.set(at(b, TOP), carryB);
}

/** Step 3. */
function emitUpdateModulo(
  f: FunctionBuilder,
  { limbs, inverse }: PortableParameters,
  d: readonly Local[],
  e: readonly Local[],
  { u, v, q, r }: Matrix,
): void {
  const rows = [
    { a: u, b: v, to: d },
    { a: q, b: r, to: e },
  ].map((row) => ({ ...row, multiple: f.local(I64), carry: f.local(I64), sum: f.local(I64) }));
  const [signD, signE] = [f.let(I64, sign(at(d, TOP))), f.let(I64, sign(at(e, TOP)))];
  for (let i = 0; i <= TOP; i++) {
    for (const { a, b, sum } of rows) f.set(sum, i64.add(i64.mul(a, at(d, i)), i64.mul(b, at(e, i))));
    for (const { a, b, to, multiple, carry, sum } of rows) {
      if (i === 0) {
        // As many p as negative operands need to come back, less what clears the lowest limb.
        f.set(multiple, i64.add(i64.and(a, signD), i64.and(b, signE)));
        f.set(multiple, i64.sub(multiple, i64.and(i64.add(i64.mul(sum, i64.const(inverse)), multiple), mask)));
      } else f.set(sum, i64.add(sum, carry));
      f.set(sum, i64.add(sum, i64.mul(multiple, i64.const(at(limbs, i)))));
      if (i > 0) f.set(at(to, i - 1), i64.and(sum, mask));
      f.set(carry, i64.shrS(sum, shift));
    }
  }
  for (const { to, carry } of rows) f.set(at(to, TOP), carry);
}

/** Adds the prime where the value is negative, and negates it where the mask is −1 before that; carries upwards. */
function emitLift(f: FunctionBuilder, { limbs }: PortableParameters, value: readonly Local[], negative: Operand): void {
  const carry = f.local(I64);
  const settle = (limb: (i: number) => Operand): void => {
    f.set(carry, zero);
    for (let i = 0; i <= TOP; i++) {
      f.set(carry, i64.add(carry, limb(i)));
      if (i < TOP) {
        f.set(at(value, i), i64.and(carry, mask));
        f.set(carry, i64.shrS(carry, shift));
      } else f.set(at(value, TOP), carry);
    }
  };
  settle((i) => i64.sub(i64.xor(at(value, i), negative), negative));
  const below = f.let(I64, sign(at(value, TOP)));
  settle((i) => i64.add(at(value, i), i64.and(below, i64.const(at(limbs, i)))));
}

/**
 * @param x limbs of an integer in [0, p)
 * @returns limbs of its inverse in [0, p), and of 0 for 0
 */
export function emitInverse(f: FunctionBuilder, parameters: PortableParameters, x: readonly Local[]): Local[] {
  const [a, b, d, e] = Array.from({ length: 4 }, () => f.locals(I64, LIMB_COUNT)) as [Local[], Local[], Local[], Local[]];
  for (let i = 0; i <= TOP; i++) {
    f.set(at(a, i), i64.const(at(parameters.limbs, i)));
    f.set(at(b, i), at(x, i));
    f.set(at(d, i), zero);
    f.set(at(e, i), i64.const(i === 0 ? 1 : 0));
  }
  const eta = f.let(I32, i32.const(-1));
  const low = f.locals(I32, 2) as [Local, Local];
  const narrow = f.locals(I32, 4) as [Local, Local, Local, Local];
  const wide = f.locals(I64, 4) as [Local, Local, Local, Local];
  const matrix = ([u, v, q, r]: readonly [Local, Local, Local, Local]): Matrix => ({ u, v, q, r });
  f.loop((again) => {
    f.set(low[0], i32.wrap(at(a, 0)));
    f.set(low[1], i32.wrap(at(b, 0)));
    emitSteps(f, eta, low, matrix(narrow));
    for (const [i, entry] of wide.entries()) f.set(entry, i64.extendS(at(narrow, i)));
    emitUpdateModulo(f, parameters, d, e, matrix(wide));
    emitUpdate(f, a, b, matrix(wide));
    f.branchIf(
      again,
      i64.ne(
        b.slice(1).reduce<Operand>((all, limb) => i64.or(all, limb), at(b, 0)),
        zero,
      ),
    );
  });
  // From (−2p, p) to (−p, p), then by the sign of f to [0, p).
  emitLift(f, parameters, d, zero);
  const negative = f.let(I64, sign(at(a, TOP)));
  emitLift(f, parameters, d, negative);
  return d;
}
