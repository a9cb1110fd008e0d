/**
 * BN254 from ffjavascript, narrowed to what set-up needs. ffjavascript ships no types; this is the only file that
 * imports it. Single-threaded: for single points and pairings; lists of points are the prover engine's work.
 */

/** Opaque internal forms of ffjavascript. */
export type Scalar = Uint8Array & { readonly __scalar?: never };
export type CurvePoint = Uint8Array & { readonly __point?: never };

export interface Group {
  readonly g: CurvePoint;
  timesFr(point: CurvePoint, scalar: Scalar): CurvePoint;
  toAffine(point: CurvePoint): CurvePoint;
  toObject(point: CurvePoint): unknown;
  fromObject(point: unknown): CurvePoint;
  /** Affine, little-endian, Montgomery: the form of zkey files. */
  toRprLEM(buffer: Uint8Array, offset: number, point: CurvePoint): void;
}

export interface Bn254 {
  readonly Fr: { e(value: bigint): Scalar };
  readonly G1: Group;
  readonly G2: Group;
  readonly Gt: { toObject(value: unknown): unknown };
  pairing(p: CurvePoint, q: CurvePoint): unknown;
}

const PACKAGE: string = 'ffjavascript';

/** A fresh single-threaded instance; it holds no threads and needs no closing. */
export async function loadBn254(): Promise<Bn254> {
  const { buildBn128 } = (await import(PACKAGE)) as { buildBn128(singleThread: boolean): Promise<Bn254> };
  return buildBn128(true);
}

/** Base field modulus of BN254. Source: EIP-197. */
export const BASE_FIELD_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
export const G1_BYTES = 64;
export const G2_BYTES = 128;
export const SCALAR_BYTES = 32;
