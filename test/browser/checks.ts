/**
 * The kernels of one backend against the bigint reference: plain functions without a test framework, so that a page
 * can run them. Each returns how many comparisons it made and throws at the first that fails.
 */

import { LAMBDA } from '../../prover/engine/curve/endomorphism.js';
import { BASE_FIELD, type Field, inverseModulo, powerModulo, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { type BackendName, encodeElement, encodeInteger, powerOfTwo } from '../../prover/engine/field/representation.js';
import { writeInteger } from '../../prover/engine/groth16/container.js';
import { rootOfUnity } from '../../prover/engine/groth16/key.js';
import { PointCalculator } from '../../prover/engine/groth16/points.js';
import type { CurveName } from '../../prover/engine/kernels.js';
import { SMALLEST_WINDOW_BITS, windowCount } from '../../prover/engine/msm/plan.js';
import { runWindow } from '../../prover/engine/msm/window.js';
import { toCoset } from '../../prover/engine/ntt/plan.js';
import { executeTask } from '../../prover/engine/pool/task.js';
import { addPoints, multiple, negate, type Point, sumOfMultiples } from '../../prover/engine/reference/curve.js';
import { add, type Element, invert, modulo, multiply, norm, subtract } from '../../prover/engine/reference/field.js';
import { evaluate, interpolate } from '../../prover/engine/reference/transform.js';
import { batchAddScratchBytes } from '../../prover/engine/sizes.js';
import { Harness, seeded } from '../engine/harness.js';
import { GENERATORS, getPoint, getProjective, putPoint } from '../engine/points.js';
import { putShifts } from '../engine/shifts.js';

const SEED = 20261121;
const SCRATCH_BYTES = 1 << 14;
/** A window's work area for the few bases here. */
const WORK_BYTES = 1 << 20;

type Term = readonly [point: NonNullable<Point>, scalar: bigint];

/** Counts comparisons; texts are compared since bigints have no other common form with points. */
class Comparison {
  count = 0;
  equal(got: unknown, expected: unknown, what: string): void {
    this.count++;
    const text = (value: unknown): string => JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v)) ?? 'nothing';
    if (text(got) !== text(expected)) throw new Error(`${what}: expected ${text(expected)}, got ${text(got)}`);
  }
}

/** 0, 1, p − 1, and values whose limbs, of either width, stand at their bounds; then random ones. */
function samples({ prime }: Field, random: number): bigint[] {
  const next = seeded(SEED);
  const bounds = [29n, 58n, 64n, 128n, 192n, 232n, 253n].flatMap((bits) => [1n << bits, (1n << bits) - 1n]);
  const edges = [0n, 1n, 2n, prime - 1n, prime - 2n, (prime - 1n) / 2n, ...bounds].map((x) => modulo(x, prime));
  // Elements whose Montgomery form is an edge: there the limbs in memory are full or empty.
  const inMemory = edges.slice(0, 12).flatMap((x) => [(x * inverseModulo(powerOfTwo({ prime, name: 'q' }, 256), prime)) % prime]);
  return [...edges, ...inMemory, ...Array.from({ length: random }, () => next(prime))];
}

function checkPrimeField(harness: Harness, field: Field, check: Comparison): void {
  const { prime, name } = field;
  const [pa, pb, out, scratch] = [64, 64, 64, SCRATCH_BYTES].map((bytes) => harness.alloc(bytes)) as [number, number, number, number];
  const values = samples(field, 12);
  const result = (kernel: string, ...args: number[]): bigint => {
    harness.run(`${name}_${kernel}`, out, ...args);
    return harness.get(field, out);
  };
  for (const a of values) {
    harness.put(field, [a], pa);
    check.equal(result('square', pa), (a * a) % prime, `${name} square of ${a}`);
    check.equal(result('inverse', pa, scratch), inverseModulo(a, prime), `${name} inverse of ${a}`);
    check.equal(harness.run(`${name}_isZero`, pa), a === 0n ? 1 : 0, `${name} isZero of ${a}`);
    harness.run(`${name}_pack`, out, pa);
    check.equal([...harness.instance.bytes.slice(out, out + 32)], [...writeInteger(a)], `${name} pack of ${a}`);
    harness.instance.bytes.set(writeInteger(a), pb);
    harness.put(field, [powerOfTwo(field, harness.instance.info.representation.montgomeryBits)], scratch);
    harness.run(`${name}_unpackMany`, out, pb, 1, scratch);
    check.equal(harness.get(field, out), a, `${name} unpack of ${a}`);
    for (const b of values) {
      harness.put(field, [b], pb);
      check.equal(result('mul', pa, pb), (a * b) % prime, `${name} ${a} · ${b}`);
      check.equal(result('add', pa, pb), (a + b) % prime, `${name} ${a} + ${b}`);
      check.equal(result('sub', pa, pb), modulo(a - b, prime), `${name} ${a} − ${b}`);
      check.equal(result('mulDiff', pa, pb, pa, pb), modulo(a * (b - a) - b, prime), `${name} mulDiff ${a}, ${b}`);
      check.equal(result('mulByDiff', pb, pa, pb), modulo(b * (a - b), prime), `${name} mulByDiff ${a}, ${b}`);
      check.equal(result('squareMinus', pa, pb, pa), modulo(a * a - b - a, prime), `${name} squareMinus ${a}, ${b}`);
      harness.run(`${name}_add`, out, pa, pb);
      harness.run(`${name}_canonical`, out, out);
      const canonical = encodeElement(harness.instance.info.representation, field, a + b);
      check.equal([...harness.instance.bytes.slice(out, out + canonical.length)], [...canonical], `${name} canonical ${a} + ${b}`);
    }
  }
}

/** Operands that are not reduced but legal in memory: the backend's largest. Only the wide backend has exact bounds. */
function checkUnreduced(harness: Harness, field: Field, check: Comparison): void {
  const { representation } = harness.instance.info;
  if (representation.backend !== 'wide') return;
  const { prime, name } = field;
  const [pa, pb, out] = [64, 64, 64].map((bytes) => harness.alloc(bytes)) as [number, number, number];
  const raw = [0n, 1n, prime - 1n, prime, prime + 1n, 2n * prime - 1n, (1n << 254n) - 1n, (1n << 192n) - 1n, 1n << 192n];
  const removed = inverseModulo(powerOfTwo(field, representation.montgomeryBits), prime);
  for (const x of raw) {
    for (const y of raw) {
      harness.instance.bytes.set(encodeInteger(representation, x), pa);
      harness.instance.bytes.set(encodeInteger(representation, y), pb);
      const [a, b] = [(x * removed) % prime, (y * removed) % prime];
      for (const [kernel, expected] of [
        ['mul', a * b],
        ['add', a + b],
        ['sub', a - b],
      ] as const) {
        harness.run(`${name}_${kernel}`, out, pa, pb);
        check.equal(harness.get(field, out), modulo(expected, prime), `${name} ${kernel} of unreduced ${x}, ${y}`);
      }
      harness.run(`${name}_sub`, out, pa, pb);
      check.equal(harness.run(`${name}_isZero`, out), (x - y) % prime === 0n ? 1 : 0, `${name} isZero of ${x} − ${y}`);
    }
  }
}

function checkQuadratic(harness: Harness, check: Comparison): void {
  const { prime } = BASE_FIELD;
  const next = seeded(SEED + 1);
  const [pa, pb, out, scratch] = [128, 128, 128, SCRATCH_BYTES].map((bytes) => harness.alloc(bytes)) as [number, number, number, number];
  const edges = [0n, 1n, prime - 1n, (1n << 192n) - 1n];
  const values: Element[] = [
    ...edges.flatMap((a) => edges.map((b) => [a, b])),
    ...Array.from({ length: 8 }, () => [next(prime), next(prime)]),
  ];
  const result = (kernel: string, ...args: number[]): bigint[] => {
    harness.run(`q2_${kernel}`, out, ...args);
    return [harness.get(BASE_FIELD, out), harness.get(BASE_FIELD, out + harness.elementBytes)];
  };
  for (const a of values) {
    harness.put(BASE_FIELD, a, pa);
    check.equal(result('square', pa), multiply(a, a), `q2 square of ${a}`);
    check.equal(result('inverse', pa, scratch), invert(a), `q2 inverse of ${a}`);
    for (const b of values) {
      harness.put(BASE_FIELD, b, pb);
      check.equal(result('mul', pa, pb), multiply(a, b), `q2 (${a}) · (${b})`);
      check.equal(result('add', pa, pb), add(a, b), `q2 (${a}) + (${b})`);
      check.equal(result('sub', pa, pb), subtract(a, b), `q2 (${a}) − (${b})`);
      check.equal(result('mulDiff', pa, pb, pa, pb), subtract(multiply(a, subtract(b, a)), b), `q2 mulDiff ${a}, ${b}`);
      check.equal(result('squareMinus', pa, pb, pa), subtract(subtract(multiply(a, a), b), a), `q2 squareMinus ${a}, ${b}`);
      check.equal(result('normOfDiff', pa, pb)[0], norm(subtract(a, b)), `q2 norm of the difference ${a}, ${b}`);
      // A result that overwrites its operand.
      harness.run('q2_mul', pb, pa, pb);
      check.equal(
        [harness.get(BASE_FIELD, pb), harness.get(BASE_FIELD, pb + harness.elementBytes)],
        multiply(a, b),
        `q2 in place ${a}, ${b}`,
      );
    }
  }
}

function checkCurve(harness: Harness, curve: 'g1' | 'g2', check: Comparison): void {
  const { affineBytes, projectiveBytes, elementBytes } = harness.instance.info.curves[curve];
  const next = seeded(SEED + 2);
  const p = multiple(GENERATORS[curve], next(1n << 254n));
  const q = multiple(GENERATORS[curve], next(1n << 254n));
  const pairs: [Point, Point][] = [
    [p, q],
    [p, p],
    [p, negate(p)],
    [undefined, p],
    [p, undefined],
    [undefined, undefined],
  ];
  const [affine, a, b, out] = [affineBytes, projectiveBytes, projectiveBytes, projectiveBytes].map((size) => harness.alloc(size)) as [
    number,
    number,
    number,
    number,
  ];
  const scratch = harness.alloc(SCRATCH_BYTES);
  for (const [left, right] of pairs) {
    putPoint(harness, curve, left, affine);
    harness.run(`${curve}_lift`, a, affine);
    putPoint(harness, curve, right, affine);
    harness.run(`${curve}_lift`, b, affine);
    harness.run(`${curve}_add`, out, a, b, scratch);
    check.equal(getProjective(harness, curve, out), addPoints(left, right), `${curve} projective sum`);
  }
  const entries = pairs.flatMap(([left, right]) => [0, 1].flatMap((s) => [0, 1].map((t) => ({ left, right, s, t }))));
  const list = harness.alloc(12 * entries.length);
  const results = harness.alloc(affineBytes * entries.length);
  const batchScratch = harness.alloc(batchAddScratchBytes(elementBytes, entries.length));
  entries.forEach(({ left, right, s, t }, i) => {
    const [first, second] = [harness.alloc(affineBytes), harness.alloc(affineBytes)];
    putPoint(harness, curve, left, first);
    putPoint(harness, curve, right, second);
    harness.instance.words.set([first | s, second | t, results + affineBytes * i], list / 4 + 3 * i);
  });
  harness.run(`${curve}_batchAdd`, list, entries.length, batchScratch);
  entries.forEach(({ left, right, s, t }, i) => {
    const expected = addPoints(s ? negate(left) : left, t ? negate(right) : right);
    check.equal(getPoint(harness, curve, results + affineBytes * i), expected, `${curve} batched sum ${i}`);
  });
}

function checkTransform(harness: Harness, n: number, check: Comparison): void {
  const { prime: r } = SCALAR_FIELD;
  const power = Math.log2(n);
  const next = seeded(SEED + n);
  const values = Array.from({ length: n }, (_, i) => (i === 0 ? r - 1n : i === 1 ? 0n : next(r)));
  const [root, shift] = [rootOfUnity(power), rootOfUnity(power + 1)];
  const range = Array.from({ length: n }, (_, i) => BigInt(i));
  const memory = {
    elementBytes: harness.elementBytes,
    roots: harness.put(
      SCALAR_FIELD,
      range.slice(0, n / 2 + 1).map((i) => powerModulo(root, i, r)),
    ),
    shifts: putShifts(harness, n),
  };
  const expected = evaluate(interpolate(values, root), root, shift);
  for (const threads of [1, 4]) {
    const data = harness.put(SCALAR_FIELD, values);
    for (const stage of toCoset(memory, [data], n, threads)) for (const task of stage) executeTask(harness.instance, task, 0);
    const got = range.map((i) => harness.get(SCALAR_FIELD, data + harness.elementBytes * Number(i)));
    check.equal(got, expected, `transform of ${n}, ${threads} threads`);
  }
}

/** The whole sum, window by window, as the prover does it. */
function windowedSum(harness: Harness, work: number, curve: CurveName, terms: readonly Term[], bits: number): Point {
  const { affineBytes, projectiveBytes } = harness.instance.info.curves[curve];
  const n = terms.length;
  const sizes = [affineBytes * n, 4 * n, 32 * n, projectiveBytes * windowCount(bits), 1 << 15];
  const [bases, indices, scalars, results, scratch] = sizes.map((size) => harness.alloc(size + 8)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  terms.forEach(([point, scalar], i) => {
    putPoint(harness, curve, point, bases + affineBytes * i);
    harness.instance.words[indices / 4 + i] = i;
    harness.instance.bytes.set(writeInteger(scalar), scalars + 32 * i);
  });
  harness.run('msm_split', scalars, scalars, n);
  for (let window = 0; window < windowCount(bits); window++) {
    const result = results + projectiveBytes * window;
    runWindow(harness.instance, { curve, parts: [{ bases, indices, count: n, scalars }], bits, window, result }, work);
  }
  const calculator = new PointCalculator(harness.instance, scratch);
  return getProjective(harness, curve, calculator.joinWindows(curve, results, windowCount(bits), bits));
}

/** Random and edge scalars, equal scalars, repeated and opposite bases, one base, none. */
function checkMultiExponentiation(harness: Harness, curve: CurveName, check: Comparison): void {
  const { prime: r } = SCALAR_FIELD;
  const next = seeded(SEED + 3);
  const work = harness.alloc(WORK_BYTES);
  const points = Array.from({ length: 8 }, () => multiple(GENERATORS[curve], next(r)) as NonNullable<Point>);
  const first = points[0] as NonNullable<Point>;
  const edges = [0n, 1n, 2n, r - 1n, r - 2n, (r - 1n) / 2n, 1n << 253n, (1n << 253n) - 1n];
  const cases: readonly (readonly Term[])[] = [
    [],
    [[first, next(r)]],
    points.map((point) => [point, next(r)]),
    points.map((point, i) => [point, edges[i] as bigint]),
    points.map((point) => [point, 5n]),
    points.map((_, i) => [first, edges[i] as bigint]),
    points.map((_, i) => [i % 2 ? (negate(first) as NonNullable<Point>) : first, 5n]),
    // Equal and opposite points meet across the halves.
    [
      [first, LAMBDA],
      [multiple(first, LAMBDA) as NonNullable<Point>, 1n],
      [first, 5n],
      [multiple(first, LAMBDA) as NonNullable<Point>, r - 2n],
    ],
  ];
  cases.forEach((terms, i) => {
    const expected = sumOfMultiples(
      terms.map(([point]) => point),
      terms.map(([, scalar]) => scalar),
    );
    for (const bits of [SMALLEST_WINDOW_BITS, 7]) {
      check.equal(windowedSum(harness, work, curve, terms, bits), expected, `${curve} sum ${i} with ${bits} bits`);
    }
  });
}

/** Every kernel of the field, curve, multi-exponentiation and transform layers. @returns the number of comparisons */
export async function checkKernels(backend: BackendName): Promise<number> {
  const harness = await Harness.create(backend);
  const check = new Comparison();
  for (const field of [BASE_FIELD, SCALAR_FIELD]) {
    checkPrimeField(harness, field, check);
    checkUnreduced(harness, field, check);
  }
  checkQuadratic(harness, check);
  for (const curve of ['g1', 'g2'] as const) {
    checkCurve(harness, curve, check);
    checkMultiExponentiation(harness, curve, check);
  }
  for (const n of [2, 8, 64]) checkTransform(harness, n, check);
  return check.count;
}
