/** The two field backends and how one is chosen. */
import { TacitError } from '../../../protocol/errors.js';
import { I64, wide } from '../wasm/assembler.js';
import { ModuleBuilder } from '../wasm/module.js';
import type { Arithmetic, QuadraticArithmetic } from './arithmetic.js';
import type { Field } from './parameters.js';
import { portableArithmetic } from './portable/arithmetic.js';
import { portableQuadratic } from './portable/quadratic.js';
import type { BackendName } from './representation.js';
import { wideArithmetic } from './wide/arithmetic.js';
import { wideQuadratic } from './wide/quadratic.js';

/** What a backend can emit. */
export interface Backend {
  arithmetic(field: Field): Arithmetic;
  quadratic(field: Field): QuadraticArithmetic;
}

export const BACKENDS: Readonly<Record<BackendName, Backend>> = {
  portable: { arithmetic: portableArithmetic, quadratic: portableQuadratic },
  wide: { arithmetic: wideArithmetic, quadratic: wideQuadratic },
};

/** A module with one function that uses each of the wide instructions the backend needs. */
function wideProbe(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(0);
  module.func('probe', [I64, I64], [I64, I64], (f) => {
    const [low, high] = f.letWide(wide.mulU(f.param(0), f.param(1)));
    const [sumLow, sumHigh] = f.letWide(wide.add(low, high, low, high));
    f.do(wide.sub(sumLow, sumHigh, low, high).bytes);
  });
  return module.encode({ initialPages: 1, maximumPages: 1, shared: false });
}

/** Whether this runtime has the WebAssembly wide-arithmetic instructions. */
export function wideArithmeticAvailable(): boolean {
  return WebAssembly.validate(wideProbe());
}

/**
 * @param wanted 'auto' for the fastest that runs here
 * @throws TacitError BACKEND_MISSING
 */
export function chooseBackend(wanted: 'auto' | BackendName): BackendName {
  if (wanted === 'portable') return 'portable';
  if (wideArithmeticAvailable()) return 'wide';
  if (wanted === 'auto') return 'portable';
  throw new TacitError('BACKEND_MISSING', 'wide arithmetic is not available here', { expected: 'portable', got: wanted });
}
