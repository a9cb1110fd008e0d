import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { machineTerms, servedLanes } from '../../cli/workerMachine.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { makeKeyTable } from '../../protocol/fold.js';
import { type Measurement, measure, plansFor } from '../../prover/calibrate.js';
import { chooseConfig, loadConfig, saveConfig } from '../../prover/workerConfig.js';
import { simulatedKeys } from '../aggregator/simulatedFarm.js';
import { code } from './code.js';

const GIBIBYTE = 2 ** 30;
const limitMs = { transfer_1: 60_000, transfer_8: 180_000, update_2: 90_000, update_8: 180_000, update_32: 600_000 };
const terms = (memoryGib: number) => ({
  backend: 'wasm' as const,
  machine: { cpu: 'of a test', cores: 4, memoryBytes: memoryGib * GIBIBYTE },
  limitMs,
  measuredAt: '2026-11-21T08:00:00.000Z',
});
const found = (circuit: CircuitName, concurrency: number, threads: number, provingMs: number, gib: number): Measurement => ({
  circuit,
  concurrency,
  threads,
  firstMs: provingMs,
  provingMs,
  cpuMs: provingMs,
  peakMemoryBytes: gib * GIBIBYTE,
});
/** Four proofs at a time are slower each and more in all. */
const MEASURED = [
  found('transfer_1', 4, 1, 1_500, 0.25),
  found('transfer_1', 1, 4, 500, 0.25),
  found('update_32', 4, 1, 90_000, 4),
  found('update_32', 1, 4, 30_000, 4),
];

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tacit-config-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('how a worker uses its machine', () => {
  it('shares cores evenly', () => {
    expect(plansFor(1)).toEqual([{ threads: 1, concurrency: 1 }]);
    expect(plansFor(2)).toEqual([
      { threads: 1, concurrency: 2 },
      { threads: 2, concurrency: 1 },
    ]);
    expect(plansFor(6)).toEqual([
      { threads: 1, concurrency: 6 },
      { threads: 2, concurrency: 3 },
      { threads: 4, concurrency: 1 },
      { threads: 6, concurrency: 1 },
    ]);
  });

  it('takes the plan that proves most where everything fits, and the one that serves most where it does not', () => {
    const roomy = chooseConfig(MEASURED, terms(64));
    expect(roomy).toMatchObject({ concurrency: 4, threads: 1, left: [] });
    expect(roomy.lanes.map(({ circuit, provingMs }) => [circuit, provingMs])).toEqual([
      ['transfer_1', 1_500],
      ['update_32', 90_000],
    ]);
    expect(chooseConfig(MEASURED, terms(6))).toMatchObject({ concurrency: 1, threads: 4, left: [] });
  });

  it('leaves what needs too much memory or too long, with the reason', () => {
    const small = chooseConfig(MEASURED, terms(4));
    expect(small.lanes.map(({ circuit }) => circuit)).toEqual(['transfer_1']);
    expect(small.left).toEqual([{ circuit: 'update_32', reason: expect.stringContaining('MiB') }]);
    const slow = chooseConfig([...MEASURED.slice(0, 2), found('update_8', 4, 1, 95_000, 1), found('update_8', 1, 4, 95_000, 1)], terms(64));
    expect(slow.left).toEqual([{ circuit: 'update_8', reason: '95000 ms, more than 90000 ms' }]);
    expect(() => chooseConfig(MEASURED, terms(0.1))).toThrow(expect.objectContaining({ code: 'CALIBRATION_EMPTY' }));
  });

  it('is kept in a file that serve takes: lanes, threads, proofs at a time; the command line goes before it', async () => {
    const path = join(scratch, 'config.json');
    await saveConfig(path, chooseConfig(MEASURED, terms(64)));
    expect(await loadConfig(path)).toEqual(chooseConfig(MEASURED, terms(64)));
    const said = await machineTerms({ config: path });
    expect(said.terms).toEqual({ backend: 'wasm', threads: 1, concurrency: 4 });
    const onChain = simulatedKeys();
    expect(servedLanes(said, onChain)).toEqual(['transfer_1', 'update_32']);
    expect(said.provingMs(['transfer_1'])).toEqual({ transfer_1: 1_500 });
    const other = await machineTerms({ config: path, threads: '2', lanes: 'update_8' });
    expect([other.terms.threads, servedLanes(other, onChain), other.provingMs(['transfer_1'])]).toEqual([2, ['update_8'], {}]);
    const [key] = [...onChain].filter(([id]) => id === CIRCUITS.update_8.id);
    expect(await code(() => servedLanes(said, makeKeyTable([key as [number, never]])))).toBe('OPTION_INVALID');
  });

  it('a file of another shape is refused', async () => {
    const path = join(scratch, 'broken.json');
    for (const text of ['', '{}', JSON.stringify({ ...chooseConfig(MEASURED, terms(64)), threads: 0 })]) {
      await writeFile(path, text);
      expect(await code(() => loadConfig(path))).toBe('WORKER_CONFIG');
    }
    expect(await code(() => loadConfig(join(scratch, 'absent')))).toBe('FILE_MISSING');
  });

  it('measures real proofs of this machine', async () => {
    const plan = { concurrency: 1, threads: 1 };
    const measured = await measure('transfer_1', await resolveArtifacts('transfer_1'), plan, { backend: 'wasm', runs: 1 });
    expect(measured).toMatchObject({ circuit: 'transfer_1', ...plan });
    expect(measured.provingMs).toBeGreaterThan(0);
    expect(measured.cpuMs).toBeGreaterThan(0);
    // The key alone is 23 MB.
    expect(measured.peakMemoryBytes).toBeGreaterThan(50 * 2 ** 20);
  });
});
