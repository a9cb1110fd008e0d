import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { nodeMetrics } from '../../operations/nodeMetrics.js';
import { workerMetrics } from '../../operations/workerMetrics.js';

const read = (path: string) => readFileSync(join('deploy', path), 'utf8');
const yaml = (path: string) => parse(read(path), { merge: true }) as Record<string, never>;

/** Names as Prometheus knows them: a histogram is three series. */
function servedNames(): Set<string> {
  const node = nodeMetrics({ inspect: () => Promise.reject(new Error('not asked')), subscribe: () => () => {} });
  const worker = workerMetrics(['transfer_1']);
  return new Set(
    [node.registry, worker.registry].flatMap((registry) =>
      registry.getMetricsAsArray().flatMap(({ name }) => [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]),
    ),
  );
}

const metricsIn = (expression: string) => expression.match(/tacit_[a-z_]+/g) ?? [];

describe('what deploy/ holds', () => {
  it('every alert names metrics that are served, and says what to do', () => {
    const [group] = (yaml('prometheus/alerts.yaml') as unknown as { groups: { rules: AlertRule[] }[] }).groups;
    const served = servedNames();
    expect(group?.rules.map(({ alert }) => alert)).toEqual(
      expect.arrayContaining(['NoWorkers', 'PaymentOld', 'GasAboveQuote', 'SettlerBalanceLow']),
    );
    for (const { alert, expr, annotations } of group?.rules ?? []) {
      for (const name of metricsIn(expr)) expect(served, `${alert}: ${name}`).toContain(name);
      expect(annotations.action, alert).toMatch(/\S/);
    }
  });

  it('Prometheus accepts configuration and rules, and each alert rings where it should, where there is a promtool to ask', (context) => {
    if (spawnSync('promtool', ['--version']).status !== 0) return context.skip('no promtool on this machine');
    const promtool = (...args: string[]) => execFileSync('promtool', args, { encoding: 'utf8' });
    expect(promtool('check', 'config', '--syntax-only', 'deploy/prometheus/prometheus.yaml')).toContain('SUCCESS');
    expect(promtool('check', 'rules', 'deploy/prometheus/alerts.yaml')).toContain('SUCCESS');
    expect(promtool('test', 'rules', 'test/operations/alerts.yaml')).toContain('SUCCESS');
  });

  it('every panel of the dashboard names metrics that are served', () => {
    const { panels } = JSON.parse(read('grafana/dashboards/farm.json')) as { panels: { title: string; targets: { expr: string }[] }[] };
    const served = servedNames();
    expect(panels.length).toBeGreaterThan(10);
    for (const { title, targets } of panels)
      for (const name of targets.flatMap(({ expr }) => metricsIn(expr))) expect(served, `${title}: ${name}`).toContain(name);
  });

  it('the compose file is whole: every secret, volume and file that it names is there', () => {
    const compose = yaml('compose.yaml') as unknown as Compose;
    expect(Object.keys(compose.services)).toEqual(['redis', 'node', 'worker', 'prometheus', 'grafana']);
    for (const { secrets = [], volumes = [] } of Object.values(compose.services)) {
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
      for (const volume of volumes) {
        const source = volume.split(':')[0] as string;
        if (source.startsWith('./secrets')) continue;
        if (source.startsWith('./')) expect(() => readdirOrFile(source)).not.toThrow();
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
    }
  });

  it('compose and units call the command line with options that it has', () => {
    const help = { node: helpOf('node'), worker: helpOf('worker', 'serve') };
    const texts = [read('compose.yaml'), read('systemd/tacit-node.service'), read('systemd/tacit-worker@.service')];
    const calls = texts.flatMap((text) => [...text.matchAll(/tacit (node|worker) ((?:[^\n]|\n {8}(?=--))*)/g)]);
    expect(calls).toHaveLength(4);
    for (const [, command, rest] of calls)
      for (const option of (rest as string).match(/--[a-z-]+/g) ?? []) expect(help[command as 'node' | 'worker'], option).toContain(option);
  }, 180_000);

  it('calibrating is found as a command and as an option', () => {
    expect(helpOf('worker', '--calibrate')).toBe(helpOf('worker', 'calibrate'));
  }, 60_000);

  it('systemd accepts the units, where there is one to ask', (context) => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return context.skip('no systemd-analyze on this machine');
    const dir = mkdtempSync(join(tmpdir(), 'tacit-units-'));
    try {
      for (const unit of readdirSync('deploy/systemd')) {
        // The programs are not installed here; everything else is checked as it stands.
        writeFileSync(
          join(dir, unit),
          read(`systemd/${unit}`)
            .replace('/opt/tacit/bin/tacit', '/bin/true')
            .replace(/^User=.*\n|^Group=.*\n/gm, ''),
        );
        const name = unit.replace('@.', '@1.');
        if (name !== unit) writeFileSync(join(dir, name), readFileSync(join(dir, unit)));
        expect(execFileSync('systemd-analyze', ['verify', '--man=no', join(dir, name)], { encoding: 'utf8' })).toBe('');
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('Redis keeps what it is given', () => {
    const conf = read('redis/redis.conf');
    for (const line of ['maxmemory-policy noeviction', 'appendonly yes']) expect(conf.split('\n')).toContain(line);
  });
});

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly action: string };
}
interface Compose {
  readonly services: Record<string, { secrets?: string[]; volumes?: string[] }>;
  readonly secrets: Record<string, unknown>;
  readonly volumes: Record<string, unknown>;
}

function readdirOrFile(path: string): void {
  try {
    readdirSync(join('deploy', path));
  } catch {
    readFileSync(join('deploy', path));
  }
}

function helpOf(...command: readonly string[]): string {
  return execFileSync(process.execPath, ['dist/cli/main.js', ...command, '--help'], { encoding: 'utf8' });
}
