/**
 * A multi-exponentiation in G1 by itself, its bases resident in a memory of their own: what a GPU is compared with.
 *
 * Proofs do not use it: their sums share a key's memory and threads (../groth16/run.ts). Windows, kernels and pool are theirs.
 */
import { TacitError } from '../../../protocol/errors.js';
import { PACKED_BYTES } from '../field/parameters.js';
import type { SumPoint } from '../groth16/helper.js';
import { PointCalculator } from '../groth16/points.js';
import { type CompiledKernels, createInstance, createMemory, type Instance, kernel } from '../instance.js';
import type { KernelInfo } from '../kernels.js';
import { createPool, type Pool } from '../pool/pool.js';
import { chooseWindowBits, windowCount, windowMemory } from './plan.js';

const CURVE = 'g1';
const COORDINATES = 2;
const ALIGNMENT_BYTES = 64;
/** Variables of a `PointCalculator` and what it computes with. */
const CALCULATOR_BYTES = 1 << 15;
const PRIORITY = 0;

interface Places {
  readonly calculator: number;
  readonly bases: number;
  readonly indices: number;
  readonly scalars: number;
  readonly results: number;
  readonly work: readonly number[];
  readonly end: number;
}

function plan(info: KernelInfo, count: number, bits: number, threads: number): Places {
  const sizes = info.curves[CURVE];
  let next = info.heapAt;
  const take = (bytes: number): number => {
    const at = Math.ceil(next / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    next = at + bytes;
    return at;
  };
  const places = {
    calculator: take(CALCULATOR_BYTES),
    bases: take(count * sizes.affineBytes),
    indices: take(4 * count),
    scalars: take(PACKED_BYTES * count),
    results: take(windowCount(bits) * sizes.projectiveBytes),
    work: Array.from({ length: threads }, () => take(windowMemory(sizes, count, bits).end)),
  };
  return { ...places, end: next };
}

export class ResidentMsm {
  private constructor(
    readonly count: number,
    private readonly bits: number,
    private readonly at: Places,
    private readonly instance: Instance,
    private readonly pool: Pool,
  ) {}

  /** @param bases 64 bytes each, in the form of files, none of them infinity */
  static async create(bases: Uint8Array, threads: number, compiled: CompiledKernels): Promise<ResidentMsm> {
    const { info } = compiled;
    const count = bases.length / (COORDINATES * PACKED_BYTES);
    const bits = chooseWindowBits(count, count);
    const at = plan(info, count, bits, threads);
    const instance = await createInstance(createMemory(at.end), 0, compiled);
    const pool = await createPool(instance, at.work);
    // The scalars' place is free yet, and half as large as the bases in the form of files.
    const half = Math.ceil(count / 2);
    for (const [from, to] of [
      [0, half],
      [half, count],
    ] as const) {
      instance.bytes.set(bases.subarray(COORDINATES * PACKED_BYTES * from, COORDINATES * PACKED_BYTES * to), at.scalars);
      const target = at.bases + from * info.curves[CURVE].affineBytes;
      kernel(instance, 'q_unpackMany')(target, at.scalars, COORDINATES * (to - from), info.enterBaseFromFileAt);
    }
    for (let i = 0; i < count; i++) instance.words[at.indices / 4 + i] = i;
    return new ResidentMsm(count, bits, at, instance, pool);
  }

  /**
   * @param scalars 32 bytes each, little-endian, below r
   * @throws TacitError PROVE_FAILED
   */
  async compute(scalars: Uint8Array): Promise<SumPoint> {
    const { at, bits, count, instance, pool } = this;
    if (scalars.length !== PACKED_BYTES * count)
      throw new TacitError('PROVE_FAILED', 'scalars and bases differ in number', {
        expected: `${count}`,
        got: `${scalars.length / PACKED_BYTES}`,
      });
    instance.bytes.set(scalars, at.scalars);
    kernel(instance, 'msm_split')(at.scalars, at.scalars, count);
    const { projectiveBytes } = instance.info.curves[CURVE];
    const parts = [{ bases: at.bases, indices: at.indices, count, scalars: at.scalars }];
    const window = { curve: CURVE, parts, bits } as const;
    await Promise.all(
      Array.from({ length: windowCount(bits) }, (_, i) =>
        pool.submit({ type: 'windows', windows: [{ ...window, window: i, result: at.results + i * projectiveBytes }] }, PRIORITY),
      ),
    );
    const points = new PointCalculator(instance, at.calculator);
    const sum = points.affine(CURVE, points.joinWindows(CURVE, at.results, windowCount(bits), bits));
    return sum && { x: sum[0] as bigint, y: sum[1] as bigint };
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
