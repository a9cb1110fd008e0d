/** Moves bigints in and out of an instance of the kernels, for tests. */

import { compiledKernels } from '../../prover/engine/compiled.js';
import type { Field } from '../../prover/engine/field/parameters.js';
import { type BackendName, decodeElement, encodeElement } from '../../prover/engine/field/representation.js';
import { createInstance, createMemory, type Instance, kernel } from '../../prover/engine/instance.js';

const MEMORY_BYTES = 64 << 20;

export class Harness {
  private next: number;

  private constructor(readonly instance: Instance) {
    this.next = (instance.info.heapAt + 4095) & ~4095;
  }

  static async create(backend: BackendName = 'portable'): Promise<Harness> {
    return new Harness(await createInstance(createMemory(MEMORY_BYTES), 0, await compiledKernels(backend)));
  }

  get elementBytes(): number {
    return this.instance.info.representation.elementBytes;
  }

  alloc(bytes: number): number {
    const at = this.next;
    this.next += Math.ceil(bytes / 64) * 64;
    return at;
  }

  run(name: string, ...args: number[]): number {
    return kernel(this.instance, name)(...args);
  }

  /** Writes elements in Montgomery form. */
  put(field: Field, values: readonly bigint[], at = this.alloc(this.elementBytes * values.length)): number {
    for (const [i, value] of values.entries()) {
      this.instance.bytes.set(encodeElement(this.instance.info.representation, field, value), at + this.elementBytes * i);
    }
    return at;
  }

  /** Reads an element out of Montgomery form, whatever representative it has. */
  get(field: Field, at: number): bigint {
    return decodeElement(this.instance.info.representation, field, this.instance.bytes.slice(at, at + this.elementBytes));
  }
}

/** A small seeded generator (mulberry32) of bigints below a limit. */
export function seeded(seed: number): (limit: bigint) => bigint {
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return (limit) => {
    let value = 0n;
    for (let i = 0; i < 10; i++) value = (value << 32n) | BigInt(word());
    return value % limit;
  };
}
