/**
 * From a circuit's inputs to its witness: a driver of our own for the WebAssembly that circom generates.
 *
 * The generated module takes inputs one field element at a time through a shared buffer of eight 32-bit words, names
 * signals by the 64-bit FNV-1a hash of their name, computes as soon as the last input is set, and reports a failed
 * assertion through callbacks. The buffer is used in the module's own memory, at eight words a step: the functions that
 * the module offers for single words would be called millions of times. An instance keeps error text between calls, so
 * every call has an instance of its own; the compiled program is kept, with an inversion of our own in it (`program.ts`).
 *
 * Runs in Node and in browsers (there: pass bytes). Stricter than the calculator that circom ships: an input outside
 * [0, p) is refused instead of being reduced, so that no two inputs mean the same.
 */
import { TacitError } from '../protocol/errors.js';
import { FIELD_MODULUS } from '../protocol/field.js';
import { withFasterInverse } from './program.js';
import { encodeWtns } from './wtns.js';

/** By signal name: decimal strings, integers or bigints, nested to the signal's shape. */
export type WitnessInput = Readonly<Record<string, unknown>>;

interface CircomExports {
  init(sanityCheck: number): void;
  getFieldNumLen32(): number;
  getRawPrime(): void;
  getWitnessSize(): number;
  getInputSize(): number;
  getInputSignalSize(hashHigh: number, hashLow: number): number;
  readonly memory: WebAssembly.Memory;
  /** Address of the shared buffer. */
  getSharedRWMemoryStart(): number;
  setInputSignal(hashHigh: number, hashLow: number, index: number): void;
  getWitness(index: number): void;
  getMessageChar(): number;
}

/** Meaning of the codes that generated code passes to its exception handler. Source: circom's WASM generator. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'signal not found',
  2: 'too many signals set',
  3: 'signal already set',
  4: 'assertion failed',
  5: 'not enough memory',
  6: 'input signal array too long',
  7: 'array access out of bounds',
};
const ASSERTION_FAILED = 4;
const WORDS = 8;
const WORD_BITS = 32n;
const WORD_MASK = 0xffffffffn;

/**
 * @param wasm bytes of the generated module, or (Node only) a path
 * @param input every input signal of the circuit, no others
 * @returns the bytes of a .wtns file
 * @throws TacitError WITNESS_ASSERTION with the failing line's template and number, when no witness exists for this input;
 *   WITNESS_INPUT for a missing, unknown or misshapen signal; WITNESS_INPUT_RANGE for a value outside [0, p)
 */
export async function calculateWitness(wasm: string | Uint8Array, input: WitnessInput): Promise<Uint8Array> {
  const exports = await instantiate(typeof wasm === 'string' ? await programAt(wasm) : await compile(wasm));
  exports.init(0);
  let set = 0;
  for (const [name, value] of Object.entries(input)) set += setSignal(exports, name, flatten(value, []));
  if (set < exports.getInputSize())
    throw new TacitError('WITNESS_INPUT', 'inputs are missing', { expected: `${exports.getInputSize()} values`, got: String(set) });
  return encodeWtns(readWitness(exports));
}

/** Compiled programs by the array that holds them: a caller that keeps its bytes pays for optimised code once. */
const programs = new WeakMap<Uint8Array, Promise<WebAssembly.Module>>();

function compile(bytes: Uint8Array): Promise<WebAssembly.Module> {
  let program = programs.get(bytes);
  if (program === undefined) {
    program = WebAssembly.compile(withFasterInverse(bytes) as Uint8Array<ArrayBuffer>);
    programs.set(bytes, program);
  }
  return program;
}

/** Bytes of program files, as they were when their modification time and size were these. */
const files = new Map<string, { readonly version: string; readonly bytes: Uint8Array }>();

/** Reads and compiles the program at a path, so that the first witness does not wait for it. @throws TacitError ARTIFACT_MISSING */
export async function prepareWitness(path: string): Promise<void> {
  await programAt(path);
}

/** The program in a file, compiled once for every version of the file. The only use of Node here, loaded on demand so that browsers can bundle this file. */
async function programAt(path: string): Promise<WebAssembly.Module> {
  const { readFile, stat } = await import('node:fs/promises');
  try {
    const { mtimeMs, size, ino } = await stat(path);
    const version = `${mtimeMs} ${size} ${ino}`;
    let file = files.get(path);
    if (file?.version !== version) {
      file = { version, bytes: await readFile(path) };
      files.set(path, file);
    }
    return await compile(file.bytes);
  } catch (cause) {
    throw new TacitError('ARTIFACT_MISSING', 'witness program cannot be read', { expected: path, cause });
  }
}

async function instantiate(program: WebAssembly.Module): Promise<CircomExports> {
  const messages: string[] = [];
  const instance = await WebAssembly.instantiate(program, {
    runtime: {
      exceptionHandler(code: number): never {
        const what = EXCEPTIONS[code] ?? `exception ${code}`;
        throw new TacitError(code === ASSERTION_FAILED ? 'WITNESS_ASSERTION' : 'WITNESS_INPUT', [what, ...messages].join('; '));
      },
      printErrorMessage: () => messages.push(message()),
      // log() in a circuit: read, so that the buffer empties, and dropped.
      writeBufferMessage: () => message(),
      showSharedRWMemory: () => {},
    },
  });
  const exports = instance.exports as unknown as CircomExports;
  function message(): string {
    let text = '';
    for (let char = exports.getMessageChar(); char !== 0; char = exports.getMessageChar()) text += String.fromCharCode(char);
    return text.trim();
  }
  exports.getRawPrime();
  if (exports.getFieldNumLen32() !== WORDS || readShared(exports) !== FIELD_MODULUS) {
    throw new TacitError('WITNESS_FIELD', 'circuit over another field', { expected: 'the BN254 scalar field' });
  }
  return exports;
}

/** @returns how many values the signal has */
function setSignal(exports: CircomExports, name: string, values: readonly bigint[]): number {
  const hash = fnv1a64(name);
  const shared = sharedBuffer(exports);
  const [high, low] = [Number(hash >> WORD_BITS), Number(hash & WORD_MASK)];
  const size = exports.getInputSignalSize(high, low);
  if (size < 0) throw new TacitError('WITNESS_INPUT', 'no such input signal', { got: name });
  if (size !== values.length)
    throw new TacitError('WITNESS_INPUT', `input signal ${name} has the wrong size`, {
      expected: String(size),
      got: String(values.length),
    });
  values.forEach((value, index) => {
    if (value < 0n || value >= FIELD_MODULUS)
      throw new TacitError('WITNESS_INPUT_RANGE', `input signal ${name}[${index}] is not a field element`, { expected: '0 ≤ x < p' });
    for (let word = 0, rest = value; word < WORDS; word++, rest >>= WORD_BITS) shared[word] = Number(rest & WORD_MASK);
    exports.setInputSignal(high, low, index);
  });
  return values.length;
}

/** The shared buffer's words; the generated module's memory does not grow. */
function sharedBuffer({ memory, getSharedRWMemoryStart }: CircomExports): Uint32Array {
  return new Uint32Array(memory.buffer, getSharedRWMemoryStart(), WORDS);
}

function readWitness(exports: CircomExports): Uint8Array {
  const { getWitness } = exports;
  const count = exports.getWitnessSize();
  const shared = sharedBuffer(exports);
  const words = new Uint32Array(count * WORDS);
  for (let i = 0, at = 0; i < count; i++) {
    getWitness(i);
    // Word by word: copying views costs more than eight stores.
    for (let word = 0; word < WORDS; word++) words[at++] = shared[word] as number;
  }
  return new Uint8Array(words.buffer);
}

function readShared(exports: CircomExports): bigint {
  return [...sharedBuffer(exports)].reduceRight((value, word) => (value << WORD_BITS) | BigInt(word), 0n);
}

function flatten(value: unknown, into: bigint[]): bigint[] {
  if (Array.isArray(value)) for (const item of value) flatten(item, into);
  else into.push(toBigint(value));
  return into;
}

function toBigint(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^\d+$/.test(value)) return BigInt(value);
  throw new TacitError('WITNESS_INPUT', 'input value is not a non-negative integer', {
    expected: 'a decimal string, an integer or a bigint',
  });
}

/** FNV-1a, 64 bits; the names are ASCII. */
function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  return hash;
}
