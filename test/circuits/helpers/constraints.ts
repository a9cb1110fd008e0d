/**
 * All constraints of a circuit, read once and kept, for tests that judge many witnesses. `R1cs.firstBroken` is the slow
 * twin, which reads the file's bytes anew; constraints.test.ts compares them.
 */
import type { R1cs } from '../../../circuits/r1cs.js';
import { FIELD_MODULUS } from '../../../protocol/field.js';

export class Constraints {
  readonly count: number;
  /** Terms of A, B, C of constraint i are those from #ends[3i − 1] to #ends[3i + 2]. */
  readonly #ends: Uint32Array;
  readonly #wires: number[] = [];
  readonly #coefficients: bigint[] = [];

  constructor(r1cs: R1cs) {
    this.count = r1cs.header.constraints;
    this.#ends = new Uint32Array(3 * this.count);
    for (let i = 0; i < this.count; i++) {
      const { a, b, c } = r1cs.constraint(i);
      for (const [part, terms] of [a, b, c].entries()) {
        for (const [wire, coefficient] of terms) {
          this.#wires.push(wire);
          // Small negative factors are written as p − x in the file; as −x they multiply faster.
          this.#coefficients.push(coefficient > FIELD_MODULUS / 2n ? coefficient - FIELD_MODULUS : coefficient);
        }
        this.#ends[3 * i + part] = this.#wires.length;
      }
    }
  }

  isBroken(i: number, witness: readonly bigint[]): boolean {
    const a = this.#value(3 * i, witness);
    const b = a === 0n ? 0n : this.#value(3 * i + 1, witness);
    return (a * b - this.#value(3 * i + 2, witness)) % FIELD_MODULUS !== 0n;
  }

  broken(witness: readonly bigint[], among: Iterable<number> = this.#all()): number[] {
    const found: number[] = [];
    for (const i of among) if (this.isBroken(i, witness)) found.push(i);
    return found;
  }

  #value(part: number, witness: readonly bigint[]): bigint {
    let sum = 0n;
    for (let t = part === 0 ? 0 : this.#ends[part - 1]!; t < this.#ends[part]!; t++) {
      const value = witness[this.#wires[t]!]!;
      if (value !== 0n) sum += this.#coefficients[t]! * value;
    }
    return sum % FIELD_MODULUS;
  }

  *#all(): Generator<number> {
    for (let i = 0; i < this.count; i++) yield i;
  }
}
