/**
 * r1cs files: header, constraints, and a checker of our own that says which constraint a witness breaks first.
 *
 * A constraint is (Σ a_i·w_i)·(Σ b_i·w_i) = Σ c_i·w_i over the BN254 scalar field, w_0 = 1. Source of the format:
 * iden3's r1cs binary format, version 1. Constraints stay in the file's bytes and are read as they are needed; a
 * parsed copy of a large circuit would not fit.
 */
import { TacitError } from '../protocol/errors.js';
import { FIELD_MODULUS } from '../protocol/field.js';
import { readSections, readUint256, requireSection, type Section } from './binfile.js';

export interface R1csHeader {
  readonly wires: number;
  readonly outputs: number;
  readonly publicInputs: number;
  readonly privateInputs: number;
  readonly constraints: number;
}

/** One of A, B, C of a constraint: wire and coefficient, in file order. */
export type LinearCombination = readonly (readonly [wire: number, coefficient: bigint])[];

export interface Constraint {
  readonly a: LinearCombination;
  readonly b: LinearCombination;
  readonly c: LinearCombination;
}

const SECTION_HEADER = 1;
const SECTION_CONSTRAINTS = 2;
const SECTION_LABELS = 3;
const FIELD_BYTES = 32;
/** Width and modulus of the field, then seven words. */
const HEADER_BYTES = 4 + FIELD_BYTES + 7 * 4;
const LABEL_BYTES = 8;
/** In front of the terms of each of A, B, C. */
const COUNT_BYTES = 4;

export class R1cs {
  readonly header: R1csHeader;
  readonly #view: DataView;
  readonly #labels: number;
  /** Byte offset of each constraint, and the end of the last. */
  readonly #offsets: Float64Array;
  #uses: Map<number, number[]> | undefined;

  /** @throws TacitError FILE_FORMAT when it is not an r1cs file over the BN254 scalar field */
  constructor(bytes: Uint8Array) {
    const sections = readSections(bytes, 'r1cs');
    const { offset: head, length: headLength } = requireSection(sections, SECTION_HEADER, 'r1cs');
    if (headLength < HEADER_BYTES) throw truncated('a whole header');
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const view = this.#view;
    if (view.getUint32(head, true) !== FIELD_BYTES || readUint256(view, head + 4) !== FIELD_MODULUS) {
      throw new TacitError('FILE_FORMAT', 'r1cs over another field', { expected: 'the BN254 scalar field' });
    }
    const word = (i: number): number => view.getUint32(head + 4 + FIELD_BYTES + 4 * i, true);
    // Words 4 and 5 are the 64-bit count of labels.
    this.header = { wires: word(0), outputs: word(1), publicInputs: word(2), privateInputs: word(3), constraints: word(6) };
    const labels = requireSection(sections, SECTION_LABELS, 'r1cs');
    if (labels.length < LABEL_BYTES * this.header.wires) throw truncated(`${this.header.wires} labels`);
    this.#labels = labels.offset;
    this.#offsets = constraintOffsets(view, requireSection(sections, SECTION_CONSTRAINTS, 'r1cs'), this.header.constraints);
  }

  constraint(index: number): Constraint {
    let offset = this.#offsets[index]!;
    const next = (): LinearCombination => {
      const terms: [number, bigint][] = [];
      const count = this.#view.getUint32(offset, true);
      offset += 4;
      for (let i = 0; i < count; i++, offset += 4 + FIELD_BYTES) {
        terms.push([this.#view.getUint32(offset, true), readUint256(this.#view, offset + 4)]);
      }
      return terms;
    };
    return { a: next(), b: next(), c: next() };
  }

  /** The compiler's label of a wire; `.sym` files name labels. */
  label(wire: number): number {
    return Number(this.#view.getBigUint64(this.#labels + LABEL_BYTES * wire, true));
  }

  /** Constraints in which a wire has a coefficient, ascending. */
  uses(wire: number): readonly number[] {
    this.#uses ??= this.#indexUses();
    return this.#uses.get(wire) ?? [];
  }

  /** Index of the first constraint that the witness breaks, of all or of the given ones; -1 when it breaks none. */
  firstBroken(witness: readonly bigint[], among?: Iterable<number>): number {
    if (witness.length !== this.header.wires) {
      throw new TacitError('WITNESS_LENGTH', 'witness does not fit the circuit', {
        expected: `${this.header.wires} wires`,
        got: String(witness.length),
      });
    }
    if (witness[0] !== 1n) throw new TacitError('WITNESS_ONE', 'wire 0 is not one', { expected: '1', got: String(witness[0]) });
    for (const index of among ?? this.#indices()) {
      const { a, b, c } = this.constraint(index);
      if ((evaluate(a, witness) * evaluate(b, witness) - evaluate(c, witness)) % FIELD_MODULUS !== 0n) return index;
    }
    return -1;
  }

  *#indices(): Generator<number> {
    for (let i = 0; i < this.header.constraints; i++) yield i;
  }

  #indexUses(): Map<number, number[]> {
    const uses = new Map<number, number[]>();
    for (let index = 0; index < this.header.constraints; index++) {
      let offset = this.#offsets[index]!;
      for (let part = 0; part < 3; part++) {
        const count = this.#view.getUint32(offset, true);
        offset += 4;
        for (let i = 0; i < count; i++, offset += 4 + FIELD_BYTES) {
          const wire = this.#view.getUint32(offset, true);
          const list = uses.get(wire);
          if (list === undefined) uses.set(wire, [index]);
          else if (list[list.length - 1] !== index) list.push(index);
        }
      }
    }
    return uses;
  }
}

/** Byte offset of each constraint, and the end of the last. @throws TacitError FILE_FORMAT where they run past the section */
function constraintOffsets(view: DataView, section: Section, count: number): Float64Array {
  if (count * 3 * COUNT_BYTES > section.length) throw truncated(`${count} constraints`);
  const offsets = new Float64Array(count + 1);
  const end = section.offset + section.length;
  let offset = section.offset;
  for (let i = 0; i < count; i++) {
    offsets[i] = offset;
    for (let part = 0; part < 3; part++) {
      if (offset + COUNT_BYTES > end) throw truncated(`${count} constraints`);
      offset += COUNT_BYTES + view.getUint32(offset, true) * (4 + FIELD_BYTES);
    }
    if (offset > end) throw truncated(`${count} constraints`);
  }
  offsets[count] = offset;
  return offsets;
}

function truncated(expected: string): TacitError {
  return new TacitError('FILE_FORMAT', 'r1cs file is truncated', { expected });
}

function evaluate(terms: LinearCombination, witness: readonly bigint[]): bigint {
  let sum = 0n;
  for (const [wire, coefficient] of terms) sum += coefficient * witness[wire]!;
  return sum % FIELD_MODULUS;
}
