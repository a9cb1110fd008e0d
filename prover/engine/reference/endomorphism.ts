/** Readable twin of the splitting of scalars: see `curve/endomorphism.ts` for the method. */
import { SHORT_BASIS } from '../curve/endomorphism.js';
import { SCALAR_FIELD } from '../field/parameters.js';

/** Halves k1, k2 with k ≡ k1 + k2·λ (mod r), for 0 ≤ k < r. */
export function splitScalar(k: bigint): [bigint, bigint] {
  const { a1, b1, a2, b2 } = SHORT_BASIS;
  const { prime: r } = SCALAR_FIELD;
  const nearest = (numerator: bigint): bigint => (2n * numerator + r) / (2n * r);
  const [c1, c2] = [nearest(k * b2), nearest(-k * b1)];
  return [k - c1 * a1 - c2 * a2, -c1 * b1 - c2 * b2];
}
