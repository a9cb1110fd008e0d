import { describe, expect, it } from 'vitest';
import { NullifierTree } from '../../ledger/nullifierTree.js';
import { emptyNode } from '../../ledger/quaternary.js';
import { type Entry, SortedEntries } from '../../ledger/sortedEntries.js';
import { LedgerState } from '../../ledger/state.js';
import { NoteTree } from '../../ledger/tree.js';
import { changedTreeRows, type TreeRow, treeFromRows } from '../../ledger/treeRows.js';
import { TREE_DEPTH } from '../../protocol/constants.js';
import { Random } from './random.js';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('sorted entries', () => {
  it('give the floor and the next of every value as one plain sorted list does, through many chunks, and leave older lists alone', () => {
    const random = new Random('sorted');
    let plain: Entry[] = [{ value: 0n, index: 0n }];
    let entries = SortedEntries.of(plain);
    const earlier: { entries: SortedEntries; plain: Entry[] }[] = [];
    for (let round = 0; round < 12; round++) {
      // Some rounds spread over everything, some fall into one place.
      const near = round % 3 === 0 ? random.below(2n ** 30n) : undefined;
      const values = new Set(
        Array.from({ length: 200 }, () => (near === undefined ? 1n + random.below(2n ** 32n) : near + random.below(2n ** 12n))),
      );
      const added = [...values]
        .filter((value) => value > 0n && plain.every((entry) => entry.value !== value))
        .sort((a, b) => (a < b ? -1 : 1))
        .map((value, i) => ({ value, index: BigInt(plain.length + i) }));
      earlier.push({ entries, plain });
      entries = entries.with(added);
      plain = [...plain, ...added].sort((a, b) => (a.value < b.value ? -1 : 1));
    }
    for (const list of [...earlier, { entries, plain }]) {
      expect(list.entries.size).toBe(list.plain.length);
      for (let i = 0; i < 60; i++) {
        const at = random.int(list.plain.length);
        const [entry, next] = [list.plain[at] as Entry, list.plain[at + 1]?.value];
        expect(list.entries.floor(entry.value)).toEqual({ entry, next });
        if (next !== entry.value + 1n) expect(list.entries.floor(entry.value + 1n)).toEqual({ entry, next });
      }
    }
    const late = BigInt(plain.length - 300);
    expect(entries.since(late).map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, i) => late + BigInt(i)));
  });
});

describe('trees as rows', () => {
  const keyOf = ({ level, index }: Pick<TreeRow, 'level' | 'index'>): string => `${level}/${index}`;

  it('rows of each change, put over those before, give the same tree, and it goes on as the original does', () => {
    const random = new Random('rows');
    const stored = { notes: new Map<string, readonly bigint[]>(), nullifiers: new Map<string, readonly bigint[]>(), used: [] as Entry[] };
    const original = LedgerState.genesis();
    let before = LedgerState.genesis();
    for (let round = 0; round < 4; round++) {
      for (let batch = 0; batch < 2; batch++) original.advance(round === 2 ? 8 : 2, random.slots(2));
      const rows = {
        notes: changedTreeRows(before.notes.top, original.notes.top),
        nullifiers: changedTreeRows(before.nullifiers.top, original.nullifiers.top),
      };
      for (const tree of ['notes', 'nullifiers'] as const) for (const row of rows[tree]) stored[tree].set(keyOf(row), row.hashes);
      stored.used.push(...original.nullifiers.usedSince(before.leafCount));
      before = original.fork();
      const tree = (name: 'notes' | 'nullifiers', root: bigint) =>
        treeFromRows(root, (level, index) => stored[name].get(keyOf({ level, index })));
      const restored = LedgerState.restored(
        NoteTree.restored(tree('notes', original.noteRoot), original.leafCount),
        NullifierTree.restored(tree('nullifiers', original.nullifierRoot), stored.used),
      );
      const used = stored.used[random.int(stored.used.length)] as Entry;
      expect(restored.nullifiers.used(used.value)).toEqual(original.nullifiers.used(used.value));
      expect(restored.nullifiers.path(used.index)).toEqual(original.nullifiers.path(used.index));
      expect(restored.notes.path(used.index)).toEqual(original.notes.path(used.index));
      const more = random.slots(2);
      const [a, b] = [original.fork(), restored];
      for (const state of [a, b]) state.advance(2, more);
      expect([b.noteRoot, b.nullifierRoot, b.leafCount]).toEqual([a.noteRoot, a.nullifierRoot, a.leafCount]);
    }
  });

  it('the same tree has no changed row, an empty one has none at all', () => {
    const { top } = LedgerState.genesis().nullifiers;
    expect(changedTreeRows(top, top)).toEqual([]);
    expect(changedTreeRows(top, emptyNode(TREE_DEPTH))).toEqual([]);
    expect(treeFromRows(emptyNode(TREE_DEPTH).hash, () => undefined)).toBe(emptyNode(TREE_DEPTH));
  });

  it('refuses rows that do not hang together', () => {
    const { top, root } = LedgerState.genesis().nullifiers;
    const rows = new Map(changedTreeRows(emptyNode(TREE_DEPTH), top).map((row) => [keyOf(row), row.hashes]));
    const rowOf = (level: number, index: number) => rows.get(keyOf({ level, index }));
    expect(treeFromRows(root, rowOf).hash).toBe(root);
    const lowest = rows.get('2/0') as readonly bigint[];
    rows.set('2/0', lowest.slice(1));
    expect(() => treeFromRows(root, rowOf)).toThrow(code('TREE_ROWS'));
    rows.set('2/0', [lowest[0] === 1n ? 2n : 1n, ...lowest.slice(1)]);
    expect(() => treeFromRows(root, rowOf)).toThrow(code('TREE_ROWS'));
    rows.delete('2/0');
    expect(() => treeFromRows(root, rowOf)).toThrow(code('TREE_ROWS'));
    expect(() => treeFromRows(root + 1n, rowOf)).toThrow(code('TREE_ROWS'));
  });
});
