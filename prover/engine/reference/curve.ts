/** Readable twins of the curve kernels: affine addition by the school formulas, and sums of multiples one by one. */
import { add, type Element, equal, invert, isZero, multiply, subtract } from './field.js';

/** An affine point, or undefined for infinity. */
export type Point = { readonly x: Element; readonly y: Element } | undefined;

const scale = (a: Element, factor: number): Element => Array.from({ length: factor }, () => a).reduce(add);

export function negate(p: Point): Point {
  return (
    p && {
      x: p.x,
      y: subtract(
        p.y.map(() => 0n),
        p.y,
      ),
    }
  );
}

export function addPoints(p: Point, q: Point): Point {
  if (!p) return q;
  if (!q) return p;
  let slope: Element;
  if (equal(p.x, q.x)) {
    if (isZero(add(p.y, q.y))) return undefined;
    slope = multiply(scale(multiply(p.x, p.x), 3), invert(scale(p.y, 2)));
  } else slope = multiply(subtract(q.y, p.y), invert(subtract(q.x, p.x)));
  const x = subtract(subtract(multiply(slope, slope), p.x), q.x);
  return { x, y: subtract(multiply(slope, subtract(p.x, x)), p.y) };
}

/** scalar·p for a scalar ≥ 0. */
export function multiple(p: Point, scalar: bigint): Point {
  let result: Point;
  let doubled = p;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = addPoints(result, doubled);
    doubled = addPoints(doubled, doubled);
  }
  return result;
}

/** Σ scalars_i·points_i */
export function sumOfMultiples(points: readonly Point[], scalars: readonly bigint[]): Point {
  return points.reduce<Point>((sum, point, i) => addPoints(sum, multiple(point, scalars[i] as bigint)), undefined);
}
