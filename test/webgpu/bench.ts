/** Runs single kernels on a device with buffers given as numbers, for tests. Plain functions, so that a page can run them too. */
import type { Kernel } from '../../prover/engine/webgpu/kernel.js';
import { USAGE } from '../../prover/engine/webgpu/stages.js';
import { Workspace } from '../../prover/engine/webgpu/workspace.js';

const ELEMENT_WORDS = 8;
const USES = USAGE.storage | USAGE.copySource | USAGE.copyTarget;

export class KernelBench {
  readonly workspace: Workspace;
  private readonly buffers: GPUBuffer[] = [];

  constructor(readonly device: GPUDevice) {
    this.workspace = Workspace.acquire(device);
  }

  /** A buffer with these words, or so many zeros. */
  buffer(content: Uint32Array | number): GPUBuffer {
    const words = typeof content === 'number' ? content : content.length;
    const buffer = this.device.createBuffer({ size: Math.max(16, 4 * words), usage: USES });
    if (typeof content !== 'number') this.device.queue.writeBuffer(buffer, 0, content as Uint32Array<ArrayBuffer>);
    this.buffers.push(buffer);
    return buffer;
  }

  async run<P extends string, B extends string>(
    kernel: Kernel<P, B>,
    invocations: number,
    numbers: Readonly<Record<P, number>>,
    buffers: Readonly<Record<B, GPUBuffer>>,
  ): Promise<void> {
    await this.workspace.prepare([kernel]);
    await this.workspace.guarded(() => {
      const work = this.workspace.recorder();
      work.run(kernel, invocations, numbers, buffers);
      work.submit();
    });
  }

  async words(buffer: GPUBuffer): Promise<Uint32Array> {
    return new Uint32Array((await this.workspace.read(buffer, buffer.size)).buffer);
  }

  async elements(buffer: GPUBuffer): Promise<bigint[]> {
    const words = await this.words(buffer);
    return Array.from({ length: words.length / ELEMENT_WORDS }, (_, i) =>
      integer(words.subarray(ELEMENT_WORDS * i, ELEMENT_WORDS * (i + 1))),
    );
  }

  close(): void {
    for (const buffer of this.buffers.splice(0)) buffer.destroy();
    this.workspace.release();
  }
}

function integer(words: Uint32Array): bigint {
  return words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n);
}

/** Integers below 2^256 as words, the least significant first. */
export function wordsOf(values: readonly bigint[]): Uint32Array {
  const words = new Uint32Array(ELEMENT_WORDS * values.length);
  values.forEach((value, i) => {
    for (let w = 0; w < ELEMENT_WORDS; w++) words[ELEMENT_WORDS * i + w] = Number((value >> BigInt(32 * w)) & 0xffffffffn);
  });
  return words;
}

/** Counts comparisons and throws at the first that fails. */
export class Comparison {
  count = 0;

  equal(got: unknown, expected: unknown, what: string): void {
    this.count++;
    if (text(got) !== text(expected)) throw new Error(`${what}: expected ${text(expected)}, got ${text(got)}`);
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v)) ?? 'nothing';
}
