/**
 * One Groth16 proof on a loaded key.
 *
 *   1. the witness enters Montgomery form; its integers are split, and their halves get the digit offset;
 *   2. A·w and B·w by rows, C = A∘B; each is taken to the coset; quotient (A·B − C) there gives the scalars of H;
 *   3. multi-exponentiations, cut into windows; those of A and B run while (2) is under way, C and H are one;
 *      a helper (a GPU) may compute those of G1 meanwhile, and what it fails at comes back to the pool;
 *   4. A = α + Σ w·A + r·δ,  B = β + Σ w·B + s·δ,  C = Σ w·C + Σ h·H + s·A + r·B1 − r·s·δ.
 * Source: Groth, "On the size of pairing-based non-interactive arguments" (2016), with snarkjs' choice of the coset.
 */
import { BASE_FIELD, FILE_MONTGOMERY_BITS, PACKED_BYTES } from '../field/parameters.js';
import { kernel } from '../instance.js';
import { chooseWindowBits, digitOffset, windowCount } from '../msm/plan.js';
import { toCoset } from '../ntt/plan.js';
import type { KernelCall, Task } from '../pool/task.js';
import { writeInteger } from './container.js';
import type { SumHelper, SumPoint } from './helper.js';
import type { LoadedKey } from './key.js';
import { BASE_CURVES, BASE_NAMES, type BaseName } from './layout.js';
import { PointCalculator } from './points.js';

/** The blinding scalars of one proof. */
export interface Blinding {
  readonly r: bigint;
  readonly s: bigint;
}

/** Affine coordinates of the proof's points; undefined stands for infinity. */
export interface ProofPoints {
  readonly a: bigint[] | undefined;
  readonly b: bigint[] | undefined;
  readonly c: bigint[] | undefined;
}

export interface RunOptions {
  readonly threads: number;
  /** Throws when the proof is no longer wanted; asked before each stage. */
  readonly assertWanted: () => void;
  readonly onStep: (phase: string, elapsedMs: number, doneSteps: number, allSteps: number) => void;
  readonly helper?: SumHelper | undefined;
  /** For the helper: what `assertWanted` asks. */
  readonly signal?: AbortSignal | undefined;
  /** The helper has computed this sum. */
  readonly onHelped?: (name: BaseName) => void;
}

/** Work on the quotient goes first: everything of H waits for it. */
const PRIORITY = { quotient: 2, witness: 1 } as const;
/** Pieces of a pointwise pass for each thread. */
const PIECES_PER_THREAD = 2;
/** So few bases are one task: their windows take less time than a message. */
const FEW_BASES = 1024;
/** A scalar of more than this many low bytes counts as large. */
const SMALL_SCALAR_BYTES = 2;

/** What the helper has computed. */
type HelpedSums = Map<BaseName, SumPoint>;

/** Waits for everything, also after a failure, and then throws the first failure. */
async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Submits the proof's tasks and counts them.
 * After a failure or an abort nothing more is submitted: the next proof on this memory must not meet stragglers.
 */
class Steps {
  private done = 0;
  private all = 0;
  private stopped: { readonly reason: unknown } | undefined;

  constructor(
    private readonly key: LoadedKey,
    private readonly options: RunOptions,
  ) {}

  async run(phase: string, tasks: readonly Task[], priority: number): Promise<void> {
    if (this.stopped) throw this.stopped.reason;
    this.options.assertWanted();
    this.all += tasks.length;
    await settleAll(
      tasks.map(async (task) => {
        const elapsedMs = await this.key.pool.submit(task, priority).catch((reason: unknown) => this.stop(reason));
        this.options.onStep(phase, elapsedMs, ++this.done, this.all);
      }),
    );
  }

  /**
   * Offers a sum to the helper; its result goes into `helped`.
   * @returns false where the pool has to compute it
   */
  async offer(name: BaseName, packed: number, helped: HelpedSums): Promise<boolean> {
    const { helper, signal, onStep, onHelped } = this.options;
    if (!helper?.takes(name)) return false;
    this.all++;
    const sum = await helper.sum(name, () => gatherScalars(this.key, name, packed), signal).catch(() => undefined);
    onStep(`${name} ${helper.backend}`, sum?.elapsedMs ?? 0, ++this.done, this.all);
    if (!sum) return false;
    helped.set(name, sum.point);
    onHelped?.(name);
    return true;
  }

  private stop(reason: unknown): never {
    if (!this.stopped) {
      this.stopped = { reason };
      void this.key.pool.cancel(reason);
    }
    throw reason;
  }

  /** Announces steps that will be submitted later, so that progress does not jump back. */
  expect(count: number): void {
    this.all += count;
  }

  arrived(count: number): void {
    this.all -= count;
  }
}

/** How many scalars have more than their lowest bytes set; the witness must stand in its place. */
function countLarge(key: LoadedKey, name: BaseName): number {
  const { words } = key.instance;
  const values = key.layout.witnessPacked / 4;
  const indices = key.layout.indices[name] / 4;
  const low = 2 ** (8 * SMALL_SCALAR_BYTES);
  let large = 0;
  for (let i = 0; i < key.counts[name]; i++) {
    const at = values + 8 * (words[indices + i] as number);
    if ((words[at] as number) >= low || words[at + 1] !== 0 || words[at + 2] !== 0 || words[at + 7] !== 0) large++;
  }
  return large;
}

/** A copy of the scalars of the bases that were kept, from integers without digit offset. */
function gatherScalars(key: LoadedKey, name: BaseName, packed: number): Uint8Array {
  const { words } = key.instance;
  const values = packed / 4;
  const indices = key.layout.indices[name] / 4;
  const scalarWords = PACKED_BYTES / 4;
  const gathered = new Uint32Array(scalarWords * key.counts[name]);
  for (let i = 0, to = 0; to < gathered.length; i++) {
    const from = values + scalarWords * (words[indices + i] as number);
    for (let word = 0; word < scalarWords; word++) gathered[to++] = words[from + word] as number;
  }
  return new Uint8Array(gathered.buffer);
}

function pieces(n: number, threads: number, call: (from: number, count: number) => KernelCall[]): Task[] {
  const parts = threads === 1 ? 1 : threads * PIECES_PER_THREAD;
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((n * i) / parts);
    const count = Math.floor((n * (i + 1)) / parts) - from;
    return { type: 'calls', calls: call(from, count) } as const;
  });
}

/** Bases, and where their split scalars stand. */
type Part = readonly [name: BaseName, scalars: number];
/** Bases on one curve that are summed up together. */
type Parts = readonly [Part, ...Part[]];

/** Tasks of one multi-exponentiation; window w leaves its sum in the w-th result place of the first name. */
function windowTasks(key: LoadedKey, bits: number, parts: Parts): Task[] {
  const { layout, counts } = key;
  const [[name]] = parts;
  const curve = BASE_CURVES[name];
  const windows = Array.from({ length: windowCount(bits) }, (_, window) => ({
    curve,
    parts: parts.map(([part, scalars]) => ({ bases: layout.bases[part], indices: layout.indices[part], count: counts[part], scalars })),
    bits,
    window,
    result: layout.results[name] + window * key.instance.info.curves[curve].projectiveBytes,
  }));
  const bases = parts.reduce((sum, [part]) => sum + counts[part], 0);
  if (bases < FEW_BASES) return [{ type: 'windows', windows }];
  return windows.map((window) => ({ type: 'windows', windows: [window] }));
}

/** Leaves the scalars of H in `quotientScalars`; the digit offset at the address `offset`, if any, is included. */
async function quotient(key: LoadedKey, steps: Steps, threads: number, offset: number | undefined): Promise<void> {
  const { layout } = key;
  const n = key.zkey.domainSize;
  const [a, b, c] = layout.polynomials;
  const { elementBytes } = key.instance.info.representation;
  const element = (base: number, i: number): number => base + i * elementBytes;
  const rows = (name: 'a' | 'b', to: number, from: number, count: number): KernelCall => [
    'qap_rows',
    element(to, from),
    layout.rowStarts[name] + 4 * from,
    count,
    layout.entries[name],
    layout.coefficientValues,
    layout.witness,
  ];
  const go = (phase: string, tasks: Task[]): Promise<void> => steps.run(phase, tasks, PRIORITY.quotient);
  await go(
    'witness',
    pieces(key.zkey.variables, threads, (from, count) => [
      ['r_unpackMany', element(layout.witness, from), layout.witnessPacked + PACKED_BYTES * from, count, key.instance.info.enterScalarAt],
    ]),
  );
  await go(
    'constraints',
    pieces(n, threads, (from, count) => [
      rows('a', a, from, count),
      rows('b', b, from, count),
      ['ntt_multiplyMany', element(c, from), element(a, from), element(b, from), count],
    ]),
  );
  for (const stage of toCoset({ ...layout, elementBytes }, [a, b, c], n, threads)) await go('transform', stage);
  await go(
    'quotient',
    pieces(n, threads, (from, count) => {
      const to = layout.quotientScalars + PACKED_BYTES * from;
      const values: KernelCall = ['ntt_quotientMany', to, element(a, from), element(b, from), element(c, from), count];
      return offset === undefined ? [values] : [values, ['msm_split', to, to, count, offset]];
    }),
  );
}

/** How a proof's sums are cut. */
interface Cut {
  readonly bits: Readonly<Record<BaseName, number>>;
  /** C's bases are summed up together with H's, in the same buckets: nobody needs the two sums alone. */
  readonly together: boolean;
}

/** A helper takes whole sums, so with one C and H stay apart. */
function chooseCut(key: LoadedKey, together: boolean): Cut {
  const { counts } = key;
  const large = Object.fromEntries(BASE_NAMES.map((name) => [name, name === 'h' ? counts.h : countLarge(key, name)])) as typeof counts;
  const bits = Object.fromEntries(BASE_NAMES.map((name) => [name, chooseWindowBits(counts[name], large[name])])) as Record<
    BaseName,
    number
  >;
  if (together) bits.c = bits.h = chooseWindowBits(counts.c + counts.h, large.c + large.h);
  return { bits, together };
}

/** Runs the whole proof; the witness must already be checked. */
export async function runProof(key: LoadedKey, witness: Uint8Array, blinding: Blinding, options: RunOptions): Promise<ProofPoints> {
  const { layout, instance, counts } = key;
  const { threads } = options;
  const steps = new Steps(key, options);
  instance.bytes.set(witness, layout.witnessPacked);
  const cut = chooseCut(key, options.helper === undefined);
  const { bits, together } = cut;
  const offsets = new OffsetTable(key);
  const offered = options.helper?.takes('h') === true;
  const few = counts.h + (together ? counts.c : 0) < FEW_BASES;
  const expected = offered || few ? 1 : windowCount(bits.h);
  steps.expect(expected);
  const helped: HelpedSums = new Map();
  const offset = offsets.place(bits.h);
  const fromQuotient = quotient(key, steps, threads, offered ? undefined : offset).then(async () => {
    steps.arrived(expected);
    if (await steps.offer('h', layout.quotientScalars, helped)) return;
    if (offered) kernel(instance, 'msm_split')(layout.quotientScalars, layout.quotientScalars, key.zkey.domainSize, offset);
    const parts: Parts = [['h', layout.quotientScalars], ...(together ? [['c', offsets.scalarsFor(bits.c)] satisfies Part] : [])];
    return steps.run('h', windowTasks(key, bits.h, parts), PRIORITY.quotient);
  });
  const names = together ? (['b2', 'a', 'b1'] as const) : (['b2', 'a', 'b1', 'c'] as const);
  const fromWitness = names.map(async (name) => {
    if (await steps.offer(name, layout.witnessPacked, helped)) return;
    await steps.run(name, windowTasks(key, bits[name], [[name, offsets.scalarsFor(bits[name])]]), PRIORITY.witness);
  });
  await settleAll([...fromWitness, fromQuotient]);
  return assemble(key, cut, blinding, helped);
}

/** The witness' integers, split, with the digit offset of each window width that is in use. */
class OffsetTable {
  private used = 0;
  private readonly scalars = new Map<number, number>();

  constructor(private readonly key: LoadedKey) {}

  /** Writes an offset and returns its address. */
  place(bits: number): number {
    const at = this.key.layout.mainScratch + PACKED_BYTES * this.used++;
    this.key.instance.bytes.set(writeInteger(digitOffset(bits)), at);
    return at;
  }

  scalarsFor(bits: number): number {
    const known = this.scalars.get(bits);
    if (known !== undefined) return known;
    const { layout, zkey, instance } = this.key;
    const at = layout.witnessScalars[this.scalars.size] as number;
    kernel(instance, 'msm_split')(at, layout.witnessPacked, zkey.variables, this.place(bits));
    this.scalars.set(bits, at);
    return at;
  }
}

/**
 * factor·Σ scalar·base on the pool, beside any proof: to hold a helper against.
 * @param scalars one for each base that was kept: 32 bytes, little-endian, below r
 */
export async function sumOnPool(key: LoadedKey, name: BaseName, scalars: Uint8Array, factor: bigint): Promise<bigint[] | undefined> {
  const { layout, instance, counts, pool } = key;
  const packed = name === 'h' ? layout.quotientScalars : layout.witnessPacked;
  for (let i = 0; i < counts[name]; i++) {
    const at = packed + PACKED_BYTES * (instance.words[layout.indices[name] / 4 + i] as number);
    instance.bytes.set(scalars.subarray(PACKED_BYTES * i, PACKED_BYTES * (i + 1)), at);
  }
  const bits = chooseWindowBits(counts[name], counts[name]);
  const offsets = new OffsetTable(key);
  if (name === 'h') kernel(instance, 'msm_split')(packed, packed, key.zkey.domainSize, offsets.place(bits));
  const steps = new Steps(key, { threads: pool.threads, assertWanted: () => undefined, onStep: () => undefined });
  await steps.run(name, windowTasks(key, bits, [[name, name === 'h' ? packed : offsets.scalarsFor(bits)]]), PRIORITY.witness);
  const points = new PointCalculator(instance, layout.mainScratch);
  const sum = points.joinWindows(BASE_CURVES[name], layout.results[name], windowCount(bits), bits);
  return points.affine(BASE_CURVES[name], points.multiple(BASE_CURVES[name], sum, factor));
}

/** A point of G1 as it stands in files. */
function fileForm({ x, y }: NonNullable<SumPoint>): Uint8Array {
  const bytes = new Uint8Array(2 * PACKED_BYTES);
  [x, y].forEach((value, i) => {
    bytes.set(writeInteger((value << FILE_MONTGOMERY_BITS) % BASE_FIELD.prime), i * PACKED_BYTES);
  });
  return bytes;
}

function assemble(key: LoadedKey, { bits, together }: Cut, { r, s }: Blinding, helped: HelpedSums): ProofPoints {
  const { zkey, layout } = key;
  const points = new PointCalculator(key.instance, layout.mainScratch);
  const total = (name: BaseName): number => {
    const point = helped.get(name);
    if (point) return points.load('g1', fileForm(point));
    if (helped.has(name)) return points.infinity('g1');
    return points.joinWindows(BASE_CURVES[name], layout.results[name], windowCount(bits[name]), bits[name]);
  };
  const delta1 = points.load('g1', zkey.delta1);
  const delta2 = points.load('g2', zkey.delta2);
  const a = points.sum('g1', total('a'), points.load('g1', zkey.alpha1), points.multiple('g1', delta1, r));
  const b = points.sum('g2', total('b2'), points.load('g2', zkey.beta2), points.multiple('g2', delta2, s));
  const b1 = points.sum('g1', total('b1'), points.load('g1', zkey.beta1), points.multiple('g1', delta1, s));
  const c = points.sum(
    'g1',
    total('h'),
    ...(together ? [] : [total('c')]),
    points.multiple('g1', a, s),
    points.multiple('g1', b1, r),
    points.multiple('g1', delta1, -r * s),
  );
  return { a: points.affine('g1', a), b: points.affine('g2', b), c: points.affine('g1', c) };
}
