/** What the kernels rely on, without a device: windows hold all scalars, cuts fit, and the reduction is what it says it is. */
import { describe, expect, it } from 'vitest';
import { LAMBDA } from '../../prover/engine/curve/endomorphism.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { multiple } from '../../prover/engine/reference/curve.js';
import { modulo } from '../../prover/engine/reference/field.js';
import { combine } from '../../prover/engine/webgpu/finish.js';
import { HALF_BOUND, RECIPROCALS, split } from '../../prover/engine/webgpu/glv.js';
import {
  chooseWindowBits,
  chunkSlots,
  chunksOf,
  DEFAULT_TUNING,
  LARGEST_WINDOW_BITS,
  MOST_BUFFER_BYTES,
  mostSlots,
  partSize,
  planWindows,
  SMALLEST_WINDOW_BITS,
} from '../../prover/engine/webgpu/plan.js';
import { levelPairs } from '../../prover/engine/webgpu/reduction.js';
import { seeded } from '../engine/harness.js';
import { GENERATORS } from '../engine/points.js';
import { someScalars } from './checkSort.js';

const SEED = 31;
const { prime: r } = SCALAR_FIELD;
const WIDTHS = Array.from({ length: LARGEST_WINDOW_BITS - SMALLEST_WINDOW_BITS + 1 }, (_, i) => SMALLEST_WINDOW_BITS + i);
/** The least limits of WebGPU's specification. */
const LEAST_BINDING_BYTES = 2 ** 27;

describe('the endomorphism', () => {
  it('halves add up and stay within their bound', () => {
    for (const k of someScalars(2000)) {
      const [k1, k2] = split(k);
      expect(modulo(k1 + k2 * LAMBDA, r)).toBe(k);
      for (const half of [k1, k2]) expect(half <= HALF_BOUND && -half <= HALF_BOUND).toBe(true);
    }
    expect(HALF_BOUND < 1n << 127n).toBe(true);
    for (const reciprocal of Object.values(RECIPROCALS)) expect(reciprocal > 0n && reciprocal < 1n << 160n).toBe(true);
  });
});

describe('the plan', () => {
  it('every width: the stored number of every scalar or half fits its windows', () => {
    for (const bits of WIDTHS) {
      for (const glv of [true, false]) {
        const { windows, offset, words } = planWindows(bits, glv);
        const [least, most] = glv ? [-HALF_BOUND, HALF_BOUND] : [0n, r - 1n];
        expect(offset + least >= 0n && offset + most < 1n << BigInt(bits * windows), `${bits} bits`).toBe(true);
        expect(bits * windows).toBeLessThanOrEqual(32 * words);
      }
    }
  });

  it('wider windows for more bases', () => {
    const widths = [0, 10, 100, 2 ** 12, 2 ** 16, 2 ** 20].map((n) => chooseWindowBits(n, true));
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    expect(widths[0]).toBeLessThan(widths.at(-1) as number);
  });

  it('no buffer of a part exceeds the least binding, whatever the width', () => {
    const tuning = { ...DEFAULT_TUNING, bufferBytes: LEAST_BINDING_BYTES };
    for (const bits of WIDTHS) {
      for (const glv of [true, false]) {
        const plan = planWindows(bits, glv);
        const entries = partSize(LEAST_BINDING_BYTES, plan) * (glv ? 2 : 1);
        const slots = chunkSlots(plan, entries, tuning);
        expect(slots).toBeGreaterThanOrEqual(mostSlots(entries, plan.buckets));
        const buffers = [32 * entries, 4 * plan.words * entries, 32 * slots, 32 * plan.windows * plan.buckets];
        expect(Math.max(...buffers)).toBeLessThanOrEqual(LEAST_BINDING_BYTES);
      }
    }
  });

  it('in a part as large as any device is asked for, every tag, index and start fits 32 bits', () => {
    for (const bits of WIDTHS) {
      for (const glv of [true, false]) {
        const plan = planWindows(bits, glv);
        const entries = partSize(MOST_BUFFER_BYTES, plan) * (glv ? 2 : 1);
        const tag = 2 * entries + 1;
        const index = Math.max(2 * entries + 1, plan.words * entries);
        // Each bucket is rounded up to an even number of entries.
        const start = plan.windows * (entries + plan.buckets);
        expect(Math.max(tag, index, start), `${bits} bits`).toBeLessThan(2 ** 32);
      }
    }
  });

  it('chunks hold whole windows, all of them, in order', () => {
    expect(chunksOf([0, 10, 20, 30], 20)).toEqual([
      [0, 2],
      [2, 3],
    ]);
    expect(chunksOf([0, 10, 20, 30], 10)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(chunksOf([0, 0, 0, 0], 1)).toEqual([[0, 3]]);
  });
});

describe('the reduction', () => {
  it('its levels, done on integers, leave Σ (u + 1)·B_u in c numbers a window', () => {
    const next = seeded(SEED);
    for (const bits of [4, 5, 9]) {
      const buckets = 2 ** (bits - 1);
      const start = Array.from({ length: buckets }, () => next(1000n));
      const places = [...start];
      for (let level = 0; level <= bits - 2; level++) {
        const taken = places.map((_, u) => u).filter((u) => !(u & (1 << level)) && isPowerOrZero(u & ((1 << level) - 1)));
        expect(taken.length).toBe(levelPairs(1, bits, level));
        for (const u of taken) places[u]! += places[u + 2 ** level] as bigint;
      }
      const joined = Array.from({ length: bits - 1 }, (_, j) => (places[2 ** j] as bigint) << BigInt(j));
      expect(joined.reduce((sum, x) => sum + x, places[0] as bigint)).toBe(start.reduce((sum, b, u) => sum + BigInt(u + 1) * b, 0n));
    }
  });

  it('points with their bits are joined, equal and opposite ones too', () => {
    const at = (scalar: bigint, bit: number) => {
      const point = multiple(GENERATORS.g1, modulo(scalar, r));
      return { x: point?.x[0] as bigint, y: point?.y[0] as bigint, bit };
    };
    const terms = [at(1n, 0), at(1n, 0), at(5n, 3), at(-5n, 3), at(7n, 130), at(-3n, 1), at(9n, 1)];
    const expected = multiple(GENERATORS.g1, modulo(2n + (7n << 130n) + 12n, r));
    expect(combine(terms)).toEqual({ x: expected?.x[0], y: expected?.y[0] });
    expect(combine([at(1n, 4), at(-16n, 0)])).toBeUndefined();
    expect(combine([])).toBeUndefined();
  });
});

const isPowerOrZero = (x: number): boolean => (x & (x - 1)) === 0;
