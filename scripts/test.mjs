/**
 * `npm test`: everything that CI runs, from a fresh clone. Steps: install and compile; layer check; lint; a real
 * redis-server and a Chromium (installed where root and apt allow); circuits, keys and contracts into the cache; the test files.
 * The last line is `N passed, N failed`; a failed step counts as one failure.
 *
 *   npm test                    all
 *   npm test -- test/ledger     the files whose path contains the argument
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';
import { ensurePrograms } from './programs.mjs';

const say = (line) => process.stderr.write(`${line}\n`);
const filters = process.argv.slice(2);
let stepsPassed = 0;
const failures = [];

await prepare();
await step('layers', () => run(process.execPath, [join(root, 'scripts', 'check-imports.mjs')]));
await step('spec', () => run(process.execPath, [join(root, 'scripts', 'check-spec.mjs')]));
await step('lint', () =>
  run(process.execPath, [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.']),
);
await ensurePrograms();
await step('artifacts', () => run(process.execPath, [join(root, 'dist', 'test', 'prepareArtifacts.js')]));
const tests = await vitest();

const passed = stepsPassed + tests.passed;
const failed = failures.length + tests.failed;
if (failures.length > 0) say(`Failed steps: ${failures.join(', ')}`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function step(name, action) {
  say(`── ${name}`);
  const startedMs = Date.now();
  const code = await action();
  if (code === 0) stepsPassed++;
  else failures.push(name);
  say(`── ${name}: ${code === 0 ? 'passed' : `FAILED (exit ${code})`} in ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}

async function vitest() {
  const report = join(mkdtempSync(join(tmpdir(), 'tacit-test-')), 'report.json');
  const bin = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  await run(process.execPath, [bin, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters]);
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    // A file that fails to load has no tests to count; it must not pass in silence.
    const broken = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
    return { passed: result.numPassedTests, failed: result.numFailedTests + broken };
  } catch {
    failures.push('vitest');
    return { passed: 0, failed: 0 };
  }
}
