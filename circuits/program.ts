/**
 * Puts a faster inversion into the program that circom generates.
 *
 * circom's programs divide by an extended Euclidean algorithm on long integers, whose quotients are found digit by digit: in a
 * transfer, whose signatures are full of affine additions, that is most of the witness' time. Its one function is told by its
 * name in the module's name section and gets a body of the prover engine's making; all else stays as it is, byte for byte.
 * A program without such a function, or with another signature, is left alone.
 * Source: WebAssembly Core Specification 2.0, chapter 5 (modules) and section 7.4 (names).
 */
import { SCALAR_FIELD } from '../prover/engine/field/parameters.js';
import { portableArithmetic } from '../prover/engine/field/portable/arithmetic.js';
import { emitInverse } from '../prover/engine/field/portable/inversion.js';
import { portableParameters } from '../prover/engine/field/portable/parameters.js';
import { FunctionBuilder, I32, unsignedLeb } from '../prover/engine/wasm/assembler.js';

/** (x, modulus, result): result = 1/x for 32 little-endian bytes x below the modulus, which is always the field's. */
const INVERSE = 'Fr_int_inverseMod';
const PARAMETERS = [I32, I32, I32];
const HEADER_BYTES = 8;
const SECTION = { custom: 0, types: 1, imports: 2, functions: 3, code: 10 } as const;
const FUNCTION_TYPE = 0x60;
const FUNCTION_NAMES = 1;
const IMPORTED = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** Steps through a module's bytes. @throws RangeError at their end */
class Cursor {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('the module ends too early');
    return value;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new RangeError('the module ends too early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text(): string {
    return new TextDecoder().decode(this.take(this.number()));
  }

  get ended(): boolean {
    return this.at >= this.bytes.length;
  }
}

interface Section {
  readonly id: number;
  /** Where its header begins. */
  readonly at: number;
  readonly content: Uint8Array;
}

/** A program with the faster inversion where it can have it; the same bytes where it cannot. */
export function withFasterInverse(program: Uint8Array): Uint8Array {
  try {
    const sections = sectionsOf(program);
    const target = functionNamed(sections, INVERSE);
    return target === undefined ? program : withBody(program, sections, target - importedFunctions(sections));
  } catch (error) {
    // What is no module is refused by who compiles it.
    if (error instanceof RangeError) return program;
    throw error;
  }
}

function sectionsOf(program: Uint8Array): Section[] {
  const cursor = new Cursor(program, HEADER_BYTES);
  const sections: Section[] = [];
  while (!cursor.ended) {
    const at = cursor.at;
    const id = cursor.byte();
    sections.push({ id, at, content: cursor.take(cursor.number()) });
  }
  return sections;
}

function contentOf(sections: readonly Section[], id: number): Cursor {
  return new Cursor(sections.find((section) => section.id === id)?.content ?? new Uint8Array(1));
}

/** The index of the function of this name, imported ones counted, if it has the signature of the inversion. */
function functionNamed(sections: readonly Section[], name: string): number | undefined {
  for (const { id, content } of sections) {
    const cursor = new Cursor(content);
    if (id !== SECTION.custom || cursor.text() !== 'name') continue;
    while (!cursor.ended) {
      const kind = cursor.byte();
      const names = new Cursor(cursor.take(cursor.number()));
      if (kind !== FUNCTION_NAMES) continue;
      for (let left = names.number(); left > 0; left--) {
        const index = names.number();
        if (names.text() === name) return hasSignature(sections, index - importedFunctions(sections)) ? index : undefined;
      }
    }
  }
  return undefined;
}

function hasSignature(sections: readonly Section[], defined: number): boolean {
  const types = contentOf(sections, SECTION.types);
  const signatures = Array.from({ length: types.number() }, () => {
    if (types.byte() !== FUNCTION_TYPE) throw new RangeError('not the type of a function');
    // A Buffer would become a string of its characters.
    return [types.take(types.number()), types.take(types.number())].map((list) => [...list].join()).join(' → ');
  });
  const functions = contentOf(sections, SECTION.functions);
  const used = Array.from({ length: functions.number() }, () => functions.number());
  return signatures[used[defined] ?? -1] === `${PARAMETERS} → `;
}

function importedFunctions(sections: readonly Section[]): number {
  const cursor = contentOf(sections, SECTION.imports);
  let count = 0;
  for (let left = cursor.number(); left > 0; left--) {
    cursor.text();
    cursor.text();
    const kind = cursor.byte();
    if (kind === IMPORTED.function) {
      cursor.number();
      count++;
    } else if (kind === IMPORTED.global) cursor.take(2);
    else {
      if (kind === IMPORTED.table) cursor.byte();
      const limits = cursor.byte();
      cursor.number();
      if (limits & 1) cursor.number();
    }
  }
  return count;
}

/** The program with another body for its n-th own function. */
function withBody(program: Uint8Array, sections: readonly Section[], n: number): Uint8Array {
  const code = sections.find(({ id }) => id === SECTION.code);
  if (!code) return program;
  const cursor = new Cursor(code.content);
  const count = cursor.number();
  if (n < 0 || n >= count) return program;
  for (let i = 0; i < n; i++) cursor.take(cursor.number());
  const before = code.content.subarray(0, cursor.at);
  cursor.take(cursor.number());
  const parts = [before, inverseBody(), code.content.subarray(cursor.at)];
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const end = code.content.byteOffset - program.byteOffset + code.content.length;
  return concatenate([program.subarray(0, code.at), Uint8Array.of(SECTION.code, ...unsignedLeb(size)), ...parts, program.subarray(end)]);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

let body: Uint8Array | undefined;

/** The new body as the code section has it, its size before it. */
function inverseBody(): Uint8Array {
  if (body) return body;
  const arithmetic = portableArithmetic(SCALAR_FIELD);
  const f = new FunctionBuilder(PARAMETERS as (typeof I32)[], { index: 0, name: INVERSE });
  arithmetic.pack(f, f.param(2), emitInverse(f, portableParameters(SCALAR_FIELD), arithmetic.unpack(f, f.param(0))));
  body = f.encode();
  return body;
}
