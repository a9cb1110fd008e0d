/**
 * The nullifiers in ascending order, as an immutable list in chunks.
 *
 * Why chunks: every settlement adds a few values anywhere, and the lists before it are kept for a while, for blocks may be
 * taken back. One array for all of them would be copied whole each time; of chunks only those are copied that change.
 *
 * Invariants: values are strictly ascending over all chunks; no chunk is empty; none is longer than CHUNK.
 */
import type { Field } from '../protocol/flavor.js';

/** A value of the tree and the leaf that carries it. */
export interface Entry {
  readonly value: Field;
  readonly index: bigint;
}

/** Entries of a chunk at most: a copy costs microseconds, and a million nullifiers make some thousand chunks. */
const CHUNK = 512;

type Chunk = readonly Entry[];

export class SortedEntries {
  readonly #chunks: readonly Chunk[];
  /** Entries in all. */
  readonly size: number;

  private constructor(chunks: readonly Chunk[], size: number) {
    this.#chunks = chunks;
    this.size = size;
  }

  /** @param entries at least one, strictly ascending by value */
  static of(entries: readonly Entry[]): SortedEntries {
    return new SortedEntries(inChunks(entries), entries.length);
  }

  /** The entry of the greatest value that is not above `value`, and the value after it; `value` must not be below all. */
  floor(value: Field): { readonly entry: Entry; readonly next: Field | undefined } {
    const at = lastNotAbove(this.#chunks.length, (i) => (this.#chunks[i] as Chunk)[0] as Entry, value);
    const chunk = this.#chunks[at] as Chunk;
    const within = lastNotAbove(chunk.length, (i) => chunk[i] as Entry, value);
    return { entry: chunk[within] as Entry, next: (chunk[within + 1] ?? this.#chunks[at + 1]?.[0])?.value };
  }

  /** These and `added`, which are strictly ascending and none of them here yet. */
  with(added: readonly Entry[]): SortedEntries {
    if (added.length === 0) return this;
    const chunks: Chunk[] = [];
    let from = 0;
    for (const [i, chunk] of this.#chunks.entries()) {
      const end = this.#chunks[i + 1]?.[0]?.value;
      let to = from;
      while (to < added.length && (end === undefined || (added[to] as Entry).value < end)) to++;
      if (to === from) chunks.push(chunk);
      else chunks.push(...inChunks(mergeAscending(chunk, added.slice(from, to))));
      from = to;
    }
    return new SortedEntries(chunks, this.size + added.length);
  }

  /** Entries whose leaves stand at `index` or behind, in the order of the leaves. */
  since(index: bigint): Entry[] {
    const late = this.#chunks.flatMap((chunk) => chunk.filter((entry) => entry.index >= index));
    return late.sort((a, b) => (a.index < b.index ? -1 : 1));
  }
}

/** Position of the last of `count` ascending entries whose value is not above `value`; 0 where all are. */
function lastNotAbove(count: number, at: (i: number) => Entry, value: Field): number {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at(middle).value <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** In equal parts, so that a chunk that is split has room on both sides. */
function inChunks(entries: readonly Entry[]): Chunk[] {
  const parts = Math.ceil(entries.length / CHUNK);
  const length = Math.ceil(entries.length / parts);
  return Array.from({ length: parts }, (_, i) => entries.slice(i * length, (i + 1) * length));
}

function mergeAscending(a: readonly Entry[], b: readonly Entry[]): Entry[] {
  const merged: Entry[] = [];
  let i = 0;
  for (const entry of b) {
    while (i < a.length && (a[i] as Entry).value < entry.value) merged.push(a[i++] as Entry);
    merged.push(entry);
  }
  while (i < a.length) merged.push(a[i++] as Entry);
  return merged;
}
