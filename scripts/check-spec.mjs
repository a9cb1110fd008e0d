/**
 * Does the specification tell the truth about its evidence? Every statement (T1–T10, U1–U12, F1–F6) has a row in the table
 * under "Evidence" of its page: the code that holds it, a test that accepts, one that rejects, one that forges, and what it
 * rests on. This fails when a row or a cell is missing, when a file does not exist, when the code does not name
 * the statement, or when a test file has no test of the name that the row gives.
 *
 *   node scripts/check-spec.mjs
 *
 * A cell of code: `file.circom` of circuits/lib, or `path/to/file`. A cell of tests: `folder/file.test.ts` “words of the test's name”, one or more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGES = [
  { page: 'transfer.md', letter: 'T', count: 10 },
  { page: 'update.md', letter: 'U', count: 12 },
  { page: 'fold.md', letter: 'F', count: 6 },
];
const COLUMNS = ['id', 'held by', 'accepts', 'rejects', 'forged', 'rests on'];
const TEST = /`([\w/-]+\.test\.ts)`\s*“([^”]+)”/g;

/** @returns {string[]} what is wrong, one line each */
export function checkSpec(root = HERE) {
  return PAGES.flatMap(({ page, letter, count }) => {
    const path = join(root, 'docs', 'spec', page);
    const text = readFileSync(path, 'utf8');
    const rows = evidence(text);
    if (rows === undefined) return [`${page}: no table “${COLUMNS.join(' | ')}” under “## Evidence”`];
    const ids = Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
    const stated = ids.filter((id) => !new RegExp(`^\\| ${id} \\|`, 'm').test(text.slice(0, text.indexOf('## Evidence'))));
    return [
      ...stated.map((id) => `${page}: ${id} is not stated`),
      ...ids.filter((id) => !rows.has(id)).map((id) => `${page}: ${id} has no evidence`),
      ...[...rows.keys()].filter((id) => !ids.includes(id)).map((id) => `${page}: ${id} is no statement`),
      ...[...rows].flatMap(([id, cells]) => checkRow(root, id, cells).map((line) => `${page}: ${id}: ${line}`)),
    ];
  });
}

/** Cells by id of the table under "Evidence"; undefined when it is not there. */
function evidence(text) {
  const section = text.split('\n## Evidence\n')[1]?.split('\n## ')[0];
  const lines = section?.split('\n').filter((line) => line.startsWith('|')) ?? [];
  const cells = (line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
  if (lines.length < 3 || cells(lines[0]).join() !== COLUMNS.join()) return undefined;
  return new Map(lines.slice(2).map((line) => [cells(line)[0], cells(line).slice(1)]));
}

function checkRow(root, id, cells) {
  const [code = '', accepts = '', rejects = '', forged = '', rests = ''] = cells;
  const problems = checkCode(root, id, code);
  for (const [column, cell, named] of [
    ['accepts', accepts, false],
    ['rejects', rejects, true],
    ['forged', forged, true],
  ])
    problems.push(...checkTests(root, id, column, cell, named));
  if (rests === '') problems.push('rests on nothing');
  return problems;
}

/** Circuits name the statement on a line; other code is named by its path only. */
function checkCode(root, id, cell) {
  const files = [...cell.matchAll(/`([\w./-]+)`/g)].map(([, file]) => file);
  if (files.length === 0) return ['no code is named'];
  return files.flatMap((file) => {
    const path = file.endsWith('.circom') ? join(root, 'circuits', 'lib', file) : join(root, file);
    if (!existsSync(path)) return [`no file ${file}`];
    if (file.endsWith('.circom') && !idsIn(readFileSync(path, 'utf8')).has(id)) return [`${file} does not name it`];
    return [];
  });
}

function checkTests(root, id, column, cell, named) {
  const found = [...cell.matchAll(TEST)];
  if (found.length === 0) return [`${column}: no test is named`];
  return found.flatMap(([, file, words]) => {
    const path = join(root, 'test', file);
    if (!existsSync(path)) return [`${column}: no test file ${file}`];
    if (named && !new RegExp(`\\b${id}\\b`).test(words) && id[0] !== 'F') return [`${column}: “${words}” does not name the statement`];
    const names = [...readFileSync(path, 'utf8').matchAll(/(['"`])((?:\\.|(?!\1)[^\n\\])*)\1/g)].map(([, , name]) =>
      name.replaceAll(/\\(.)/g, '$1'),
    );
    return names.some((name) => name.includes(words)) ? [] : [`${column}: ${file} has no test “${words}”`];
  });
}

/** Statement ids that stand in a text, ranges like T7–T9 written out. */
function idsIn(text) {
  const ids = new Set();
  for (const [, letter, from, to] of text.matchAll(/\b([TU])(\d+)(?:–[TU](\d+))?/g))
    for (let n = Number(from); n <= Number(to ?? from); n++) ids.add(`${letter}${n}`);
  return ids;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkSpec();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(problems.length === 0 ? 'Every statement has its evidence.\n' : `${problems.length} gaps in the evidence.\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
