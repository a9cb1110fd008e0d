/**
 * Draws what `npm run chaos -- … --record` has recorded: how long each kind of recovery took, and how settling goes on while
 * node and workers are killed.
 *
 * Usage: node dist/test/chaos/plot.js [RESULTS] [SVG], by default bench/results/chaos.json and docs/images/chaos.svg.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';
import type { ScenarioResult } from './scenario.js';

type Point = readonly [number, number];
interface Row {
  readonly label: string;
  readonly valuesMs: readonly number[];
}

/** Scenario and measurement of each row, and what it says. */
const ROWS: readonly (readonly [scenario: string, measured: string, label: string])[] = [
  ['crash-everywhere', 'recoveryMs', 'node killed → serves again'],
  ['container-restart', 'restartedMs', 'container killed → serves again'],
  ['workers-killed', 'resumedMs', 'worker killed → job taken again'],
  ['workers-drain', 'resumedMs', 'real worker killed → job opened again'],
  ['redis-trouble', 'noticedMs', 'Redis unfit → intake pauses'],
  ['redis-trouble', 'recoveryMs', 'Redis fit again → all settled'],
  ['redis-failover', 'recoveryMs', 'replica promoted → all settled'],
  ['reorgs', 'settledAgainMs', 'blocks taken back → settled again'],
  ['rpc-trouble', 'recoveryMs', 'RPC honest again → all settled'],
  ['rising-fees', 'settledAfterRiseMs', 'base fee rose → settled'],
  ['takeover', 'rebuiltMs', 'second node started → state rebuilt'],
  ['takeover', 'queueServedMs', 'second node started → queue served'],
  ['takeover', 'paymentsServedMs', 'queue overdue again → payments settled'],
  ['operator-returns', 'queueServedMs', 'operator starts anew → queue served'],
  ['wallet-killed', 'wholeAgainMs', 'wallet opened again → whole'],
  ['wallet-command-killed', 'wholeAgainMs', 'tacit wallet resume → whole'],
];
const [WIDTH, ROW_HEIGHT, LEFT, TOP, CHART_HEIGHT] = [860, 22, 290, 50, 220] as const;
/** Of the logarithmic axis, in milliseconds. */
const [FROM_MS, TO_MS] = [10, 100_000] as const;
const [INK, MUTED, DOT, SECOND] = ['#333', '#888', '#2563a8', '#b8552b'] as const;
const LEAVES_A_TRANSFER = 2;

const [, , results = join(packageRoot(), 'bench', 'results', 'chaos.json'), target = join(packageRoot(), 'docs', 'images', 'chaos.svg')] =
  process.argv;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, draw(latest(readFileSync(results, 'utf8'))));
process.stdout.write(`${target}\n`);

/** Of each scenario the last full run. */
function latest(text: string): Map<string, ScenarioResult> {
  const all = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ScenarioResult);
  return new Map(all.filter(({ scale }) => scale === 'full').map((result) => [result.name, result]));
}

function draw(found: ReadonlyMap<string, ScenarioResult>): string {
  const rows = ROWS.flatMap(([scenario, measured, label]): Row[] => {
    const points = found.get(scenario)?.series[measured];
    return points === undefined ? [] : [{ label, valuesMs: points.map(([, value]) => value) }];
  });
  const load = found.get('load');
  const bottom = TOP + rows.length * ROW_HEIGHT;
  const height = bottom + (load === undefined ? 40 : CHART_HEIGHT + 110);
  const parts = [
    title(20, 'Recovery times (each dot one recovery, logarithmic scale)'),
    ...axis(bottom),
    ...rows.flatMap(dots),
    ...(load === undefined ? [] : chart(load, bottom + 70)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="${INK}">
<title>Recovery times, and slots settled under kills</title>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

function xOf(ms: number): number {
  const share = Math.log(Math.max(FROM_MS, Math.min(TO_MS, ms)) / FROM_MS) / Math.log(TO_MS / FROM_MS);
  return round(LEFT + share * (WIDTH - LEFT - 40));
}

function axis(bottom: number): string[] {
  return [10, 100, 1_000, 10_000, 100_000].flatMap((ms) => [
    `<line x1="${xOf(ms)}" x2="${xOf(ms)}" y1="${TOP - 12}" y2="${bottom}" stroke="#ddd"/>`,
    `<text x="${xOf(ms)}" y="${TOP - 16}" text-anchor="middle" fill="${MUTED}">${ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`}</text>`,
  ]);
}

function dots({ label, valuesMs }: Row, index: number): string[] {
  const y = TOP + (index + 0.5) * ROW_HEIGHT;
  const text = `<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${label}</text>`;
  return [text, ...valuesMs.map((ms) => `<circle cx="${xOf(ms)}" cy="${y}" r="4" fill="${DOT}" fill-opacity="0.45"/>`)];
}

/** Settled transfers over time, calm and under kills; a kill shows as a flat stretch. */
function chart(load: ScenarioResult, top: number): string[] {
  const lines = (
    [
      ['underKillsLeaves', 'under kills', SECOND],
      ['calmLeaves', 'calm', DOT],
    ] as const
  ).map(([name, label, colour]) => {
    const points = load.series[name] ?? [];
    const first = points[0]?.[1] ?? 0;
    return { label, colour, points: points.map(([s, leaves]): Point => [s, (leaves - first) / LEAVES_A_TRANSFER]) };
  });
  const maxS = Math.max(1, ...lines.flatMap(({ points }) => points.map(([s]) => s)));
  const maxCount = Math.max(1, ...lines.flatMap(({ points }) => points.map(([, count]) => count)));
  const [left, width] = [60, WIDTH - 100];
  const place = ([s, count]: Point) => `${round(left + (s / maxS) * width)},${round(top + CHART_HEIGHT * (1 - count / maxCount))}`;
  const kills = ['nodeBackMs', 'workerBackMs'].reduce((sum, name) => sum + (load.series[name]?.length ?? 0), 0);
  return [
    title(top - 22, `Slots settled over time: ${kills} kills −9 of node and workers, and none`),
    `<rect x="${left}" y="${top}" width="${width}" height="${CHART_HEIGHT}" fill="none" stroke="#ddd"/>`,
    `<text x="${left - 6}" y="${top + 10}" text-anchor="end" fill="${MUTED}">${Math.round(maxCount)}</text>`,
    `<text x="${left + width}" y="${top + CHART_HEIGHT + 16}" text-anchor="end" fill="${MUTED}">${Math.round(maxS)} s</text>`,
    ...lines.map(
      ({ points, colour }) => `<polyline points="${points.map(place).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ),
    ...lines.map(({ label, colour }, i) => `<text x="${left + 12}" y="${top + 18 + 16 * i}" fill="${colour}">${label}</text>`),
  ];
}

function title(y: number, text: string): string {
  return `<text x="20" y="${y}" font-size="14" font-weight="bold">${text}</text>`;
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}
