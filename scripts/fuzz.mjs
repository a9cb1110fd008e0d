/**
 * `npm run fuzz`: every decoder with 10,000 cases, the long run of test/fuzz.
 *
 *   npm run fuzz                                  all families
 *   npm run fuzz -- --cases 50000 --seed 7        more cases, another seed
 *   npm run fuzz -- test/fuzz/files.test.ts       one family
 *
 * The seed is printed first; a failure prints the path to its case and the case itself, which then becomes an example
 * beside the property that it broke.
 */
import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';
import { ensurePrograms } from './programs.mjs';

const CASES = 10_000;
/** The seed of `npm test`, so that the long run contains the short one. */
const SEED = 20261121;

const args = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = args.indexOf(`--${name}`);
  if (at < 0) return String(otherwise);
  const [, text] = args.splice(at, 2);
  if (!/^[0-9]{1,9}$/.test(text ?? '')) {
    process.stderr.write(`--${name} takes a whole number\n`);
    process.exit(1);
  }
  return text;
};
const [cases, seed] = [option('cases', CASES), option('seed', SEED)];
const files = args.length === 0 ? ['test/fuzz'] : args;

await prepare();
await ensurePrograms();
process.stderr.write(`fuzz: ${cases} cases a decoder, seed ${seed}\n`);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const env = { ...process.env, TACIT_FUZZ_CASES: cases, TACIT_FUZZ_SEED: seed };
process.exitCode = await run(process.execPath, [vitest, 'run', ...files], { stdio: 'inherit', env });
