/** A helper of proofs that computes with noble-curves' bigints. */
import { bn254 } from '@noble/curves/bn254.js';
import type { TacitError } from '../../protocol/errors.js';
import { BASE_FIELD, inverseModulo, SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { readInteger, writeInteger } from '../../prover/engine/groth16/container.js';
import type { G1Name, HelpedSum, HelperMaker, KeyBases, KeyHelper, SumPoint } from '../../prover/engine/groth16/helper.js';
import type { BaseName } from '../../prover/engine/groth16/layout.js';
import { seeded } from '../engine/harness.js';

const NAMES: readonly G1Name[] = ['a', 'b1', 'c', 'h'];
const POINT_BYTES = 64;
const SCALAR_BYTES = 32;
const SEED = 6;

interface Behaviour {
  takes?(name: BaseName): boolean;
  /** Fill `compared`: it takes a while. */
  compares?: boolean;
}

const { Point } = bn254.G1;
type G1Point = InstanceType<typeof Point>;

/** Points in the form of files. */
export function pointsOf(bytes: Uint8Array): G1Point[] {
  const { prime } = BASE_FIELD;
  const inverse = inverseModulo((1n << 256n) % prime, prime);
  return Array.from({ length: bytes.length / POINT_BYTES }, (_, i) => {
    const [x, y] = [0, SCALAR_BYTES].map((at) => (readInteger(bytes, POINT_BYTES * i + at) * inverse) % prime) as [bigint, bigint];
    return x === 0n && y === 0n ? Point.ZERO : Point.fromAffine({ x, y });
  });
}

export function scalarsOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / SCALAR_BYTES }, (_, i) => readInteger(bytes, SCALAR_BYTES * i));
}

export function toSumPoint(point: G1Point): SumPoint {
  return point.is0() ? undefined : point.toAffine();
}

export function sumOfMultiples(points: readonly G1Point[], scalars: readonly bigint[]): G1Point {
  return points.reduce((sum, point, i) => sum.add(point.multiplyUnsafe(scalars[i] as bigint)), Point.ZERO);
}

export class BigintHelper implements KeyHelper {
  readonly backend = 'bigint';
  distrusted = 0;
  closed = false;
  /** What this helper and the pool make of one random combination of all bases of a kind. */
  readonly compared = new Map<G1Name, { ours: SumPoint; pool: SumPoint }>();
  readonly #points = new Map<BaseName, G1Point[]>();

  constructor(private readonly behaviour: Behaviour = {}) {}

  async adopt(key: KeyBases): Promise<void> {
    const next = seeded(SEED);
    for (const name of NAMES) {
      const points = pointsOf(key.bases(name));
      this.#points.set(name, points);
      if (!this.behaviour.compares) continue;
      const scalars = points.map(() => next(SCALAR_FIELD.prime));
      const bytes = new Uint8Array(SCALAR_BYTES * scalars.length);
      scalars.forEach((scalar, i) => {
        bytes.set(writeInteger(scalar), SCALAR_BYTES * i);
      });
      const factor = next(SCALAR_FIELD.prime);
      const ours = toSumPoint(sumOfMultiples(points, scalars).multiplyUnsafe(factor));
      this.compared.set(name, { ours, pool: await key.sumOnPool(name, bytes, factor) });
    }
  }

  takes(name: BaseName): boolean {
    return name !== 'b2' && this.distrusted === 0 && (this.behaviour.takes?.(name) ?? true);
  }

  async sum(name: BaseName, read: () => Uint8Array, signal?: AbortSignal): Promise<HelpedSum> {
    signal?.throwIfAborted();
    const points = this.#points.get(name) as G1Point[];
    const sum = sumOfMultiples(points, scalarsOf(read()));
    return { point: toSumPoint(sum), elapsedMs: 0 };
  }

  distrust(): void {
    this.distrusted++;
  }

  takeFailures(): TacitError[] {
    return [];
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

export function helperMaker(helper: BigintHelper): HelperMaker {
  return async (key) => {
    await helper.adopt(key);
    return helper;
  };
}
