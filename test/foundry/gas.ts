/**
 * The gas figures that Gas.t.sol measured, and those that are committed in `gas.json`. The compiler and the EVM are
 * fixed by package.json, so the figures are compared to the unit.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ForgeTest } from './forge.js';

type Figures = Readonly<Record<string, number>>;

/** With `TACIT_GAS_WRITE=1` the measured figures become the committed ones. */
export async function gasFigures(root: string, tests: readonly ForgeTest[]): Promise<{ measured: Figures; committed: Figures }> {
  const file = join(root, 'test', 'foundry', 'gas.json');
  const figures = tests.flatMap(({ gas }) => Object.entries(gas)).map(([name, used]): [string, number] => [name, Number(used)]);
  const measured = Object.fromEntries(figures.sort(([a], [b]) => (a < b ? -1 : 1)));
  if (process.env.TACIT_GAS_WRITE === '1') await writeFile(file, `${JSON.stringify(measured, undefined, 2)}\n`);
  return { measured, committed: JSON.parse(await readFile(file, 'utf8')) as Figures };
}
