import { describe, expect, it } from 'vitest';
import { SettledLog, type ViewSettlement } from '../../aggregator/settledLog.js';
import { Random } from '../ledger/random.js';

function settlement(ordinal: number, branch: string): ViewSettlement {
  const name = `${branch}${ordinal}`;
  const root = BigInt(ordinal) * 10n + (branch === 'a' ? 1n : 2n);
  return {
    ordinal,
    tx: `tx ${name}`,
    block: { number: ordinal, hash: `block ${name}` },
    roots: [{ noteRoot: root, nullRoot: root + 5n }],
    kept: [root],
    records: [`record ${name}`],
    queueItems: 0,
  };
}

describe('the log of settlements', () => {
  it('A17: every log says of every settlement what a plain list of its own says, however branches begin and end', () => {
    const random = new Random('settled log');
    const branches = ['a', 'b'];
    const logs: { log: SettledLog; plain: ViewSettlement[] }[] = [{ log: SettledLog.of(), plain: [] }];
    for (let step = 0; step < 60; step++) {
      const from = logs[random.int(3) === 0 ? random.int(logs.length) : logs.length - 1] as (typeof logs)[0];
      const next = settlement(from.plain.length, branches[random.int(2)] as string);
      logs.push({ log: from.log.with(next), plain: [...from.plain, next] });
    }
    const all = new Map(logs.flatMap(({ plain }) => plain.map((entry) => [entry.tx, entry] as const)));
    for (const { log, plain } of logs) {
      expect([log.count, log.last, log.since(0)]).toEqual([plain.length, plain.at(-1), plain]);
      for (const entry of all.values()) {
        const [{ noteRoot, nullRoot }] = entry.roots as [{ noteRoot: bigint; nullRoot: bigint }];
        const isIn = plain.some(({ tx }) => tx === entry.tx);
        expect([log.holds(entry.tx), log.reached(noteRoot, nullRoot), log.keeps(noteRoot)]).toEqual([isIn, isIn, isIn]);
        expect(log.ofRecord(entry.records[0] as string)).toBe(isIn ? plain[entry.ordinal] : undefined);
        expect(log.reached(noteRoot, nullRoot + 1n)).toBe(false);
      }
    }
  });
});
