/**
 * Every outside effect of the node goes through the one port that has fault points: nothing in aggregator/ but the place
 * that builds the ports may take hold of a connection to chain, queue or disk.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What opens a connection, or is one. */
const DOORS = [
  'openRpc',
  'RpcChain',
  'RpcNodeChain',
  'RollupContract',
  'readHistory',
  'FarmQueue',
  'AnnouncementBoard',
  'consumeFarm',
  'BullLeases',
  'openJournal',
  'startRedis',
];
/** `node.ts` builds the ports, `nodeChain.ts` is one; `contractTerms.ts` reads the contract's constants before there are any. */
const BUILDERS = ['node.ts', 'nodeChain.ts', 'contractTerms.ts'];

function valueImports(text: string): string[] {
  const clauses = [...text.matchAll(/^import\s+(type\s+)?\{([^}]*)\}\s+from/gm)].filter(([, typeOnly]) => typeOnly === undefined);
  return clauses.flatMap(([, , names]) => (names ?? '').split(',').map((name) => name.trim())).filter((name) => !name.startsWith('type '));
}

describe('one port', () => {
  const files = readdirSync('aggregator').filter((name) => name.endsWith('.ts'));

  it('A3: only the builders of the ports take hold of chain, queue or disk', () => {
    const offenders = files
      .filter((name) => !BUILDERS.includes(name))
      .flatMap((name) =>
        valueImports(readFileSync(`aggregator/${name}`, 'utf8')).flatMap((door) => (DOORS.includes(door) ? [`${name}: ${door}`] : [])),
      );
    expect(offenders).toEqual([]);
    // The search would find one.
    expect(BUILDERS.flatMap((name) => valueImports(readFileSync(`aggregator/${name}`, 'utf8')))).toEqual(
      expect.arrayContaining(['FarmQueue', 'openJournal', 'openRpc', 'readHistory']),
    );
  });

  it('A3: no package that opens a connection is imported in aggregator/', () => {
    const packages = /from '(ioredis|bullmq|ethers|lmdb|node:net|node:http|node:https)'/;
    expect(files.filter((name) => packages.test(readFileSync(`aggregator/${name}`, 'utf8')))).toEqual([]);
    expect(files.filter((name) => /\bfetch\(/.test(readFileSync(`aggregator/${name}`, 'utf8')))).toEqual([]);
  });
});
