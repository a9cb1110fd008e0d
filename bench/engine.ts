/**
 * `benchEngine([--json] [--powers 10,12,14,16,18] [--runs n])`: the engine's kernels against ffjavascript's and against
 * the readable reference, on one thread.
 *
 * Multiplication in the base field, multi-exponentiation in G1 and G2, transform. All answers are compared before they
 * are timed. Times are the fastest of the runs, since other work on the machine only ever adds. The reference is far
 * too slow for these sizes: it is timed on a few elements, and multiplied.
 */
import { cpus } from 'node:os';
import { compiledKernels } from '../prover/engine/compiled.js';
import { BASE_FIELD, inverseModulo, PACKED_BYTES, SCALAR_FIELD } from '../prover/engine/field/parameters.js';
import { decodeElement, encodeElement, PORTABLE } from '../prover/engine/field/representation.js';
import { FixedBaseMultiplier } from '../prover/engine/fixedBase.js';
import { readInteger } from '../prover/engine/groth16/container.js';
import { reverseBits, rootOfUnity } from '../prover/engine/groth16/key.js';
import { PointCalculator } from '../prover/engine/groth16/points.js';
import { createInstance, createMemory, type Instance, kernel } from '../prover/engine/instance.js';
import { type CurveName, kernels } from '../prover/engine/kernels.js';
import { chooseWindowBits, windowCount, windowMemory } from '../prover/engine/msm/plan.js';
import { runWindow } from '../prover/engine/msm/window.js';
import { sumOfMultiples } from '../prover/engine/reference/curve.js';
import { multiply } from '../prover/engine/reference/field.js';
import { evaluate } from '../prover/engine/reference/transform.js';
import { commit } from './commit.js';

interface PeerGroup {
  readonly g: Uint8Array;
  multiExpAffine(bases: Uint8Array, scalars: Uint8Array): Promise<Uint8Array>;
  toAffine(point: Uint8Array): Uint8Array;
  toObject(point: Uint8Array): unknown;
  toRprLEM(out: Uint8Array, offset: number, point: Uint8Array): void;
}

interface Peer {
  readonly G1: PeerGroup;
  readonly G2: PeerGroup;
  readonly Fr: { fft(values: Uint8Array): Promise<Uint8Array> };
  readonly F1: { mul(a: Uint8Array, b: Uint8Array): Uint8Array; e(value: bigint): Uint8Array; toObject(a: Uint8Array): bigint };
  readonly tm: { instance: { exports: Record<string, (...args: number[]) => void> } };
}

export interface KernelRow {
  readonly kernel: string;
  readonly size: number;
  readonly engineMs: number;
  readonly ffjavascriptMs: number;
  readonly timesFaster: number;
  /** Of a sample, multiplied by what the whole has more. */
  readonly referenceMs: number;
}

const MULTIPLICATIONS = 100_000;
/** What the reference is timed on. */
const REFERENCE_BASES = 4;
const REFERENCE_TRANSFORM = 64;

async function fastest(runs: number, work: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run <= runs; run++) {
    const start = performance.now();
    await work();
    if (run > 0) best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** Scalars below 2^253 from a linear congruence: dense, and the same in every run. */
function scalars(n: number): Uint8Array {
  const words = new Uint32Array(8 * n);
  let state = 20260901;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = i % 8 === 7 ? state >>> 4 : state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer);
}

/** One multi-exponentiation on this thread; the result's affine coordinates. */
function engineSum(curve: CurveName, bases: Uint8Array, packed: Uint8Array): () => bigint[] | undefined {
  const n = packed.length / 32;
  const { affineBytes, projectiveBytes } = kernels().info.curves[curve];
  const bits = chooseWindowBits(n, n);
  const memory = windowMemory(kernels().info.curves[curve], n, bits);
  let next = kernels().info.heapAt;
  const take = (bytes: number): number => {
    const at = next;
    next += Math.ceil((bytes + 8) / 64) * 64;
    return at;
  };
  const [points, staging, indices, digits] = [n * affineBytes, bases.length, 4 * n, 32 * n].map(take) as [number, number, number, number];
  const [results, scratch, work] = [projectiveBytes * windowCount(bits), 1 << 15, memory.end].map(take) as [number, number, number];
  let ready: Promise<Instance> | Instance = compiledKernels('portable').then((compiled) => createInstance(createMemory(next), 0, compiled));
  void ready.then((instance) => {
    ready = instance;
    instance.bytes.set(bases, staging);
    kernel(instance, 'q_unpackMany')(points, staging, bases.length / 32, instance.info.enterBaseFromFileAt);
    for (let i = 0; i < n; i++) instance.words[indices / 4 + i] = i;
  });
  return () => {
    const instance = ready as Instance;
    instance.bytes.set(packed, digits);
    kernel(instance, 'msm_split')(digits, digits, n);
    for (let window = 0; window < windowCount(bits); window++) {
      runWindow(
        instance,
        { curve, parts: [{ bases: points, indices, count: n, scalars: digits }], bits, window, result: results + projectiveBytes * window },
        work,
      );
    }
    const calculator = new PointCalculator(instance, scratch);
    return calculator.affine(curve, calculator.joinWindows(curve, results, windowCount(bits), bits));
  };
}

async function multiExponentiation(peer: Peer, curve: CurveName, power: number, runs: number): Promise<KernelRow> {
  const n = 2 ** power;
  const group = curve === 'g1' ? peer.G1 : peer.G2;
  const generator = new Uint8Array(curve === 'g1' ? 64 : 128);
  group.toRprLEM(generator, 0, group.g);
  const bases = (await FixedBaseMultiplier.create(curve, generator)).multiply(scalars(n));
  const packed = scalars(n);
  const ours = engineSum(curve, bases, packed);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const theirs = (group.toObject(group.toAffine(await group.multiExpAffine(bases, packed))) as unknown[])
    .flat()
    .slice(0, curve === 'g1' ? 2 : 4);
  if (String(ours()) !== String(theirs)) throw new Error(`${curve}: the sums differ`);
  return row(`multi-exponentiation ${curve}`, n, {
    engine: await fastest(runs, ours),
    ffjavascript: await fastest(runs, () => group.multiExpAffine(bases, packed)),
    reference: (referenceSum(peer, curve, packed) * n) / REFERENCE_BASES,
  });
}

/** Time of the reference on multiples of the generator. */
function referenceSum(peer: Peer, curve: CurveName, packed: Uint8Array): number {
  const group = curve === 'g1' ? peer.G1 : peer.G2;
  const [x, y] = (group.toObject(group.toAffine(group.g)) as (bigint | bigint[])[]).map((coordinate) => [coordinate].flat()) as [
    bigint[],
    bigint[],
  ];
  const start = performance.now();
  sumOfMultiples(
    Array.from({ length: REFERENCE_BASES }, () => ({ x, y })),
    Array.from({ length: REFERENCE_BASES }, (_, i) => readInteger(packed, PACKED_BYTES * i)),
  );
  return performance.now() - start;
}

/** Places for a transform of integers and the steps of our forward transform on it. */
async function ourTransform(power: number, values: Uint8Array): Promise<{ run: () => void; read: () => bigint[] }> {
  const n = 2 ** power;
  const data = kernels().info.heapAt;
  const roots = data + n * PORTABLE.elementBytes;
  const lastRoot = roots + (n / 2) * PORTABLE.elementBytes;
  const packed = lastRoot + 128;
  const instance = await createInstance(createMemory(packed + n * PACKED_BYTES), 0, await compiledKernels('portable'));
  const constants = packed;
  instance.bytes.set(encodeElement(PORTABLE, SCALAR_FIELD, 1n), constants);
  // Frequency layers read roots backwards, so that these are the inverse ones.
  const inverseRoot = inverseModulo(rootOfUnity(power), SCALAR_FIELD.prime);
  instance.bytes.set(encodeElement(PORTABLE, SCALAR_FIELD, inverseRoot), constants + 64);
  kernel(instance, 'ntt_powers')(roots, n / 2 + 1, constants, constants + 64);
  instance.bytes.set(values, packed);
  kernel(instance, 'r_unpackMany')(data, packed, n, instance.info.enterScalarAt);
  const layer = kernel(instance, 'ntt_frequencyLayer');
  return {
    run: () => {
      for (let half = n / 2; half >= 1; half /= 2) layer(data, n / (2 * half), half, lastRoot, -(n / (2 * half)) * PORTABLE.elementBytes);
    },
    read: () => {
      kernel(instance, 'r_packMany')(packed, data, n);
      const bytes = instance.bytes.slice(packed, packed + n * PACKED_BYTES);
      return Array.from({ length: n }, (_, i) => readInteger(bytes, PACKED_BYTES * reverseBits(i, power)));
    },
  };
}

async function transform(peer: Peer, power: number, runs: number): Promise<KernelRow> {
  const n = 2 ** power;
  const values = scalars(n);
  const ours = await ourTransform(power, values);
  ours.run();
  // A transform is linear, so it may read the integers as the Montgomery forms that it expects.
  const theirs = await peer.Fr.fft(values);
  if (ours.read().some((value, i) => value !== readInteger(theirs, PACKED_BYTES * i))) throw new Error('the transforms differ');
  const sample = Array.from({ length: REFERENCE_TRANSFORM }, (_, i) => readInteger(values, PACKED_BYTES * i));
  const start = performance.now();
  evaluate(sample, rootOfUnity(Math.log2(REFERENCE_TRANSFORM)), 1n);
  const reference = (performance.now() - start) * (n / REFERENCE_TRANSFORM) ** 2;
  return row('transform', n, {
    engine: await fastest(runs, ours.run),
    ffjavascript: await fastest(runs, () => peer.Fr.fft(values)),
    reference,
  });
}

async function multiplication(peer: Peer, runs: number): Promise<KernelRow> {
  const instance = await createInstance(createMemory(kernels().info.heapAt + 4096), 0, await compiledKernels('portable'));
  const at = kernels().info.heapAt;
  const x = readInteger(scalars(1), 0) % BASE_FIELD.prime;
  const product = (x * x) % BASE_FIELD.prime;
  instance.bytes.set(encodeElement(PORTABLE, BASE_FIELD, x), at);
  const mul = kernel(instance, 'q_mul');
  mul(at + 256, at, at);
  const ours = decodeElement(PORTABLE, BASE_FIELD, instance.bytes.slice(at + 256, at + 256 + PORTABLE.elementBytes));
  if (ours !== product || peer.F1.toObject(peer.F1.mul(peer.F1.e(x), peer.F1.e(x))) !== product) throw new Error('the products differ');
  const theirs = peer.tm.instance.exports.f1m_mul as (...args: number[]) => void;
  const loop = (f: (...args: number[]) => unknown, a: number) => () => {
    for (let i = 0; i < MULTIPLICATIONS; i++) f(a + 256, a, a);
  };
  return row('multiplication, with the call from JavaScript', MULTIPLICATIONS, {
    engine: await fastest(runs, loop(mul, at)),
    ffjavascript: await fastest(runs, loop(theirs, 65536)),
    reference: await fastest(runs, () => {
      for (let i = 0; i < MULTIPLICATIONS; i++) multiply([x], [x]);
    }),
  });
}

function row(name: string, size: number, ms: { engine: number; ffjavascript: number; reference: number }): KernelRow {
  return {
    kernel: name,
    size,
    engineMs: round(ms.engine),
    ffjavascriptMs: round(ms.ffjavascript),
    timesFaster: round(ms.ffjavascript / ms.engine),
    referenceMs: round(ms.reference),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

export async function benchEngine(args: string[]): Promise<void> {
  const option = (name: string, fallback: string): string => args[args.indexOf(name) + 1 || args.length] ?? fallback;
  const powers = option('--powers', '10,12,14,16,18').split(',').map(Number);
  const runs = Number(option('--runs', '5'));
  const { buildBn128 } = (await import('ffjavascript' as string)) as { buildBn128(singleThread: boolean): Promise<Peer> };
  const peer = await buildBn128(true);
  const rows = [await multiplication(peer, runs)];
  for (const power of powers) {
    rows.push(await transform(peer, power, runs));
    for (const curve of ['g1', 'g2'] as const) rows.push(await multiExponentiation(peer, curve, power, runs));
  }
  if (args.includes('--json'))
    process.stdout.write(`${JSON.stringify({ commit: commit(), cpu: cpus()[0]?.model, node: process.version, runs, rows }, null, 1)}\n`);
  else
    for (const r of rows)
      process.stdout.write(
        `${r.kernel} (${r.size}): ${r.engineMs} ms, ffjavascript ${r.ffjavascriptMs} ms, ${r.timesFaster}×; reference ${r.referenceMs} ms\n`,
      );
}
