/** verifier-contract/PROPERTIES.md: every property has an id, in order, and tests that exist. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = await readFile(join(root, 'verifier-contract', 'PROPERTIES.md'), 'utf8');
const properties = text
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    id: section.slice(0, section.indexOf(' ')),
    tests: [...(section.split('**Tests:**')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name as string),
  }));
const written = (
  await Promise.all(
    ['test/foundry', 'test/verifier-contract'].map(async (folder) => {
      const names = (await readdir(join(root, folder))).filter((name) => /\.(t\.sol|test\.ts)$/.test(name));
      return Promise.all(names.map((name) => readFile(join(root, folder, name), 'utf8')));
    }),
  )
).flat();

/** Folders and source files that the text names are no tests. */
const isTest = (name: string): boolean => !/^test\/|\.sol$|^update$/.test(name);

describe('PROPERTIES.md', () => {
  it('numbers its properties', () => {
    expect(properties.map(({ id }) => id)).toEqual(properties.map((_, i) => `P-${String(i + 1).padStart(2, '0')}`));
    expect(properties.length).toBeGreaterThan(0);
  });

  it.each(properties)('$id names tests, and all of them exist', ({ tests }) => {
    const names = tests.filter(isTest);
    expect(names.length).toBeGreaterThan(0);
    const missing = names.filter(
      (name) => !written.some((source) => source.includes(`function ${name}(`) || source.includes(`it('${name.replaceAll("'", "\\'")}'`)),
    );
    expect(missing).toEqual([]);
  });
});
