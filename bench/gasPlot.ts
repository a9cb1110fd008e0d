/**
 * `node dist/bench/gasPlot.js`: draws bench/results/gas.json, as `npm run bench -- gas --json` wrote it, into docs/gas.svg:
 * gas of a transfer against the transfers in a settlement, a line for each mix of circuits. Both axes are logarithmic.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../circuits/paths.js';
import type { GasResult, GasRow } from './gas.js';

const [WIDTH, HEIGHT] = [760, 420];
const MARGIN = { left: 70, right: 190, top: 30, bottom: 50 };
const [X_FROM, X_TO] = [8, 128];
const [Y_FROM, Y_TO] = [10_000, 128_000];
const X_TICKS = [8, 16, 32, 64, 128];
const Y_TICKS = [10_000, 20_000, 40_000, 80_000];
const COLOURS = ['#b3541e', '#1e6fb3', '#2e8b57'];
const NAMES: Readonly<Record<string, string>> = {
  'transfer_1 update_8': 'one a proof, update(8)',
  'transfer_8 update_8': 'eight a proof, update(8)',
  'transfer_8 update_32': 'eight a proof, update(32)',
};

/** An SVG document. */
export function plotGas(rows: readonly GasRow[]): string {
  const mixes = [...new Set(rows.map(mixOf))];
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...X_TICKS.flatMap((tick) => [
      rule(x(tick), x(tick), y(Y_FROM), y(Y_TO)),
      label(x(tick), HEIGHT - MARGIN.bottom + 18, 'middle', String(tick)),
    ]),
    ...Y_TICKS.flatMap((tick) => [
      rule(x(X_FROM), x(X_TO), y(tick), y(tick)),
      label(MARGIN.left - 8, y(tick) + 4, 'end', tick.toLocaleString('en-US')),
    ]),
    label((x(X_FROM) + x(X_TO)) / 2, HEIGHT - 10, 'middle', 'private transfers in a settlement'),
    label(MARGIN.left, MARGIN.top - 12, 'middle', 'gas a transfer'),
    ...mixes.flatMap((mix, i) =>
      curve(
        rows.filter((row) => mixOf(row) === mix),
        COLOURS[i % COLOURS.length] as string,
        NAMES[mix] ?? mix,
      ),
    ),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function curve(rows: readonly GasRow[], colour: string, name: string): string[] {
  const points = rows.map(({ transfers, gasPerTransfer }) => [x(transfers), y(gasPerTransfer), gasPerTransfer] as const);
  const [lastX, lastY] = points[points.length - 1] as readonly [number, number, number];
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map(([px, py]) => `${round(px)},${round(py)}`).join(' ')}"/>`,
    ...points.map(([px, py, gas]) => `<circle cx="${round(px)}" cy="${round(py)}" r="3" fill="${colour}"><title>${gas}</title></circle>`),
    `<text x="${round(lastX + 8)}" y="${round(lastY + 4)}" fill="${colour}">${name}</text>`,
  ];
}

function rule(x1: number, x2: number, y1: number, y2: number): string {
  return `<line x1="${round(x1)}" x2="${round(x2)}" y1="${round(y1)}" y2="${round(y2)}" stroke="#ddd"/>`;
}

function label(px: number, py: number, anchor: 'middle' | 'end', text: string): string {
  return `<text x="${round(px)}" y="${round(py)}" text-anchor="${anchor}">${text}</text>`;
}

function x(transfers: number): number {
  return MARGIN.left + (WIDTH - MARGIN.left - MARGIN.right) * (Math.log(transfers / X_FROM) / Math.log(X_TO / X_FROM));
}

function y(gas: number): number {
  return HEIGHT - MARGIN.bottom - (HEIGHT - MARGIN.top - MARGIN.bottom) * (Math.log(gas / Y_FROM) / Math.log(Y_TO / Y_FROM));
}

function mixOf({ transfer, update }: GasRow): string {
  return `${transfer} ${update}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

if (process.argv[1]?.endsWith('gasPlot.js') === true) {
  const { rows } = JSON.parse(readFileSync(join(packageRoot(), 'bench', 'results', 'gas.json'), 'utf8')) as GasResult;
  writeFileSync(join(packageRoot(), 'docs', 'gas.svg'), plotGas(rows));
}
