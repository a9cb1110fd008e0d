/**
 * Exclusive prefix sums of the buckets' sizes, each rounded up to an even number, in three steps:
 *
 *     scanBlocks   starts[i] ← sum within its block of 2,048;  blocks[b] ← the block's sum;  largest[w] ← a window's largest count
 *     scanSums     blocks ← their own prefix sums, the total behind them; one workgroup
 *     scanJoin     starts[i] += blocks[i / 2048];  starts[count] ← the total
 *
 *     counts   [window 0: bucket 1 … B][window 1: …]                a word each, see sort.ts
 *     starts   [start of each bucket, in the same order][total]     in entries, all even
 *     blocks   [start of each block of 2,048 buckets][total]        largest   [window 0][window 1] …
 *
 * Limits: 1 KiB of workgroup memory; windows of at least eight buckets, so that an invocation's eight lie in one window;
 * counts and sums below 2^32. Source: Hillis and Steele (1986) within a workgroup.
 */
import { kernel } from './kernel.js';

const GROUP_SIZE = 256;
const EACH = 8;
/** Counts that one workgroup sums up. */
export const SCAN_BLOCK = GROUP_SIZE * EACH;
/** The fewest buckets of a window. */
export const LEAST_BUCKETS = EACH;

const GROUP_SCAN = `
var<workgroup> partial: array<u32, ${GROUP_SIZE}>;
/// Inclusive sum of \`value\` over the invocations up to this one.
fn sumUpTo(local: u32, value: u32) -> u32 {
  partial[local] = value;
  workgroupBarrier();
  for (var distance = 1u; distance < ${GROUP_SIZE}u; distance = distance << 1u) {
    var before = 0u;
    if (local >= distance) { before = partial[local - distance]; }
    workgroupBarrier();
    partial[local] += before;
    workgroupBarrier();
  }
  return partial[local];
}`;

const STARTS = { name: 'starts', access: 'read_write', type: 'array<u32>' } as const;

export const scanBlocks = kernel({
  label: 'scan blocks',
  params: ['count', 'buckets'],
  buffers: [
    { name: 'counts', access: 'read', type: 'array<u32>' },
    STARTS,
    { name: 'blocks', access: 'read_write', type: 'array<u32>' },
    { name: 'largest', access: 'read_write', type: 'array<atomic<u32>>' },
  ],
  groupSize: GROUP_SIZE,
  declarations: GROUP_SCAN,
  entry: `
  for (var block = group.x; block * ${SCAN_BLOCK}u < params.count; block += workgroups.x) {
    let first = block * ${SCAN_BLOCK}u + local * ${EACH}u;
    let end = min(first + ${EACH}u, params.count);
    var sum = 0u;
    var most = 0u;
    for (var i = first; i < end; i++) {
      most = max(most, counts[i]);
      sum += (counts[i] + 1u) & 0xfffffffeu;
    }
    if (most > 0u) { atomicMax(&largest[first / params.buckets], most); }
    let upTo = sumUpTo(local, sum);
    var next = upTo - sum;
    for (var i = first; i < end; i++) {
      starts[i] = next;
      next += (counts[i] + 1u) & 0xfffffffeu;
    }
    if (local == ${GROUP_SIZE - 1}u) { blocks[block] = upTo; }
    workgroupBarrier();
  }`,
});

export const scanSums = kernel({
  label: 'scan sums',
  params: ['blocks'],
  buffers: [{ name: 'sums', access: 'read_write', type: 'array<u32>' }],
  groupSize: GROUP_SIZE,
  declarations: `${GROUP_SCAN}
var<workgroup> carried: u32;`,
  entry: `
  if (local == 0u) { carried = 0u; }
  for (var first = 0u; first < params.blocks; first += ${GROUP_SIZE}u) {
    let i = first + local;
    var own = 0u;
    if (i < params.blocks) { own = sums[i]; }
    let upTo = sumUpTo(local, own);
    let before = carried;
    if (i < params.blocks) { sums[i] = before + upTo - own; }
    workgroupBarrier();
    if (local == ${GROUP_SIZE - 1}u) { carried = before + upTo; }
    workgroupBarrier();
  }
  if (local == 0u) { sums[params.blocks] = carried; }`,
});

export const scanJoin = kernel({
  label: 'scan join',
  params: ['count', 'blocks'],
  buffers: [STARTS, { name: 'sums', access: 'read', type: 'array<u32>' }],
  groupSize: GROUP_SIZE,
  declarations: '',
  entry: `
  for (var i = invocation; i < params.count; i += invocations) { starts[i] += sums[i / ${SCAN_BLOCK}u]; }
  if (invocation == 0u) { starts[params.count] = sums[params.blocks]; }`,
});
