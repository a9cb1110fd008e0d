/**
 * Whether a finished proof satisfies its own key's equation: e(A, B) = e(α, β)·e(Σ x_i·IC_i, γ)·e(C, δ).
 *
 * The prover asks this of proofs that a helper took part in. It is no verifier: points are taken to lie on their curves
 * (they were computed or checked here), and the key is not judged. Verifiers use ../verify.ts.
 * Source: Groth (2016), equation of the verifier.
 */
import { BASE_FIELD, FILE_MONTGOMERY_BITS, inverseModulo, PACKED_BYTES, powerModulo } from '../field/parameters.js';
import { type Coordinates, type Pair, PairingEngine } from '../pairing/pairing.js';
import { FILE_POINT_BYTES } from '../sizes.js';
import { readInteger, readSection } from './container.js';
import type { ProofPoints } from './run.js';
import type { Zkey } from './zkey.js';

/** Inputs whose multiples are summed up together: what the pairing's memory holds. */
const INPUTS_AT_ONCE = 64;

export class Equation {
  readonly #alpha: Coordinates;
  readonly #beta: Coordinates;
  readonly #gamma: Coordinates;
  readonly #delta: Coordinates;
  readonly #inputs: readonly Coordinates[];
  #engine: PairingEngine | undefined;

  /** Reads what it needs from the key's file, which may be closed afterwards. @throws TacitError ZKEY_FORMAT */
  constructor(zkey: Zkey) {
    const { prime } = BASE_FIELD;
    const fromFile = inverseModulo(powerModulo(2n, FILE_MONTGOMERY_BITS, prime), prime);
    const point = (bytes: Uint8Array): Coordinates => {
      const all = Array.from({ length: bytes.length / PACKED_BYTES }, (_, i) => (readInteger(bytes, i * PACKED_BYTES) * fromFile) % prime);
      return all.every((coordinate) => coordinate === 0n) ? undefined : all;
    };
    [this.#alpha, this.#beta, this.#gamma, this.#delta] = [zkey.alpha1, zkey.beta2, zkey.gamma2, zkey.delta2].map(point) as [
      Coordinates,
      Coordinates,
      Coordinates,
      Coordinates,
    ];
    const ic = readSection(zkey.container, zkey.ic, 0, zkey.ic.sizeBytes);
    this.#inputs = Array.from({ length: zkey.publicInputs + 1 }, (_, i) =>
      point(ic.subarray(FILE_POINT_BYTES.g1 * i, FILE_POINT_BYTES.g1 * (i + 1))),
    );
  }

  /** @param signals the public inputs, below r */
  async holds({ a, b, c }: ProofPoints, signals: readonly bigint[]): Promise<boolean> {
    this.#engine ??= await PairingEngine.load();
    const pairs: Pair[] = [
      { g1: a, g2: b },
      { g1: negative(this.#alpha), g2: this.#beta },
      { g1: negative(this.#inputSum(this.#engine, [1n, ...signals])), g2: this.#gamma },
      { g1: negative(c), g2: this.#delta },
    ];
    return this.#engine.productIsOne(pairs);
  }

  #inputSum(engine: PairingEngine, scalars: readonly bigint[]): Coordinates {
    let sum: Coordinates;
    for (let from = 0; from < scalars.length; from += INPUTS_AT_ONCE) {
      engine.reset();
      const points = this.#inputs.slice(from, from + INPUTS_AT_ONCE).map((point) => engine.load(point));
      const part = engine.sumOfMultiples(points, scalars.slice(from, from + INPUTS_AT_ONCE));
      sum = engine.coordinates(engine.add(engine.load(sum), part));
    }
    return sum;
  }
}

function negative(point: Coordinates): Coordinates {
  if (!point) return undefined;
  const [x, y] = point as [bigint, bigint];
  return [x, y === 0n ? 0n : BASE_FIELD.prime - y];
}
