/**
 * `npm run bench -- witness [--json] [--circuits a,b] [--runs n]`
 *
 * From a circuit's inputs to the bytes of its witness: our driver against the calculator that circom writes beside a
 * program, on the same program and inputs, taking turns, each in a process of its own. All witnesses must be the same
 * bytes. `first` reads and compiles the program; `warm` is the median of the later ones.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileCircuit } from '../circuits/compile.js';
import { commit } from './commit.js';
import { median } from './prover.js';
import type { ProverCircuit } from './proverCircuits.js';
import { benchCircuit, CIRCUIT_NAMES } from './proverInputs.js';
import type { WitnessReply } from './witnessPeer.js';

const DEFAULT_RUNS = 9;
const CALCULATORS = ['ours', 'circom'] as const;

/** One row of the result. */
export interface WitnessRow {
  readonly circuit: string;
  readonly calculator: string;
  readonly runs: number;
  readonly firstMs: number;
  readonly warmMs: number;
  readonly spreadMs: readonly [number, number];
  readonly cpuMs: number;
  readonly peakMemoryMb: number;
  readonly timesFasterThanCircom: number;
}

interface Peer {
  readonly name: string;
  calculate(): Promise<WitnessReply>;
  close(): void;
}

/** circom writes the same calculator beside every program: a tiny circuit gets it. */
async function circomCalculator(dir: string): Promise<string> {
  const main = 'one.circom';
  const text = 'pragma circom 2.1.0; template One() { signal input a; signal output b; b <== a * a; } component main = One();';
  const { wasmPath } = await compileCircuit({ main, files: [{ path: main, text }], hash: '' }, dir);
  return join(dirname(wasmPath), 'witness_calculator.js');
}

function peerProcess(name: string, { wasmPath, input }: ProverCircuit, calculator: string): Peer {
  const script = fileURLToPath(new URL('./witnessPeer.js', import.meta.url));
  // Big integers do not go through JSON.
  const child: ChildProcess = fork(script, [name, wasmPath, calculator], { serialization: 'advanced' });
  return {
    name,
    calculate: () =>
      new Promise((resolve, reject) => {
        const ended = (code: number | null): void => reject(new Error(`${name} ended with code ${code}`));
        child.once('exit', ended);
        child.once('message', (reply) => {
          child.off('exit', ended);
          resolve(reply as WitnessReply);
        });
        child.send(input);
      }),
    close: () => {
      child.removeAllListeners('exit');
      child.kill();
    },
  };
}

async function compareCalculators(circuit: ProverCircuit, calculator: string, runs: number): Promise<WitnessRow[]> {
  const peers = CALCULATORS.map((name) => peerProcess(name, circuit, calculator));
  const replies = new Map<string, WitnessReply[]>(peers.map(({ name }) => [name, []]));
  try {
    for (let run = 0; run <= runs; run++) {
      for (const peer of peers) replies.get(peer.name)?.push(await peer.calculate());
    }
  } finally {
    for (const peer of peers) peer.close();
  }
  const hashes = new Set([...replies.values()].flat().map(({ sha256 }) => sha256));
  if (hashes.size !== 1) throw new Error(`the witnesses of ${circuit.name} differ`);
  const warmOf = (name: string): WitnessReply[] => (replies.get(name) as WitnessReply[]).slice(1);
  const warmMs = (name: string): number => median(warmOf(name).map(({ ms }) => ms));
  return peers.map(({ name }) => {
    const [first] = replies.get(name) as [WitnessReply];
    const warm = warmOf(name);
    return {
      circuit: circuit.name,
      calculator: name,
      runs,
      firstMs: Math.round(first.ms),
      warmMs: Math.round(warmMs(name)),
      spreadMs: [Math.round(Math.min(...warm.map(({ ms }) => ms))), Math.round(Math.max(...warm.map(({ ms }) => ms)))],
      cpuMs: Math.round(median(warm.map(({ cpuMs }) => cpuMs))),
      peakMemoryMb: Math.round((warm.at(-1) as WitnessReply).peakMemoryMb),
      timesFasterThanCircom: Number((warmMs('circom') / warmMs(name)).toFixed(2)),
    };
  });
}

export async function benchWitness(args: string[]): Promise<void> {
  const option = (name: string, fallback: string): string => args[args.indexOf(name) + 1 || args.length] ?? fallback;
  const names = option('--circuits', CIRCUIT_NAMES.join(',')).split(',');
  const runs = Number(option('--runs', String(DEFAULT_RUNS)));
  const dir = mkdtempSync(join(tmpdir(), 'tacit-circom-'));
  const rows: WitnessRow[] = [];
  try {
    const calculator = await circomCalculator(dir);
    for (const name of names) {
      const more = await compareCalculators(await benchCircuit(name), calculator, runs);
      rows.push(...more);
      if (!args.includes('--json')) for (const row of more) process.stdout.write(`${describe(row)}\n`);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  if (args.includes('--json'))
    process.stdout.write(`${JSON.stringify({ commit: commit(), cpu: cpus()[0]?.model, node: process.version, rows }, null, 1)}\n`);
}

function describe(row: WitnessRow): string {
  return (
    `${row.circuit} ${row.calculator}: first ${row.firstMs} ms, warm ${row.warmMs} ms [${row.spreadMs.join('–')}], ` +
    `${row.timesFasterThanCircom}× circom's (processor time ${row.cpuMs} ms), peak ${row.peakMemoryMb} MB`
  );
}
