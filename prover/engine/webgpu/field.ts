/**
 * Arithmetic of the curve's base field in WGSL, which has 32-bit integers, no carry and no long product.
 *
 * In memory an element is eight words, canonical (below p), in Montgomery form with R = 2^260:
 *
 *     array<vec4<u32>>, two vectors an element      ┌ v[2i].xyzw ─┬ v[2i+1].xyzw ─┐
 *                                                   │ words 0 … 3 │ words 4 … 7   │   least significant first
 *                                                   └─────────────┴───────────────┘
 *
 * In registers it is twenty limbs of 13 bits (`F`), below 2^260 = 84.6·p. A product of limbs has 26 bits, and a column
 * takes 20 of a·b and 20 of m·p before it leaves: 40·2^26 + carry < 2^32, so no column needs a carry on the way.
 * Bounds, as factors of p: product(a, b) < a·b/84.6 + 1 for limbs of 13 bits; difference(a, b) = a − b + 2 for b ≤ 2.
 *
 * The product is written out as constants and names, without arrays or loops: what compilers of shaders keep in registers.
 * Source: Montgomery (1985), rows interleaved (CIOS: Koç, Acar, Kaliski 1996); limbs of 13 bits: Mitscha-Baude's and
 * Tang's ZPrize 2022/23 entries on 32-bit multipliers.
 */
import { BASE_FIELD, inverseModulo } from '../field/parameters.js';

const LIMB_BITS = 13;
const LIMBS = 20;
/** Written out rows of a product: more are faster on good compilers and slower to compile on all. */
const ROWS_PER_TURN = 5;
const WORDS = 8;
const WORD_BITS = 32;
const LIMB_MASK = 2 ** LIMB_BITS - 1;
const { prime } = BASE_FIELD;

/** Bits of R in the device's Montgomery form. */
export const DEVICE_MONTGOMERY_BITS = BigInt(LIMB_BITS * LIMBS);
/** Bytes of an element on the device. */
export const ELEMENT_BYTES = 32;

/** −p⁻¹ mod 2^13 */
const NEGATED_INVERSE = Number((1n << BigInt(LIMB_BITS)) - inverseModulo(prime, 1n << BigInt(LIMB_BITS)));

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const limbsOf = (value: bigint): number[] => range(LIMBS).map((i) => Number((value >> BigInt(LIMB_BITS * i)) & BigInt(LIMB_MASK)));
const wordsOf = (value: bigint): number[] => range(WORDS).map((i) => Number((value >> BigInt(WORD_BITS * i)) & 0xffffffffn));
const list = (values: readonly (number | string)[]): string => values.map((v) => (typeof v === 'number' ? `${v}u` : v)).join(', ');

/** x in the device's Montgomery form. */
export function toDevice(x: bigint): bigint {
  return (x << DEVICE_MONTGOMERY_BITS) % prime;
}

const R_INVERSE = inverseModulo(1n << DEVICE_MONTGOMERY_BITS, prime);

/** The element that stands on the device as `stored`. */
export function fromDevice(stored: bigint): bigint {
  return (stored * R_INVERSE) % prime;
}

/** A constant of type F: `value` as it stands, in Montgomery form or not. */
export function elementLiteral(value: bigint): string {
  return `F(${list(limbsOf(value))})`;
}

/** A constant of type P. */
export function packedLiteral(value: bigint): string {
  const words = wordsOf(value);
  return `P(vec4<u32>(${list(words.slice(0, 4))}), vec4<u32>(${list(words.slice(4))}))`;
}

const word = (i: number): string => `a.${i < 4 ? 'lo' : 'hi'}.${'xyzw'[i % 4]}`;

/** Word j of limbs that are below 2^13. */
function packedWord(j: number): string {
  const parts = range(LIMBS).flatMap((i) => {
    const shift = LIMB_BITS * i - WORD_BITS * j;
    if (shift <= -LIMB_BITS || shift >= WORD_BITS) return [];
    return [shift >= 0 ? `(a.l${i} << ${shift}u)` : `(a.l${i} >> ${-shift}u)`];
  });
  return parts.join(' | ');
}

function unpackedLimb(i: number): string {
  const bit = LIMB_BITS * i;
  const [at, shift] = [bit >> 5, bit & 31];
  const low = `(${word(at)} >> ${shift}u)`;
  if (shift + LIMB_BITS <= WORD_BITS || at + 1 === WORDS)
    return at + 1 === WORDS && shift + LIMB_BITS > WORD_BITS ? low : `${low} & ${LIMB_MASK}u`;
  return `(${low} | (${word(at + 1)} << ${WORD_BITS - shift}u)) & ${LIMB_MASK}u`;
}

/**
 * Rows of a·b interleaved with the reduction, `ROWS_PER_TURN` to a turn of the loop; column j before row i is `t{i}_{j}`.
 * Each row takes its limb of a and the lowest column away, so a turn always finds its limbs in the lowest places.
 */
function productBody(): string {
  const p = limbsOf(prime);
  const rows = range(ROWS_PER_TURN).flatMap((i) => {
    const columns = range(LIMBS - 1).map((j) => {
      const carry = j === 0 ? ` + ((s${i} + m${i} * ${p[0]}u) >> ${LIMB_BITS}u)` : '';
      return `let t${i + 1}_${j} = t${i}_${j + 1} + a${i} * b.l${j + 1} + m${i} * ${p[j + 1]}u${carry};`;
    });
    return [
      `let s${i} = t${i}_0 + a${i} * b.l0;`,
      `let m${i} = (s${i} * ${NEGATED_INVERSE}u) & ${LIMB_MASK}u;`,
      ...columns,
      `let t${i + 1}_${LIMBS - 1} = 0u;`,
    ];
  });
  const shifted = range(LIMBS).map((i) => `a${i} = ${i + ROWS_PER_TURN < LIMBS ? `a${i + ROWS_PER_TURN}` : '0u'};`);
  return `${range(LIMBS)
    .map((i) => `var a${i} = a.l${i};`)
    .join(' ')}
  ${range(LIMBS)
    .map((j) => `var t0_${j} = 0u;`)
    .join(' ')}
  for (var turn = 0u; turn < ${LIMBS / ROWS_PER_TURN}u; turn++) {
    ${rows.join('\n    ')}
    ${range(LIMBS)
      .map((j) => `t0_${j} = t${ROWS_PER_TURN}_${j};`)
      .join(' ')}
    ${shifted.join(' ')}
  }`;
}

/** Carries once through the columns c0 … c19 (expressions), leaving limbs of 13 bits. */
function carried(column: (i: number) => string, type: 'u32' | 'i32'): string {
  const lines = range(LIMBS).map((i) => `let c${i} = ${column(i)}${i === 0 ? '' : ` + (c${i - 1} >> ${LIMB_BITS}u)`};`);
  const limb = (i: number): string => (type === 'u32' ? `c${i} & ${LIMB_MASK}u` : `u32(c${i}) & ${LIMB_MASK}u`);
  return `${lines.join('\n  ')}\n  return F(${range(LIMBS).map(limb).join(', ')});`;
}

/** a less the named elements, plus 2p so that nothing is below zero. */
function differenceBody(less: readonly string[]): string {
  const spare = limbsOf(2n * prime);
  return carried((i) => `i32(a.l${i}) + ${spare[i]}i${less.map((name) => ` - i32(${name}.l${i})`).join('')}`, 'i32');
}

/** a − multiple where that is not negative. */
function lessBody(multiple: bigint): string {
  const limbs = limbsOf(multiple);
  const lines = range(LIMBS).map((i) => `let c${i} = i32(a.l${i}) - ${limbs[i]}i${i === 0 ? '' : ` + (c${i - 1} >> ${LIMB_BITS}u)`};`);
  const taken = range(LIMBS).map((i) => `select(u32(c${i}) & ${LIMB_MASK}u, a.l${i}, c${LIMBS - 1} < 0i)`);
  return `${lines.join('\n  ')}\n  return F(${taken.join(', ')});`;
}

/** p − a word by word; borrow by comparison. */
function negatedBody(): string {
  const p = wordsOf(prime);
  const lines = range(WORDS).map((i) => {
    const borrow = i === 0 ? '' : ` - b${i - 1}`;
    const next =
      i === 0
        ? `select(0u, 1u, ${word(0)} > ${p[0]}u)`
        : `select(0u, 1u, ${word(i)} > ${p[i]}u || (${word(i)} == ${p[i]}u && b${i - 1} == 1u))`;
    return `let w${i} = ${p[i]}u - ${word(i)}${borrow};${i === WORDS - 1 ? '' : `\n  let b${i} = ${next};`}`;
  });
  return `${lines.join('\n  ')}\n  return P(vec4<u32>(w0, w1, w2, w3), vec4<u32>(w4, w5, w6, w7));`;
}

/** Declarations of the field's types and functions, for the head of a shader. */
export function fieldSource(): string {
  return `
struct F { ${range(LIMBS)
    .map((i) => `l${i}: u32`)
    .join(', ')} }
struct P { lo: vec4<u32>, hi: vec4<u32> }
const ONE = ${elementLiteral(toDevice(1n))};
const ONE_PACKED = ${packedLiteral(toDevice(1n))};
const ZERO_PACKED = P(vec4<u32>(), vec4<u32>());

fn unpack(a: P) -> F {
  return F(${range(LIMBS).map(unpackedLimb).join(', ')});
}
/// a < 2^256
fn pack(a: F) -> P {
  return P(vec4<u32>(${range(4).map(packedWord).join(', ')}), vec4<u32>(${range(4)
    .map((j) => packedWord(j + 4))
    .join(', ')}));
}
/// a·b/R; below 2p for a·b ≤ 84·p²
fn product(a: F, b: F) -> F {
  ${productBody()}
  ${carried((i) => `t0_${i}`, 'u32')}
}
/// a − b + 2p, b ≤ 2p
fn difference(a: F, b: F) -> F {
  ${differenceBody(['b'])}
}
/// a − b − c + 2p, b and c ≤ p
fn differenceOfBoth(a: F, b: F, c: F) -> F {
  ${differenceBody(['b', 'c'])}
}
fn tripled(a: F) -> F {
  ${carried((i) => `3u * a.l${i}`, 'u32')}
}
/// a − p where that is not negative
fn lessOnce(a: F) -> F {
  ${lessBody(prime)}
}
/// a < 4p
fn canonical(a: F) -> F {
  var rest = a;
  for (var i = 0u; i < 3u; i++) { rest = lessOnce(rest); }
  return rest;
}
/// p − a, a canonical and not 0
fn negated(a: P) -> P {
  ${negatedBody()}
}
fn same(a: P, b: P) -> bool { return all(a.lo == b.lo) && all(a.hi == b.hi); }
fn isZero(a: P) -> bool { return same(a, ZERO_PACKED); }
`;
}
