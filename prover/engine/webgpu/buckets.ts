/**
 * The rounds that make one point of each bucket, by the additions of addition.ts.
 *
 *     before        order:  a pair of tagged bases a slot; a bucket's slots are neighbours      [ab][cd][e·]│[fg]│[h·]
 *     round 0       the slot's place in sums ← its pair added                                   [s0][s1][s2]│[s3]│[s4]
 *     stride 1      slots whose rank in their bucket is even take in the next one               [s0+s1] · [s2]│[s3]│[s4]
 *     stride 2      those whose rank is a multiple of four …                                    [s0+s1+s2] · ·│[s3]│[s4]
 *
 * until the stride reaches the largest bucket: each bucket's sum stands in its first slot. `pairsKernel` lists the slots that
 * take in another at a stride; slots of the next stride are among those of the last, so a list is made of the one before.
 *
 *     list     [number of items][slot][slot] …     in no particular order
 *
 * `settleKernel` then moves the sums to where the reduction wants them: bucket b at place b, infinity where it is empty.
 * Limits: lists and slots below 2^31; a word of workgroup memory twice. Source: Pippenger's buckets, summed by a tree instead of
 * one after another, so that additions are independent and can share inversions, as in the ZPrize 2022 write-ups.
 */
import { kernel } from './kernel.js';

const GROUP_SIZE = 256;
const STARTS = { name: 'starts', access: 'read', type: 'array<u32>' } as const;
const ELEMENTS = 'array<vec4<u32>>';

export const pairsKernel = kernel({
  label: 'list pairs',
  params: ['stride', 'slots', 'listed', 'firstBucket'],
  buffers: [
    STARTS,
    { name: 'owners', access: 'read', type: 'array<u32>' },
    { name: 'before', access: 'read', type: 'List' },
    { name: 'after', access: 'read_write', type: 'GrowingList' },
  ],
  groupSize: GROUP_SIZE,
  declarations: `
struct List { count: u32, items: array<u32> }
struct GrowingList { count: atomic<u32>, items: array<u32> }
var<workgroup> kept: atomic<u32>;
var<workgroup> place: u32;`,
  entry: `
  let base = starts[params.firstBucket];
  // listed = 0: every slot is looked at, else those of the list.
  let candidates = select(params.slots, before.count, params.listed == 1u);
  for (var first = group.x * ${GROUP_SIZE}u; first < candidates; first += workgroups.x * ${GROUP_SIZE}u) {
    if (local == 0u) { atomicStore(&kept, 0u); }
    workgroupBarrier();
    let i = first + local;
    var slot = i;
    var rank = 0u;
    var taken = false;
    if (i < candidates) {
      if (params.listed == 1u) { slot = before.items[i]; }
      let bucket = owners[slot];
      let rankInBucket = slot - ((starts[bucket] - base) >> 1u);
      let end = (starts[bucket + 1u] - base) >> 1u;
      taken = (rankInBucket & (2u * params.stride - 1u)) == 0u && slot + params.stride < end;
    }
    if (taken) { rank = atomicAdd(&kept, 1u); }
    workgroupBarrier();
    if (local == 0u) { place = atomicAdd(&after.count, atomicLoad(&kept)); }
    workgroupBarrier();
    if (taken) { after.items[place + rank] = slot; }
    workgroupBarrier();
  }`,
});

export const settleKernel = kernel({
  label: 'settle buckets',
  params: ['firstBucket', 'buckets'],
  buffers: [
    STARTS,
    { name: 'xs', access: 'read', type: ELEMENTS },
    { name: 'ys', access: 'read', type: ELEMENTS },
    { name: 'bucketXs', access: 'read_write', type: ELEMENTS },
    { name: 'bucketYs', access: 'read_write', type: ELEMENTS },
  ],
  groupSize: GROUP_SIZE,
  declarations: '',
  entry: `
  let base = starts[params.firstBucket];
  for (var i = invocation; i < params.buckets; i += invocations) {
    let bucket = params.firstBucket + i;
    let start = starts[bucket];
    if (starts[bucket + 1u] > start) {
      let slot = (start - base) >> 1u;
      bucketXs[2u * bucket] = xs[2u * slot];
      bucketXs[2u * bucket + 1u] = xs[2u * slot + 1u];
      bucketYs[2u * bucket] = ys[2u * slot];
      bucketYs[2u * bucket + 1u] = ys[2u * slot + 1u];
    } else {
      bucketXs[2u * bucket] = vec4<u32>();
      bucketXs[2u * bucket + 1u] = vec4<u32>();
      bucketYs[2u * bucket] = vec4<u32>();
      bucketYs[2u * bucket + 1u] = vec4<u32>();
    }
  }`,
});
