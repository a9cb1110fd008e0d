import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import {
  assertSettlement,
  decodeSettlement,
  encodeSettlement,
  type ForcedData,
  type Settlement,
  type TransferProofEntry,
  type UpdateEntry,
} from '../../protocol/settlement.js';
import { type QueueItemKind, queueSlots, settlementSlots } from '../../protocol/slots.js';
import { codeOf, field, nonZeroAddress, proofShape, record, SEEDED } from './arbitraries.js';

const sample = <T>(arbitrary: fc.Arbitrary<T>, seed = 1): T => fc.sample(arbitrary, { seed, numRuns: 1 })[0] as T;
const proof = sample(proofShape);
const rec = sample(record);
const prover = sample(nonZeroAddress);
const update = (used: number, change: Partial<UpdateEntry> = {}): UpdateEntry => ({
  circuitId: 4,
  keepRoot: false,
  used,
  prover,
  h: 1n,
  proof,
  noteRootNew: 2n,
  nullRootNew: 3n,
  ...change,
});
const transfer = (change: Partial<TransferProofEntry> = {}): TransferProofEntry => ({
  circuitId: 1,
  prover: ZERO_ADDRESS,
  anchor: { kind: 'known', root: 5n },
  h: 1n,
  proof,
  records: [rec],
  ...change,
});
const settlement = (change: Partial<Settlement> = {}): Settlement => ({
  queueItems: 0,
  drops: [],
  forced: [],
  transfers: [transfer()],
  updates: [update(1)],
  ...change,
});
const forced = (nf1: bigint, nf2: bigint): ForcedData => ({ record: { ...rec, nf1, nf2 }, prover: ZERO_ADDRESS, refund: prover });
const roundTrip = (s: Settlement, kinds: QueueItemKind[] = []) => decodeSettlement(encodeSettlement(s), kinds);

/** Settlements that obey every rule: kinds drawn freely, forced items with nullifiers of their own, updates that take all slots. */
const valid = fc
  .record({
    kinds: fc.array(fc.constantFrom<QueueItemKind>('deposit', 'forced', 'dropped'), { maxLength: 6 }),
    singles: fc.array(
      fc.record({ r: record, anchor: field, prover: fc.oneof(fc.constant(ZERO_ADDRESS), nonZeroAddress), h: field, proof: proofShape }),
      { maxLength: 4 },
    ),
    eight: fc.option(fc.array(record, { minLength: 8, maxLength: 8 })),
    forcedRecords: fc.array(record, { minLength: 6, maxLength: 6 }),
    address: nonZeroAddress,
    proof: proofShape,
  })
  .map(({ kinds, singles, eight, forcedRecords, address, proof: p }) => {
    const transfers: TransferProofEntry[] = singles.map(({ r, anchor, ...rest }) => ({
      ...rest,
      circuitId: 1,
      anchor: { kind: 'known', root: anchor },
      records: [r],
    }));
    if (eight !== null)
      transfers.push({ circuitId: 2, prover: address, anchor: { kind: 'known', root: 77n }, h: 9n, proof: p, records: eight });
    const data = kinds
      .filter((kind) => kind === 'forced')
      .map((_, i) => ({ record: forcedRecords[i] as (typeof forcedRecords)[0], prover: ZERO_ADDRESS, refund: address }));
    const slots = queueSlots(kinds).length + transfers.reduce((sum, { records }) => sum + records.length, 0);
    const updates: UpdateEntry[] = [];
    for (let left = slots; left > 0; left -= Math.min(8, left))
      updates.push(update(Math.min(8, left), { keepRoot: left > 8, prover: address, proof: p }));
    return { kinds, settlement: { queueItems: kinds.length, drops: [], forced: data, transfers, updates } satisfies Settlement };
  })
  .filter(({ settlement: s }) => s.updates.length > 0);

describe('settlement codec', () => {
  it('survives encoding, and decoding then encoding gives the same bytes', () => {
    fc.assert(
      fc.property(valid, ({ kinds, settlement: s }) => {
        const bytes = encodeSettlement(s);
        const decoded = decodeSettlement(bytes, kinds);
        expect(decoded).toEqual(s);
        expect(encodeSettlement(decoded)).toEqual(bytes);
      }),
      { ...SEEDED, numRuns: 60 },
    );
  });

  it('A14: no settlement has two encodings: every altered byte is refused or means something else', () => {
    const { kinds, settlement: s } = sample(valid, 7);
    const bytes = encodeSettlement(s);
    for (let at = 0; at < bytes.length; at += 3) {
      const altered = bytes.slice();
      altered[at] = (altered[at] as number) ^ (1 << (at % 8));
      try {
        expect(bytesToHex(encodeSettlement(decodeSettlement(altered, kinds)))).toBe(bytesToHex(altered));
      } catch (error) {
        expect((error as { name: string }).name).toBe('TacitError');
      }
    }
    expect(codeOf(() => decodeSettlement(Uint8Array.of(...bytes, 0), kinds))).toBe('BYTES_TRAILING');
    expect(codeOf(() => decodeSettlement(bytes.slice(0, -1), kinds))).toBe('BYTES_SHORT');
  });

  it('A14: refuses an anchor table out of order, with a double or an unused root', () => {
    const bytes = encodeSettlement(
      settlement({ transfers: [transfer(), transfer({ anchor: { kind: 'known', root: 6n } })], updates: [update(2)] }),
    );
    const table = 9;
    const swapped = Uint8Array.of(
      ...bytes.slice(0, table),
      ...bytes.slice(table + 32, table + 64),
      ...bytes.slice(table, table + 32),
      ...bytes.slice(table + 64),
    );
    expect(codeOf(() => decodeSettlement(swapped, []))).toBe('SETTLEMENT_INVALID');
    const doubled = bytes.slice();
    doubled.copyWithin(table + 32, table, table + 32);
    expect(codeOf(() => decodeSettlement(doubled, []))).toBe('SETTLEMENT_INVALID');
    const one = encodeSettlement(settlement());
    const unused = Uint8Array.of(...one.slice(0, 8), 2, ...one.slice(9, 41), ...new Uint8Array(31), 9, ...one.slice(41));
    expect(codeOf(() => decodeSettlement(unused, []))).toBe('SETTLEMENT_INVALID');
  });

  it('refuses unknown versions, data sources and flags', () => {
    const bytes = encodeSettlement(settlement());
    const at = (i: number, value: number) => bytes.map((b, k) => (k === i ? value : b));
    expect(codeOf(() => decodeSettlement(at(0, 2), []))).toBe('SETTLEMENT_VERSION');
    expect(codeOf(() => decodeSettlement(at(1, 1), []))).toBe('SETTLEMENT_VERSION');
    expect(codeOf(() => decodeSettlement(at(9 + 32 + 1, 2), []))).toBe('SETTLEMENT_FLAGS');
    const withProver = encodeSettlement(settlement({ transfers: [transfer({ prover })] }));
    withProver.fill(0, 9 + 32 + 3, 9 + 32 + 23);
    expect(codeOf(() => decodeSettlement(withProver, []))).toBe('SETTLEMENT_INVALID');
  });

  it.each<[string, Partial<Settlement>, QueueItemKind[], string]>([
    ['no update', { updates: [] }, [], 'SETTLEMENT_INVALID'],
    ['an empty update', { updates: [update(1), update(0)] }, [], 'SETTLEMENT_INVALID'],
    [
      'an update of 32 with 8 records',
      { transfers: Array.from({ length: 8 }, () => transfer()), updates: [update(8, { circuitId: 5 })] },
      [],
      'SETTLEMENT_INVALID',
    ],
    ['more slots taken than there are', { updates: [update(2)] }, [], 'SETTLEMENT_INVALID'],
    ['fewer slots taken than there are', { transfers: [transfer(), transfer()] }, [], 'SETTLEMENT_INVALID'],
    ['keep flag on the last update', { updates: [update(1, { keepRoot: true })] }, [], 'SETTLEMENT_INVALID'],
    ['an update without a prover', { updates: [update(1, { prover: ZERO_ADDRESS })] }, [], 'SETTLEMENT_INVALID'],
    ['an update where a transfer belongs', { transfers: [transfer({ circuitId: 3 })] }, [], 'SETTLEMENT_INVALID'],
    ['a transfer where an update belongs', { updates: [update(1, { circuitId: 1 })] }, [], 'SETTLEMENT_INVALID'],
    ['an anchor in its own update', { transfers: [transfer({ anchor: { kind: 'update', index: 0 } })] }, [], 'SETTLEMENT_INVALID'],
    ['a queue longer than the contract’s', { queueItems: 1 }, [], 'SETTLEMENT_QUEUE'],
    [
      'a drop of a deposit',
      { queueItems: 2, drops: [{ item: 1, by: 0 }], forced: [forced(1n, 2n)], updates: [update(2)] },
      ['forced', 'deposit'],
      'SETTLEMENT_INVALID',
    ],
    [
      'A14: a drop without a common nullifier',
      { queueItems: 2, drops: [{ item: 1, by: 0 }], forced: [forced(1n, 2n), forced(3n, 4n)], updates: [update(2)] },
      ['forced', 'forced'],
      'SETTLEMENT_INVALID',
    ],
    [
      'a drop by a later item',
      { queueItems: 2, drops: [{ item: 0, by: 1 }], forced: [forced(1n, 2n), forced(2n, 4n)], updates: [update(2)] },
      ['forced', 'forced'],
      'SETTLEMENT_INVALID',
    ],
    [
      'A14: a drop by a dropped item',
      {
        queueItems: 3,
        drops: [
          { item: 1, by: 0 },
          { item: 2, by: 1 },
        ],
        forced: [forced(1n, 2n), forced(2n, 3n), forced(3n, 4n)],
        updates: [update(2)],
      },
      ['forced', 'forced', 'forced'],
      'SETTLEMENT_INVALID',
    ],
    [
      'A14: a drop by the second of two live items in conflict',
      {
        queueItems: 3,
        drops: [{ item: 2, by: 1 }],
        forced: [forced(1n, 2n), forced(3n, 4n), forced(1n, 3n)],
        updates: [update(2)],
      },
      ['forced', 'forced', 'forced'],
      'SETTLEMENT_INVALID',
    ],
  ])('refuses %s', (_, change, kinds, code) => {
    expect(codeOf(() => roundTrip(settlement(change), kinds))).toBe(code);
  });

  it('A14: the encoder refuses numbers that would be read as other numbers', () => {
    const anchored = (index: number) => settlement({ transfers: [transfer({ anchor: { kind: 'update', index } })] });
    for (const index of [128, 200, 256, -1, 0.5]) expect(codeOf(() => encodeSettlement(anchored(index)))).toBe('SETTLEMENT_INVALID');
    expect(codeOf(() => encodeSettlement(anchored(127)))).toBeUndefined();
    expect(codeOf(() => encodeSettlement(settlement({ updates: [update(257)] })))).toBe('UINT_RANGE');
    expect(codeOf(() => encodeSettlement(settlement({ updates: [update(1, { circuitId: 260 })] })))).toBe('UINT_RANGE');
    expect(codeOf(() => encodeSettlement(settlement({ transfers: [transfer({ circuitId: 257 })] })))).toBe('UINT_RANGE');
    // 129 updates before it, and still an anchor that its seven bits cannot name.
    const many = Array.from({ length: 130 }, (_, i) => update(1, { circuitId: 3, keepRoot: i < 129 }));
    const transfers = Array.from({ length: 130 }, (_, i) => transfer(i < 129 ? {} : { anchor: { kind: 'update', index: 128 } }));
    expect(codeOf(() => assertSettlement(settlement({ transfers, updates: many }), []))).toBe('SETTLEMENT_INVALID');
    const last = [...transfers.slice(0, 129), transfer({ anchor: { kind: 'update', index: 127 } })];
    expect(codeOf(() => assertSettlement(settlement({ transfers: last, updates: many }), []))).toBeUndefined();
  });

  it('accepts a drop by the first of two live items in conflict', () => {
    const dropped = settlement({
      queueItems: 4,
      drops: [{ item: 3, by: 1 }],
      forced: [forced(1n, 2n), forced(3n, 4n), forced(5n, 6n), forced(5n, 3n)],
      updates: [update(3)],
      transfers: [],
    });
    expect(roundTrip(dropped, ['forced', 'forced', 'forced', 'forced'])).toEqual(dropped);
  });

  it('accepts a drop by an earlier forced item and an anchor in an earlier update', () => {
    const dropped = settlement({
      queueItems: 2,
      drops: [{ item: 1, by: 0 }],
      forced: [forced(1n, 2n), forced(9n, 2n)],
      updates: [update(2)],
    });
    expect(roundTrip(dropped, ['forced', 'forced'])).toEqual(dropped);
    const chained = settlement({
      transfers: [transfer(), transfer({ anchor: { kind: 'update', index: 0 } })],
      updates: [update(1, { keepRoot: true }), update(1)],
    });
    expect(roundTrip(chained)).toEqual(chained);
  });
});

describe('slots', () => {
  it('pairs deposits greedily across dropped items, not across forced ones', () => {
    expect(queueSlots(['deposit', 'dropped', 'deposit', 'deposit', 'forced', 'deposit'])).toEqual([
      { kind: 'deposit', items: [0, 2] },
      { kind: 'deposit', items: [3] },
      { kind: 'forced', items: [4] },
      { kind: 'deposit', items: [5] },
    ]);
  });

  it('puts queue items first, then the records', () => {
    const deposit = (commitment: bigint) => ({ kind: 'deposit', commitment }) as const;
    const slot = { nf1: 1n, nf2: 2n, cm1: 3n, cm2: 4n };
    expect(
      settlementSlots(
        [deposit(7n), deposit(8n), deposit(9n), { kind: 'dropped' }, { kind: 'forced', record: slot }],
        [{ ...slot, nf1: 5n }],
      ),
    ).toEqual([{ nf1: 0n, nf2: 0n, cm1: 7n, cm2: 8n }, { nf1: 0n, nf2: 0n, cm1: 9n, cm2: 0n }, slot, { ...slot, nf1: 5n }]);
  });
});
