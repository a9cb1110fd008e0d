/**
 * Inverses of many elements at once, in place.
 *
 *     totals   [e_0][e_1] … [e_(n−1)]       read and written, 32 bytes each, below 2p
 *     prefixes [1][e_u][e_u·e_(u+U)] …      scratch of the same size
 *
 * Thread u of U takes the elements u, u + U, u + 2U, …: it multiplies them up, inverts the one product by Fermat's
 * little theorem, and takes it apart again backwards (Montgomery 1987). The power costs about 380 products, so a
 * thread should have dozens of elements.
 *
 * Limits: no element may be zero: its whole chain would become zero.
 */
import { BASE_FIELD } from '../field/parameters.js';
import { fieldSource } from './field.js';
import { kernel } from './kernel.js';

const EXPONENT = BASE_FIELD.prime - 2n;
const TOP_BIT = EXPONENT.toString(2).length - 1;

const exponentWords = Array.from({ length: 8 }, (_, i) => `${(EXPONENT >> BigInt(32 * i)) & 0xffffffffn}u`);

/** Square and multiply from the second bit down, with one product in the text: the loop inside runs once or twice. */
const POWER = `
const EXPONENT = array<u32, 8>(${exponentWords.join(', ')});
fn inverse(a: F) -> F {
  var words = EXPONENT;
  var power = a;
  for (var bit = ${TOP_BIT}u; bit > 0u; bit--) {
    let at = bit - 1u;
    let more = (words[at >> 5u] >> (at & 31u)) & 1u;
    var factor = power;
    for (var step = 0u; step <= more; step++) {
      power = product(power, factor);
      factor = a;
    }
  }
  return power;
}`;

export const INVERSE_GROUP_SIZE = 64;

export const invertKernel = kernel({
  label: 'invert',
  params: ['count', 'threads'],
  buffers: [
    { name: 'totals', access: 'read_write', type: 'array<vec4<u32>>' },
    { name: 'prefixes', access: 'read_write', type: 'array<vec4<u32>>' },
  ],
  groupSize: INVERSE_GROUP_SIZE,
  declarations: `${fieldSource()}${POWER}`,
  entry: `
  let first = invocation;
  if (first >= min(params.threads, params.count)) { return; }
  var running = ONE;
  var i = first;
  for (; i < params.count; i += params.threads) {
    let packed = pack(running);
    prefixes[2u * i] = packed.lo;
    prefixes[2u * i + 1u] = packed.hi;
    running = product(running, unpack(P(totals[2u * i], totals[2u * i + 1u])));
  }
  running = inverse(running);
  while (i > first) {
    i -= params.threads;
    let element = unpack(P(totals[2u * i], totals[2u * i + 1u]));
    let own = pack(product(running, unpack(P(prefixes[2u * i], prefixes[2u * i + 1u]))));
    running = product(running, element);
    totals[2u * i] = own.lo;
    totals[2u * i + 1u] = own.hi;
  }`,
});
