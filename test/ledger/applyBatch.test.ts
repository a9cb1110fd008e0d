import { describe, expect, it } from 'vitest';
import { applyBatch, type CircuitInput } from '../../ledger/applyBatch.js';
import { LedgerState } from '../../ledger/state.js';
import type { CircuitName } from '../../protocol/circuit.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { NULLIFIER_MAX } from '../../protocol/constants.js';
import { challenge, horner } from '../../protocol/fingerprint.js';
import { type Slot, updateList } from '../../protocol/update.js';
import { Random } from './random.js';
import { SlowLedger } from './slowTwin.js';
import { brokenLines } from './updateStatement.js';

const domain = { chainId: 31337n, contract: `0x${'c0'.repeat(20)}` };
const prover = `0x${'ab'.repeat(20)}`;
const code = (expected: string) => expect.objectContaining({ code: expected });
const nothing: Slot = { nf1: 0n, nf2: 0n, cm1: 0n, cm2: 0n };

describe('applyBatch', () => {
  it.each<[string, CircuitName[]]>([
    ['small', ['update_2', 'update_2', 'update_2', 'update_2', 'update_2', 'update_2']],
    ['mixed', ['update_2', 'update_8', 'update_2', 'update_8', 'update_32', 'update_2']],
    ['large', ['update_32', 'update_8', 'update_32']],
  ])('A3, A10 honest: agrees with the slow twin and with U1–U12 on random batches: %s', (seed, circuits) => {
    const random = new Random(seed);
    const slow = new SlowLedger();
    let state = LedgerState.genesis();
    for (const circuit of circuits) {
      const { size } = CIRCUITS[circuit];
      const slots = random.slots(1 + random.int(size));
      const { statement, input, publicInputs, next } = applyBatch(state, circuit, slots, prover, domain);
      expect(brokenLines(circuit, input)).toEqual([]);
      expect(statement.noteRootOld).toBe(slow.noteRoot);
      slow.update(size, slots);
      expect(statement.noteRootNew).toBe(slow.noteRoot);
      expect(statement.nullRootNew).toBe(slow.nullifierRoot);
      expect(next.leafCount).toBe(BigInt(slow.leafCount));
      const x = updateList(circuit, statement);
      expect(publicInputs.z).toBe(challenge(CIRCUITS[circuit].id, publicInputs.h, x, domain));
      expect(publicInputs.y).toBe(horner(x, publicInputs.z));
      state = next;
    }
  });

  it('leaves the state that it was given alone, and replays to the same result', () => {
    const state = LedgerState.genesis();
    const slots = new Random('replay').slots(2);
    const root = state.nullifierRoot;
    const first = applyBatch(state, 'update_2', slots, prover, domain);
    expect(state.nullifierRoot).toBe(root);
    expect(state.leafCount).toBe(1n);
    expect(applyBatch(state, 'update_2', slots, prover, domain).input).toEqual(first.input);
    const replay = state.fork();
    expect(replay.advance(2, slots)).toBe(4n);
    expect(replay.noteRoot).toBe(first.next.noteRoot);
    expect(replay.nullifierRoot).toBe(first.next.nullifierRoot);
  });

  it('puts a deposit alone, two in one slot, and an empty slot where the statement wants them', () => {
    const slots = [{ ...nothing, cm1: 7n }, { ...nothing, cm1: 8n, cm2: 9n }, nothing, { nf1: 3n, nf2: 2n, cm1: 1n, cm2: 4n }];
    const { next, input } = applyBatch(LedgerState.genesis(), 'update_8', slots, prover, domain);
    expect([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].map((i) => next.notes.leaf(16n + i))).toEqual([7n, 0n, 8n, 9n, 0n, 0n, 1n, 4n, 0n]);
    expect((input.s as string[]).slice(-3)).toEqual(['0', '2', '3']);
    expect((input.same as string[]).slice(-3)).toEqual(['0', '0', '1']);
    expect(next.nullifiers.used(2n)).toEqual({ value: 2n, next: 3n, index: 30n });
  });

  it('starts each update at the next multiple of its width', () => {
    let state = LedgerState.genesis();
    const starts = (['update_2', 'update_8', 'update_2', 'update_32', 'update_8'] as const).map((circuit) => {
      const applied = applyBatch(state, circuit, [{ ...nothing, cm1: 5n }], prover, domain);
      state = applied.next;
      return applied.statement.startIndex;
    });
    expect(starts).toEqual([4n, 16n, 32n, 64n, 128n]);
  });

  it('A3: names the line that a repeated nullifier breaks', () => {
    const state = LedgerState.genesis();
    const slot: Slot = { nf1: 5n, nf2: 6n, cm1: 1n, cm2: 2n };
    expect(() => applyBatch(state, 'update_2', [{ ...slot, nf2: 5n }], prover, domain)).toThrow(code('U1'));
    expect(() => applyBatch(state, 'update_2', [slot, { ...slot, nf1: 9n }], prover, domain)).toThrow(code('U1'));
    const { next } = applyBatch(state, 'update_2', [slot], prover, domain);
    expect(() => applyBatch(next, 'update_2', [{ ...slot, nf1: 9n }], prover, domain)).toThrow(code('U5'));
  });

  it('A5: refuses values outside their range', () => {
    const state = LedgerState.genesis();
    expect(() => applyBatch(state, 'update_2', [{ ...nothing, nf1: NULLIFIER_MAX }], prover, domain)).toThrow(code('NULLIFIER_RANGE'));
    expect(() => applyBatch(state, 'update_2', [{ ...nothing, cm1: 2n ** 254n }], prover, domain)).toThrow(code('FIELD_RANGE'));
    expect(() => applyBatch(state, 'update_2', [nothing, nothing, nothing], prover, domain)).toThrow(code('SLOTS_TOO_MANY'));
    expect(() => applyBatch(state, 'transfer_1', [nothing], prover, domain)).toThrow(code('CIRCUIT_KIND'));
  });
});

describe('A10: the written-out statement notices', () => {
  const random = new Random('forged');
  const base = applyBatch(LedgerState.genesis(), 'update_2', [{ nf1: 40n, nf2: 50n, cm1: 1n, cm2: 2n }], prover, domain).next;
  const { input } = applyBatch(base, 'update_2', [{ nf1: 60n, nf2: 70n, cm1: 3n, cm2: 4n }], prover, domain);
  const forged = (change: (copy: CircuitInput) => void) => {
    const copy = structuredClone(input);
    change(copy);
    return brokenLines('update_2', copy);
  };

  it.each<[string, string, (copy: CircuitInput) => void]>([
    ['an honest input breaks nothing', '', () => {}],
    ['the gap end not carried', 'U4', (i) => Object.assign(i, { same: ['0', '0', '0', '0'] })],
    ['a fresh low leaf for a used gap', 'U4', (i) => Object.assign(i, { lowValue: ['0', '0', '40', '0'] })],
    ['an unsorted list', 'U1', (i) => Object.assign(i, { s: ['0', '0', '70', '60'] })],
    ['a wrong start index', 'U9', (i) => Object.assign(i, { startIndex: '12' })],
    ['an overlapping subtree', 'U11', (i) => Object.assign(i, { subtreeIndex: '1', startIndex: '4' })],
    [
      'a commitment that no record has',
      'U11',
      (i) =>
        Object.assign(i, {
          cm: [
            ['3', '5'],
            ['0', '0'],
          ],
        }),
    ],
    [
      'a nullifier that no record has',
      'U12',
      (i) =>
        Object.assign(i, {
          nf: [
            ['60', '71'],
            ['0', '0'],
          ],
        }),
    ],
    ['a new root of its own', 'U10', (i) => Object.assign(i, { nullRootNew: random.below(2n ** 250n).toString() })],
  ])('%s', (_, line, change) => {
    const broken = forged(change);
    if (line === '') expect(broken).toEqual([]);
    else expect(broken).toContain(line);
  });
});
