/**
 * Additions of affine points in pairs, all pairs of a thread sharing one inversion: y² = x³ + 3, slope λ,
 *
 *     λ = (y2 − y1)/(x2 − x1)      x3 = λ² − x1 − x2      y3 = λ·(x1 − x3) − y1
 *
 * in three kernels, so that each has at most three products and compiles everywhere:
 *
 *     denominators   products[i] ← product of the thread's denominators before pair i;  totals[t] ← of all of them
 *     (invert        totals[t] ← 1/totals[t], see inverse.ts)
 *     slopes         backwards through the thread's pairs:  products[i] ← λ of pair i
 *     sums           the point of pair i
 *
 * Thread t of T takes the pairs from + t, from + t + T, … of one piece of at most `limit` pairs; `products` holds the piece only.
 *
 * Pairs come from one of two places:
 *
 *     gathered   order[2i], order[2i+1]: tags of bases, 0 for none;      sum → place i of another pair of buffers
 *                tag = (entry + 1)·2 + (1 if the base is to be subtracted); entry ≥ bases means the endomorphism's image:
 *                its abscissa stands at xs[entry], its ordinate is that of the base, ys[entry − bases]
 *     resident   a = pairs.items[i] and a + stride;                        sum → place a of the same buffers
 *
 *     xs, ys     8 words an element, see field.ts; x = y = 0 stands for infinity (y = 0 is on no point: the order is odd)
 *
 * P + P takes the tangent (λ = 3x²/2y), P − P and infinity have the denominator 1, and what they give is decided anew in
 * each kernel from the same points. Limits: seven storage buffers; any number of pairs, in pieces.
 * Source: batched affine addition as in the ZPrize 2022 write-ups; formulas of the affine group law (Silverman III.2.3).
 */
import { fieldSource } from './field.js';
import { type BufferUse, kernel } from './kernel.js';

export const ADDITION_GROUP_SIZE = 64;
const ELEMENTS = 'array<vec4<u32>>';
const LIST = `struct List { count: u32, items: array<u32> }`;

const loads = (...names: string[]): string =>
  names.map((name) => `fn load_${name}(i: u32) -> P { return P(${name}[2u * i], ${name}[2u * i + 1u]); }`).join('\n');
const stores = (...names: string[]): string =>
  names.map((name) => `fn store_${name}(i: u32, a: P) { ${name}[2u * i] = a.lo; ${name}[2u * i + 1u] = a.hi; }`).join('\n');

/** Where the pairs come from, as WGSL: `pairAt(i)`, `abscissa(pair side)`, `ordinate(pair side)`, `pairCount()`. */
const GATHERED = `
struct Side { entry: u32, negative: bool }
struct Pair { first: Side, second: Side, single: bool }
fn sideOf(tag: u32) -> Side { return Side((tag >> 1u) - 1u, (tag & 1u) == 1u); }
fn pairAt(i: u32) -> Pair {
  let first = sideOf(pairs[2u * i]);
  let other = pairs[2u * i + 1u];
  if (other == 0u) { return Pair(first, first, true); }
  return Pair(first, sideOf(other), false);
}
fn abscissa(side: Side) -> P { return load_xs(side.entry); }
fn ordinate(side: Side) -> P {
  let y = load_ys(select(side.entry, side.entry - params.bases, side.entry >= params.bases));
  if (side.negative && !isZero(y)) { return negated(y); }
  return y;
}
fn pairCount() -> u32 { return params.count; }`;

const RESIDENT = `
struct Side { entry: u32 }
struct Pair { first: Side, second: Side, single: bool }
fn pairAt(i: u32) -> Pair {
  let a = pairs.items[i];
  return Pair(Side(a), Side(a + params.stride), false);
}
fn abscissa(side: Side) -> P { return load_xs(side.entry); }
fn ordinate(side: Side) -> P { return load_ys(side.entry); }
fn pairCount() -> u32 { return pairs.count; }`;

const KINDS = `
const ADD = 0u;
const DOUBLE = 1u;
const FIRST = 2u;
const SECOND = 3u;
const INFINITY = 4u;
fn kindOf(pair: Pair, x1: P, x2: P) -> u32 {
  if (pair.single) { return FIRST; }
  let equal = same(x1, x2);
  if (!equal && !isZero(x1) && !isZero(x2)) { return ADD; }
  let y1 = ordinate(pair.first);
  let y2 = ordinate(pair.second);
  if (isZero(y2)) { return FIRST; }
  if (isZero(y1)) { return SECOND; }
  if (!equal) { return ADD; }
  if (same(y1, y2)) { return DOUBLE; }
  return INFINITY;
}
fn denominator(pair: Pair, kind: u32, x1: P, x2: P) -> F {
  var upper = ONE_PACKED;
  var lower = ZERO_PACKED;
  if (kind == ADD) {
    upper = x2;
    lower = x1;
  } else if (kind == DOUBLE) {
    upper = ordinate(pair.first);
    lower = negated(upper);
  }
  return difference(unpack(upper), unpack(lower));
}
fn pieceEnd() -> u32 { return min(params.start + params.limit, pairCount()); }`;

export type Origin = 'gathered' | 'resident';
const PARAMETERS = ['start', 'limit', 'count', 'bases', 'stride', 'threads'] as const;
const read = <N extends string>(name: N, type = ELEMENTS): BufferUse<N> => ({ name, access: 'read', type });
const write = <N extends string>(name: N): BufferUse<N> => ({ name, access: 'read_write', type: ELEMENTS });
const pairsFrom = (origin: Origin): BufferUse<'pairs'> => read('pairs', origin === 'gathered' ? 'array<u32>' : 'List');

function declarations(origin: Origin, loaded: readonly string[], stored: readonly string[]): string {
  const place = origin === 'gathered' ? GATHERED : `${LIST}${RESIDENT}`;
  return [fieldSource(), loads(...loaded), stores(...stored), place, KINDS].join('\n');
}

const READ_PAIR = `let pair = pairAt(i);
    let x1 = abscissa(pair.first);
    let x2 = abscissa(pair.second);
    let kind = kindOf(pair, x1, x2);`;

const denominators = (origin: Origin) =>
  kernel({
    label: `${origin} denominators`,
    params: PARAMETERS,
    buffers: [pairsFrom(origin), read('xs'), read('ys'), write('products'), write('totals')],
    groupSize: ADDITION_GROUP_SIZE,
    declarations: declarations(origin, ['xs', 'ys'], ['products', 'totals']),
    entry: `
  if (invocation >= params.threads) { return; }
  var running = ONE;
  let end = pieceEnd();
  for (var i = params.start + invocation; i < end; i += params.threads) {
    ${READ_PAIR}
    store_products(i - params.start, pack(running));
    running = product(running, denominator(pair, kind, x1, x2));
  }
  store_totals(invocation, pack(running));`,
  });

const slopes = (origin: Origin) =>
  kernel({
    label: `${origin} slopes`,
    params: PARAMETERS,
    buffers: [pairsFrom(origin), read('xs'), read('ys'), write('products'), read('totals')],
    groupSize: ADDITION_GROUP_SIZE,
    declarations: declarations(origin, ['xs', 'ys', 'products', 'totals'], ['products']),
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
    var slope = product(running, unpack(load_products(i - params.start)));
    running = product(running, denominator(pair, kind, x1, x2));
    // λ = (y2 − y1)/d, or 3·(1/d)·x1·x1 for a tangent, by one product in the text.
    var factor = unpack(x1);
    var steps = 2u;
    if (kind == DOUBLE) {
      slope = tripled(slope);
    } else {
      factor = difference(unpack(ordinate(pair.second)), unpack(ordinate(pair.first)));
      steps = 1u;
    }
    for (; steps > 0u; steps--) { slope = product(slope, factor); }
    store_products(i - params.start, pack(slope));
  }`,
  });

const SUM = `
    var x = x1;
    var y = ordinate(pair.first);
    if (kind == SECOND) {
      x = x2;
      y = ordinate(pair.second);
    } else if (kind == INFINITY) {
      x = ZERO_PACKED;
      y = ZERO_PACKED;
    } else if (kind != FIRST) {
      let slope = unpack(load_products(i - params.start));
      let x3 = canonical(differenceOfBoth(product(slope, slope), unpack(x1), unpack(x2)));
      let rise = product(slope, difference(unpack(x1), x3));
      x = pack(x3);
      y = pack(canonical(difference(rise, unpack(y))));
    }`;

const sums = (origin: Origin, target: string, xs: string, ys: string) => ({
  label: `${origin} sums`,
  params: PARAMETERS,
  groupSize: ADDITION_GROUP_SIZE,
  declarations: declarations(origin, ['xs', 'ys', 'products'], [xs, ys]),
  entry: `
  let end = pieceEnd();
  for (var i = params.start + invocation; i < end; i += invocations) {
    ${READ_PAIR}
    ${SUM}
    let place = ${target};
    store_${xs}(place, x);
    store_${ys}(place, y);
  }`,
});

/** The three kernels for pairs of tagged bases; sums go to places of their own. */
export const gatheredAddition = {
  denominators: denominators('gathered'),
  slopes: slopes('gathered'),
  sums: kernel({
    ...sums('gathered', 'i', 'sumXs', 'sumYs'),
    buffers: [pairsFrom('gathered'), read('xs'), read('ys'), read('products'), write('sumXs'), write('sumYs')],
  }),
};

/** The three kernels for pairs among points on the device; sums take the place of the first of each pair. */
export const residentAddition = {
  denominators: denominators('resident'),
  slopes: slopes('resident'),
  sums: kernel({
    ...sums('resident', 'pair.first.entry', 'xs', 'ys'),
    buffers: [pairsFrom('resident'), write('xs'), write('ys'), read('products')],
  }),
};
