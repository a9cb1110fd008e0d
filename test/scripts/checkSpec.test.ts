/** The spec check finds what is missing: a row, a cell, a file, a test that no longer has its name. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const script: string = pathToFileURL('scripts/check-spec.mjs').href;
const { checkSpec } = (await import(script)) as { checkSpec(root?: string): string[] };

let root = '';
let page = '';
let text = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tacit-spec-'));
  for (const dir of ['docs/spec', 'circuits/lib', 'protocol', 'aggregator', 'auditor', 'cli', 'test', 'verifier-contract']) {
    mkdirSync(join(root, dir), { recursive: true });
    cpSync(dir, join(root, dir), { recursive: true });
  }
  page = join(root, 'docs', 'spec', 'transfer.md');
  text = readFileSync(page, 'utf8');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What is wrong after a change of transfer.md. */
function wrongWith(change: (text: string) => string): string[] {
  writeFileSync(page, change(text));
  return checkSpec(root);
}

describe('spec check', () => {
  it('is content with the specification as it is', () => {
    expect(checkSpec()).toEqual([]);
    expect(wrongWith((same) => same)).toEqual([]);
  });
  it.each<[string, (text: string) => string, string]>([
    ['a row', (t) => t.replace(/^\| T3 \| `input_note\.circom` \|.*\n/m, ''), 'transfer.md: T3 has no evidence'],
    ['a file', (t) => t.replace('| T4 | `nullifier.circom`', '| T4 | `nullifer.circom`'), 'transfer.md: T4: no file nullifer.circom'],
    [
      'code that names it',
      (t) => t.replace('| T9 | `balance.circom`', '| T9 | `sponge.circom`'),
      'transfer.md: T9: sponge.circom does not name it',
    ],
    [
      'a test',
      (t) => t.replace('“T8: one unit more out than in”', '“T8: one unit less”'),
      'transfer.md: T8: forged: circuits/forgedTransfer.test.ts has no test “T8: one unit less”',
    ],
    ['the table', (t) => t.replace('## Evidence', '## Tests'), 'transfer.md: no table'],
  ])('misses %s', (_, change, expected) => {
    expect(wrongWith(change).some((line) => line.startsWith(expected))).toBe(true);
  });
  it.each<[string, string, string, string, string]>([
    ['a function', 'contract.md', '`Queue.sol#_drop`, `P', '`Queue.sol#_dropp`, `P', 'contract.md: C10: Queue.sol has no _dropp'],
    [
      'a test in Solidity',
      'contract.md',
      '“test_Queue_ForcedTwice”',
      '“test_Queue_Forced”',
      'contract.md: C6: rejects: foundry/Queue.t.sol has no test “test_Queue_Forced”',
    ],
    ['a property', 'contract.md', '| P-07 | U9 |', '| P-70 | U9 |', 'contract.md: C19: no property P-70'],
    ['a property’s statement', 'contract.md', '| P-07 | U9 |', '| P-06 | U9 |', 'P-07 belongs to no statement'],
    ['a statement', 'audit.md', '| V9 | roots |', '| V90 | roots |', 'audit.md: V9 is not stated'],
    ['a count', 'audit.md', '| V9 | roots |', '| V17 | roots |', 'audit.md: V17 is no statement'],
  ])('misses %s of another page', (_, name, from, to, expected) => {
    writeFileSync(page, text);
    const other = join(root, 'docs', 'spec', name);
    const before = readFileSync(other, 'utf8');
    expect(before).toContain(from);
    writeFileSync(other, before.replace(from, to));
    const found = checkSpec(root);
    writeFileSync(other, before);
    expect(found.filter((line) => line.endsWith(expected))).not.toEqual([]);
  });
});
