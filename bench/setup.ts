/**
 * `npm run bench -- setup [--json] [--circuits a,b] [--threads 1,2] [--runs n]`
 *
 * The insecure development set-up: from a compiled circuit to its proving and verifying key. Every key must be, byte for
 * byte, the one in the cache; times are medians and end when the key is on disk.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveArtifacts } from '../circuits/artifacts.js';
import { insecureDevSetup } from '../circuits/setup/insecureDevSetup.js';
import type { CircuitName } from '../protocol/circuit.js';
import { commit } from './commit.js';
import { median } from './prover.js';

const DEFAULT_RUNS = 3;

/** One row of the result. */
export interface SetupRow {
  readonly circuit: CircuitName;
  readonly constraints: number;
  readonly threads: number;
  readonly runs: number;
  readonly ms: number;
  readonly spreadMs: readonly [number, number];
  /** Median processor time of all threads together. */
  readonly cpuMs: number;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** @throws Error when a key is not the cached one */
async function timeSetup(circuit: CircuitName, threads: number, runs: number): Promise<SetupRow> {
  const artifacts = await resolveArtifacts(circuit);
  const expected = await sha256Of(artifacts.zkeyPath);
  const dir = mkdtempSync(join(tmpdir(), 'tacit-setup-'));
  const [zkeyPath, vkeyPath] = [join(dir, 'zkey'), join(dir, 'vkey.json')];
  const times: { ms: number; cpuMs: number }[] = [];
  let constraints = 0;
  try {
    for (let run = 0; run < runs; run++) {
      const before = process.cpuUsage();
      const start = performance.now();
      ({ constraints } = await insecureDevSetup({ circuit, r1csPath: artifacts.r1csPath, zkeyPath, vkeyPath, threads }));
      const ms = performance.now() - start;
      const { user, system } = process.cpuUsage(before);
      times.push({ ms, cpuMs: (user + system) / 1000 });
      if ((await sha256Of(zkeyPath)) !== expected) throw new Error(`the key of ${circuit} is not the cached one`);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const ms = times.map((time) => time.ms);
  return {
    circuit,
    constraints,
    threads,
    runs,
    ms: Math.round(median(ms)),
    spreadMs: [Math.round(Math.min(...ms)), Math.round(Math.max(...ms))],
    cpuMs: Math.round(median(times.map(({ cpuMs }) => cpuMs))),
  };
}

export async function benchSetup(args: string[]): Promise<void> {
  const option = (name: string, fallback: string): string => args[args.indexOf(name) + 1 || args.length] ?? fallback;
  const circuits = option('--circuits', 'transfer_1,update_8').split(',') as CircuitName[];
  const threadCounts = option('--threads', String(availableParallelism())).split(',').map(Number);
  const runs = Number(option('--runs', String(DEFAULT_RUNS)));
  const rows: SetupRow[] = [];
  for (const circuit of circuits) {
    for (const threads of threadCounts) {
      const row = await timeSetup(circuit, threads, runs);
      rows.push(row);
      if (!args.includes('--json'))
        process.stdout.write(
          `${circuit} (${row.constraints} constraints), threads=${threads}: ${row.ms} ms [${row.spreadMs.join('–')}], processor time ${row.cpuMs} ms\n`,
        );
    }
  }
  if (args.includes('--json'))
    process.stdout.write(`${JSON.stringify({ commit: commit(), cpu: cpus()[0]?.model, node: process.version, rows }, null, 1)}\n`);
}
