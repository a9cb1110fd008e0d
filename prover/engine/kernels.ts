/**
 * The one WebAssembly module of the engine: both fields, both curves, multi-exponentiation and transforms.
 *
 * There is one such module for each field backend. It is emitted when it is first asked for and is the same for every
 * key: only its memory differs.
 */

import { defineBatchAdd } from './curve/batchAdd.js';
import { defineDecompression } from './curve/decompress.js';
import { BETA, defineEndomorphism } from './curve/endomorphism.js';
import { CURVE_B, twistB } from './curve/equation.js';
import { defineCurve } from './curve/points.js';
import { BACKENDS } from './field/backends.js';
import { definePrimeField } from './field/operations.js';
import { BASE_FIELD, SCALAR_FIELD } from './field/parameters.js';
import { defineQuadraticField } from './field/quadratic.js';
import type { BackendName, Representation } from './field/representation.js';
import { defineBucketKernels } from './msm/bucketKernels.js';
import { defineDigitKernels } from './msm/digitKernels.js';
import { defineSplit } from './msm/splitKernel.js';
import { defineMatrixKernel, defineTransformKernels } from './ntt/kernels.js';
import { sharedMemoryAvailable } from './platform/sharedMemory.js';
import { defineSetupKernels } from './setup/kernels.js';
import { defineMultiples } from './setup/multiples.js';
import { MAX_PAGES, MOST_THREADS, THREAD_SCRATCH_BYTES } from './sizes.js';
import { I32, setGlobal } from './wasm/assembler.js';
import { ModuleBuilder } from './wasm/module.js';

/** Where the constants start; below lies nothing, so that address 0 is never valid data. */
const CONSTANTS_AT = 1024;

/** Everything an instance exports: functions on 32-bit numbers. */
export type KernelExports = Readonly<Record<string, (...args: number[]) => number>>;

export type CurveName = 'g1' | 'g2';

/** Sizes of what a curve's kernels work on. */
export interface CurveSizes {
  /** A coordinate. */
  readonly elementBytes: number;
  readonly affineBytes: number;
  readonly projectiveBytes: number;
}

/** What TypeScript must know of the module's memory and curves; plain data. */
export interface KernelInfo {
  readonly representation: Representation;
  readonly curves: Readonly<Record<CurveName, CurveSizes>>;
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

function curveSizes({ elementBytes }: Representation): Record<CurveName, CurveSizes> {
  const sizes = (bytes: number): CurveSizes => ({ elementBytes: bytes, affineBytes: 2 * bytes, projectiveBytes: 3 * bytes });
  return { g1: sizes(elementBytes), g2: sizes(2 * elementBytes) };
}

/** Emits the module of a backend; the same arguments always give the same bytes. */
export function emit(backend: BackendName, shared: boolean): Kernels {
  const module = new ModuleBuilder(CONSTANTS_AT);
  const { arithmetic, quadratic: quadraticArithmetic } = BACKENDS[backend];
  const base = definePrimeField(module, arithmetic(BASE_FIELD));
  const scalar = definePrimeField(module, arithmetic(SCALAR_FIELD));
  const scratchAt = module.reserve((MOST_THREADS + 1) * THREAD_SCRATCH_BYTES);
  const scratch = module.global();
  module.func('setScratch', [I32], [], (f) => f.do(setGlobal(scratch, f.param(0))));
  const quadratic = defineQuadraticField(module, base, quadraticArithmetic(BASE_FIELD), scratch);
  const g1 = defineCurve(module, 'g1', base, base.constant(3n * CURVE_B));
  const g2 = defineCurve(module, 'g2', quadratic, quadratic.constant(...twistB().map((c) => 3n * c)));
  defineDecompression(module, base, quadratic, { g1: CURVE_B, g2: twistB() });
  const adders = [
    { curve: g1, batchAdd: defineBatchAdd(module, g1, base) },
    { curve: g2, batchAdd: defineBatchAdd(module, g2, base, quadratic) },
  ];
  for (const { curve, batchAdd } of adders) {
    defineEndomorphism(module, curve, base, curve === g1 ? BETA.g1 : BETA.g2);
    defineBucketKernels(module, curve, batchAdd);
    defineMultiples(module, curve, batchAdd);
  }
  defineSplit(module);
  defineDigitKernels(module);
  defineTransformKernels(module, scalar);
  defineMatrixKernel(module, scalar);
  defineSetupKernels(module, scalar);
  const bytes = module.encode({ initialPages: 1, maximumPages: MAX_PAGES, shared });
  const info = {
    representation: base.arithmetic.representation,
    curves: curveSizes(base.arithmetic.representation),
    heapAt: module.end,
    scratchAt,
    enterScalarAt: scalar.enterAt,
    enterBaseFromFileAt: base.enterFromFileAt,
  };
  return { bytes, info };
}

const cached = new Map<BackendName, Kernels>();

/** The emitted module of a backend, emitted once. */
export function kernels(backend: BackendName = 'portable'): Kernels {
  const known = cached.get(backend);
  if (known) return known;
  const emitted = emit(backend, sharedMemoryAvailable());
  cached.set(backend, emitted);
  return emitted;
}
