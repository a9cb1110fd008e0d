/**
 * Kernels on a device: compiled once, recorded in order, submitted together.
 *
 * Numbers of all recorded dispatches are written to one uniform buffer before the submission, each dispatch reads its own
 * slot. Dispatches of one submission see what earlier ones wrote.
 */
import { type Kernel, MOST_WORKGROUPS, PARAMETER_SLOT_BYTES, shaderSource } from './kernel.js';

/** Numeric values of WebGPU's flags, which are no globals in Node (WebGPU, §5.1 and §8.2). */
export const USAGE = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 } as const;
export const MAP_READ = 0x1;
const VISIBLE_TO_COMPUTE = 0x4;

interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A buffer, or a piece of one. */
export type Binding = GPUBuffer | { readonly buffer: GPUBuffer; readonly offset: number; readonly size: number };

interface Dispatch {
  readonly compiled: Compiled;
  readonly label: string;
  readonly numbers: readonly number[];
  readonly buffers: readonly Binding[];
  readonly workgroups: number;
}

type Step = Dispatch | ((encoder: GPUCommandEncoder) => void);

/** Compiles kernels of a device on first use. */
export class Pipelines {
  private readonly compiled = new Map<Kernel, Compiled>();

  constructor(readonly device: GPUDevice) {}

  /** Compiles without blocking; a shader that the driver refuses rejects. */
  async prepare(kernels: readonly Kernel[]): Promise<void> {
    const missing = kernels.filter((kernel) => !this.compiled.has(kernel));
    const compiled = await Promise.all(missing.map((kernel) => this.compile(kernel)));
    for (const [i, kernel] of missing.entries()) this.compiled.set(kernel, compiled[i] as Compiled);
  }

  of(kernel: Kernel): Compiled {
    const compiled = this.compiled.get(kernel);
    if (!compiled) throw new Error(`${kernel.label} was not prepared`);
    return compiled;
  }

  private async compile(kernel: Kernel): Promise<Compiled> {
    const { device } = this;
    const { label } = kernel;
    const uniform: GPUBindGroupLayoutEntry = { binding: 0, visibility: VISIBLE_TO_COMPUTE, buffer: { hasDynamicOffset: true } };
    const storage = kernel.buffers.map(
      ({ access }, i): GPUBindGroupLayoutEntry => ({
        binding: i + 1,
        visibility: VISIBLE_TO_COMPUTE,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      }),
    );
    const layout = device.createBindGroupLayout({ label, entries: [uniform, ...storage] });
    const module = device.createShaderModule({ label, code: shaderSource(kernel) });
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    return { pipeline, layout };
  }
}

/** Work in the order in which it is recorded. */
export class Recorder {
  private steps: Step[] = [];
  private dispatches = 0;

  constructor(
    private readonly pipelines: Pipelines,
    /** A uniform buffer that holds at least so many slots as there are dispatches between two submissions. */
    private readonly parameters: GPUBuffer,
  ) {}

  /** Runs at least so many invocations of a kernel; none at all for 0. */
  run<P extends string, B extends string>(
    kernel: Kernel<P, B>,
    invocations: number,
    numbers: Readonly<Record<P, number>>,
    buffers: Readonly<Record<B, Binding>>,
  ): void {
    if (invocations === 0) return;
    if ((this.dispatches + 1) * PARAMETER_SLOT_BYTES > this.parameters.size) this.submit();
    this.dispatches++;
    this.steps.push({
      compiled: this.pipelines.of(kernel),
      label: kernel.label,
      numbers: kernel.params.map((name) => numbers[name]),
      buffers: kernel.buffers.map(({ name }) => buffers[name]),
      workgroups: Math.min(MOST_WORKGROUPS, Math.ceil(invocations / kernel.groupSize)),
    });
  }

  /** Records copies and clears. */
  encode(step: (encoder: GPUCommandEncoder) => void): void {
    this.steps.push(step);
  }

  /** Hands everything recorded to the queue. */
  submit(): void {
    const { device } = this.pipelines;
    if (this.steps.length === 0) return;
    const numbers = new Uint32Array((Math.max(1, this.dispatches) * PARAMETER_SLOT_BYTES) / 4);
    const encoder = device.createCommandEncoder();
    let slot = 0;
    for (const step of this.steps) {
      if (typeof step === 'function') step(encoder);
      else {
        const offset = slot++ * PARAMETER_SLOT_BYTES;
        numbers.set(step.numbers, offset / 4);
        this.encodeDispatch(encoder, step, offset);
      }
    }
    device.queue.writeBuffer(this.parameters, 0, numbers);
    device.queue.submit([encoder.finish()]);
    this.steps = [];
    this.dispatches = 0;
  }

  private encodeDispatch(encoder: GPUCommandEncoder, { compiled, label, buffers, workgroups }: Dispatch, offset: number): void {
    const entries = [
      { binding: 0, resource: { buffer: this.parameters, offset: 0, size: PARAMETER_SLOT_BYTES } },
      ...buffers.map((buffer, i) => ({ binding: i + 1, resource: 'buffer' in buffer ? buffer : { buffer } })),
    ];
    const group = this.pipelines.device.createBindGroup({ label, layout: compiled.layout, entries });
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, group, [offset]);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
  }
}
