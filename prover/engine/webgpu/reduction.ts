/**
 * Σ (u + 1)·B_u over the buckets u = 0 … B−1 of each window, down to c = log2(B) + 1 points a window, in place.
 *
 * Level j adds place u + 2^j to place u for all u whose bit j is 0 and whose lower bits have at most one 1:
 *
 *     B = 8     level 0: 0←1 2←3 4←5 6←7        level 1: 0←2 4←6, 1←3 5←7        level 2: 0←4, 1←5, 2←6
 *
 * Where the lower bits are all 0, place u has gathered all below the next such place, and place u + 2^j keeps what has bit j
 * set; where one bit i is set, the sums of what has bit i set come together. At the end place 0 holds Σ B_u, and place 2^j
 * holds O_j = Σ B_u over u with bit j set, so that the window's sum is place 0 + Σ 2^j·O_j. It takes about 2·B additions,
 * as running sums do, but only log2(B) rounds of independent ones, all by the kernels of addition.ts.
 *
 *     list      the places u of a level (see buckets.ts for its layout)
 *     xs, ys    [window 0: place 0 … B−1][window 1: …]      8 words an element, see field.ts
 *     output    [window 0: x‖y of place 0, of place 1, of place 2, of place 4, …][window 1: …]      64 bytes a point
 *
 * Limits: B a power of two, at least 8 (scan.ts); windows·B places below 2^31. Source: ours; it splits Σ (u + 1)·B_u by the bits of u,
 * where running sums (Bernstein, Doumen, Lange, Oosterwijk, INDOCRYPT 2012) are one chain of dependent additions.
 */
import { kernel } from './kernel.js';

const GROUP_SIZE = 256;

/** Additions of a level over all windows. */
export function levelPairs(windows: number, bits: number, level: number): number {
  return windows * (level + 1) * 2 ** (bits - 2 - level);
}

export const levelKernel = kernel({
  label: 'list level',
  params: ['pairs', 'bits', 'level'],
  buffers: [{ name: 'list', access: 'read_write', type: 'List' }],
  groupSize: GROUP_SIZE,
  declarations: 'struct List { count: u32, items: array<u32> }',
  entry: `
  if (invocation == 0u) { list.count = params.pairs; }
  // A window's pairs: level + 1 patterns of lower bits, each with 2^higher patterns of higher ones.
  let higher = params.bits - 2u - params.level;
  let inWindow = (params.level + 1u) << higher;
  for (var i = invocation; i < params.pairs; i += invocations) {
    let rest = i % inWindow;
    let pattern = rest >> higher;
    let low = (1u << pattern) >> 1u;
    let high = (rest & ((1u << higher) - 1u)) << (params.level + 1u);
    list.items[i] = ((i / inWindow) << (params.bits - 1u)) + high + low;
  }`,
});

export const outputKernel = kernel({
  label: 'output',
  params: ['points', 'bits'],
  buffers: [
    { name: 'xs', access: 'read', type: 'array<vec4<u32>>' },
    { name: 'ys', access: 'read', type: 'array<vec4<u32>>' },
    { name: 'output', access: 'read_write', type: 'array<vec4<u32>>' },
  ],
  groupSize: GROUP_SIZE,
  declarations: '',
  entry: `
  for (var i = invocation; i < params.points; i += invocations) {
    let place = ((i / params.bits) << (params.bits - 1u)) + ((1u << (i % params.bits)) >> 1u);
    output[4u * i] = xs[2u * place];
    output[4u * i + 1u] = xs[2u * place + 1u];
    output[4u * i + 2u] = ys[2u * place];
    output[4u * i + 3u] = ys[2u * place + 1u];
  }`,
});
