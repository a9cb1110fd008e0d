/**
 * `npm run bench -- proof-webgpu [--json] [--circuits update_8] [--threads n] [--runs 3]`
 *
 * Whole proofs with the sums of G1 on the adapter that npm `webgpu` finds, against the engine's threads alone: the same key
 * and witness, taking turns. The first proof of each is checked by snarkjs before anything is timed. A software adapter is
 * named as one, takes transfer_1 unless --circuits says otherwise, and gives no ratio: it computes on the same processor.
 */
import { availableParallelism, cpus } from 'node:os';
import { loadProvingKey, type ProveResult, type ProvingKey, proveWithKey } from '../prover/engine/prove.js';
import type { AdapterFacts } from '../prover/engine/webgpu/adapter.js';
import { type Gpu, openGpu } from '../prover/engine/webgpu/device.js';
import { gpuHelper } from '../prover/engine/webgpu/helper.js';
import { commit } from './commit.js';
import { numberOption, textOption } from './options.js';
import { median, verifyBySnarkjs } from './prover.js';
import type { ProverCircuit } from './proverCircuits.js';
import { benchCircuit } from './proverInputs.js';
import { NO_ADAPTER, SOFTWARE_NOTE } from './webgpuAdapter.js';

const DEFAULT_CIRCUIT = { hardware: 'update_8', software: 'transfer_1' } as const;
const DEFAULT_RUNS = 3;

export interface ProofRow {
  readonly circuit: string;
  readonly runs: number;
  readonly threads: number;
  /** Medians of warm proofs, and the shortest and longest. */
  readonly gpuMs: number;
  readonly gpuSpreadMs: readonly [number, number];
  readonly wasmMs: number;
  readonly wasmSpreadMs: readonly [number, number];
  /** Loading the key with the upload and check of its bases; with the first one, compiling the kernels too. */
  readonly loadMs: number;
  /** Where each sum was computed, and the phases of the last proof of each: working time, summed over threads. */
  readonly sums: Readonly<Record<string, string>>;
  readonly gpuPhasesMs: Readonly<Record<string, number>>;
  readonly wasmPhasesMs: Readonly<Record<string, number>>;
  /** wasmMs/gpuMs; null for software adapters. */
  readonly timesFaster: number | null;
}

export async function benchProofWebgpu(args: string[]): Promise<void> {
  const gpu = await openGpu();
  if (!gpu) {
    process.stderr.write(NO_ADAPTER);
    process.exitCode = 2;
    return;
  }
  const json = args.includes('--json');
  const { facts } = gpu;
  const names = textOption(args, '--circuits', DEFAULT_CIRCUIT[facts.software ? 'software' : 'hardware']).split(',');
  const threads = Math.max(1, numberOption(args, '--threads', availableParallelism(), 64));
  const runs = Math.max(1, numberOption(args, '--runs', DEFAULT_RUNS, 1000));
  const note = facts.software ? SOFTWARE_NOTE : undefined;
  if (!json) process.stdout.write(`${facts.name}${note === undefined ? '' : ` (${note})`}\n`);
  const rows: ProofRow[] = [];
  try {
    for (const name of names) {
      const row = await measureProof(gpu, await benchCircuit(name), threads, runs);
      rows.push(row);
      if (!json) process.stdout.write(`${describe(row)}\n`);
    }
  } finally {
    gpu.close();
  }
  if (json) process.stdout.write(`${JSON.stringify(result(facts, note, rows), null, 1)}\n`);
}

function result(adapter: AdapterFacts, note: string | undefined, rows: readonly ProofRow[]): object {
  return { commit: commit(), cpu: cpus()[0]?.model, node: process.version, ...(note === undefined ? {} : { note }), adapter, rows };
}

/** @throws Error where snarkjs does not accept a proof; TacitError WEBGPU_… where the device fails */
export async function measureProof(gpu: Gpu, circuit: ProverCircuit, threads: number, runs: number): Promise<ProofRow> {
  const wasm = await loadProvingKey(circuit.zkeyPath, { threads });
  const start = performance.now();
  const helped = await loadProvingKey(circuit.zkeyPath, { threads, helper: gpuHelper(gpu, { fewestBases: 1 }) });
  const loadMs = performance.now() - start;
  try {
    const sums = await checked(circuit, helped);
    await checked(circuit, wasm);
    const times = { gpu: [] as number[], wasm: [] as number[] };
    let last = { gpu: {} as Record<string, number>, wasm: {} as Record<string, number> };
    for (let run = 0; run < runs; run++) {
      const onGpu = withoutFailure(await proveWithKey(helped, circuit.wtnsPath));
      const onWasm = await proveWithKey(wasm, circuit.wtnsPath);
      times.gpu.push(onGpu.timesMs.total as number);
      times.wasm.push(onWasm.timesMs.total as number);
      last = { gpu: onGpu.timesMs, wasm: onWasm.timesMs };
    }
    const [gpuMs, wasmMs] = [median(times.gpu), median(times.wasm)];
    return {
      circuit: circuit.name,
      runs,
      threads,
      gpuMs: Math.round(gpuMs),
      gpuSpreadMs: spread(times.gpu),
      wasmMs: Math.round(wasmMs),
      wasmSpreadMs: spread(times.wasm),
      loadMs: Math.round(loadMs),
      sums,
      gpuPhasesMs: rounded(last.gpu),
      wasmPhasesMs: rounded(last.wasm),
      timesFaster: gpu.facts.software ? null : Number((wasmMs / gpuMs).toFixed(2)),
    };
  } finally {
    await helped.close();
    await wasm.close();
  }
}

/** The first proof, for snarkjs. @returns where its sums were computed */
async function checked(circuit: ProverCircuit, key: ProvingKey): Promise<ProveResult['sums']> {
  const { proof, publicSignals, sums } = withoutFailure(await proveWithKey(key, circuit.wtnsPath));
  if (!(await verifyBySnarkjs(circuit, publicSignals, proof))) throw new Error(`a proof for ${circuit.name} is not valid`);
  return sums;
}

/** A proof that was finished without the device says nothing about it. */
function withoutFailure(made: ProveResult): ProveResult {
  const [failure] = made.helperFailures;
  if (failure) throw failure;
  return made;
}

function spread(values: readonly number[]): readonly [number, number] {
  return [Math.round(Math.min(...values)), Math.round(Math.max(...values))];
}

function rounded(phases: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(phases).map(([phase, ms]) => [phase, Math.round(ms)]));
}

function describe(row: ProofRow): string {
  const ratio = row.timesFaster === null ? '' : `, ${row.timesFaster}×`;
  return (
    `${row.circuit}: with WebGPU ${row.gpuMs} ms [${row.gpuSpreadMs.join('–')}], WebAssembly on ${row.threads} threads ${row.wasmMs} ms ` +
    `[${row.wasmSpreadMs.join('–')}]${ratio}; key loaded in ${row.loadMs} ms; ${JSON.stringify(row.gpuPhasesMs)} against ${JSON.stringify(row.wasmPhasesMs)}`
  );
}
