/**
 * The last steps of a multi-exponentiation, on bigints: a few hundred points Q_i, each with the bit it stands at,
 * become Σ 2^(bit_i)·Q_i by Horner's rule. Jacobian coordinates (x = X/Z², y = Y/Z³), one inversion at the end.
 * Source of the formulas: Explicit-Formulas Database, short Weierstrass with a = 0, dbl-2009-l and add-1998-cmo-2 with Z2 = 1.
 */
import { TacitError } from '../../../protocol/errors.js';
import { CURVE_B } from '../curve/equation.js';
import { BASE_FIELD, inverseModulo } from '../field/parameters.js';
import { ELEMENT_BYTES, fromDevice } from './field.js';

export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

interface Jacobian {
  readonly x: bigint;
  readonly y: bigint;
  /** 0 for infinity. */
  readonly z: bigint;
}

export interface WeightedPoint extends AffinePoint {
  /** The point counts 2^bit times. */
  readonly bit: number;
}

const { prime } = BASE_FIELD;
const INFINITY: Jacobian = { x: 1n, y: 1n, z: 0n };
const reduce = (x: bigint): bigint => {
  const rest = x % prime;
  return rest < 0n ? rest + prime : rest;
};

function double({ x, y, z }: Jacobian): Jacobian {
  const a = reduce(x * x);
  const b = reduce(y * y);
  const c = reduce(b * b);
  const d = reduce(2n * ((x + b) * (x + b) - a - c));
  const e = 3n * a;
  const x3 = reduce(e * e - 2n * d);
  return { x: x3, y: reduce(e * (d - x3) - 8n * c), z: reduce(2n * y * z) };
}

function add(p: Jacobian, q: AffinePoint): Jacobian {
  if (p.z === 0n) return { ...q, z: 1n };
  const zz = reduce(p.z * p.z);
  const h = reduce(q.x * zz - p.x);
  const s = reduce(q.y * zz * p.z - p.y);
  if (h === 0n) return s === 0n ? double(p) : INFINITY;
  const hh = reduce(h * h);
  const hhh = reduce(hh * h);
  const v = reduce(p.x * hh);
  const x = reduce(s * s - hhh - 2n * v);
  return { x, y: reduce(s * (v - x) - p.y * hhh), z: reduce(p.z * h) };
}

/** Σ 2^bit·point; undefined for infinity. */
export function combine(points: readonly WeightedPoint[]): AffinePoint | undefined {
  const byBit = new Map<number, WeightedPoint[]>();
  for (const point of points) {
    const others = byBit.get(point.bit);
    if (others) others.push(point);
    else byBit.set(point.bit, [point]);
  }
  let sum = INFINITY;
  for (let bit = Math.max(-1, ...byBit.keys()); bit >= 0; bit--) {
    if (sum.z !== 0n) sum = double(sum);
    for (const point of byBit.get(bit) ?? []) sum = add(sum, point);
  }
  if (sum.z === 0n) return undefined;
  const inverse = inverseModulo(sum.z, prime);
  const square = reduce(inverse * inverse);
  return { x: reduce(sum.x * square), y: reduce(sum.y * square * inverse) };
}

/**
 * A point of the device's output: x‖y, in the device's Montgomery form; undefined for infinity.
 * @throws TacitError WEBGPU_WRONG for what is no point of the curve: a device that computes wrongly is found out here or by
 * its caller's comparison
 */
export function readPoint(bytes: Uint8Array, at: number): AffinePoint | undefined {
  const [x, y] = [0, 1].map((i) => fromDevice(readInteger(bytes, at + ELEMENT_BYTES * i))) as [bigint, bigint];
  if (x === 0n && y === 0n) return undefined;
  if (reduce(y * y - x * x * x - CURVE_B) !== 0n) {
    throw new TacitError('WEBGPU_WRONG', 'the device computes wrongly', { got: 'a point off the curve', retryable: true });
  }
  return { x, y };
}

function readInteger(bytes: Uint8Array, at: number): bigint {
  let value = 0n;
  for (let i = ELEMENT_BYTES - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return value;
}
