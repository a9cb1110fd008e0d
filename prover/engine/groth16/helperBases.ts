/**
 * A key's bases as a helper takes them: out of the key's memory, in the form of files, on the calling thread.
 */
import { PACKED_BYTES } from '../field/parameters.js';
import { kernel } from '../instance.js';
import { FILE_POINT_BYTES } from '../sizes.js';
import type { G1Name, KeyBases } from './helper.js';
import type { LoadedKey } from './key.js';
import { STAGING_SLOT_BYTES } from './layout.js';
import { sumOnPool } from './run.js';

/** Before the first proof: both use memory that proofs use. */
export function basesForHelper(key: LoadedKey): KeyBases {
  return {
    counts: key.counts,
    bases: (name) => readBases(key, name),
    sumOnPool: async (name, scalars, factor) => {
      const sum = await sumOnPool(key, name, scalars, factor);
      return sum && { x: sum[0] as bigint, y: sum[1] as bigint };
    },
  };
}

function readBases({ instance, layout, counts }: LoadedKey, name: G1Name): Uint8Array {
  const { bytes, info } = instance;
  const pointBytes = FILE_POINT_BYTES.g1;
  const [staging] = layout.staging as [number];
  const chunk = STAGING_SLOT_BYTES / pointBytes;
  const all = new Uint8Array(pointBytes * counts[name]);
  for (let from = 0; from < counts[name]; from += chunk) {
    const count = Math.min(chunk, counts[name] - from);
    kernel(instance, 'q_packForFileMany')(
      staging,
      layout.bases[name] + from * info.curves.g1.affineBytes,
      (count * pointBytes) / PACKED_BYTES,
    );
    all.set(bytes.subarray(staging, staging + count * pointBytes), from * pointBytes);
  }
  return all;
}
