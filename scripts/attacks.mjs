/**
 * `npm run attacks`: runs the tests whose names carry an attack id, A1 to A18, and nothing else; prints what each tried and
 * how it was stopped, then a line per id. Exits 1 when an attack was not stopped, or an id has no attack or no honest twin.
 *
 *   npm run attacks                      all
 *   npm run attacks -- test/protocol     the files whose path contains the argument; completeness is then not judged
 *
 * Names. `A6: <what was tried> → <how it was stopped>`; several ids: `A4, A6: …`. Where a name has no arrow, the codes that
 * the test's own text asserts stand in its place. The honest twin, which does the same without the lie and passes:
 * `A6 honest: …`, or any name with the word "honest" inside a `describe` that carries the id.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare, root, run } from './prepare.mjs';
import { ensurePrograms } from './programs.mjs';

/** Every attack that is known; docs/spec/attacks.md describes them. */
export const IDS = Array.from({ length: 18 }, (_, i) => `A${i + 1}`);
/** One or more ids at the start of a name or of a part of it. */
const CARRIES_ID = /\bA(?:[1-9]|1[0-8])(?:, A(?:[1-9]|1[0-8]))*(?: honest)?:/;
const MAX_CODES = 4;

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

async function main(filters) {
  await prepare();
  await ensurePrograms();
  const artifacts = await run(process.execPath, [join(root, 'dist', 'test', 'prepareArtifacts.js')]);
  if (artifacts !== 0) {
    process.exitCode = 1;
    return;
  }
  const files = testFiles(join(root, 'test')).filter((file) => CARRIES_ID.test(readFileSync(file, 'utf8')));
  const chosen = files.map((file) => relative(root, file)).filter((file) => filters.length === 0 || filters.some((f) => file.includes(f)));
  const results = await vitest(chosen);
  const rows = results.flatMap(rowsOf);
  const complete = report(rows, filters.length === 0);
  process.exitCode = complete && rows.every(({ passed }) => passed) && rows.length > 0 ? 0 : 1;
}

function testFiles(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

/** Runs the named files, only the tests that carry an id. */
async function vitest(files) {
  const report = join(mkdtempSync(join(tmpdir(), 'tacit-attacks-')), 'report.json');
  const bin = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const named = ['--testNamePattern', CARRIES_ID.source];
  await run(process.execPath, [bin, 'run', ...named, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...files]);
  return JSON.parse(readFileSync(report, 'utf8')).testResults;
}

/** @returns {{ids: string[], honest: boolean, what: string, how: string, file: string, passed: boolean}[]} */
function rowsOf({ name: path, assertionResults, status }) {
  const file = relative(root, path);
  const text = readFileSync(path, 'utf8');
  // A file that does not load has no results; it must not pass in silence.
  if (assertionResults.length === 0 && status === 'failed')
    return [{ ids: [], honest: false, what: `${file} does not load`, how: '', file, passed: false }];
  return assertionResults
    .filter(({ status: verdict }) => verdict !== 'skipped' && verdict !== 'pending' && verdict !== 'todo')
    .map(({ title, ancestorTitles, status: verdict }) => ({
      ...describeAttack(title, ancestorTitles, text),
      file,
      passed: verdict === 'passed',
    }))
    .filter(({ ids }) => ids.length > 0);
}

/** Reads ids, what and how out of a test's name. @param {string} text of its file */
export function describeAttack(title, ancestors, text) {
  const all = [...ancestors, title];
  const ids = [...new Set(all.flatMap((part) => CARRIES_ID.exec(part)?.[0].match(/A\d+/g) ?? []))];
  const honest = /\bhonest\b/i.test(title);
  const bare = withoutIds(title);
  const around = ancestors.map(withoutIds).filter((part) => part !== '');
  const [tried, ...stopped] = bare.split(' → ');
  // A title that only says "is refused" needs the describe before it.
  const what = CARRIES_ID.test(title) && tried.length > 20 ? tried : [...around, tried].join(': ');
  return { ids, honest, what, how: stopped.length > 0 ? stopped.join(' → ') : codesIn(bodyOf(title, text)).join(', ') };
}

/** A name without the ids it begins with. */
function withoutIds(name) {
  const found = CARRIES_ID.exec(name);
  return found?.index === 0 ? name.slice(found[0].length).trim() : name;
}

/** The text of a test in its file: from its `it` to the next. */
function bodyOf(title, text) {
  const starts = [...text.matchAll(/^ *(?:it|test)(?:\.\w+)*[(<]/gm)].map(({ index }) => index);
  for (const [i, start] of starts.entries()) {
    const body = text.slice(start, starts[i + 1]);
    const [, , literal] = /(?:^ *(?:it|test)\(|\)\()\s*(['"`])((?:\\.|(?!\1)[^\n])*)\1/m.exec(body) ?? [];
    if (literal !== undefined && patternOf(literal).test(title)) return body;
  }
  return '';
}

/** A title with placeholders, as a pattern for what it becomes. */
function patternOf(literal) {
  const plain = literal.replaceAll(/\\(.)/g, '$1').split(/%[sidfjo#]|\$\{[^}]*\}|\$\w+/);
  return new RegExp(`^${plain.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
}

/** Codes of errors and ids of statements that a text names in quotes, without repetition. */
function codesIn(body) {
  const found = [...body.matchAll(/['"`]((?:[A-Z][A-Z0-9]+_)+[A-Z0-9]+|[TU]\d{1,2})\b[^'"`\n]{0,40}['"`]/g)].map(([, code]) => code);
  const unique = [...new Set(found)];
  return unique.length > MAX_CODES ? [...unique.slice(0, MAX_CODES), '…'] : unique;
}

/** Prints the table and the summary. @returns {boolean} whether every id has an attack and an honest twin */
function report(rows, judged) {
  const out = [];
  const missing = [];
  for (const id of IDS) {
    const own = rows.filter(({ ids }) => ids.includes(id));
    out.push('', id);
    for (const { what, how, honest, passed, file } of own)
      out.push(
        `  ${passed ? (honest ? 'passes ' : 'stopped') : 'FAILED '}  ${what}${honest ? '' : ` → ${how || '(in the name)'}`}  (${file})`,
      );
  }
  out.push('', 'id    attacks  honest twins');
  for (const id of IDS) {
    const own = rows.filter(({ ids }) => ids.includes(id));
    const twins = own.filter(({ honest }) => honest).length;
    const failed = own.filter(({ passed }) => !passed).length;
    const lacks = [own.length - twins === 0 ? 'no attack' : '', twins === 0 ? 'no honest twin' : ''].filter((text) => text !== '');
    if (lacks.length > 0) missing.push(id);
    out.push(
      `${id.padEnd(6)}${String(own.length - twins).padStart(7)}${String(twins).padStart(14)}${failed ? `  ${failed} FAILED` : ''}${judged && lacks.length ? `  ${lacks.join(', ')}` : ''}`,
    );
  }
  for (const { what } of rows.filter(({ ids }) => ids.length === 0)) out.push(what);
  process.stdout.write(`${out.join('\n').trimStart()}\n`);
  return !judged || missing.length === 0;
}
