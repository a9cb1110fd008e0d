/** The proving process and a GPU whose driver takes it down, as the proving host sees it; runs from dist/. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import type { TacitError } from '../../protocol/errors.js';
import type { ProveResult } from '../../prover/backend.js';
import { mayHaveGpu } from '../../prover/backends/gpuDevice.js';
import type { BackendName } from '../../prover/prove.js';
import { ProvingHost } from '../../prover/thread.js';
import { verifyProof } from '../../prover/verify.js';
import { chromiumVulkan } from './vulkan.js';

const BUILD_TIMEOUT_MS = 240_000;
const ON_WASM = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };
const TASKS = '/proc/self/task';

let circuit: ProverCircuit;
let host: ProvingHost | undefined;

beforeAll(async () => {
  circuit = await buildProverCircuit(productChain(6, 3n));
}, BUILD_TIMEOUT_MS);
afterEach(() => host?.close());

/** Proving processes that this process has started. */
function provingProcesses(): number[] {
  const children = readdirSync(TASKS).flatMap((task) => readFileSync(`${TASKS}/${task}/children`, 'utf8').split(' '));
  return children
    .filter(Boolean)
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('host.js'));
}

/** Proves, and kills the proving process while it reads the calculator: a pipe that nobody writes to, and the file afterwards. */
function proveAndKill(on: ProvingHost, backend: BackendName): Promise<ProveResult> {
  const wasmPath = join(mkdtempSync(join(tmpdir(), 'tacit-dies-')), 'circuit.wasm');
  execFileSync('mkfifo', [wasmPath]);
  let killed = false;
  const onProgress = (): void => {
    if (killed) return;
    killed = true;
    for (const pid of provingProcesses()) process.kill(pid, 'SIGKILL');
    rmSync(wasmPath);
    symlinkSync(circuit.wasmPath, wasmPath);
  };
  const source = { kind: 'input', wasmPath, input: { seed: '3', bit: '1' } } as const;
  return on.prove(circuit.zkeyPath, source, { backend, threads: 1, onProgress });
}

function prove(on: ProvingHost, backend: BackendName): Promise<ProveResult> {
  return on.prove(circuit.zkeyPath, { kind: 'witness', witness: circuit.wtnsPath }, { backend, threads: 1 });
}

function expectValid({ proof, publicSignals }: ProveResult): void {
  verifyProof(JSON.parse(readFileSync(circuit.vkeyPath, 'utf8')), publicSignals, proof);
}

it('a machine shows its GPU, or is not asked for a driver', () => {
  const files =
    (all: Readonly<Record<string, string[]>>) =>
    (folder: string): string[] => {
      if (!all[folder]) throw new Error('no such folder');
      return all[folder];
    };
  expect(mayHaveGpu('linux', files({}))).toBe(false);
  expect(mayHaveGpu('linux', files({ '/dev': ['null', 'nvidiactl'], '/dev/dri': ['card0'] }))).toBe(false);
  expect(mayHaveGpu('linux', files({ '/dev': ['null'], '/dev/dri': ['card0', 'renderD128'] }))).toBe(true);
  expect(mayHaveGpu('linux', files({ '/dev': ['nvidia0'] }))).toBe(true);
  expect(mayHaveGpu('linux', files({ '/dev': ['dxg'] }))).toBe(true);
  expect(mayHaveGpu('darwin', files({}))).toBe(true);
});

describe.skipIf(chromiumVulkan() === undefined)('a proving process with an adapter', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('proves on it when told to, and says so; auto leaves it alone, because it is software', { timeout: BUILD_TIMEOUT_MS }, async () => {
    for (const [name, value] of Object.entries(chromiumVulkan() ?? {})) vi.stubEnv(name, value);
    host = new ProvingHost();
    const made = await prove(host, 'webgpu');
    expectValid(made);
    expect([made.sums, made.gpuFailures]).toEqual([{ ...ON_WASM, a: 'webgpu', b1: 'webgpu', c: 'webgpu', h: 'webgpu' }, []]);
    const { state, adapter } = await host.gpu({ measure: true });
    expect([state, adapter?.software]).toEqual(['software', true]);
    const auto = await prove(host, 'auto');
    expectValid(auto);
    expect(auto.sums).toEqual(ON_WASM);
  });
});

describe.skipIf(!existsSync(`${TASKS}/${process.pid}/children`))('a proving process that dies', () => {
  it('with a GPU: the proof is made again without one, and so are all later ones', async () => {
    host = new ProvingHost();
    const made = await proveAndKill(host, 'webgpu');
    expectValid(made);
    expect(made.sums).toEqual(ON_WASM);
    expect(made.gpuFailures?.map(({ code }) => code)).toEqual(['PROVER_DIED']);
    const later = await prove(host, 'webgpu');
    expectValid(later);
    expect(later.sums).toEqual(ON_WASM);
    expect(later.gpuFailures).toEqual([]);
  });

  it('without one: the proof fails as retryable, and the next one starts another process', async () => {
    host = new ProvingHost();
    const error = (await proveAndKill(host, 'wasm').catch((reason: unknown) => reason)) as TacitError;
    expect([error.code, error.retryable]).toEqual(['PROVER_DIED', true]);
    const next = await prove(host, 'wasm');
    expectValid(next);
    expect(next.sums).toEqual(ON_WASM);
  });
});
