/** The field's functions in WGSL, and the batched inversion, against bigints. */
import { BASE_FIELD, inverseModulo, powerModulo } from '../../prover/engine/field/parameters.js';
import { modulo } from '../../prover/engine/reference/field.js';
import { DEVICE_MONTGOMERY_BITS, fieldSource, fromDevice, toDevice } from '../../prover/engine/webgpu/field.js';
import { invertKernel } from '../../prover/engine/webgpu/inverse.js';
import { kernel } from '../../prover/engine/webgpu/kernel.js';
import { seeded } from '../engine/harness.js';
import { Comparison, type KernelBench, wordsOf } from './bench.js';

const SEED = 20261121;
const RANDOM = 40;
const { prime: p } = BASE_FIELD;
const ELEMENTS = 'array<vec4<u32>>';

/** 0, 1, p − 1, values whose limbs of 13, 16 or 32 bits are full or empty, and random ones; all below p. */
export function edges(random: number): bigint[] {
  const next = seeded(SEED);
  const bounds = [13n, 16n, 26n, 32n, 64n, 128n, 247n, 253n].flatMap((bits) => [1n << bits, (1n << bits) - 1n]);
  const alternating = [0x1fffn, 0xffffffffn].flatMap((limb) => {
    const width = limb === 0x1fffn ? 26n : 64n;
    let value = 0n;
    for (let at = 0n; at < 240n; at += width) value |= limb << at;
    return [value];
  });
  const stored = [0n, 1n, 2n, p - 1n, p - 2n, (p - 1n) / 2n, ...bounds, ...alternating].map((x) => modulo(x, p));
  return [...stored, toDevice(1n), toDevice(p - 1n), ...Array.from({ length: random }, () => next(p))];
}

/** One function a line: results at 8·i and on from there. */
const OPERATIONS = [
  'product',
  'square of the difference',
  'difference',
  'difference of both',
  'triple',
  'unpack and pack',
  'negation',
  'less than twice p',
] as const;

const fieldKernel = kernel({
  label: 'field operations',
  params: ['count'],
  buffers: [
    { name: 'a', access: 'read', type: ELEMENTS },
    { name: 'b', access: 'read', type: ELEMENTS },
    { name: 'results', access: 'read_write', type: ELEMENTS },
  ],
  groupSize: 64,
  declarations: fieldSource(),
  entry: `
  if (invocation >= params.count) { return; }
  let x = P(a[2u * invocation], a[2u * invocation + 1u]);
  let y = P(b[2u * invocation], b[2u * invocation + 1u]);
  let f = unpack(x);
  let g = unpack(y);
  let d = difference(f, g);
  // One product in the text, for the compiler's sake; the second operands reach up to 3p.
  var left = f;
  var right = g;
  for (var i = 0u; i < 8u; i++) {
    var value = left;
    switch (i) {
      case 0u, 1u: {
        value = product(left, right);
        left = d;
        right = d;
      }
      case 2u: { value = d; }
      case 3u: { value = differenceOfBoth(unpack(ONE_PACKED), f, g); }
      case 4u: { value = tripled(f); }
      case 5u: { value = f; }
      case 6u: { if (!isZero(x)) { value = unpack(negated(x)); } else { value = f; } }
      default: { value = difference(f, unpack(ZERO_PACKED)); }
    }
    let packed = pack(canonical(value));
    results[2u * (8u * invocation + i)] = packed.lo;
    results[2u * (8u * invocation + i) + 1u] = packed.hi;
  }`,
});

/** Every pair of edges. @returns the number of comparisons */
export async function checkField(bench: KernelBench): Promise<number> {
  const check = new Comparison();
  const values = edges(4);
  const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
  const [a, b] = [0, 1].map((side) => bench.buffer(wordsOf(pairs.map((pair) => pair[side] as bigint)))) as [GPUBuffer, GPUBuffer];
  const results = bench.buffer(8 * OPERATIONS.length * pairs.length);
  await bench.run(fieldKernel, pairs.length, { count: pairs.length }, { a, b, results });
  const got = await bench.elements(results);
  const unit = inverseModulo(powerModulo(2n, DEVICE_MONTGOMERY_BITS, p), p);
  pairs.forEach(([x, y], i) => {
    const square = (x - y) * (x - y);
    const expected = [x * y * unit, square * unit, x - y, toDevice(1n) - x - y, 3n * x, x, -x, x].map((value) => modulo(value, p));
    for (const [j, name] of OPERATIONS.entries()) check.equal(got[OPERATIONS.length * i + j], expected[j], `${name} of ${x} and ${y}`);
  });
  return check.count;
}

/** Chains of one element and of many, with threads to spare. */
export async function checkInversion(bench: KernelBench): Promise<number> {
  const check = new Comparison();
  const values = edges(RANDOM).filter((x) => x !== 0n);
  for (const threads of [1, 7, values.length]) {
    const totals = bench.buffer(wordsOf(values));
    const prefixes = bench.buffer(8 * values.length);
    await bench.run(invertKernel, threads, { count: values.length, threads }, { totals, prefixes });
    const got = await bench.elements(totals);
    for (const [i, x] of values.entries())
      check.equal(fromDevice(got[i] as bigint), inverseModulo(fromDevice(x), p), `inverse of ${x} with ${threads} threads`);
  }
  return check.count;
}
