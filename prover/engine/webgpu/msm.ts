/**
 * Multi-exponentiation in G1 on a WebGPU device: Σ scalars_i·bases_i, the bases resident there.
 *
 * Pippenger's method (plan.ts names its parts): scalars are split by the endomorphism (glv.ts), cut into signed digits
 * (digits.ts), sorted by bucket (sort.ts, scan.ts), each bucket's points added in pairs by rounds (buckets.ts, addition.ts), the
 * buckets of a window brought down to a point for each bit (reduction.ts); those few hundred points are joined here (finish.ts).
 *
 * Everything works with the limits that every device has (8 storage buffers a stage, 16 KiB of workgroup memory, 256
 * invocations, 128 MiB a binding); with larger bindings, larger parts and chunks are used. No subgroups, no optional features.
 */
import { TacitError } from '../../../protocol/errors.js';
import { basesKernel, numbersOfBase } from './bases.js';
import { ELEMENT_BYTES } from './field.js';
import { type AffinePoint, combine, readPoint, type WeightedPoint } from './finish.js';
import { chooseWindowBits, DEFAULT_TUNING, MOST_BUFFER_BYTES, partSize, planWindows, type Tuning, type WindowPlan } from './plan.js';
import { USAGE } from './stages.js';
import { kernelsFor, type Part, PartSum, type Phase, POINT_BYTES, type Progress } from './steps.js';
import { Workspace } from './workspace.js';

const BASE_BYTES = 64;
const SCALAR_BYTES = 32;
/** Bases of one upload: 4 MiB. */
const UPLOAD_BASES = 2 ** 16;

export interface GpuSumOptions {
  readonly signal?: AbortSignal;
  readonly onPhase?: (phase: Phase, elapsedMs: number) => void;
}

/** Bases of one circuit resident on a device. */
export interface GpuMsm {
  readonly count: number;
  /** Bytes held on the device for these bases; scratch is shared by all sums of a device, see `scratchBytes`. */
  readonly deviceBytes: number;
  /**
   * Sums wait for each other on one device.
   * @param scalars count × 32 bytes, little-endian, canonical (< r), not Montgomery
   * @param options.signal ends the sum with the signal's reason, at the next step
   * @param options.onPhase hears how long each phase of each part took; the sum then waits for the device after each, for measurements only
   * @returns affine coordinates, canonical; undefined for infinity
   * @throws TacitError WEBGPU_LIMITS (the device refused memory), WEBGPU_LOST, WEBGPU_WRONG (what came back is no point), WEBGPU_FAILED
   * @throws RangeError for another number of scalars
   */
  compute(scalars: Uint8Array, options?: GpuSumOptions): Promise<AffinePoint | undefined>;
  /** Frees every buffer; idempotent. A sum under way ends with WEBGPU_FAILED. */
  destroy(): void;
}

export interface GpuMsmOptions {
  /** Width of a window, 4 to 16; by default chosen for the number of bases. */
  readonly windowBits?: number;
  /** Whether scalars are split by the endomorphism. Default true. */
  readonly glv?: boolean;
  /** For tests and measurements. */
  readonly tuning?: Partial<Tuning>;
}

/**
 * Uploads bases and compiles what is not yet compiled for the device.
 * @param bases count × 64 bytes: x‖y, 32 bytes each, little-endian, Montgomery with R = 2^256 (as in a .zkey), zeros for infinity;
 * that they lie on the curve is taken for granted
 * @throws TacitError WEBGPU_LIMITS, WEBGPU_LOST, WEBGPU_FAILED
 */
export async function createGpuMsm(device: GPUDevice, bases: Uint8Array, options: GpuMsmOptions = {}): Promise<GpuMsm> {
  if (bases.length % BASE_BYTES !== 0) throw new RangeError(`${bases.length} bytes are not a whole number of bases`);
  const count = bases.length / BASE_BYTES;
  const { windowBits, glv = true, tuning = {} } = options;
  const plan = planWindows(windowBits ?? chooseWindowBits(count, glv), glv);
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const all = { ...DEFAULT_TUNING, ...tuning };
  const bufferBytes = Math.min(all.bufferBytes, maxStorageBufferBindingSize, maxBufferSize, MOST_BUFFER_BYTES);
  const msm = new ResidentMsm(Workspace.acquire(device), count, plan, { ...all, bufferBytes });
  try {
    await msm.upload(bases);
    return msm;
  } catch (error) {
    msm.destroy();
    throw error;
  }
}

class ResidentMsm implements GpuMsm {
  private readonly parts: Part[] = [];
  private readonly buffers: GPUBuffer[] = [];
  private destroyed = false;

  constructor(
    private readonly workspace: Workspace,
    readonly count: number,
    private readonly plan: WindowPlan,
    private readonly tuning: Tuning,
  ) {}

  get deviceBytes(): number {
    return this.buffers.reduce((sum, { size }) => sum + size, 0);
  }

  async upload(bases: Uint8Array): Promise<void> {
    const { workspace, plan, tuning, count } = this;
    const size = partSize(tuning.bufferBytes, plan);
    if (size < 1) {
      const got = `${tuning.bufferBytes} bytes`;
      throw new TacitError('WEBGPU_LIMITS', 'the device takes too little in one buffer', { expected: 'room for a window of buckets', got });
    }
    await workspace.prepare(kernelsFor(plan.glv));
    await workspace.exclusive(() =>
      workspace.guarded(() => {
        for (let first = 0; first < count; first += size) {
          this.parts.push(this.uploadPart(bases.subarray(first * BASE_BYTES, Math.min(count, first + size) * BASE_BYTES)));
        }
      }),
    );
  }

  private uploadPart(bases: Uint8Array): Part {
    const { workspace, plan } = this;
    const { device } = workspace;
    const count = bases.length / BASE_BYTES;
    const resident = (label: string, elements: number): GPUBuffer => {
      const buffer = device.createBuffer({ label, size: elements * ELEMENT_BYTES, usage: USAGE.storage | USAGE.copySource });
      this.buffers.push(buffer);
      return buffer;
    };
    const xs = resident('base xs', plan.glv ? 2 * count : count);
    const ys = resident('base ys', count);
    const raw = device.createBuffer({
      label: 'raw bases',
      size: Math.min(count, UPLOAD_BASES) * BASE_BYTES,
      usage: USAGE.storage | USAGE.copyTarget,
    });
    try {
      const work = workspace.recorder();
      for (let start = 0; start < count; start += UPLOAD_BASES) {
        const piece = Math.min(UPLOAD_BASES, count - start);
        const bytes = bases.subarray(start * BASE_BYTES, (start + piece) * BASE_BYTES);
        device.queue.writeBuffer(raw, 0, bytes as Uint8Array<ArrayBuffer>);
        const numbers = numbersOfBase(plan.glv);
        work.run(basesKernel, numbers * piece, { start, count: piece, bases: count, numbers }, { raw, xs, ys });
        work.submit();
      }
    } finally {
      raw.destroy();
    }
    return { count, xs, ys };
  }

  async compute(scalars: Uint8Array, { signal, onPhase }: GpuSumOptions = {}): Promise<AffinePoint | undefined> {
    if (scalars.length !== SCALAR_BYTES * this.count) {
      throw new RangeError(`${scalars.length} bytes of scalars, expected ${SCALAR_BYTES} for each of ${this.count} bases`);
    }
    const assertWanted = (): void => {
      signal?.throwIfAborted();
      if (this.destroyed) throw new TacitError('WEBGPU_FAILED', 'the bases were freed');
    };
    return this.workspace.exclusive(async () => {
      const points: WeightedPoint[] = [];
      const progress = { assertWanted, ended: this.phaseClock(onPhase) };
      let first = 0;
      for (const part of this.parts) {
        assertWanted();
        const sum = new PartSum(this.workspace, part, this.plan, this.tuning);
        const bytes = await sum.run(scalars.subarray(first * SCALAR_BYTES, (first + part.count) * SCALAR_BYTES), progress);
        points.push(...this.weighted(bytes));
        first += part.count;
      }
      assertWanted();
      const result = combine(points);
      await progress.ended('join');
      return result;
    });
  }

  private phaseClock(onPhase: GpuSumOptions['onPhase']): Progress['ended'] {
    if (!onPhase) return () => Promise.resolve();
    let last = performance.now();
    return async (phase) => {
      await this.workspace.settled();
      const now = performance.now();
      onPhase(phase, now - last);
      last = now;
    };
  }

  /** The output's points with their bits: window w has its total and its bits 0, 1, … at c·w and from there on. */
  private weighted(bytes: Uint8Array): WeightedPoint[] {
    const { bits, windows } = this.plan;
    return Array.from({ length: windows * bits }, (_, i) => {
      const point = readPoint(bytes, i * POINT_BYTES);
      const inWindow = i % bits;
      return point && { ...point, bit: bits * Math.floor(i / bits) + Math.max(0, inWindow - 1) };
    }).filter((point) => point !== undefined);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const buffer of this.buffers.splice(0)) buffer.destroy();
    this.workspace.release();
  }
}
