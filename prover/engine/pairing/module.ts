/**
 * The WebAssembly module of the verifiers: base field, both curves and the pairing, and nothing of the prover, so that a
 * first verification need not wait for kernels it does not use. One for each field backend, as in `../kernels.ts`.
 */
import { CURVE_B, twistB } from '../curve/equation.js';
import { defineCurve } from '../curve/points.js';
import { BACKENDS } from '../field/backends.js';
import { definePrimeField } from '../field/operations.js';
import { BASE_FIELD } from '../field/parameters.js';
import { defineQuadraticField } from '../field/quadratic.js';
import type { BackendName, Representation } from '../field/representation.js';
import { MAX_PAGES, THREAD_SCRATCH_BYTES } from '../sizes.js';
import { I32, setGlobal } from '../wasm/assembler.js';
import { ModuleBuilder } from '../wasm/module.js';
import { defineFinalExponentiation, FINAL_SCRATCH } from './finalExponentiation.js';
import { defineInSubgroup } from './membership.js';
import { defineMiller, MILLER_SCRATCH, PAIR_ELEMENTS } from './miller.js';
import { DODECIC, defineTower } from './tower.js';

/** Below lies nothing, so that address 0 is never valid data. */
const CONSTANTS_AT = 1024;
/** Scratch of the point functions: an inversion's table and a dozen elements of F_q2. */
const POINT_SCRATCH_BYTES = 4096;

/** What TypeScript must know of the module; plain data. */
export interface PairingInfo {
  readonly representation: Representation;
  readonly heapAt: number;
  readonly enterBaseAt: number;
  /** Scratch of the thread, for `setScratch`. */
  readonly fieldScratchAt: number;
  /** Scratch of everything else. */
  readonly scratchAt: number;
  readonly pairBytes: number;
  readonly valueBytes: number;
}

export interface PairingModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly info: PairingInfo;
}

/** Emits the module; the same arguments always give the same bytes. */
export function emitPairing(backend: BackendName): PairingModule {
  const module = new ModuleBuilder(CONSTANTS_AT);
  const { arithmetic, quadratic: quadraticArithmetic } = BACKENDS[backend];
  const base = definePrimeField(module, arithmetic(BASE_FIELD));
  const fieldScratchAt = module.reserve(THREAD_SCRATCH_BYTES);
  const scratch = module.global();
  module.func('setScratch', [I32], [], (f) => f.do(setGlobal(scratch, f.param(0))));
  const quadratic = defineQuadraticField(module, base, quadraticArithmetic(BASE_FIELD), scratch);
  const [real, imaginary] = twistB();
  const tripleBAt = quadratic.constant(3n * real, 3n * imaginary);
  defineCurve(module, 'g1', base, base.constant(3n * CURVE_B));
  const g2 = defineCurve(module, 'g2', quadratic, tripleBAt);
  const tower = defineTower(module, base, quadratic);
  const { frobenius } = defineMiller(module, tower, tripleBAt);
  defineInSubgroup(module, g2, frobenius);
  defineFinalExponentiation(module, tower);
  const scratchBytes = Math.max(MILLER_SCRATCH, FINAL_SCRATCH, 4 * 3) * quadratic.bytes + POINT_SCRATCH_BYTES;
  const scratchAt = module.reserve(scratchBytes);
  const info = {
    representation: base.arithmetic.representation,
    heapAt: module.end,
    enterBaseAt: base.enterAt,
    fieldScratchAt,
    scratchAt,
    pairBytes: PAIR_ELEMENTS * quadratic.bytes,
    valueBytes: DODECIC * quadratic.bytes,
  };
  return { bytes: module.encode({ initialPages: 1, maximumPages: MAX_PAGES, shared: false }), info };
}
