/**
 * What all multi-exponentiations of a device share: compiled kernels, scratch buffers, the order of their computations.
 *
 * One computation at a time has the scratch, so a proof's five sums need it once. It is freed with the last user, and after
 * a failure: a buffer that the device refused must not meet the next computation, which may be another key's.
 * All work on the device goes through `guarded`, which turns what WebGPU reports aside into errors.
 */
import { TacitError } from '../../../protocol/errors.js';
import { type Kernel, PARAMETER_SLOT_BYTES } from './kernel.js';
import { MAP_READ, Pipelines, Recorder, USAGE } from './stages.js';

/** Scopes are closed in the reverse order. */
const FILTERS: readonly GPUErrorFilter[] = ['validation', 'internal', 'out-of-memory'];
const SCRATCH_USAGE = USAGE.storage | USAGE.copySource | USAGE.copyTarget;
/** Dispatches that are recorded between two submissions. */
const DISPATCHES = 64;

const workspaces = new WeakMap<GPUDevice, Workspace>();

export class Workspace {
  private users = 0;
  private readonly pipelines: Pipelines;
  private readonly scratch = new Map<string, GPUBuffer>();
  private last: Promise<unknown> = Promise.resolve();
  private loss: GPUDeviceLostInfo | undefined;

  private constructor(readonly device: GPUDevice) {
    this.pipelines = new Pipelines(device);
    void device.lost.then((info) => {
      this.loss = info;
    });
  }

  /** The workspace of a device; each call is one user, to be given back by `release`. */
  static acquire(device: GPUDevice): Workspace {
    const workspace = workspaces.get(device) ?? new Workspace(device);
    workspaces.set(device, workspace);
    workspace.users++;
    return workspace;
  }

  /** Frees the scratch if no other user is left. */
  release(): void {
    if (--this.users === 0) this.freeScratch();
  }

  private freeScratch(): void {
    for (const buffer of this.scratch.values()) buffer.destroy();
    this.scratch.clear();
  }

  /** Bytes of scratch that stand on the device now. */
  get scratchBytes(): number {
    return [...this.scratch.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** A scratch buffer of at least so many bytes, with whatever it holds. Only for the one who has the scratch. */
  buffer(name: string, bytes: number, usage: number = SCRATCH_USAGE): GPUBuffer {
    // A sum that outlives the last user must not bring scratch back that nobody would free.
    if (this.users === 0) throw new TacitError('WEBGPU_FAILED', 'the bases were freed');
    const known = this.scratch.get(name);
    if (known !== undefined && known.size >= bytes) return known;
    known?.destroy();
    this.scratch.delete(name);
    const size = Math.ceil(bytes / 16) * 16;
    const buffer = this.device.createBuffer({ label: name, size, usage });
    this.scratch.set(name, buffer);
    return buffer;
  }

  recorder(): Recorder {
    const usage = USAGE.uniform | USAGE.copyTarget;
    return new Recorder(this.pipelines, this.buffer('parameters', DISPATCHES * PARAMETER_SLOT_BYTES, usage));
  }

  async prepare(kernels: readonly Kernel[]): Promise<void> {
    const { compiled } = await this.guarded(() => {
      const compiled = this.pipelines.prepare(kernels);
      // Where the scopes report something first, nobody waits for it: its failure must not end the process.
      compiled.catch(() => undefined);
      return { compiled };
    });
    await this.translated(() => this.orLost(compiled));
  }

  /** Runs a computation when all before it have ended. One that fails takes the scratch with it. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => this.freeScratch());
    return result;
  }

  /** Synchronous work on the device, and what the device says about it. @throws TacitError WEBGPU_LOST, WEBGPU_LIMITS, WEBGPU_FAILED */
  async guarded<T>(work: () => T): Promise<T> {
    return this.translated(async () => {
      for (const filter of FILTERS) this.device.pushErrorScope(filter);
      let result: T;
      let reports: Promise<GPUError | null>[];
      try {
        result = work();
      } finally {
        reports = FILTERS.map(() => this.device.popErrorScope());
        void Promise.allSettled(reports);
      }
      for (const error of await this.orLost(Promise.all(reports))) if (error) throw error;
      return result;
    });
  }

  /** Bytes of a buffer. @throws as `guarded` */
  async read(source: GPUBuffer, size: number): Promise<Uint8Array> {
    const { device } = this;
    let target: GPUBuffer | undefined;
    try {
      const readable = await this.guarded(() => {
        target = device.createBuffer({ label: 'read back', size, usage: USAGE.mapRead | USAGE.copyTarget });
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(source, 0, target, 0, size);
        device.queue.submit([encoder.finish()]);
        return target;
      });
      await this.translated(() => this.orLost(readable.mapAsync(MAP_READ)));
      return new Uint8Array(readable.getMappedRange().slice(0));
    } finally {
      target?.destroy();
    }
  }

  /** Waits until everything submitted is done. */
  async settled(): Promise<void> {
    await this.translated(() => this.orLost(this.device.queue.onSubmittedWorkDone()));
  }

  /** A promise of the device may stay open for ever when the device is lost. */
  private orLost<T>(promise: Promise<T>): Promise<T> {
    const lost = this.device.lost.then((info): never => {
      this.loss = info;
      throw new Error(info.message);
    });
    lost.catch(() => undefined);
    return Promise.race([promise, lost]);
  }

  private async translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof TacitError) throw cause;
      // A loss is told in a microtask of its own, maybe after the failure that it caused.
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 0))]);
      throw failure(cause, this.loss);
    }
  }
}

function failure(cause: unknown, loss: GPUDeviceLostInfo | undefined): TacitError {
  const text =
    cause instanceof Error || (typeof cause === 'object' && cause !== null && 'message' in cause) ? String(cause.message) : String(cause);
  const details = { retryable: true, cause };
  if (loss) return new TacitError('WEBGPU_LOST', `the device is lost: ${loss.message || loss.reason}`, details);
  if ((cause as object | null)?.constructor?.name === 'GPUOutOfMemoryError') {
    return new TacitError('WEBGPU_LIMITS', `the device refused memory: ${text}`, details);
  }
  return new TacitError('WEBGPU_FAILED', `the device refused the work: ${text}`, details);
}
