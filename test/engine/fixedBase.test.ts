import { describe, expect, it } from 'vitest';
import { BASE_FIELD, FILE_MONTGOMERY_BITS, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { FixedBaseMultiplier } from '../../prover/engine/fixedBase.js';
import { writeInteger } from '../../prover/engine/groth16/container.js';
import { multiple, type Point } from '../../prover/engine/reference/curve.js';
import { modulo } from '../../prover/engine/reference/field.js';
import { seeded } from './harness.js';
import { GENERATORS } from './points.js';

const SEED = 5;

/** The form of zkey files. */
function toFile(point: Point, coordinates: number): number[] {
  if (!point) return Array.from({ length: 32 * coordinates }, () => 0);
  return [...point.x, ...point.y].flatMap((c) => [...writeInteger(modulo(c << FILE_MONTGOMERY_BITS, BASE_FIELD.prime))]);
}

describe.each(['g1', 'g2'] as const)('fixed-base multiples in %s', (curve) => {
  it('agree with the reference for edge and random scalars, over more than one chunk', async () => {
    const next = seeded(SEED);
    const { prime: r } = SCALAR_FIELD;
    const generator = GENERATORS[curve];
    const coordinates = curve === 'g1' ? 2 : 4;
    const multiplier = await FixedBaseMultiplier.create(curve, Uint8Array.from(toFile(generator, coordinates)));
    const edges = [0n, 1n, 2n, r - 1n, r - 2n, 4096n, 4097n, 1n << 253n, (1n << 253n) - 1n, next(r), next(r)];
    const scalars = [...edges, ...Array.from({ length: 2100 }, () => next(r)), ...edges];
    const points = multiplier.multiply(Uint8Array.from(scalars.flatMap((scalar) => [...writeInteger(scalar)])));
    const size = 32 * coordinates;
    const checked = [...edges.keys(), 500, 2047, 2048, ...edges.map((_, i) => scalars.length - edges.length + i)];
    for (const i of checked) {
      expect([...points.subarray(size * i, size * (i + 1))], `scalar ${i}`).toEqual(
        toFile(multiple(generator, scalars[i] as bigint), coordinates),
      );
    }
  });
});
