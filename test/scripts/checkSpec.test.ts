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
  for (const dir of ['docs/spec', 'circuits/lib', 'protocol', 'aggregator', 'test', 'verifier-contract/contracts']) {
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
    ['a file', (t) => t.replace('`nullifier.circom`, `tr', '`nullifer.circom`, `tr'), 'transfer.md: T4: no file nullifer.circom'],
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
});
