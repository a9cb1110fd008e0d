/**
 * Brings the bases of a key from its file into the key's memory, on all threads of the pool.
 *
 * 1. This thread reads a chunk, checks that coordinates are below q, and leaves out points at infinity (variables that a
 *    query does not use), noting which scalar belongs to which base that stays.
 * 2. The chunk goes into a free slot of the staging area; a thread of the pool converts it to the kernels' form, in its
 *    place for good, and checks that its points lie on the curve.
 *
 * So the file's bytes are never in memory as a whole, and nothing is there twice but the chunks under way.
 */
import { BASE_FIELD, PACKED_BYTES } from '../field/parameters.js';
import type { Instance } from '../instance.js';
import type { CurveName } from '../kernels.js';
import type { Pool } from '../pool/pool.js';
import { FILE_POINT_BYTES } from '../sizes.js';
import { firstNotBelow, readSection } from './container.js';
import { BASE_CURVES, type BaseName, type Layout, STAGING_SLOT_BYTES } from './layout.js';
import type { Zkey } from './zkey.js';

/** All conversions are equally urgent. */
const PRIORITY = 0;

export class BasesLoader {
  private readonly buffer = new Uint8Array(STAGING_SLOT_BYTES);
  private readonly words = new Uint32Array(this.buffer.buffer);
  /** What the slots are busy with; the promises never reject. */
  private readonly busy: Promise<void>[];
  private failure: { readonly reason: unknown } | undefined;
  private turn = 0;

  constructor(
    private readonly zkey: Zkey,
    private readonly layout: Layout,
    private readonly instance: Instance,
    private readonly pool: Pool,
  ) {
    this.busy = layout.staging.map(() => Promise.resolve());
  }

  /** @returns how many bases of this kind are not infinity; they are in place once `finish` has resolved */
  async load(name: BaseName): Promise<number> {
    const { zkey, layout, instance, buffer } = this;
    const curve = BASE_CURVES[name];
    const pointBytes = FILE_POINT_BYTES[curve];
    const section = zkey.points[name];
    let kept = 0;
    for (let at = 0; at < section.sizeBytes; at += STAGING_SLOT_BYTES) {
      const chunk = readSection(zkey.container, section, at, Math.min(STAGING_SLOT_BYTES, section.sizeBytes - at), buffer);
      if (firstNotBelow(chunk, BASE_FIELD.prime) >= 0) throw zkey.container.fail(`coordinates of ${name} below q`, 'a larger one');
      const count = this.leaveOutInfinity(chunk, pointBytes, firstScalar(zkey, name) + at / pointBytes, layout.indices[name] / 4 + kept);
      await this.convert(chunk.subarray(0, count * pointBytes), curve, layout.bases[name] + kept * instance.info.curves[curve].affineBytes);
      kept += count;
    }
    return kept;
  }

  /** A point that is used from the file's bytes is only checked, and everything before it is waited for. */
  async check(curve: CurveName, point: Uint8Array): Promise<void> {
    if (firstNotBelow(point, BASE_FIELD.prime) >= 0) throw this.zkey.container.fail('coordinates of the header below q', 'a larger one');
    await this.convert(point, curve, this.layout.mainScratch);
    await this.finish();
  }

  /** Resolves when everything is in place. @throws TacitError ZKEY_FORMAT */
  async finish(): Promise<void> {
    await Promise.all(this.busy);
    if (this.failure) throw this.failure.reason;
  }

  /** Moves the points that are not infinity together and notes their scalars; returns how many there are. */
  private leaveOutInfinity(chunk: Uint8Array, pointBytes: number, firstScalar: number, indices: number): number {
    let kept = 0;
    for (let offset = 0; offset < chunk.length; offset += pointBytes) {
      if (isZero(this.words, offset / 4, pointBytes / 4)) continue;
      this.instance.words[indices + kept] = firstScalar + offset / pointBytes;
      const to = kept * pointBytes;
      if (to !== offset) chunk.copyWithin(to, offset, offset + pointBytes);
      kept++;
    }
    return kept;
  }

  private async convert(points: Uint8Array, curve: CurveName, to: number): Promise<void> {
    const { instance, layout, pool, zkey } = this;
    const slot = this.turn++ % layout.staging.length;
    await this.busy[slot];
    if (this.failure) throw this.failure.reason;
    const count = points.length / FILE_POINT_BYTES[curve];
    if (count === 0) return;
    const staging = layout.staging[slot] as number;
    instance.bytes.set(points, staging);
    const { enterBaseFromFileAt } = instance.info;
    const work = pool.submit(
      {
        type: 'calls',
        calls: [
          ['q_unpackMany', to, staging, points.length / PACKED_BYTES, enterBaseFromFileAt],
          [`${curve}_onCurve`, to, count, staging],
        ],
      },
      PRIORITY,
    );
    this.busy[slot] = work.then(
      () => {
        // A point off its curve would let the key's maker learn a proof's scalars modulo small numbers.
        const good = instance.words[staging / 4] as number;
        if (good !== count) this.failure ??= { reason: zkey.container.fail(`points on the curve ${curve}`, 'one that is not') };
      },
      (reason: unknown) => {
        this.failure ??= { reason };
      },
    );
  }
}

/** Scalars of C begin behind the public inputs and the constant. */
function firstScalar(zkey: Zkey, name: BaseName): number {
  return name === 'c' ? zkey.publicInputs + 1 : 0;
}

function isZero(words: Uint32Array, at: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (words[at + i] !== 0) return false;
  return true;
}
