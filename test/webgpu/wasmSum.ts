/** The same sum by the WASM engine's kernels, window by window as a proof does it: the other twin of the device's sums. */
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { writeInteger } from '../../prover/engine/groth16/container.js';
import { PointCalculator } from '../../prover/engine/groth16/points.js';
import { chooseWindowBits, windowCount, windowMemory } from '../../prover/engine/msm/plan.js';
import { runWindow } from '../../prover/engine/msm/window.js';
import type { Point } from '../../prover/engine/reference/curve.js';
import { Harness } from '../engine/harness.js';
import { getProjective, putPoint } from '../engine/points.js';

const SCALAR_BYTES = 32;
const SCRATCH_BYTES = 1 << 15;

/** @param bases none of them infinity */
export async function wasmSum(bases: readonly NonNullable<Point>[], scalars: readonly bigint[]): Promise<Point> {
  const harness = await Harness.create();
  const { affineBytes, projectiveBytes } = harness.instance.info.curves.g1;
  const n = bases.length;
  const bits = chooseWindowBits(n, n);
  const windows = windowCount(bits);
  const sizes = [affineBytes * n, 4 * n, SCALAR_BYTES * n, projectiveBytes * windows];
  const [points, indices, packed, results] = sizes.map((size) => harness.alloc(size)) as [number, number, number, number];
  const work = harness.alloc(windowMemory(harness.instance.info.curves.g1, n, bits).end);
  for (const [i, base] of bases.entries()) putPoint(harness, 'g1', base, points + affineBytes * i);
  for (const [i, scalar] of scalars.entries()) {
    harness.instance.words[indices / 4 + i] = i;
    harness.instance.bytes.set(writeInteger(scalar % SCALAR_FIELD.prime), packed + SCALAR_BYTES * i);
  }
  harness.run('msm_split', packed, packed, n);
  for (let window = 0; window < windows; window++) {
    const result = results + projectiveBytes * window;
    runWindow(
      harness.instance,
      { curve: 'g1', parts: [{ bases: points, indices, count: n, scalars: packed }], bits, window, result },
      work,
    );
  }
  const calculator = new PointCalculator(harness.instance, harness.alloc(SCRATCH_BYTES));
  return getProjective(harness, 'g1', calculator.joinWindows('g1', results, windows, bits));
}
