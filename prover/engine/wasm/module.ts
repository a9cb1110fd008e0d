/**
 * Puts functions, one imported memory and data segments together into the bytes of a WebAssembly module.
 *
 * Invariants: function indices are given in the order of definition, so the same generator always emits the same
 * bytes and the module can be pinned by its hash.
 * Source: WebAssembly Core Specification 2.0, section 5.5 (modules).
 */
import {
  appendFlat,
  type Expr,
  FunctionBuilder,
  type FunctionRef,
  type GlobalRef,
  I32,
  i32,
  unsignedLeb,
  type ValueType,
} from './assembler.js';

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const LIMIT_SHARED_WITH_MAXIMUM = 3;
const MUTABLE = 1;
const LIMIT_WITH_MAXIMUM = 1;

interface DataSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Limits of the imported memory, in pages of 64 KiB. */
export interface MemoryLimits {
  readonly initialPages: number;
  readonly maximumPages: number;
  readonly shared: boolean;
}

export class ModuleBuilder {
  private readonly types: { params: readonly ValueType[]; results: readonly ValueType[] }[] = [];
  private readonly functions: FunctionBuilder[] = [];
  private readonly exported: FunctionRef[] = [];
  private readonly data: DataSegment[] = [];
  private dataEnd: number;
  private globals = 0;

  constructor(dataStart: number) {
    this.dataEnd = dataStart;
  }

  /** Defines and exports a function. */
  func(name: string, params: readonly ValueType[], results: readonly ValueType[], body: (f: FunctionBuilder) => void): FunctionRef {
    const ref: FunctionRef = { index: this.functions.length, name };
    const builder = new FunctionBuilder(params, ref);
    this.types.push({ params, results });
    this.functions.push(builder);
    this.exported.push(ref);
    body(builder);
    return ref;
  }

  /** A mutable 32-bit global of the instance, zero at first. */
  global(): GlobalRef {
    return { index: this.globals++ };
  }

  /** Places constant bytes in memory and returns their address, a multiple of 16. */
  constant(bytes: Uint8Array): number {
    const address = this.reserve(bytes.length);
    this.data.push({ address, bytes });
    return address;
  }

  /** Reserves zeroed static space; for scratch that only one thread touches use the caller's own memory instead. */
  reserve(sizeBytes: number): number {
    const address = (this.dataEnd + 15) & ~15;
    this.dataEnd = address + sizeBytes;
    return address;
  }

  /** First address behind the constants. */
  get end(): number {
    return (this.dataEnd + 15) & ~15;
  }

  encode(memory: MemoryLimits): Uint8Array<ArrayBuffer> {
    const parts: (readonly number[] | Uint8Array)[] = [MAGIC_AND_VERSION];
    const section = (id: number, content: readonly (readonly number[] | Uint8Array)[]): void => {
      const size = content.reduce((sum, part) => sum + part.length, 0);
      parts.push([id, ...unsignedLeb(size)], ...content);
    };
    const vector = (items: readonly (readonly number[] | Uint8Array)[]): (readonly number[] | Uint8Array)[] => [
      unsignedLeb(items.length),
      ...items,
    ];
    const bytes = (items: number[][]): number[] => [...unsignedLeb(items.length), ...items.flat()];
    section(1, vector(this.types.map((t) => [0x60, ...bytes(t.params.map((p) => [p])), ...bytes(t.results.map((r) => [r]))])));
    const limits = memory.shared ? LIMIT_SHARED_WITH_MAXIMUM : LIMIT_WITH_MAXIMUM;
    section(
      2,
      vector([[...name('env'), ...name('memory'), 2, limits, ...unsignedLeb(memory.initialPages), ...unsignedLeb(memory.maximumPages)]]),
    );
    section(3, vector(this.types.map((_, index) => unsignedLeb(index))));
    section(6, vector(Array.from({ length: this.globals }, () => [I32, MUTABLE, ...flat(i32.const(0)), 0x0b])));
    section(7, vector(this.exported.map((f) => [...name(f.name), 0, ...unsignedLeb(f.index)])));
    section(10, vector(this.functions.map((f) => f.encode())));
    section(11, vector(this.data.map((d) => [0, ...flat(i32.const(d.address)), 0x0b, ...unsignedLeb(d.bytes.length), ...d.bytes])));
    return concatenate(parts);
  }
}

function concatenate(parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function flat(expression: Expr): number[] {
  const out: number[] = [];
  appendFlat(out, expression);
  return out;
}

/** A name of ASCII letters. */
function name(text: string): number[] {
  return [...unsignedLeb(text.length), ...Array.from(text, (letter) => letter.charCodeAt(0))];
}
