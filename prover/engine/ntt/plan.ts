/**
 * A transform to the coset and back as tasks for several threads.
 *
 * The outermost layers join elements from all over the polynomial: their butterflies are dealt out evenly. Below
 * them the polynomial falls into 2^split blocks that need nothing of one another: one task takes a block all the way
 * down (to coefficients), scales it to the coset, and all the way up again.
 */

import type { KernelCall, Task } from '../pool/task.js';

export interface TransformMemory {
  readonly elementBytes: number;
  /** ω^0 … ω^(n/2). */
  readonly roots: number;
  readonly shifts: ShiftTables;
}

/**
 * The coset's shift γ to the powers that coefficients in bit-reversed order want, as products of two entries:
 * γ^reverse(i·columns + j)/n = low[j]·high[i], since the bits of i and of j do not meet. A table of all n would take as much
 * memory as a polynomial.
 */
export interface ShiftTables {
  /** A power of two. */
  readonly columns: number;
  readonly low: number;
  readonly high: number;
}

/** Entries of `low`; `high` has the rest, so that both are about the root of n. */
export function shiftColumns(n: number): number {
  return 2 ** Math.floor(Math.log2(n) / 2);
}

/** Layers that are dealt out: enough blocks for every thread to have about two. */
export function splitLayers(n: number, threads: number): number {
  const wanted = threads === 1 ? 0 : Math.ceil(Math.log2(threads)) + 1;
  return Math.max(0, Math.min(wanted, Math.log2(n) - 1));
}

const tasksOf = (calls: KernelCall[]): Task[] => calls.map((call) => ({ type: 'calls', calls: [call] }));

/** One dealt-out layer: 2^layer blocks, each cut into parts. */
function outerLayer(
  kernelName: string,
  elementBytes: number,
  data: number,
  n: number,
  layer: number,
  roots: number,
  direction: 1 | -1,
  parts: number,
): Task[] {
  const half = n >> (layer + 1);
  const rootStep = direction * (elementBytes << layer);
  const pieces = Math.max(1, parts >> layer);
  const calls: KernelCall[] = [];
  for (let block = 0; block < 1 << layer; block++) {
    const start = data + block * 2 * half * elementBytes;
    for (let piece = 0; piece < pieces; piece++) {
      const from = Math.floor((half * piece) / pieces);
      const count = Math.floor((half * (piece + 1)) / pieces) - from;
      if (count === 0) continue;
      const at = start + from * elementBytes;
      calls.push([kernelName, at, at + half * elementBytes, count, roots + from * rootStep, rootStep]);
    }
  }
  return tasksOf(calls);
}

function innerBlock(memory: TransformMemory, data: number, n: number, split: number, block: number): Task {
  const { elementBytes } = memory;
  const size = n >> split;
  const offset = block * size * elementBytes;
  const calls: KernelCall[] = [];
  const layer = (name: string, roots: number, half: number, direction: 1 | -1): void => {
    calls.push([name, data + offset, size / (2 * half), half, roots, direction * (n / (2 * half)) * elementBytes]);
  };
  const end = lastRoot(memory, n);
  for (let half = size / 2; half >= 1; half /= 2) layer('ntt_frequencyLayer', end, half, -1);
  calls.push(scaleCall(memory, data, size * block, size));
  for (let half = 1; half < size; half *= 2) layer('ntt_timeLayer', memory.roots, half, 1);
  return { type: 'calls', calls };
}

/** Where ω^(n/2) stands: frequency layers read from there backwards. */
function lastRoot({ roots, elementBytes }: TransformMemory, n: number): number {
  return roots + (n / 2) * elementBytes;
}

/** Takes coefficients [from, from + count) to the coset; a block may be smaller than a row of the tables' product. */
function scaleCall({ elementBytes, shifts }: TransformMemory, data: number, from: number, count: number): KernelCall {
  const { columns, low, high } = shifts;
  const inRow = Math.min(count, columns);
  const [row, column] = [Math.floor(from / columns), from % columns];
  return ['ntt_scale', data + from * elementBytes, count / inRow, inRow, low + column * elementBytes, high + row * elementBytes];
}

/** Stages of tasks that replace evaluations over the domain by evaluations over the coset, for several polynomials. */
export function toCoset(memory: TransformMemory, polynomials: readonly number[], n: number, threads: number): Task[][] {
  const split = splitLayers(n, threads);
  const parts = threads === 1 ? 1 : 1 << split;
  const stages: Task[][] = [];
  for (let layer = 0; layer < split; layer++) {
    stages.push(
      polynomials.flatMap((data) => outerLayer('ntt_frequencyPart', memory.elementBytes, data, n, layer, lastRoot(memory, n), -1, parts)),
    );
  }
  const blocks = Array.from({ length: 1 << split }, (_, block) => block);
  stages.push(polynomials.flatMap((data) => blocks.map((block) => innerBlock(memory, data, n, split, block))));
  for (let layer = split - 1; layer >= 0; layer--) {
    stages.push(polynomials.flatMap((data) => outerLayer('ntt_timePart', memory.elementBytes, data, n, layer, memory.roots, 1, parts)));
  }
  return stages;
}
