/**
 * A small WebAssembly assembler: expressions are byte strings, statements are appended to a function.
 *
 * Why our own: the kernels are written by loops over limbs, so a generator in the host language is the shortest
 * description of them, and an emitter of some hundred lines is smaller than any tool that would do it for us.
 *
 * Invariants: an `Expr` leaves exactly one value on the stack; a statement leaves none. Types are not checked here,
 * the engine's validator does that when the module is compiled.
 * Source: WebAssembly Core Specification 2.0, chapter 5 (binary format).
 */

/** Value types, by their binary code. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValueType = typeof I32 | typeof I64;

/** Bytes of an instruction sequence that leaves one value; nested, and laid flat when it joins a function. */
export type Expr = readonly (number | Expr)[];

/** Bytes of an instruction sequence that leaves two 64-bit values, the low half below the high one. */
export interface WideExpr {
  readonly bytes: Expr;
}

/** A local variable or parameter of a function. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
  /** The instruction that reads it, made once: most operands are locals. */
  readonly get: Expr;
}

/** What an operand may be: an expression, or a local to be read. */
export type Operand = Expr | Local;

/** A function of the module under construction. */
export interface FunctionRef {
  readonly index: number;
  readonly name: string;
}

/** A mutable 32-bit global of the module under construction. */
export interface GlobalRef {
  readonly index: number;
}

/** A branch target, valid inside the callback that receives it. */
export interface Label {
  readonly depth: number;
}

const END = 0x0b;
const FIRST_CODE_BYTES = 1024;

/** Unsigned LEB128. */
export function unsignedLeb(value: number): number[] {
  if (value < 0x80) return [value];
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return out;
}

/** Signed LEB128 of any integer up to 64 bits. */
export function signedLeb(value: bigint | number): number[] {
  if (typeof value === 'number' && value === (value | 0)) return signedLebOfWord(value);
  const out: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

/** Item `i`, which the generator knows to exist. */
export function at<T>(items: readonly T[], i: number): T {
  const item = items[i];
  if (item === undefined) throw new RangeError(`index ${i} outside of ${items.length} items`);
  return item;
}

/** The same for 32 bits, without big integers: most constants are small, and the module is emitted while somebody waits. */
function signedLebOfWord(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

/** The bytes that put an operand on the stack. */
export function read(operand: Operand): Expr {
  return 'get' in operand ? operand.get : operand;
}

const binary =
  (opcode: number) =>
  (a: Operand, b: Operand): Expr => [read(a), read(b), opcode];
const unary =
  (opcode: number) =>
  (a: Operand): Expr => [read(a), opcode];
const load =
  (opcode: number, alignment: number) =>
  (pointer: Operand, offset = 0): Expr => [read(pointer), opcode, alignment, unsignedLeb(offset)];
const store =
  (opcode: number, alignment: number) =>
  (pointer: Operand, value: Operand, offset = 0): Expr => [read(pointer), read(value), opcode, alignment, unsignedLeb(offset)];

/** 32-bit integer instructions. */
export const i32 = {
  const: (value: number): Expr => [0x41, ...signedLeb(value | 0)],
  load: load(0x28, 2),
  load8u: load(0x2d, 0),
  load16u: load(0x2f, 1),
  store: store(0x36, 2),
  store8: store(0x3a, 0),
  store16: store(0x3b, 1),
  eqz: unary(0x45),
  ctz: unary(0x68),
  eq: binary(0x46),
  ne: binary(0x47),
  ltU: binary(0x49),
  gtU: binary(0x4b),
  leU: binary(0x4d),
  geU: binary(0x4f),
  ltS: binary(0x48),
  gtS: binary(0x4a),
  geS: binary(0x4e),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shrS: binary(0x75),
  shrU: binary(0x76),
  wrap: unary(0xa7),
} as const;

/** 64-bit integer instructions. */
export const i64 = {
  const: (value: bigint | number): Expr => [0x42, ...signedLeb(typeof value === 'number' ? value : BigInt.asIntN(64, value))],
  load: load(0x29, 3),
  load32u: load(0x35, 2),
  load32s: load(0x34, 2),
  store: store(0x37, 3),
  store32: store(0x3e, 2),
  eqz: unary(0x50),
  eq: binary(0x51),
  ne: binary(0x52),
  ltU: binary(0x54),
  ltS: binary(0x53),
  geS: binary(0x59),
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  shl: binary(0x86),
  shrS: binary(0x87),
  shrU: binary(0x88),
  extendU: unary(0xad),
  extendS: unary(0xac),
} as const;

/** Opcode prefix of the wide-arithmetic instructions. */
const WIDE_PREFIX = 0xfc;

/** 128-bit instructions on pairs of 64-bit values. Source: WebAssembly wide-arithmetic proposal. */
export const wide = {
  add: (aLow: Operand, aHigh: Operand, bLow: Operand, bHigh: Operand): WideExpr => ({
    bytes: [read(aLow), read(aHigh), read(bLow), read(bHigh), WIDE_PREFIX, 0x13],
  }),
  sub: (aLow: Operand, aHigh: Operand, bLow: Operand, bHigh: Operand): WideExpr => ({
    bytes: [read(aLow), read(aHigh), read(bLow), read(bHigh), WIDE_PREFIX, 0x14],
  }),
  mulU: (a: Operand, b: Operand): WideExpr => ({ bytes: [read(a), read(b), WIDE_PREFIX, 0x16] }),
} as const;

/** The value of `whenTrue` if the condition is non-zero, else of `whenFalse`; both are evaluated. */
export function select(whenTrue: Operand, whenFalse: Operand, condition: Operand): Expr {
  return [read(whenTrue), read(whenFalse), read(condition), 0x1b];
}

export function getGlobal(global: GlobalRef): Expr {
  return [0x23, ...unsignedLeb(global.index)];
}

export function setGlobal(global: GlobalRef, value: Operand): Expr {
  return [read(value), 0x24, unsignedLeb(global.index)];
}

/** Appends nested bytes in their order. */
export function appendFlat(out: number[], bytes: Expr): void {
  for (const item of bytes) {
    if (typeof item === 'number') out.push(item);
    else appendFlat(out, item);
  }
}

function localAt(index: number, type: ValueType): Local {
  return { index, type, get: [0x20, ...unsignedLeb(index)] };
}

/** Instruction bytes in a buffer that grows: an array of numbers would be eight times as large. */
class Code {
  length = 0;
  private bytes = new Uint8Array(FIRST_CODE_BYTES);

  append(expression: Expr): void {
    for (const item of expression) {
      if (typeof item !== 'number') this.append(item);
      else this.push(item);
    }
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private push(byte: number): void {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = byte;
  }
}

/** Collects the body of one function. */
export class FunctionBuilder {
  private readonly code = new Code();
  private readonly extraLocals: ValueType[] = [];
  private depth = 0;

  constructor(
    private readonly params: readonly ValueType[],
    readonly ref: FunctionRef,
  ) {}

  param(index: number): Local {
    const type = this.params[index];
    if (type === undefined) throw new RangeError(`${this.ref.name} has no parameter ${index}`);
    return localAt(index, type);
  }

  local(type: ValueType): Local {
    this.extraLocals.push(type);
    return localAt(this.params.length + this.extraLocals.length - 1, type);
  }

  locals(type: ValueType, count: number): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** Appends a statement (an instruction sequence that leaves nothing), or the function's final value. */
  do(...statements: Expr[]): void {
    for (const statement of statements) this.code.append(statement);
  }

  set(local: Local, value: Operand): void {
    this.do([read(value), 0x21, unsignedLeb(local.index)]);
  }

  /** Fresh 64-bit locals for the low and the high half that a wide instruction leaves. */
  letWide(value: WideExpr): [low: Local, high: Local] {
    const [low, high] = [this.local(I64), this.local(I64)];
    this.do([value.bytes, 0x21, unsignedLeb(high.index), 0x21, unsignedLeb(low.index)]);
    return [low, high];
  }

  /** A fresh local that holds the value. */
  let(type: ValueType, value: Operand): Local {
    const local = this.local(type);
    this.set(local, value);
    return local;
  }

  /** `local = local + amount` for a 32-bit local. */
  increase(local: Local, amount: number | Operand): void {
    this.set(local, i32.add(local, typeof amount === 'number' ? i32.const(amount) : amount));
  }

  block(body: (exit: Label) => void): void {
    this.structured(0x02, body);
  }

  loop(body: (again: Label) => void): void {
    this.structured(0x03, body);
  }

  if(condition: Operand, then: () => void, otherwise?: () => void): void {
    this.do([read(condition), 0x04, 0x40]);
    this.depth++;
    then();
    if (otherwise) {
      this.do([0x05]);
      otherwise();
    }
    this.depth--;
    this.do([0x0b]);
  }

  branch(label: Label): void {
    this.do([0x0c, ...unsignedLeb(this.depth - label.depth)]);
  }

  branchIf(label: Label, condition: Operand): void {
    this.do([read(condition), 0x0d, ...unsignedLeb(this.depth - label.depth)]);
  }

  return(value?: Operand): void {
    this.do([value ? read(value) : [], 0x0f]);
  }

  /** Runs the body while the condition holds, testing it before each turn. */
  while(condition: () => Operand, body: () => void): void {
    this.block((exit) => {
      this.loop((again) => {
        this.branchIf(exit, i32.eqz(condition()));
        body();
        this.branch(again);
      });
    });
  }

  /** The bytes of the code section's entry. */
  encode(): Uint8Array {
    const head = [...unsignedLeb(this.extraLocals.length), ...this.extraLocals.flatMap((type) => [1, type])];
    const size = unsignedLeb(head.length + this.code.length + 1);
    const entry = new Uint8Array(size.length + head.length + this.code.length + 1);
    entry.set(size);
    entry.set(head, size.length);
    entry.set(this.code.view(), size.length + head.length);
    entry[entry.length - 1] = END;
    return entry;
  }

  private structured(opcode: number, body: (label: Label) => void): void {
    this.do([opcode, 0x40]);
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.do([0x0b]);
  }
}

/** A call of a function; leaves the function's result, if it has one. */
export function call(target: FunctionRef, ...args: Operand[]): Expr {
  return [...args.map((argument) => read(argument)), 0x10, unsignedLeb(target.index)];
}

/** Copies a multiple of four bytes, eight at a time. */
export function copyBytes(f: FunctionBuilder, d: Operand, a: Operand, bytes: number): void {
  for (let offset = 0; offset + 8 <= bytes; offset += 8) f.do(i64.store(d, i64.load(a, offset), offset));
  if (bytes % 8 !== 0) f.do(i32.store(d, i32.load(a, bytes - 4), bytes - 4));
}
