import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GAS_MODEL, gasOf, settlementGas, slotGas } from '../../aggregator/gasModel.js';
import { GROUP_SIZE, type GroupingTerms, groupWaiting, isPaddingCheaper, type WaitingTransfer } from '../../aggregator/grouping.js';

const [A, B, C] = ['0xaa', '0xbb', '0xcc'];
const TERMS: GroupingTerms = {
  nowMs: 100_000,
  waitMs: 10_000,
  groupProvers: [A, B],
  proofGas: gasOf(GAS_MODEL.transferProof),
  recordGas: slotGas(GAS_MODEL, 'update_8'),
};

const waits = (n: number, change: Partial<WaitingTransfer> = {}): WaitingTransfer => ({
  id: `0x${n.toString(16).padStart(4, '0')}`,
  sinceMs: 99_000 + n,
  anchor: '0x01',
  readers: [A, B],
  partner: undefined,
  doubted: false,
  ...change,
});
const many = (count: number, change: Partial<WaitingTransfer> = {}): WaitingTransfer[] =>
  Array.from({ length: count }, (_, n) => waits(n, change));
const shapes = (waiting: WaitingTransfer[], terms: Partial<GroupingTerms> = {}): string[] =>
  groupWaiting(waiting, { ...TERMS, ...terms }).map(({ members, padding, circuit }) => `${circuit} ${members.length}+${padding}`);

describe('grouping', () => {
  it('takes eight as soon as eight wait, the oldest first, and lets the others wait', () => {
    const waiting = many(11).reverse();
    const groups = groupWaiting(waiting, TERMS);
    expect(groups.map(({ members }) => members)).toEqual([many(8).map(({ id }) => id)]);
    expect(groups[0]).toMatchObject({ circuit: 'transfer_8', padding: 0, provers: [A, B] });
    expect(shapes(many(7))).toEqual([]);
    expect(shapes(many(16))).toEqual(['transfer_8 8+0', 'transfer_8 8+0']);
  });

  it('decides by gas what becomes of fewer when the oldest has waited enough', () => {
    const old = { sinceMs: 90_000 };
    expect(shapes([waits(0, old), waits(1)])).toEqual(['transfer_1 1+0']);
    expect(shapes([waits(0, old), waits(1), waits(2)])).toEqual(['transfer_8 3+5']);
    expect(shapes([waits(0, old), ...many(7).slice(1)])).toEqual(['transfer_8 7+1']);
    // Where a record is dear and a proof cheap, nothing is made up.
    expect(shapes(many(7, old), { proofGas: 1_000, recordGas: 60_000 })).toEqual(Array.from({ length: 7 }, () => 'transfer_1 1+0'));
  });

  it('pads exactly where one padded proof costs less than a proof for each', () => {
    const each = (real: number) => settlementGas(GAS_MODEL, { records: real, transferProofs: real, updates: real / 8 });
    const padded = settlementGas(GAS_MODEL, { records: GROUP_SIZE, transferProofs: 1, updates: 1 });
    for (let real = 1; real <= GROUP_SIZE; real++) expect(isPaddingCheaper(real, TERMS)).toBe(padded < each(real));
    expect(isPaddingCheaper(2, TERMS)).toBe(false);
    expect(isPaddingCheaper(3, TERMS)).toBe(true);
  });

  it('puts together only what leans on one root and what one worker can read', () => {
    expect(shapes([...many(4), ...many(4, { anchor: '0x02' })])).toEqual([]);
    const mixed = Array.from({ length: 16 }, (_, n) => waits(n, { readers: n % 2 === 0 ? [A] : [B] }));
    expect(groupWaiting(mixed, TERMS).map(({ provers, members }) => [provers, members.length])).toEqual([
      [[A], 8],
      [[B], 8],
    ]);
    const overlapping = Array.from({ length: 8 }, (_, n) => waits(n, { readers: n < 4 ? [A, B] : [B, C] }));
    expect(groupWaiting(overlapping, TERMS)).toMatchObject([{ provers: [B], padding: 0 }]);
  });

  it('lets go alone, and at once, what no group can take', () => {
    expect(shapes(many(2), { groupProvers: [] })).toEqual(['transfer_1 1+0', 'transfer_1 1+0']);
    expect(shapes([waits(0, { anchor: undefined })])).toEqual(['transfer_1 1+0']);
    expect(shapes([waits(0, { doubted: true }), ...many(8).slice(1)])).toEqual(['transfer_1 1+0']);
    expect(shapes([waits(0, { readers: [C] })])).toEqual(['transfer_1 1+0']);
  });

  it('keeps the halves of a pair together, and half of one back for a while', () => {
    const pair = (n: number, m: number): WaitingTransfer[] => [waits(n, { partner: waits(m).id }), waits(m, { partner: waits(n).id })];
    const seven = many(7);
    expect(shapes([...seven, ...pair(20, 21)])).toEqual([]);
    const groups = groupWaiting([...many(6), ...pair(20, 21)], TERMS);
    expect(groups).toMatchObject([{ padding: 0 }]);
    expect(groups[0]?.members).toEqual(expect.arrayContaining(pair(20, 21).map(({ id }) => id)));
    expect(shapes([waits(0, { partner: '0x9999' })])).toEqual([]);
    expect(shapes([waits(0, { partner: '0x9999', sinceMs: 0 })])).toEqual(['transfer_1 1+0']);
  });

  it('never puts a transfer into two groups, leaves nobody waiting too long, and names provers who can read all', () => {
    const transfer = fc.record({
      sinceMs: fc.integer({ min: 80_000, max: 100_000 }),
      anchor: fc.constantFrom('0x01', '0x02', undefined),
      readers: fc.subarray([A, B, C], { minLength: 1 }),
      partner: fc.option(fc.nat(30), { nil: undefined }),
      doubted: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(transfer, { maxLength: 30 }), fc.subarray([A, B]), (drawn, groupProvers) => {
        const waiting = drawn.map((fields, n) =>
          waits(n, { ...fields, partner: fields.partner === undefined ? undefined : waits(fields.partner).id }),
        );
        const groups = groupWaiting(waiting, { ...TERMS, groupProvers });
        const members = groups.flatMap((group) => group.members);
        expect(new Set(members).size).toBe(members.length);
        for (const { sinceMs, id } of waiting) if (TERMS.nowMs - sinceMs >= TERMS.waitMs) expect(members).toContain(id);
        for (const group of groups) {
          const rows = waiting.filter(({ id }) => group.members.includes(id));
          expect(group.members.length + group.padding).toBe(group.circuit === 'transfer_8' ? GROUP_SIZE : 1);
          expect(group.provers.length).toBeGreaterThan(0);
          expect(new Set(rows.map(({ anchor }) => anchor)).size).toBe(1);
          for (const worker of group.provers) expect(rows.every(({ readers }) => readers.includes(worker))).toBe(true);
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
