/**
 * Scalars as integers from which every window takes its signed digit without a carry.
 *
 *     scalars   [8 words] [8 words] …                                  as they come, below r
 *     digits    word 0 of all entries │ word 1 of all entries │ …      5 words a half, 9 a whole scalar
 *
 * What is stored for an integer k is k + Σ 2^(c−1)·2^(c·w) over all windows w: its plain c-bit digit of window w less
 * 2^(c−1) is the signed digit, in [−2^(c−1), 2^(c−1)), and a negative k needs no sign of its own.
 *
 * `splitKernel` stores the two halves of each scalar (glv.ts): entries 0 … n−1 are the k1, entries n … 2n−1 the k2. It works on
 * 16-bit limbs: a product and two summands fit 32 bits. `offsetKernel` stores the scalar itself.
 * Limits: scalars below r; window width and count such that the stored number fits its words (plan.ts sees to it).
 * Source: an offset in place of carries, as Knuth's conversion to balanced ternary (TAOCP 2, §4.1); the halves as in glv.ts.
 */
import { SHORT_BASIS } from '../curve/endomorphism.js';
import { RECIPROCAL_BITS, RECIPROCALS } from './glv.js';
import { kernel } from './kernel.js';

/** Words of a stored half and of a stored whole scalar. */
export const HALF_WORDS = 5;
export const WHOLE_WORDS = 9;
const LIMB_BITS = 16n;
const SCALAR_LIMBS = 16;
const HALF_LIMBS = 2 * HALF_WORDS;
const RECIPROCAL_LIMBS = 10;
const PRODUCT_LIMBS = SCALAR_LIMBS + RECIPROCAL_LIMBS;
/** Limbs of a product with a reciprocal that are below the point. */
const POINT_LIMBS = Number(RECIPROCAL_BITS / LIMB_BITS);
/** The higher coordinate has 128 bits at most. */
const COORDINATE_LIMBS = PRODUCT_LIMBS - POINT_LIMBS;
const GROUP_SIZE = 64;

/** The offset's words, numbers of every kernel here: `o0`, `o1`, … */
const OFFSETS = ['o0', 'o1', 'o2', 'o3', 'o4', 'o5', 'o6', 'o7', 'o8'] as const;
export type OffsetParameter = (typeof OFFSETS)[number];

/** Numbers for the kernels' offset parameters. */
export function offsetParameters(offset: bigint): Record<OffsetParameter, number> {
  const word = (i: number): number => Number((offset >> BigInt(32 * i)) & 0xffffffffn);
  return Object.fromEntries(OFFSETS.map((name, i) => [name, word(i)])) as Record<OffsetParameter, number>;
}

/** value mod 2^160, or a reciprocal, as ten limbs. */
function limbs(value: bigint): string {
  const positive = BigInt.asUintN(HALF_LIMBS * Number(LIMB_BITS), value);
  const each = Array.from({ length: HALF_LIMBS }, (_, i) => `${(positive >> (LIMB_BITS * BigInt(i))) & 0xffffn}u`);
  return `array<u32, ${HALF_LIMBS}>(${each.join(', ')})`;
}

const BUFFERS = [
  { name: 'scalars', access: 'read', type: 'array<u32>' },
  { name: 'digits', access: 'read_write', type: 'array<u32>' },
] as const;

const SPLIT = `
const G1 = ${limbs(RECIPROCALS.g1)};
const G2 = ${limbs(RECIPROCALS.g2)};
const MINUS_A1 = ${limbs(-SHORT_BASIS.a1)};
const MINUS_A2 = ${limbs(-SHORT_BASIS.a2)};
const MINUS_B1 = ${limbs(-SHORT_BASIS.b1)};
const MINUS_B2 = ${limbs(-SHORT_BASIS.b2)};
alias Half = array<u32, ${HALF_LIMBS}>;
/// floor(k·g / 2^272)
fn coordinate(k: ptr<function, array<u32, ${SCALAR_LIMBS}>>, reciprocal: array<u32, ${RECIPROCAL_LIMBS}>) -> Half {
  var g = reciprocal;
  var all: array<u32, ${PRODUCT_LIMBS}>;
  for (var i = 0u; i < ${SCALAR_LIMBS}u; i++) {
    var carry = 0u;
    for (var j = 0u; j < ${RECIPROCAL_LIMBS}u; j++) {
      let t = (*k)[i] * g[j] + all[i + j] + carry;
      all[i + j] = t & 0xffffu;
      carry = t >> 16u;
    }
    all[i + ${RECIPROCAL_LIMBS}u] = carry;
  }
  var high: Half;
  for (var i = 0u; i < ${COORDINATE_LIMBS}u; i++) { high[i] = all[i + ${POINT_LIMBS}u]; }
  return high;
}
/// sum + c·factor mod 2^160
fn accumulated(sum: Half, c: Half, factor: Half) -> Half {
  var d = sum;
  var a = c;
  var b = factor;
  for (var i = 0u; i < ${HALF_LIMBS}u; i++) {
    var carry = 0u;
    for (var j = 0u; i + j < ${HALF_LIMBS}u; j++) {
      let t = a[i] * b[j] + d[i + j] + carry;
      d[i + j] = t & 0xffffu;
      carry = t >> 16u;
    }
  }
  return d;
}
fn store(entry: u32, value: Half) {
  var half = value;
  for (var w = 0u; w < ${HALF_WORDS}u; w++) { digits[w * params.entries + entry] = half[2u * w] | (half[2u * w + 1u] << 16u); }
}
const UNIT = ${limbs(1n)};`;

const offsetLimbs = Array.from({ length: HALF_WORDS }, (_, i) => `params.o${i} & 0xffffu, params.o${i} >> 16u`).join(', ');

export const splitKernel = kernel({
  label: 'split scalars',
  params: ['count', 'entries', ...OFFSETS],
  buffers: BUFFERS,
  groupSize: GROUP_SIZE,
  declarations: SPLIT,
  entry: `
  for (var i = invocation; i < params.count; i += invocations) {
    var k: array<u32, ${SCALAR_LIMBS}>;
    var low: Half;
    for (var w = 0u; w < 8u; w++) {
      let word = scalars[8u * i + w];
      k[2u * w] = word & 0xffffu;
      k[2u * w + 1u] = word >> 16u;
    }
    for (var j = 0u; j < ${HALF_LIMBS}u; j++) { low[j] = k[j]; }
    let offset = Half(${offsetLimbs});
    let c1 = coordinate(&k, G1);
    let c2 = coordinate(&k, G2);
    store(i, accumulated(accumulated(accumulated(offset, low, UNIT), c1, MINUS_A1), c2, MINUS_A2));
    store(params.count + i, accumulated(accumulated(offset, c1, MINUS_B1), c2, MINUS_B2));
  }`,
});

export const offsetKernel = kernel({
  label: 'offset scalars',
  params: ['count', 'entries', ...OFFSETS],
  buffers: BUFFERS,
  groupSize: GROUP_SIZE,
  declarations: '',
  entry: `
  var offset = array<u32, ${WHOLE_WORDS}>(${OFFSETS.map((name) => `params.${name}`).join(', ')});
  for (var i = invocation; i < params.count; i += invocations) {
    var carry = 0u;
    for (var w = 0u; w < ${WHOLE_WORDS}u; w++) {
      var word = 0u;
      if (w < 8u) { word = scalars[8u * i + w]; }
      let partial = word + offset[w];
      let sum = partial + carry;
      carry = select(0u, 1u, partial < word) | select(0u, 1u, sum < partial);
      digits[w * params.entries + i] = sum;
    }
  }`,
});
