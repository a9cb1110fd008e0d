/**
 * Somebody beside the pool's threads who computes sums in G1: a GPU (../webgpu).
 *
 * A helper can only cost time. What it refuses or fails at, the pool computes as if there were none; and it never sees the
 * key's memory, only copies, so that nothing of it is left behind in the next proof.
 */
import type { TacitError } from '../../../protocol/errors.js';
import type { BaseName } from './layout.js';

export type G1Name = Exclude<BaseName, 'b2'>;

/** Affine and canonical; undefined stands for infinity. */
export type SumPoint = { readonly x: bigint; readonly y: bigint } | undefined;

export interface HelpedSum {
  readonly point: SumPoint;
  /** Working time, without waiting for other sums. */
  readonly elapsedMs: number;
}

export interface SumHelper {
  /** Name of the backend, as it is reported. */
  readonly backend: string;
  /** Asked when a proof is planned and before each `sum`; what was false stays false in that proof. */
  takes(name: BaseName): boolean;
  /**
   * Rejects where it cannot do it, or the proof is no longer wanted.
   * @param read the scalars, one for each base that the key kept of this kind: 32 bytes each, little-endian, below r;
   *   copied when it is called, once or never, before the promise settles
   */
  sum(name: BaseName, read: () => Uint8Array, signal: AbortSignal | undefined): Promise<HelpedSum>;
}

/** A helper that has the bases of one key. */
export interface KeyHelper extends SumHelper {
  /** A finished proof is wrong because of it: it must not be asked again. */
  distrust(): void;
  /** What went wrong since this was asked last, oldest first. */
  takeFailures(): TacitError[];
  /** Frees what it holds; safe to call twice. */
  close(): Promise<void>;
}

/**
 * Gives a helper the bases of a key. `counts` are those the key kept of each kind, `bases` reads them (64 bytes each, in
 * the form of files). Undefined where it would take none of the sums.
 */
export type HelperMaker = (key: KeyBases) => Promise<KeyHelper | undefined>;

export interface KeyBases {
  readonly counts: Readonly<Record<BaseName, number>>;
  bases(name: G1Name): Uint8Array;
  /** factor·Σ scalar·base on the pool, for scalars as `SumHelper.sum` gets them; only while the helper is being made. */
  sumOnPool(name: G1Name, scalars: Uint8Array, factor: bigint): Promise<SumPoint>;
}
