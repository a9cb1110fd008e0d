/**
 * Settlements spoilt at random: in their bytes, and in their structure before they are packed. Seeded; a mutation may
 * come out as what it was.
 */
import { bytesToUint, concatBytes, uintToBytes } from '../../protocol/bytes.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { encodeSettlement, type Settlement, type TransferProofEntry, type UpdateEntry } from '../../protocol/settlement.js';
import type { SeededRandom } from './random.js';

const UPDATE_BYTES = 375;
const HEADER_BYTES = 9;

export interface Mutant {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** One mutation of a settlement and its encoding; without transfers, of its bytes alone. */
export function mutate(settlement: Settlement, bytes: Uint8Array, random: SeededRandom): Mutant {
  const below = (limit: number): number => (limit === 0 ? 0 : Number(random.uint(48) % BigInt(limit)));
  return settlement.transfers.length === 0 || below(2) === 0
    ? mutateBytes(bytes, random, below)
    : mutateStructure(settlement, bytes, random, below);
}

type Below = (limit: number) => number;

function mutateBytes(bytes: Uint8Array, random: SeededRandom, below: Below): Mutant {
  const offset = below(bytes.length);
  const cut = (from: number, to: number, ...between: Uint8Array[]): Uint8Array =>
    concatBytes(bytes.slice(0, from), ...between, bytes.slice(to));
  const word = Math.min(offset, bytes.length - 32);
  switch (below(8)) {
    case 0:
      return { what: `cut at ${offset}`, bytes: bytes.slice(0, offset) };
    case 1:
      return { what: 'bytes behind', bytes: concatBytes(bytes, random.bytes(1 + below(40))) };
    case 2:
      return { what: `a byte more at ${offset}`, bytes: cut(offset, offset, random.bytes(1)) };
    case 3:
      return { what: `a byte less at ${offset}`, bytes: cut(offset, offset + 1) };
    case 4:
      return { what: 'header', bytes: flipped(bytes, below(HEADER_BYTES), below) };
    case 5:
      return { what: 'head of the last update', bytes: flipped(bytes, bytes.length - UPDATE_BYTES + below(4), below) };
    case 6: {
      const sum = bytesToUint(bytes.slice(word, word + 32)) + FIELD_MODULUS;
      return { what: `x + p at ${word}`, bytes: sum >> 256n === 0n ? cut(word, word + 32, uintToBytes(sum, 32)) : bytes };
    }
    default:
      return { what: `flip at ${offset}`, bytes: flipped(bytes, offset, below) };
  }
}

function flipped(bytes: Uint8Array, offset: number, below: Below): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = (copy[offset] as number) ^ (below(2) === 0 ? 1 << below(8) : 1 + below(255));
  return copy;
}

/** Whatever the encoder refuses comes back as it was. */
function mutateStructure(settlement: Settlement, bytes: Uint8Array, random: SeededRandom, below: Below): Mutant {
  const { transfers, updates, drops, forced } = settlement;
  const [t, u] = [below(transfers.length), below(updates.length)];
  const transfer = (change: Partial<TransferProofEntry>): Settlement => ({ ...settlement, transfers: replaced(transfers, t, change) });
  const update = (change: Partial<UpdateEntry>): Settlement => ({ ...settlement, updates: replaced(updates, u, change) });
  const old = transfers[t] as TransferProofEntry;
  const record = old.records[0] as (typeof old.records)[0];
  const address = `0x${[...random.bytes(20)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const choices: [string, () => Settlement][] = [
    ['transfers in another order', () => ({ ...settlement, transfers: [...transfers].reverse() })],
    ['a transfer twice', () => ({ ...settlement, transfers: [...transfers, old] })],
    ['a transfer less', () => ({ ...settlement, transfers: transfers.filter((_, i) => i !== t) })],
    ['updates in another order', () => ({ ...settlement, updates: [...updates].reverse() })],
    ['an update less', () => ({ ...settlement, updates: updates.filter((_, i) => i !== u) })],
    ['another prover', () => transfer({ prover: address })],
    ['another anchor', () => transfer({ anchor: { kind: 'known', root: random.field() } })],
    ['anchored to an update', () => transfer({ anchor: { kind: 'update', index: below(3) } })],
    ['another h', () => transfer({ h: random.field() })],
    ['another transfer circuit', () => transfer({ circuitId: 1 + below(6) })],
    [
      'a nullifier at the edge',
      () => transfer({ records: [{ ...record, nf1: [0n, (1n << 248n) - 1n, record.nf2, 1n][below(4)] as bigint }] }),
    ],
    ['another fee', () => transfer({ records: [{ ...record, fee: random.uint([1, 33, 65, 96][below(4)] as number) }] })],
    ['another fee asset', () => transfer({ records: [{ ...record, feeAsset: below(3) }] })],
    ['another withdrawal', () => transfer({ records: [{ ...record, outValue: random.uint(20), recipient: address }] })],
    ['another update circuit', () => update({ circuitId: 2 + below(5) })],
    ['more or fewer slots', () => update({ used: below(12) })],
    ['the keep flag', () => update({ keepRoot: !(updates[u] as UpdateEntry).keepRoot })],
    ['another update prover', () => update({ prover: address })],
    ['another note root', () => update({ noteRootNew: random.field() })],
    ['another number of queue items', () => ({ ...settlement, queueItems: below(8) })],
    ['another drop', () => ({ ...settlement, drops: [...drops.slice(1), { item: below(6), by: below(6) }] })],
    ['no drops', () => ({ ...settlement, drops: [] })],
    ['forced data in another order', () => ({ ...settlement, forced: [...forced].reverse() })],
    ['forced data with another refund', () => ({ ...settlement, forced: replaced(forced, below(forced.length), { refund: address }) })],
  ];
  const [what, change] = choices[below(choices.length)] as [string, () => Settlement];
  try {
    return { what, bytes: encodeSettlement(change()) };
  } catch {
    return { what: `${what}: not to be encoded`, bytes };
  }
}

function replaced<T>(list: readonly T[], i: number, change: Partial<T>): T[] {
  return list.map((entry, k) => (k === i ? { ...entry, ...change } : entry));
}
