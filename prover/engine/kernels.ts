/**
 * The one WebAssembly module of the engine: both fields, both curves, multi-exponentiation and transforms.
 *
 * The module is emitted when it is first asked for and is the same for every key: only its memory differs.
 */

import { defineBatchAdd } from './curve/batchAdd.js';
import { type Curve, defineCurve } from './curve/points.js';
import { constantElement, definePrimeField } from './field/operations.js';
import { BASE_FIELD, inverseModulo, SCALAR_FIELD } from './field/parameters.js';
import { defineQuadraticField } from './field/quadratic.js';
import { defineDigitKernels } from './msm/digitKernels.js';
import { defineMatrixKernel, defineTransformKernels } from './ntt/kernels.js';
import { I32, setGlobal } from './wasm/assembler.js';
import { ModuleBuilder } from './wasm/module.js';

/** Where the constants start; below lies nothing, so that address 0 is never valid data. */
const CONSTANTS_AT = 1024;
export const PAGE_BYTES = 65536;
/** Most pages of a 32-bit memory: 4 GiB. */
export const MAX_PAGES = 65536;

/** Threads one key may have, beside the calling one. */
export const MOST_THREADS = 64;
/** Scratch that belongs to one thread whatever it does. */
export const THREAD_SCRATCH_BYTES = 1024;

/** Coefficient b of G1's curve y² = x³ + 3; G2 has 3/(9 + u). Source: EIP-197. */
const CURVE_B = 3n;
const TWIST_REAL = 9n;

/** Everything an instance exports: functions on 32-bit numbers. */
export type KernelExports = Readonly<Record<string, (...args: number[]) => number>>;

/** What TypeScript must know of the module's memory and curves. */
export interface KernelInfo {
  /** First address that constants do not use. */
  readonly heapAt: number;
  /** Scratch of thread 0; thread i's stands i·THREAD_SCRATCH_BYTES behind it. */
  readonly scratchAt: number;
  readonly enterScalarAt: number;
  readonly enterBaseFromFileAt: number;
}

/** The emitted module and what must be known of it. */
export interface Kernels {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly info: KernelInfo;
}

export type CurveName = 'g1' | 'g2';
export const CURVES: Readonly<
  Record<CurveName, { readonly elementBytes: number; readonly affineBytes: number; readonly projectiveBytes: number }>
> = {
  g1: { elementBytes: 36, affineBytes: 72, projectiveBytes: 108 },
  g2: { elementBytes: 72, affineBytes: 144, projectiveBytes: 216 },
};

/** 3·b of the twist: 9/(9 + u) = 9·(9 − u)/82. */
function twistTripleB(): [bigint, bigint] {
  const { prime, one } = BASE_FIELD;
  const scale = (3n * CURVE_B * inverseModulo(TWIST_REAL * TWIST_REAL + 1n, prime)) % prime;
  return [(scale * TWIST_REAL * one) % prime, ((prime - scale) * one) % prime];
}

function emit(): Kernels {
  const module = new ModuleBuilder(CONSTANTS_AT);
  const base = definePrimeField(module, BASE_FIELD);
  const scalar = definePrimeField(module, SCALAR_FIELD);
  const scratchAt = module.reserve((MOST_THREADS + 1) * THREAD_SCRATCH_BYTES);
  const scratch = module.global();
  module.func('setScratch', [I32], [], (f) => f.do(setGlobal(scratch, f.param(0))));
  const quadratic = defineQuadraticField(module, base, scratch);
  const tripleB = (3n * CURVE_B * BASE_FIELD.one) % BASE_FIELD.prime;
  const curves: Curve[] = [
    defineCurve(module, 'g1', base, constantElement(module, tripleB)),
    defineCurve(module, 'g2', quadratic, constantElement(module, ...twistTripleB())),
  ];
  for (const curve of curves) defineBatchAdd(module, curve, BASE_FIELD.inverse, curve.field === base ? BASE_FIELD : undefined);
  defineDigitKernels(module);
  defineTransformKernels(module, scalar);
  defineMatrixKernel(module, scalar);
  const bytes = module.encode({ initialPages: 1, maximumPages: MAX_PAGES, shared: sharedMemoryAvailable() });
  const info = {
    heapAt: module.end,
    scratchAt,
    enterScalarAt: scalar.enterAt,
    enterBaseFromFileAt: base.enterFromFileAt,
  };
  return { bytes, info };
}

/** Whether memories can be shared between threads here. */
export function sharedMemoryAvailable(): boolean {
  return typeof SharedArrayBuffer !== 'undefined';
}

let cached: Kernels | undefined;

/** The emitted module, emitted once. */
export function kernels(): Kernels {
  cached ??= emit();
  return cached;
}
