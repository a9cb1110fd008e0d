/**
 * What every fuzz test of a decoder starts with: seeded arbitraries of spoiled bytes, texts and JSON, and one demand.
 *
 * The demand: whatever comes in, a decoder answers with a value or throws a TacitError with a code; where an encoding is
 * canonical, the value gives back exactly the bytes that came in. Anything else is a crash. A case that does not end is
 * broken off by a watchdog outside JavaScript (node:vm), generous by orders of magnitude: it tells a hang from a slow
 * machine and measures nothing.
 *
 * TACIT_FUZZ_CASES (default 300) cases a decoder and TACIT_FUZZ_SEED steer a run; the seed is printed with a failure, and a
 * failing input is committed as an example beside its property.
 */
import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { TacitError } from '../../protocol/errors.js';

export const FUZZ_CASES = Number(process.env.TACIT_FUZZ_CASES ?? 300);
/** A fifth in the everyday run, all of them in a long one. */
export const COSTLY_CASES = FUZZ_CASES < 1_000 ? Math.ceil(FUZZ_CASES / 5) : FUZZ_CASES;
export const FUZZ_SEED = Number(process.env.TACIT_FUZZ_SEED ?? 20261121);
/** No decoder needs a second for anything; a shared machine may stop a process for some. */
const HANG_MS = 30_000;
/** vitest's limit of one test: all cases, and the slowest decoder takes some milliseconds a case. */
export const FUZZ_TEST_MS = 120_000 + 120 * FUZZ_CASES;
/** The same where every case takes a process of its own, a database that is flushed, or a request to a whole node: tenths of a second on a busy machine. */
export const SLOW_FUZZ_TEST_MS = 120_000 + 1_000 * FUZZ_CASES;
const CODE = /^[A-Z][A-Z0-9_]{2,}$/;

const settings = { seed: FUZZ_SEED, endOnFailure: true } as const;

/**
 * Runs `check` on every case.
 * @param examples inputs that once failed
 * @param cases fewer for what takes tens of milliseconds a case: see COSTLY_CASES
 */
export function fuzz<T>(arbitrary: fc.Arbitrary<T>, check: (input: T) => void, examples: readonly T[] = [], cases = FUZZ_CASES): void {
  const property = fc.property(arbitrary, (input) => bounded(() => check(input)));
  fc.assert(property, { ...settings, numRuns: cases + examples.length, examples: examples.map((input) => [input]) });
}

/** The same for decoders that answer later. */
export async function fuzzAsync<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (input: T) => Promise<void>,
  examples: readonly T[] = [],
  cases = FUZZ_CASES,
): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, check), {
    ...settings,
    numRuns: cases + examples.length,
    timeout: HANG_MS,
    examples: examples.map((input) => [input]),
  });
}

/** The value, or undefined where the input was refused as it should be. @throws whatever is no refusal */
export function refusedOr<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    assertRefusal(error);
    return undefined;
  }
}

export async function refusedOrLater<T>(decode: () => Promise<T>): Promise<T | undefined> {
  try {
    return await decode();
  } catch (error) {
    assertRefusal(error);
    return undefined;
  }
}

/** A refusal has a code, a sentence, and can be told over HTTP. */
export function assertRefusal(error: unknown): asserts error is TacitError {
  if (!(error instanceof TacitError)) throw new Error(`not a TacitError: ${describe(error)}`, { cause: error });
  if (!CODE.test(error.code) || error.message === '') throw new Error(`a refusal without a code: ${error.code} ${error.message}`);
  JSON.stringify(error);
}

/** decode, then encode: the same again. */
export function canonical<In, T>(
  decode: (input: In) => T,
  encode: (value: T) => In,
  same: (a: In, b: In) => boolean = equal,
): (input: In) => void {
  return (input) => {
    const value = refusedOr(() => decode(input));
    if (value !== undefined && !same(encode(value), input)) throw new Error('two spellings of one value were accepted');
  };
}

function equal(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

function bounded(run: () => void): void {
  const place = globalThis as { fuzzCase?: (() => void) | undefined };
  place.fuzzCase = run;
  try {
    runInThisContext('globalThis.fuzzCase()', { timeout: HANG_MS });
  } finally {
    place.fuzzCase = undefined;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

// ── bytes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

type Edit = (bytes: Uint8Array) => Uint8Array;

const place = fc.nat({ max: 0xffff_ffff });
const at = (where: number, bytes: Uint8Array): number => (bytes.length === 0 ? 0 : where % bytes.length);
const splice = (bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes.subarray(0, from), ...middle, ...bytes.subarray(to)]);

/** One change: a bit, a byte, a run of bytes, a cut, a repetition, a word at the edge of its range. */
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 7 })).map(
    ([where, bit]): Edit =>
      (bytes) => {
        const copy = bytes.slice();
        if (copy.length > 0) copy[at(where, copy)]! ^= 1 << bit;
        return copy;
      },
  ),
  fc.tuple(place, fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff)).map(
    ([where, byte]): Edit =>
      (bytes) => {
        const copy = bytes.slice();
        if (copy.length > 0) copy[at(where, copy)] = byte;
        return copy;
      },
  ),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(
    ([where, more]): Edit =>
      (bytes) =>
        splice(bytes, at(where, bytes), at(where, bytes), more),
  ),
  fc.tuple(place, fc.nat({ max: 40 })).map(
    ([where, count]): Edit =>
      (bytes) =>
        splice(bytes, at(where, bytes), Math.min(bytes.length, at(where, bytes) + count), new Uint8Array(0)),
  ),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.slice(0, at(where, bytes)),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (bytes) => {
        const [a, b] = [at(from, bytes), at(to, bytes)].sort((x, y) => x - y) as [number, number];
        return splice(bytes, b, b, bytes.slice(a, Math.min(b, a + 64)));
      },
  ),
  fc.tuple(place, fc.constantFrom(0x00, 0xff), fc.constantFrom(2, 4, 8, 32)).map(
    ([where, byte, width]): Edit =>
      (bytes) => {
        const copy = bytes.slice();
        copy.fill(byte, at(where, copy), Math.min(copy.length, at(where, copy) + width));
        return copy;
      },
  ),
);

/** Random bytes, and valid ones with one to four changes. */
export function spoiledBytes(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([bytes, edits]) => edits.reduce((b, change) => change(b), bytes));
  return fc.oneof(
    { weight: 6, arbitrary: changed },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
    { weight: 1, arbitrary: valid },
  );
}

// ── text ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Letters that have tripped parsers: case folds that change length, signs, exponents, separators, zero bytes, lone surrogates. */
const oddText = fc.constantFrom(
  '',
  ' ',
  '\0',
  '-',
  '+',
  '-0',
  '1e3',
  '0x',
  '1_000',
  '٣',
  '１',
  'İ',
  'ß',
  '\ud800',
  '\u202e',
  '\ufeff',
  ',',
  '"',
  '\r',
  '\n\n',
  '{',
  '[',
  '%',
  '..',
  '__proto__',
  'NaN',
  'Infinity',
);

export function spoiledText(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const changed = fc
    .tuple(
      valid,
      fc.array(
        fc.tuple(place, fc.nat({ max: 6 }), fc.oneof(oddText, fc.string({ maxLength: 6 }), fc.string({ maxLength: 3, unit: 'binary' }))),
        { minLength: 1, maxLength: 3 },
      ),
    )
    .map(([text, edits]) =>
      edits.reduce((now, [where, drop, more]) => {
        const from = now.length === 0 ? 0 : where % (now.length + 1);
        return now.slice(0, from) + more + now.slice(from + drop);
      }, text),
    );
  return fc.oneof(
    { weight: 6, arbitrary: changed },
    { weight: 1, arbitrary: fc.string({ maxLength: 300, unit: 'binary' }) },
    { weight: 1, arbitrary: oddText },
    { weight: 1, arbitrary: valid },
  );
}

// ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const deep = (levels: number, open: string, close: string): unknown => JSON.parse(open.repeat(levels) + close.repeat(levels));
/** Values that JSON can carry and that conversions trip over. */
const oddJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    1.5,
    2 ** 53,
    1e308,
    '',
    '0',
    '-1',
    '0x',
    '00',
    [],
    {},
    [null],
    [[]],
    '1'.repeat(400),
  ),
  fc.constantFrom<unknown>({ toString: 1 }, { valueOf: null, toString: null }, { length: 1e9 }, { toJSON: 1 }, { constructor: 1 }),
  fc.constantFrom<unknown>(JSON.parse('{"__proto__":{"x":1}}'), JSON.parse('{"__proto__":null}'), JSON.parse('{"then":1}')),
  fc.constantFrom<unknown>(deep(2_000, '[', ']')),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>,
);

/** A JSON value with one to three members replaced, left out, doubled, renamed or of spoiled text. */
export function spoiledJson(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({
    path: fc.array(place, { maxLength: 6 }),
    how: fc.nat({ max: 5 }),
    value: oddJson,
    text: fc.tuple(place, oddText),
  });
  const changed = fc
    .tuple(valid, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) =>
      changes.reduce((now, { path, how, value: other, text }) => altered(now, path, how, other, text), structuredClone(value)),
    );
  return fc.oneof({ weight: 8, arbitrary: changed }, { weight: 1, arbitrary: oddJson }, { weight: 1, arbitrary: valid });
}

function altered(value: unknown, path: readonly number[], how: number, other: unknown, text: readonly [number, string]): unknown {
  const [step, ...rest] = path;
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (step === undefined || keys.length === 0) {
    if (how === 0 && typeof value === 'string')
      return value.slice(0, text[0] % (value.length + 1)) + text[1] + value.slice(1 + (text[0] % (value.length + 1)));
    if (how === 1 && typeof value === 'string') return value.toUpperCase();
    if (how === 2 && typeof value === 'number') return -value;
    return other;
  }
  const key = keys[step % keys.length] as string;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  if (rest.length > 0 || how < 3) copy[key] = altered(copy[key], rest, how, other, text);
  else if (how === 3 && Array.isArray(copy)) copy.splice(step % keys.length, 1);
  else if (how === 3) delete copy[key];
  else if (how === 4 && Array.isArray(copy)) copy.push(copy[step % keys.length]);
  else if (how === 4) {
    copy[`${key} `] = copy[key];
    delete copy[key];
  } else copy[key] = other;
  return copy;
}

/** The same as a text, whose JSON may be broken too. */
export function spoiledJsonText(valid: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const whole = valid.map((value) => JSON.stringify(value));
  const nested = fc.constantFrom('[', '{"a":').map((open) => open.repeat(50_000));
  return fc.oneof(
    { weight: 12, arbitrary: spoiledJson(valid).map((value) => JSON.stringify(value)) },
    { weight: 6, arbitrary: spoiledText(whole) },
    { weight: 1, arbitrary: nested },
  );
}
