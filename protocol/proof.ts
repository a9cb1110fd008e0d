/**
 * A Groth16 proof on BN254, its 256 bytes, and snarkjs' JSON shape of it.
 *
 * Bytes: A.x A.y B.x.c1 B.x.c0 B.y.c1 B.y.c0 C.x C.y, 32 each, big-endian: EIP-197's order, which puts the imaginary
 * part of an Fp2 element first. The point at infinity is all zeros. snarkjs writes projective triples with the real
 * part first, and infinity as (0, 1, 0).
 */
import { ByteReader, concatBytes, uintToBytes } from './bytes.js';
import { shown, TacitError } from './errors.js';

/** q, the order of BN254's base field (EIP-196). Coordinates live here, not in the scalar field. */
export const BASE_FIELD_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
export const PROOF_BYTES = 256;

/** Affine, coordinates in [0, q); infinity is (0, 0). */
export interface G1 {
  readonly x: bigint;
  readonly y: bigint;
}
/** Affine over Fp2, each coordinate [real, imaginary]; infinity is all zeros. */
export interface G2 {
  readonly x: readonly [bigint, bigint];
  readonly y: readonly [bigint, bigint];
}

export interface Groth16Proof {
  readonly a: G1;
  readonly b: G2;
  readonly c: G1;
}

/** snarkjs' and rapidsnark's proof.json. */
export interface SnarkjsProof {
  pi_a: string[];
  pi_b: string[][];
  pi_c: string[];
  protocol: string;
  curve: string;
}

/** @throws TacitError UINT_RANGE for a coordinate of more than 256 bits */
export function encodeProof({ a, b, c }: Groth16Proof): Uint8Array {
  return concatBytes(...[a.x, a.y, b.x[1], b.x[0], b.y[1], b.y[0], c.x, c.y].map((coordinate) => uintToBytes(coordinate, 32)));
}

/** Checks sizes and ranges only; whether the points are on their curves is for the verifier. @throws TacitError BYTES_SHORT, BYTES_TRAILING, PROOF_COORDINATE */
export function decodeProof(bytes: Uint8Array): Groth16Proof {
  const reader = new ByteReader(bytes, 'proof');
  const proof = readProof(reader);
  reader.end();
  return proof;
}

/** @throws TacitError BYTES_SHORT, PROOF_COORDINATE */
export function readProof(reader: ByteReader): Groth16Proof {
  const next = (): bigint => assertCoordinate(reader.uint(32));
  const [ax, ay, bx1, bx0, by1, by0, cx, cy] = [next(), next(), next(), next(), next(), next(), next(), next()];
  return { a: { x: ax, y: ay }, b: { x: [bx0, bx1], y: [by0, by1] }, c: { x: cx, y: cy } };
}

/** @throws TacitError PROOF_SHAPE, PROOF_COORDINATE */
export function proofFromSnarkjs(json: unknown): Groth16Proof {
  const { pi_a, pi_b, pi_c, protocol, curve } = (json ?? {}) as Partial<SnarkjsProof>;
  if (protocol !== undefined && protocol !== 'groth16')
    throw new TacitError('PROOF_SHAPE', 'not a Groth16 proof', { expected: 'groth16', got: shown(protocol) });
  if (curve !== undefined && curve !== 'bn128' && curve !== 'bn254')
    throw new TacitError('PROOF_SHAPE', 'proof on another curve', { expected: 'bn128', got: shown(curve) });
  return { a: g1FromSnarkjs(pi_a, 'pi_a'), b: g2FromSnarkjs(pi_b, 'pi_b'), c: g1FromSnarkjs(pi_c, 'pi_c') };
}

export function proofToSnarkjs({ a, b, c }: Groth16Proof): SnarkjsProof {
  return { pi_a: g1ToSnarkjs(a), pi_b: g2ToSnarkjs(b), pi_c: g1ToSnarkjs(c), protocol: 'groth16', curve: 'bn128' };
}

/** [x, y, 1] or [0, 1, 0]. @throws TacitError PROOF_SHAPE, PROOF_COORDINATE */
export function g1FromSnarkjs(json: unknown, what: string): G1 {
  const [x, y, z] = triple(json, what).map((text) => decimal(text, what));
  return affineFrom(z === 0n && x === 0n && y === 1n, z === 1n, what, { x: x as bigint, y: y as bigint }, { x: 0n, y: 0n });
}

/** [[x0, x1], [y0, y1], [1, 0]] or [[0, 0], [1, 0], [0, 0]]. @throws TacitError PROOF_SHAPE, PROOF_COORDINATE */
export function g2FromSnarkjs(json: unknown, what: string): G2 {
  const rows = triple(json, what).map((row) => {
    if (!Array.isArray(row) || row.length !== 2) throw shape(what);
    return [decimal(row[0], what), decimal(row[1], what)] as [bigint, bigint];
  });
  const [x, y, z] = rows as [[bigint, bigint], [bigint, bigint], [bigint, bigint]];
  const infinite = [...x, y[1], ...z].every((part) => part === 0n) && y[0] === 1n;
  return affineFrom(infinite, z[0] === 1n && z[1] === 0n, what, { x, y }, { x: [0n, 0n], y: [0n, 0n] });
}

export function g1ToSnarkjs(point: G1): string[] {
  return isInfinityG1(point) ? ['0', '1', '0'] : [point.x.toString(), point.y.toString(), '1'];
}

export function g2ToSnarkjs(point: G2): string[][] {
  if (isInfinityG2(point))
    return [
      ['0', '0'],
      ['1', '0'],
      ['0', '0'],
    ];
  return [point.x.map(String), point.y.map(String), ['1', '0']];
}

export function isInfinityG1({ x, y }: G1): boolean {
  return x === 0n && y === 0n;
}

export function isInfinityG2({ x, y }: G2): boolean {
  return x[0] === 0n && x[1] === 0n && y[0] === 0n && y[1] === 0n;
}

/** @throws TacitError PROOF_COORDINATE */
export function assertCoordinate(x: bigint): bigint {
  if (x < 0n || x >= BASE_FIELD_MODULUS)
    throw new TacitError('PROOF_COORDINATE', 'a coordinate is not in the base field', { expected: '0 ≤ x < q' });
  return x;
}

function triple(json: unknown, what: string): unknown[] {
  if (!Array.isArray(json) || json.length !== 3) throw shape(what);
  return json;
}

function decimal(text: unknown, what: string): bigint {
  if (typeof text !== 'string' || !/^(0|[1-9][0-9]{0,77})$/.test(text)) throw shape(what);
  return assertCoordinate(BigInt(text));
}

function affineFrom<P>(infinite: boolean, normalised: boolean, what: string, point: P, infinity: P): P {
  if (infinite) return infinity;
  if (!normalised)
    throw new TacitError('PROOF_SHAPE', `${what} is not normalised`, { expected: 'third coordinate 1, or (0, 1, 0) for infinity' });
  return point;
}

function shape(what: string): TacitError {
  return new TacitError('PROOF_SHAPE', `${what} does not have snarkjs' shape`, { expected: 'three coordinates as decimal strings' });
}
