/** Generators and point traffic between the reference and the kernels, for tests. */
import { BASE_FIELD } from '../../prover/engine/field/parameters.js';
import type { CurveName } from '../../prover/engine/kernels.js';
import type { Point } from '../../prover/engine/reference/curve.js';
import type { Harness } from './harness.js';

/** EIP-197's generators. */
export const GENERATORS: Readonly<Record<CurveName, NonNullable<Point>>> = {
  g1: { x: [1n], y: [2n] },
  g2: {
    x: [
      10857046999023057135944570762232829481370756359578518086990519993285655852781n,
      11559732032986387107991004021392285783925812861821192530917403151452391805634n,
    ],
    y: [
      8495653923123431417604973247489272438418190587263600148770280649306958101930n,
      4082367875863433681332203403145435568316851327593401208105741076214120093531n,
    ],
  },
};

export function putPoint(harness: Harness, curve: CurveName, point: Point, at: number): void {
  harness.instance.bytes.fill(0, at, at + harness.instance.info.curves[curve].affineBytes);
  if (point) harness.put(BASE_FIELD, [...point.x, ...point.y], at);
}

export function getPoint(harness: Harness, curve: CurveName, at: number): Point {
  const bytes = harness.instance.bytes.subarray(at, at + harness.instance.info.curves[curve].affineBytes);
  if (bytes.every((byte) => byte === 0)) return undefined;
  const count = harness.instance.info.curves[curve].affineBytes / harness.elementBytes;
  const coordinates = Array.from({ length: count }, (_, i) => harness.get(BASE_FIELD, at + harness.elementBytes * i));
  return { x: coordinates.slice(0, count / 2), y: coordinates.slice(count / 2) };
}

/** The affine form of a projective point. */
export function getProjective(harness: Harness, curve: CurveName, at: number): Point {
  const [out, scratch] = [harness.alloc(256), harness.alloc(8192)];
  harness.run(`${curve}_lower`, out, at, scratch);
  return getPoint(harness, curve, out);
}
