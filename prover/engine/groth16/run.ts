/**
 * One Groth16 proof on a loaded key.
 *
 *   1. the witness enters Montgomery form; its integers are split into halves, in their place;
 *   2. A·w and B·w by rows, C = A∘B; each is taken to the coset; quotient (A·B − C) there gives the scalars of H;
 *   3. multi-exponentiations, cut into windows; those of A and B run while (2) is under way, C and H are one;
 *      a helper (a GPU) may compute those of G1 meanwhile, and what it fails at comes back to the pool;
 *   4. A = α + Σ w·A + r·δ,  B = β + Σ w·B + s·δ,  C = Σ w·C + Σ h·H + s·A + r·B1 − r·s·δ.
 * Source: Groth, "On the size of pairing-based non-interactive arguments" (2016), with snarkjs' choice of the coset.
 */
import { BASE_FIELD, FILE_MONTGOMERY_BITS, PACKED_BYTES } from '../field/parameters.js';
import { kernel } from '../instance.js';
import { chooseWindowBits, windowCount } from '../msm/plan.js';
import { toCoset } from '../ntt/plan.js';
import { settleAll } from '../pool/settleAll.js';
import type { KernelCall, Task } from '../pool/task.js';
import { writeInteger } from './container.js';
import type { SumPoint } from './helper.js';
import type { LoadedKey } from './key.js';
import { BASE_CURVES, BASE_NAMES, type BaseName } from './layout.js';
import { PointCalculator } from './points.js';
import { type HelpedSums, PRIORITY, pieces, type RunOptions, Steps } from './steps.js';

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

/** So few bases are one task: their windows take less time than a message. */
const FEW_BASES = 1024;
/** A scalar of more than this many low bytes counts as large. */
const SMALL_SCALAR_BYTES = 2;

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
  if (taskCount(bases, bits) === 1) return [{ type: 'windows', windows }];
  return windows.map((window) => ({ type: 'windows', windows: [window] }));
}

function taskCount(bases: number, bits: number): number {
  return bases < FEW_BASES ? 1 : windowCount(bits);
}

/** Leaves the witness in Montgomery form, and its integers' halves at the address `scalars`. */
async function enterWitness(key: LoadedKey, steps: Steps, threads: number, scalars: number): Promise<void> {
  const { layout } = key;
  const { representation, enterScalarAt } = key.instance.info;
  const tasks = pieces(key.zkey.variables, threads, (from, count) => {
    const skip = PACKED_BYTES * from;
    const integers = layout.witnessPacked + skip;
    return [
      ['r_unpackMany', layout.witness + representation.elementBytes * from, integers, count, enterScalarAt],
      ['msm_split', scalars + skip, integers, count],
    ];
  });
  await steps.run('witness', tasks, PRIORITY.quotient);
}

/** Leaves the scalars of H in `quotientScalars`, in halves if that is asked for. */
async function quotient(key: LoadedKey, steps: Steps, threads: number, split: boolean): Promise<void> {
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
      return split ? [values, ['msm_split', to, to, count]] : [values];
    }),
  );
}

/** How a proof's sums are cut. */
interface Cut {
  readonly bits: Readonly<Record<BaseName, number>>;
  /** C's bases are summed up together with H's, in the same buckets: nobody needs the two sums alone. */
  readonly together: boolean;
}

/** A helper takes whole sums, so where it takes one of them C and H stay apart. */
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
  const offered = options.helper?.takes('h') === true;
  const cut = chooseCut(key, !offered && options.helper?.takes('c') !== true);
  const { bits, together } = cut;
  const expected = offered ? 1 : taskCount(counts.h + (together ? counts.c : 0), bits.h);
  steps.expect(expected);
  const helped: HelpedSums = new Map();
  // A helper takes integers.
  const scalars = options.helper ? layout.witnessScalars : layout.witnessPacked;
  await enterWitness(key, steps, threads, scalars);
  const quotientDone = quotient(key, steps, threads, !offered);
  const fromQuotient = quotientDone.then(async () => {
    steps.arrived(expected);
    if (offered && (await steps.offer('h', layout.quotientScalars, helped))) return;
    if (offered) kernel(instance, 'msm_split')(layout.quotientScalars, layout.quotientScalars, key.zkey.domainSize);
    const parts: Parts = [['h', layout.quotientScalars], ...(together ? [['c', scalars] satisfies Part] : [])];
    return steps.run('h', windowTasks(key, bits.h, parts), PRIORITY.quotient);
  });
  const names = together ? (['b2', 'a', 'b1'] as const) : (['b2', 'a', 'b1', 'c'] as const);
  const fromWitness = names.map(async (name) => {
    if (await steps.offer(name, layout.witnessPacked, helped)) return;
    if (layout.windowsWait) await steps.expecting(taskCount(counts[name], bits[name]), quotientDone);
    await steps.run(name, windowTasks(key, bits[name], [[name, scalars]]), PRIORITY.witness);
  });
  await settleAll([...fromWitness, fromQuotient]);
  return assemble(key, cut, blinding, helped);
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
  const steps = new Steps(key, { threads: pool.threads, assertWanted: () => undefined, onStep: () => undefined });
  kernel(instance, 'msm_split')(packed, packed, name === 'h' ? key.zkey.domainSize : key.zkey.variables);
  await steps.run(name, windowTasks(key, bits, [[name, packed]]), PRIORITY.witness);
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
