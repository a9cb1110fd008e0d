/** Moves bigints in and out of an instance of the kernels, for tests. */
import { ELEMENT_BYTES, type FieldParameters, fromLimbs, inverseModulo, toLimbs } from '../../prover/engine/field/parameters.js';
import { createInstance, createMemory, type Instance, kernel } from '../../prover/engine/instance.js';
import { kernels } from '../../prover/engine/kernels.js';
import { modulo } from '../../prover/engine/reference/field.js';

const MEMORY_BYTES = 64 << 20;

export class Harness {
  private next = (kernels().info.heapAt + 4095) & ~4095;

  private constructor(readonly instance: Instance) {}

  static async create(): Promise<Harness> {
    return new Harness(await createInstance(createMemory(MEMORY_BYTES)));
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
  put(field: FieldParameters, values: readonly bigint[], at = this.alloc(ELEMENT_BYTES * values.length)): number {
    for (const [i, value] of values.entries()) {
      this.instance.words.set(toLimbs(modulo(value * field.one, field.prime)), (at + ELEMENT_BYTES * i) / 4);
    }
    return at;
  }

  /** Reads an element out of Montgomery form, whatever representative it has. */
  get(field: FieldParameters, at: number): bigint {
    const limbs = new Int32Array(this.instance.memory.buffer, at, ELEMENT_BYTES / 4);
    return modulo(fromLimbs(limbs) * inverseModulo(field.one, field.prime), field.prime);
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
