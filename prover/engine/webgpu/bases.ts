/**
 * Bases as they lie in a proving key become bases as the other kernels want them.
 *
 *     raw   ┌ x: 8 words ┬ y: 8 words ┐ a base, Montgomery with R = 2^256, zeros for infinity
 *     xs    [x_0] … [x_(n−1)] [β·x_0] … [β·x_(n−1)]        8 words each, R = 2^260
 *     ys    [y_0] … [y_(n−1)]
 *
 * (β·x, y) = λ·(x, y) for a cube root of unity β of the base field: the endomorphism that halves the scalars (glv.ts).
 * Without it the second half of xs is left out. Done once for a key, in pieces; `start` is the first base of the piece.
 */
import { BASE_FIELD, FILE_MONTGOMERY_BITS } from '../field/parameters.js';
import { DEVICE_MONTGOMERY_BITS, elementLiteral, fieldSource, toDevice } from './field.js';
import { CUBE_ROOT } from './glv.js';
import { kernel } from './kernel.js';

/** product(x·2^256, c) = x·2^260 for c = 2^(2·260 − 256). */
const FROM_FILE = (1n << (2n * DEVICE_MONTGOMERY_BITS - FILE_MONTGOMERY_BITS)) % BASE_FIELD.prime;

export const basesKernel = kernel({
  label: 'bases',
  params: ['start', 'count', 'bases', 'images'],
  buffers: [
    { name: 'raw', access: 'read', type: 'array<vec4<u32>>' },
    { name: 'xs', access: 'read_write', type: 'array<vec4<u32>>' },
    { name: 'ys', access: 'read_write', type: 'array<vec4<u32>>' },
  ],
  groupSize: 64,
  declarations: `${fieldSource()}
const FROM_FILE = ${elementLiteral(FROM_FILE)};
const CUBE_ROOT = ${elementLiteral(toDevice(CUBE_ROOT))};`,
  entry: `
  for (var i = invocation; i < params.count; i += invocations) {
    let place = params.start + i;
    let x = canonical(product(unpack(P(raw[4u * i], raw[4u * i + 1u])), FROM_FILE));
    let y = pack(canonical(product(unpack(P(raw[4u * i + 2u], raw[4u * i + 3u])), FROM_FILE)));
    let packed = pack(x);
    xs[2u * place] = packed.lo;
    xs[2u * place + 1u] = packed.hi;
    ys[2u * place] = y.lo;
    ys[2u * place + 1u] = y.hi;
    if (params.images == 1u) {
      let image = pack(canonical(product(x, CUBE_ROOT)));
      xs[2u * (params.bases + place)] = image.lo;
      xs[2u * (params.bases + place) + 1u] = image.hi;
    }
  }`,
});
