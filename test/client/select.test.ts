import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeNotes, selectNotes, sumOf } from '../../client/select.js';
import type { StoredNote, StoredTransfer, WalletState } from '../../client/state.js';
import { TacitError } from '../../protocol/errors.js';

const note = (nf: number, value: bigint, asset = 0, spent = false): StoredNote => ({
  nf: `0x${nf}`,
  account: 0,
  label: 'transfer',
  k: 0,
  ephemeral: '0x',
  asset,
  value: String(value),
  memo: '0x',
  cm: '0x',
  position: nf,
  block: 1,
  tx: '0x',
  ...(spent ? { spent: { by: '0x', block: 2, tx: '0x' } } : {}),
});
const state = (notes: StoredNote[], transfers: Pick<StoredTransfer, 'inputs' | 'status'>[] = []) =>
  ({ notes, transfers }) as unknown as WalletState;
const values = (s: WalletState, need: bigint, asset = 0) => selectNotes(s, asset, need).map(({ value }) => BigInt(value));
const code = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof TacitError) return { code: error.code, retryable: error.retryable };
    throw error;
  }
  return undefined;
};

describe('choosing notes', () => {
  it('takes the exact note, else the smallest that is enough, else the leanest pair', () => {
    const s = state([note(1, 10n), note(2, 7n), note(3, 4n), note(4, 3n)]);
    expect(values(s, 7n)).toEqual([7n]);
    expect(values(s, 8n)).toEqual([10n]);
    expect(values(s, 11n)).toEqual([4n, 7n]);
    expect(values(s, 12n)).toEqual([3n, 10n]);
    expect(values(s, 17n)).toEqual([7n, 10n]);
  });

  it('leaves spent, reserved and foreign notes alone', () => {
    const s = state([note(1, 10n), note(2, 10n, 0, true), note(3, 10n, 1), note(4, 2n)], [{ inputs: ['0x1'], status: 'submitted' }]);
    expect(freeNotes(s, 0).map(({ nf }) => nf)).toEqual(['0x4']);
    expect(values(s, 10n, 1)).toEqual([10n]);
  });

  it('says why not', () => {
    const notes = [note(1, 5n), note(2, 5n), note(3, 5n)];
    expect(code(() => selectNotes(state(notes), 0, 16n))).toEqual({ code: 'INSUFFICIENT_FUNDS', retryable: false });
    expect(code(() => selectNotes(state(notes), 0, 11n))).toEqual({ code: 'NOTES_FRAGMENTED', retryable: false });
    expect(code(() => selectNotes(state(notes, [{ inputs: ['0x1'], status: 'reserved' }]), 0, 11n))).toEqual({
      code: 'NOTES_PENDING',
      retryable: true,
    });
    expect(values(state(notes, [{ inputs: ['0x1'], status: 'rejected' }]), 10n)).toEqual([5n, 5n]);
    expect(code(() => selectNotes(state([]), 3, 1n))).toEqual({ code: 'INSUFFICIENT_FUNDS', retryable: false });
  });

  it('finds a pair whenever there is one, and none is leaner', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 50n }), { maxLength: 8 }), fc.bigInt({ min: 1n, max: 120n }), (amounts, need) => {
        const s = state(amounts.map((value, i) => note(i, value)));
        const pairs = amounts.flatMap((a, i) => amounts.slice(i + 1).map((b) => a + b)).filter((sum) => sum >= need);
        const singles = amounts.filter((value) => value >= need);
        const best = [...(singles.length > 0 ? singles : pairs)].sort((a, b) => (a < b ? -1 : 1))[0];
        if (best === undefined) expect(code(() => selectNotes(s, 0, need))).toBeDefined();
        else expect(sumOf(selectNotes(s, 0, need))).toBe(best);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
