/**
 * Bases as they lie in a proving key become bases as the other kernels want them.
 *
 *     raw   ┌ x: 8 words ┬ y: 8 words ┐ a base, Montgomery with R = 2^256, zeros for infinity
 *     xs    [x_0] … [x_(n−1)] [β·x_0] … [β·x_(n−1)]        8 words each, R = 2^260
 *     ys    [y_0] … [y_(n−1)]
 *
 * (β·x, y) = λ·(x, y) for a cube root of unity β of the base field: the endomorphism that halves the scalars (glv.ts).
 * Without it the last part of xs is left out. Each number takes one product, by a constant that changes the form, and multiplies
 * by β as well. Done once for a key, in pieces; `start` is the first base of the piece.
 * Limits: coordinates below p, that the points lie on the curve is taken for granted; 2·bases elements in one buffer (plan.ts cuts
 * parts that fit). Source: Gallant, Lambert, Vanstone (CRYPTO 2001); change of form: Montgomery (1985).
 */
import { BETA } from '../curve/endomorphism.js';
import { BASE_FIELD, FILE_MONTGOMERY_BITS } from '../field/parameters.js';
import { DEVICE_MONTGOMERY_BITS, elementLiteral, fieldSource } from './field.js';
import { kernel } from './kernel.js';

/** product(x·2^256, c) = x·2^260 for c = 2^(2·260 − 256). */
const FROM_FILE = (1n << (2n * DEVICE_MONTGOMERY_BITS - FILE_MONTGOMERY_BITS)) % BASE_FIELD.prime;
const TO_IMAGE = (FROM_FILE * BETA.g1) % BASE_FIELD.prime;

/** Numbers of a base: x, y and, with the endomorphism, β·x. */
export const numbersOfBase = (glv: boolean): number => (glv ? 3 : 2);

export const basesKernel = kernel({
  label: 'bases',
  params: ['start', 'count', 'bases', 'numbers'],
  buffers: [
    { name: 'raw', access: 'read', type: 'array<vec4<u32>>' },
    { name: 'xs', access: 'read_write', type: 'array<vec4<u32>>' },
    { name: 'ys', access: 'read_write', type: 'array<vec4<u32>>' },
  ],
  groupSize: 64,
  declarations: `${fieldSource()}
const FROM_FILE = ${elementLiteral(FROM_FILE)};
const TO_IMAGE = ${elementLiteral(TO_IMAGE)};`,
  entry: `
  for (var i = invocation; i < params.count * params.numbers; i += invocations) {
    let base = i % params.count;
    let number = i / params.count;
    let source = 4u * base + select(0u, 2u, number == 1u);
    var factor = FROM_FILE;
    if (number == 2u) { factor = TO_IMAGE; }
    let value = pack(canonical(product(unpack(P(raw[source], raw[source + 1u])), factor)));
    let place = 2u * (params.start + base + select(0u, params.bases, number == 2u));
    if (number == 1u) {
      ys[place] = value.lo;
      ys[place + 1u] = value.hi;
    } else {
      xs[place] = value.lo;
      xs[place + 1u] = value.hi;
    }
  }`,
});
