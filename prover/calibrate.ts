/**
 * What a circuit takes on this machine, measured: time and memory of its proofs, alone and beside each other.
 *
 * A plan is how a machine is shared: so many proofs at a time, each with so many threads. Under a plan as many proving
 * processes work side by side as it has proofs at a time, because that is how they will stand in each other's way. Every
 * process's first proof, which reads the key, is verified and not counted.
 */
import { availableParallelism, cpus, freemem } from 'node:os';
import type { CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { Domain } from '../protocol/record.js';
import type { BackendName } from './prove.js';
import { type SampleInput, sampleInput } from './sampleInput.js';
import { ProvingHost } from './thread.js';
import { verifyProof } from './verify.js';
import type { ProvingArtifacts } from './worker.js';

export interface Plan {
  /** Proofs at a time. */
  readonly concurrency: number;
  /** Of each proof. */
  readonly threads: number;
}

export interface Measurement extends Plan {
  readonly circuit: CircuitName;
  /** First proof of a fresh process: reading the key, witness, proof. */
  readonly firstMs: number;
  /** Median of the later ones, witness included. */
  readonly provingMs: number;
  /** Median of what all cores spent on one of those: what the machine could do if it did nothing else. */
  readonly cpuMs: number;
  /** The most that one proving process held. */
  readonly peakMemoryBytes: number;
}

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  /** What programs may still take, at the time of asking. */
  readonly memoryBytes: number;
}

export interface MeasureOptions {
  readonly backend: BackendName;
  /** Counted proofs of each process. */
  readonly runs: number;
}

/** Proofs of a calibration are of no chain. */
const NOWHERE: Domain = { chainId: 0n, contract: `0x${'00'.repeat(20)}` };
const NOBODY = `0x${'01'.repeat(20)}`;

/** Cores shared evenly: one thread each, two each, … all for one. */
export function plansFor(cores: number): Plan[] {
  const threads: number[] = [];
  for (let count = 1; count < cores; count *= 2) threads.push(count);
  return [...threads, cores].map((count) => ({ threads: count, concurrency: Math.floor(cores / count) }));
}

export function machineFacts(): MachineFacts {
  // Within a container the process may have less than the machine has free.
  const { availableMemory } = process as { availableMemory?: () => number };
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryBytes: availableMemory?.() ?? freemem() };
}

/** @throws TacitError of the prover; PROOF_FOR_OTHER, PROOF_INVALID where it proves wrongly */
export async function measure(
  circuit: CircuitName,
  artifacts: ProvingArtifacts,
  plan: Plan,
  { backend, runs }: MeasureOptions,
): Promise<Measurement> {
  const sample = sampleInput(circuit, NOBODY, NOWHERE);
  const hosts = Array.from({ length: plan.concurrency }, () => new ProvingHost());
  const prove = async (host: ProvingHost) => {
    const source = { kind: 'input' as const, wasmPath: artifacts.wasmPath, input: sample.input };
    const startedAt = performance.now();
    const { proof, publicSignals, timesMs } = await host.prove(artifacts.zkeyPath, source, { backend, threads: plan.threads });
    return { proof, publicSignals, ms: performance.now() - startedAt, cpuMs: timesMs.cpu ?? Number.NaN };
  };
  try {
    const first = await Promise.all(hosts.map(prove));
    for (const { proof, publicSignals } of first) check(sample, artifacts, publicSignals, proof);
    const later: { ms: number; cpuMs: number }[] = [];
    for (let run = 0; run < runs; run++) later.push(...(await Promise.all(hosts.map(prove))));
    return {
      circuit,
      ...plan,
      firstMs: Math.round(Math.max(...first.map(({ ms }) => ms))),
      provingMs: Math.round(median(later.map(({ ms }) => ms))),
      cpuMs: Math.round(median(later.map(({ cpuMs }) => cpuMs))),
      peakMemoryBytes: Math.max(...hosts.map((host) => host.peakMemoryBytes)),
    };
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}

function check({ publicInputs: { h, z, y } }: SampleInput, { vkey }: ProvingArtifacts, publicSignals: string[], proof: unknown): void {
  const expected = [h, z, y].map(String);
  if (publicSignals.join() !== expected.join()) throw new TacitError('PROOF_FOR_OTHER', 'the prover proved another statement');
  verifyProof(vkey, expected, proof);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
