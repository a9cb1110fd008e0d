/** Changes to an archive, one at a time, and how to find things in it. */
import type { Archive, EventOf } from '../../auditor/archive.js';

/** A copy of the archive with one change. */
export function changed(archive: Archive, change: (copy: Archive) => void): Archive {
  const copy = structuredClone(archive);
  change(copy);
  return copy;
}

export function settlementAt(archive: Archive, ordinal: number): EventOf<'settled'> {
  return eventsOf(archive, 'settled')[ordinal] as EventOf<'settled'>;
}

export function eventsOf<K extends Archive['events'][number]['kind']>(archive: Archive, kind: K): EventOf<K>[] {
  return archive.events.filter((event): event is EventOf<K> => event.kind === kind);
}

/** The hex text with one bit of byte `offset` flipped. */
export function flipped(hex: string, offset: number, bit = 0): string {
  const at = 2 + 2 * offset;
  const byte = Number.parseInt(hex.slice(at, at + 2), 16) ^ (1 << bit);
  return `${hex.slice(0, at)}${byte.toString(16).padStart(2, '0')}${hex.slice(at + 2)}`;
}
