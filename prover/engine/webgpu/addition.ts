/**
 * Additions of affine points in pairs, all pairs of a thread sharing one inversion: y² = x³ + 3, slope λ,
 *
 *     λ = (y2 − y1)/(x2 − x1)      x3 = λ² − x1 − x2      y3 = λ·(x1 − x3) − y1
 *
 * in three kernels with one product in the text of each, so that they compile everywhere:
 *
 *     denominators   products[i] ← product of the thread's denominators before pair i;  totals[t] ← of all of them
 *     (invert        totals[t] ← 1/totals[t], see inverse.ts)
 *     slopes         backwards through the thread's pairs:  products[i] ← λ of pair i
 *     sums           the point of pair i
 *
 * Thread t of T takes the pairs start + t, start + t + T, … of one piece of at most `limit` pairs; `products` holds the piece only.
 *
 * Pairs come from one of two places:
 *
 *     gathered   pairs[2i], pairs[2i + 1]: tags of bases, 0 for none;      sum → place i of another pair of buffers
 *                tag = (entry + 1)·2 + (1 if the base is to be subtracted); entry ≥ bases means the endomorphism's image:
 *                its abscissa stands at xs[entry], its ordinate is that of the base, ys[entry − bases]
 *     resident   pairs[1 + i] = a, and a + stride (> 0); pairs[0] = n;     sum → place a of the same buffers
 *
 *     xs, ys     8 words an element, see field.ts; x = y = 0 stands for infinity (y = 0 is on no point: the order is odd)
 *
 * P + P takes the tangent (λ = 3x²/2y); P − P, infinity and a point alone take no part in the products. Each kernel decides
 * anew, from the same points, of which kind a pair is. Limits: six storage buffers; any number of pairs, in pieces.
 * Source: batched affine addition as in the ZPrize 2022 write-ups; formulas of the affine group law (Silverman III.2.3).
 */
import { fieldSource } from './field.js';
import { type BufferUse, kernel } from './kernel.js';

export const ADDITION_GROUP_SIZE = 64;

const loads = (...names: string[]): string =>
  names.map((name) => `fn load_${name}(i: u32) -> P { return P(${name}[2u * i], ${name}[2u * i + 1u]); }`).join('\n');
const stores = (...names: string[]): string =>
  names.map((name) => `fn store_${name}(i: u32, a: P) { ${name}[2u * i] = a.lo; ${name}[2u * i + 1u] = a.hi; }`).join('\n');

/** Both places under one roof: a list is recognised by its stride, and has no tags. */
const PAIRS = `
struct Side { entry: u32, negative: bool }
struct Pair { first: Side, second: Side, single: bool }
fn taggedSide(tag: u32) -> Side { return Side((tag >> 1u) - 1u, (tag & 1u) == 1u); }
fn pairAt(i: u32) -> Pair {
  if (params.stride > 0u) {
    let slot = pairs[1u + i];
    return Pair(Side(slot, false), Side(slot + params.stride, false), false);
  }
  let first = taggedSide(pairs[2u * i]);
  let other = pairs[2u * i + 1u];
  if (other == 0u) { return Pair(first, first, true); }
  return Pair(first, taggedSide(other), false);
}
fn pieceEnd() -> u32 { return min(params.start + params.limit, select(params.count, pairs[0], params.stride > 0u)); }
fn abscissa(side: Side) -> P { return load_xs(side.entry); }
fn ordinate(side: Side) -> P {
  let image = params.stride == 0u && side.entry >= params.bases;
  let y = load_ys(select(side.entry, side.entry - params.bases, image));
  if (side.negative && !isZero(y)) { return negated(y); }
  return y;
}`;

const KINDS = `
const ADD = 0u;
const DOUBLE = 1u;
const FIRST = 2u;
const SECOND = 3u;
const INFINITY = 4u;
/// Whether only the ordinates tell the kind: a point without a partner, at infinity, or two of one abscissa.
fn unclear(single: bool, x1: P, x2: P) -> bool { return single || same(x1, x2) || isZero(x1) || isZero(x2); }
fn kindOf(single: bool, x1: P, y1: P, x2: P, y2: P) -> u32 {
  if (single || isZero(y2)) { return FIRST; }
  if (isZero(y1)) { return SECOND; }
  if (!same(x1, x2)) { return ADD; }
  if (same(y1, y2)) { return DOUBLE; }
  return INFINITY;
}
fn hasSlope(kind: u32) -> bool { return kind <= DOUBLE; }
/// x2 − x1, or 2·y1 for a tangent
fn denominator(kind: u32, x1: P, y1: P, x2: P) -> F {
  var upper = x2;
  var lower = x1;
  if (kind == DOUBLE) {
    upper = y1;
    lower = negated(y1);
  }
  return difference(unpack(upper), unpack(lower));
}`;

const PARAMETERS = ['start', 'limit', 'count', 'bases', 'stride', 'threads'] as const;
const ELEMENTS = 'array<vec4<u32>>';
const PAIRS_BUFFER = { name: 'pairs', access: 'read', type: 'array<u32>' } as const;
const read = <N extends string>(name: N): BufferUse<N> => ({ name, access: 'read', type: ELEMENTS });
const write = <N extends string>(name: N): BufferUse<N> => ({ name, access: 'read_write', type: ELEMENTS });

const declarations = (loaded: readonly string[], stored: readonly string[]): string =>
  [fieldSource(), loads(...loaded), stores(...stored), PAIRS, KINDS].join('\n');

/** The points of pair i and their kind. */
const READ_PAIR = `let pair = pairAt(i);
    let x1 = abscissa(pair.first);
    let x2 = abscissa(pair.second);
    let y1 = ordinate(pair.first);
    let y2 = ordinate(pair.second);
    let kind = kindOf(pair.single, x1, y1, x2, y2);`;

export const denominatorsKernel = kernel({
  label: 'denominators',
  params: PARAMETERS,
  buffers: [PAIRS_BUFFER, read('xs'), read('ys'), write('products'), write('totals')],
  groupSize: ADDITION_GROUP_SIZE,
  declarations: declarations(['xs', 'ys'], ['products', 'totals']),
  entry: `
  if (invocation >= params.threads) { return; }
  var running = ONE;
  let end = pieceEnd();
  for (var i = params.start + invocation; i < end; i += params.threads) {
    let pair = pairAt(i);
    let x1 = abscissa(pair.first);
    let x2 = abscissa(pair.second);
    var y1 = ZERO_PACKED;
    var kind = ADD;
    if (unclear(pair.single, x1, x2)) {
      y1 = ordinate(pair.first);
      kind = kindOf(pair.single, x1, y1, x2, ordinate(pair.second));
    }
    store_products(i - params.start, pack(running));
    if (hasSlope(kind)) { running = product(running, denominator(kind, x1, y1, x2)); }
  }
  store_totals(invocation, pack(running));`,
});

export const slopesKernel = kernel({
  label: 'slopes',
  params: PARAMETERS,
  buffers: [PAIRS_BUFFER, read('xs'), read('ys'), write('products'), read('totals')],
  groupSize: ADDITION_GROUP_SIZE,
  declarations: declarations(['xs', 'ys', 'products', 'totals'], ['products']),
  entry: `
  let first = params.start + invocation;
  let end = pieceEnd();
  if (first >= end || invocation >= params.threads) { return; }
  var running = unpack(load_totals(invocation));
  var next = first + ((end - first + params.threads - 1u) / params.threads) * params.threads;
  while (next > first) {
    next -= params.threads;
    let i = next;
    ${READ_PAIR}
    if (!hasSlope(kind)) { continue; }
    // One product in the text, for the compiler's sake:
    //   0: 1/d = running·prefix    1: running·d    2: λ = (y2 − y1)/d, for a tangent in two: 3·(1/d)·x1, 3: ·x1
    var left = running;
    var right = unpack(load_products(i - params.start));
    var inverse = left;
    let steps = select(3u, 4u, kind == DOUBLE);
    for (var step = 0u; step < steps; step++) {
      let result = product(left, right);
      if (step == 0u) {
        inverse = result;
        right = denominator(kind, x1, y1, x2);
      } else if (step == 1u) {
        running = result;
        left = inverse;
        right = unpack(x1);
        if (kind == DOUBLE) {
          left = tripled(left);
        } else {
          right = difference(unpack(y2), unpack(y1));
        }
      } else {
        left = result;
      }
    }
    store_products(i - params.start, pack(left));
  }`,
});

const SUM = `
    var x = x1;
    var y = y1;
    if (kind == SECOND) {
      x = x2;
      y = y2;
    } else if (kind == INFINITY) {
      x = ZERO_PACKED;
      y = ZERO_PACKED;
    } else if (kind != FIRST) {
      let slope = unpack(load_products(i - params.start));
      var factor = slope;
      for (var step = 0u; step < 2u; step++) {
        let result = product(slope, factor);
        if (step == 0u) {
          let x3 = canonical(differenceOfBoth(result, unpack(x1), unpack(x2)));
          factor = difference(unpack(x1), x3);
          x = pack(x3);
        } else {
          y = pack(canonical(difference(result, unpack(y1))));
        }
      }
    }`;

const sums = (target: string, xs: string, ys: string) =>
  ({
    params: PARAMETERS,
    groupSize: ADDITION_GROUP_SIZE,
    declarations: declarations(['xs', 'ys', 'products'], [xs, ys]),
    entry: `
  let end = pieceEnd();
  for (var i = params.start + invocation; i < end; i += invocations) {
    ${READ_PAIR}
    ${SUM}
    let place = ${target};
    store_${xs}(place, x);
    store_${ys}(place, y);
  }`,
  }) as const;

/** Sums of gathered pairs, to places of their own. */
export const gatheredSums = kernel({
  label: 'sums',
  ...sums('i', 'sumXs', 'sumYs'),
  buffers: [PAIRS_BUFFER, read('xs'), read('ys'), read('products'), write('sumXs'), write('sumYs')],
});

/** Sums of resident pairs, to the place of the first of each pair. */
export const residentSums = kernel({
  label: 'sums in place',
  ...sums('pair.first.entry', 'xs', 'ys'),
  buffers: [PAIRS_BUFFER, write('xs'), write('ys'), read('products')],
});
