/**
 * Does the specification tell the truth about its evidence? Every statement (T1…, U1…, F1…, C1…, V1…) has a row in the table
 * under "Evidence" of its page: the code that holds it, a test that accepts, one that rejects, where there is one a test that
 * forges or a property of the contract, and what it rests on. This fails when a row or a cell is missing, when a file or the
 * function in it does not exist, when a circuit does not name the statement, when a test file has no test of the name
 * that the row gives, and when a property of PROPERTIES.md belongs to no statement.
 *
 *   node scripts/check-spec.mjs
 *
 * A cell of code: `file.circom` of circuits/lib, `path/to/file`, or `path/to/file#function` (a contract by its file's name alone).
 * A cell of tests: `folder/file.test.ts` “words of the test's name”, or `foundry/File.t.sol` “function”, one or more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(dirname(fileURLToPath(import.meta.url)));
const CIRCUIT = ['id', 'held by', 'accepts', 'rejects', 'forged', 'rests on'];
const PAGES = [
  { page: 'transfer.md', letter: 'T', count: 10, columns: CIRCUIT, named: true },
  { page: 'update.md', letter: 'U', count: 12, columns: CIRCUIT, named: true },
  { page: 'fold.md', letter: 'F', count: 6, columns: CIRCUIT },
  { page: 'contract.md', letter: 'C', count: 29, columns: ['id', 'held by', 'accepts', 'rejects', 'property', 'rests on'] },
  { page: 'audit.md', letter: 'V', count: 16, columns: ['id', 'held by', 'accepts', 'rejects', 'rests on'] },
];
const PROPERTIES = join('verifier-contract', 'PROPERTIES.md');
const TEST = /`([\w/-]+\.(?:test\.ts|t\.sol))`\s*“([^”]+)”/g;

/** @returns {string[]} what is wrong, one line each */
export function checkSpec(root = HERE) {
  const used = new Set();
  const problems = PAGES.flatMap((spec) => {
    const { page, letter, count, columns } = spec;
    const text = readFileSync(join(root, 'docs', 'spec', page), 'utf8');
    const rows = evidence(text, columns);
    if (rows === undefined) return [`${page}: no table “${columns.join(' | ')}” under “## Evidence”`];
    const ids = Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
    const statements = text.slice(0, text.indexOf('## Evidence'));
    const stated = [...statements.matchAll(new RegExp(`^\\| (${letter}\\d+) \\|`, 'gm'))].map(([, id]) => id);
    for (const cells of rows.values()) for (const [id] of (cells.property ?? '').matchAll(/P-\d+/g)) used.add(id);
    return [
      ...ids.filter((id) => !stated.includes(id)).map((id) => `${page}: ${id} is not stated`),
      ...ids.filter((id) => !rows.has(id)).map((id) => `${page}: ${id} has no evidence`),
      ...new Set([...stated, ...rows.keys()].filter((id) => !ids.includes(id)).map((id) => `${page}: ${id} is no statement`)),
      ...[...rows].flatMap(([id, cells]) => checkRow(root, id, cells, spec).map((line) => `${page}: ${id}: ${line}`)),
    ];
  });
  return [
    ...problems,
    ...propertyIds(root)
      .filter((id) => !used.has(id))
      .map((id) => `${PROPERTIES}: ${id} belongs to no statement`),
  ];
}

function propertyIds(root) {
  return [...readFileSync(join(root, PROPERTIES), 'utf8').matchAll(/^### (P-\d+)/gm)].map(([, id]) => id);
}

/** Cells by column and id of the table under "Evidence"; undefined when it is not there. */
function evidence(text, columns) {
  const section = text.split('\n## Evidence\n')[1]?.split('\n## ')[0];
  const lines = section?.split('\n').filter((line) => line.startsWith('|')) ?? [];
  const cells = (line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
  if (lines.length < 3 || cells(lines[0]).join() !== columns.join()) return undefined;
  return new Map(
    lines.slice(2).map((line) => {
      const row = cells(line);
      return [row[0], Object.fromEntries(columns.slice(1).map((column, i) => [column, row[i + 1] ?? '']))];
    }),
  );
}

function checkRow(root, id, cells, { columns, named }) {
  const problems = checkCode(root, id, cells['held by']);
  for (const column of ['accepts', 'rejects', 'forged'].filter((name) => columns.includes(name)))
    problems.push(...checkTests(root, id, column, cells[column], named && column !== 'accepts'));
  if (columns.includes('property')) problems.push(...checkProperties(root, cells.property));
  if (cells['rests on'] === '') problems.push('rests on nothing');
  return problems;
}

/** Circuits name the statement on a line; other code is named by its path, and the function in it. */
function checkCode(root, id, cell) {
  const places = [...cell.matchAll(/`([\w./-]+)(?:#(\w+))?`/g)];
  if (places.length === 0) return ['no code is named'];
  return places.flatMap(([, file, name]) => {
    const short = { circom: join('circuits', 'lib'), sol: join('verifier-contract', 'contracts') }[file.split('.').at(-1)];
    const path = file.includes('/') || short === undefined ? join(root, file) : join(root, short, file);
    if (!existsSync(path)) return [`no file ${file}`];
    const text = readFileSync(path, 'utf8');
    if (file.endsWith('.circom') && !idsIn(text).has(id)) return [`${file} does not name it`];
    // A definition: not a call (`= name(`, `.name(`), not a comment.
    const defined = name === undefined || new RegExp(`^\\s*(?:[\\w@]+ )*#?${name}\\b(?:\\(|[ :])`, 'm').test(text);
    return defined ? [] : [`${file} has no ${name}`];
  });
}

function checkTests(root, id, column, cell, named) {
  const found = [...cell.matchAll(TEST)];
  if (found.length === 0) return [`${column}: no test is named`];
  return found.flatMap(([, file, words]) => {
    const path = join(root, 'test', file);
    if (!existsSync(path)) return [`${column}: no test file ${file}`];
    if (named && !new RegExp(`\\b${id}\\b`).test(words)) return [`${column}: “${words}” does not name the statement`];
    const text = readFileSync(path, 'utf8');
    const known = file.endsWith('.sol')
      ? new RegExp(`function ${words}\\(`).test(text)
      : namesIn(text).some((name) => name.includes(words));
    return known ? [] : [`${column}: ${file} has no test “${words}”`];
  });
}

function namesIn(text) {
  return [...text.matchAll(/(['"`])((?:\\.|(?!\1)[^\n\\])*)\1/g)].map(([, , name]) => name.replaceAll(/\\(.)/g, '$1'));
}

function checkProperties(root, cell) {
  const ids = [...cell.matchAll(/P-\d+/g)].map(([id]) => id);
  if (ids.length === 0) return ['no property is named'];
  return ids.filter((id) => !propertyIds(root).includes(id)).map((id) => `no property ${id}`);
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
