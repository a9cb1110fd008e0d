/**
 * `node dist/bench/plots.js`: draws the recorded results (bench/results/*.json) into docs/. Run it after recording anew:
 * `npm run bench -- gas --json > bench/results/gas.json`, and the same for `grouping`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../circuits/paths.js';
import type { GasResult } from './gas.js';
import type { GroupingResult } from './grouping.js';
import { plot } from './plot.js';

const MIX_NAMES: Readonly<Record<string, string>> = {
  'transfer_1 update_8': 'one a proof, update(8)',
  'transfer_8 update_8': 'eight a proof, update(8)',
  'transfer_8 update_32': 'eight a proof, update(32)',
};

/** Gas of a transfer against the transfers in a settlement, a line a mix. */
export function gasPlot({ rows }: Pick<GasResult, 'rows'>): string {
  return plot({
    lines: groupBy(rows, ({ transfer, update }) => `${transfer} ${update}`).map(([mix, of]) => ({
      name: MIX_NAMES[mix] ?? mix,
      points: of.map(({ transfers, gasPerTransfer }) => [transfers, gasPerTransfer] as const),
    })),
    xLabel: 'private transfers in a settlement',
    yLabel: 'gas a transfer',
    xTicks: [8, 16, 32, 64, 128],
    yTicks: [10_000, 20_000, 40_000, 80_000, 120_000],
  });
}

/** Gas of a farm-proved transfer against how many come in a minute, a line for each age limit. */
export function groupingPlot({ rows }: Pick<GroupingResult, 'rows'>): string {
  return plot({
    lines: groupBy(rows, ({ waitSeconds }) => `waits ${waitSeconds} s at most`).map(([name, of]) => ({
      name,
      points: of.map(({ perMinute, gasPerTransfer }) => [perMinute, gasPerTransfer] as const),
    })),
    xLabel: 'sealed transfers a minute',
    yLabel: 'gas a transfer',
    xTicks: [1, 3, 10, 30, 100, 300, 1_000],
    yTicks: [10_000, 20_000, 40_000, 80_000],
  });
}

function groupBy<T>(rows: readonly T[], nameOf: (row: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row]);
  return [...groups];
}

if (process.argv[1]?.endsWith('plots.js') === true) {
  const recorded = <T>(name: string): T => JSON.parse(readFileSync(join(packageRoot(), 'bench', 'results', `${name}.json`), 'utf8')) as T;
  writeFileSync(join(packageRoot(), 'docs', 'gas.svg'), gasPlot(recorded<GasResult>('gas')));
  writeFileSync(join(packageRoot(), 'docs', 'grouping.svg'), groupingPlot(recorded<GroupingResult>('grouping')));
}
