/**
 * `npm run chaos`: plays scenarios by name and prints what each did, measured and found.
 *
 *   NAME …           these                    --list    names, and what they do
 *   --all            every one                --smoke   the small scale
 *   --minutes N      a play of many rounds (crash-everywhere) begins none after so long
 *   --seed TEXT      default 1                --record  appends the results, as JSON lines, to bench/results/chaos.json
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../circuits/paths.js';
import type { Scenario, ScenarioResult } from './scenario.js';
import { SCENARIOS } from './table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const MINUTE_MS = 60_000;
const print = (line: string) => process.stdout.write(`${line}\n`);

// Handlers at exit end the servers that a scenario started; a signal alone would pass them by.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (values.list) for (const { name, about } of SCENARIOS) print(`${name.padEnd(24)} ${about}`);
else process.exitCode = await main();

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0 || (positionals.length === 0 && !values.all)) {
    print(`${unknown.length > 0 ? `no such scenario: ${unknown.join(', ')}` : 'a name, or --all'}; --list shows the names`);
    return 2;
  }
  let broken = 0;
  for (const scenario of SCENARIOS.filter(({ name }) => values.all || positionals.includes(name))) {
    const result = await play(scenario);
    if (result.verdict === 'broken') broken++;
    if (values.record) record(result);
  }
  print(broken === 0 ? 'the promise held' : `BROKEN in ${broken} scenario${broken === 1 ? '' : 's'}`);
  return broken === 0 ? 0 : 1;
}

async function play(scenario: Scenario): Promise<ScenarioResult> {
  print(`── ${scenario.name}: ${scenario.about} (seed ${values.seed})`);
  const untilMs = values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.minutes) * MINUTE_MS;
  const result = await scenario.run(values.seed, (line) => print(`   ${line}`), values.smoke ? 'smoke' : 'full', untilMs);
  for (const [name, value] of Object.entries(result.measured)) print(`   measured ${name} ${Math.round(value * 1000) / 1000}`);
  for (const problem of result.problems) print(`   PROBLEM ${problem}`);
  print(`── ${scenario.name}: ${result.verdict} in ${(result.wallMs / 1000).toFixed(1)} s`);
  return result;
}

function record(result: ScenarioResult): void {
  const file = join(packageRoot(), 'bench', 'results', 'chaos.json');
  mkdirSync(dirname(file), { recursive: true });
  const { did: _, ...kept } = result;
  appendFileSync(
    file,
    `${JSON.stringify({ ...kept, date: new Date().toISOString().slice(0, 10), cores: cpus().length, node: process.version })}\n`,
  );
}
