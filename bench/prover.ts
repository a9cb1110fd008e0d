/**
 * `npm run bench -- prover [--json] [--circuits a,b] [--threads 1,2] [--runs n]`
 *
 * Our engine against snarkjs, and rapidsnark if RAPIDSNARK names its prover: same key, same witness, same number of
 * threads, taking turns in one run. Every prover's first proof is checked by snarkjs before anything is reported.
 * `first` includes loading the key in a fresh process; `warm` is the median of the later ones.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { commit } from './commit.js';
import { textOption } from './options.js';
import type { ProverCircuit } from './proverCircuits.js';
import { benchCircuit, CIRCUIT_NAMES } from './proverInputs.js';
import type { PeerReply } from './proverPeer.js';

const DEFAULT_RUNS = 5;
const PEERS = ['engine', 'snarkjs'] as const;

/** One row of the result. */
export interface ProverRow {
  readonly circuit: string;
  readonly prover: string;
  readonly threads: number;
  readonly runs: number;
  readonly firstMs: number;
  readonly warmMs: number;
  readonly spreadMs: readonly [number, number];
  /** Median processor time of the warm proofs, all threads together: steadier than wall time on a busy machine. */
  readonly cpuMs: number;
  /** Both not a number (null in JSON) for a prover that is a command. */
  readonly peakMemoryMb: number;
  /** snarkjs' warm time over this one's. */
  readonly timesFasterThanSnarkjs: number;
  /** The same by processor time. */
  readonly timesLessCpuThanSnarkjs: number;
  readonly phasesMs?: Readonly<Record<string, number>>;
}

interface Peer {
  readonly name: string;
  prove(): Promise<PeerReply>;
  close(): void;
}

function processPeer(name: string, circuit: ProverCircuit, threads: number): Peer {
  const script = fileURLToPath(new URL('./proverPeer.js', import.meta.url));
  const child: ChildProcess = fork(script, [name, circuit.zkeyPath, circuit.wtnsPath, circuit.vkeyPath, String(threads)]);
  return {
    name,
    prove: () =>
      new Promise((resolve, reject) => {
        child.once('message', (reply) => resolve(reply as PeerReply));
        child.once('exit', (code) => reject(new Error(`${name} ended with code ${code}`)));
        child.send('prove');
      }),
    close: () => {
      child.removeAllListeners('exit');
      child.kill();
    },
  };
}

/** rapidsnark as a command; its threads follow OMP_NUM_THREADS and the cores it may use. */
function rapidsnarkPeer(command: string, circuit: ProverCircuit, threads: number): Peer {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-rapidsnark-'));
  const [proof, publics] = [join(dir, 'proof.json'), join(dir, 'public.json')];
  const run = promisify(execFile);
  const cores = threads >= cpus().length ? undefined : `0-${threads - 1}`;
  return {
    name: 'rapidsnark',
    prove: async () => {
      const args = [circuit.zkeyPath, circuit.wtnsPath, proof, publics];
      const start = performance.now();
      await (cores === undefined ? run(command, args) : run('taskset', ['-c', cores, command, ...args]));
      const ms = performance.now() - start;
      const verified = await verifyBySnarkjs(circuit, JSON.parse(readFileSync(publics, 'utf8')), JSON.parse(readFileSync(proof, 'utf8')));
      return { ms, cpuMs: Number.NaN, peakMemoryMb: Number.NaN, verified, phasesMs: {} };
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export async function verifyBySnarkjs(circuit: ProverCircuit, publicSignals: string[], proof: unknown): Promise<boolean> {
  // @ts-expect-error snarkjs has no types
  const { groth16 } = (await import('snarkjs')) as {
    groth16: { verify(vkey: unknown, publicSignals: string[], proof: unknown): Promise<boolean> };
  };
  try {
    return await groth16.verify(JSON.parse(readFileSync(circuit.vkeyPath, 'utf8')), publicSignals, proof);
  } finally {
    // Its threads would keep this process alive when everything is measured.
    await (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128?.terminate();
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Times all provers on one circuit, taking turns. @throws Error when snarkjs rejects a proof */
export async function compareProvers(circuit: ProverCircuit, threads: number, runs: number): Promise<ProverRow[]> {
  const rapidsnark = process.env.RAPIDSNARK;
  const peers = [
    ...PEERS.map((name) => processPeer(name, circuit, threads)),
    ...(rapidsnark ? [rapidsnarkPeer(rapidsnark, circuit, threads)] : []),
  ];
  const replies = new Map<string, PeerReply[]>(peers.map(({ name }) => [name, []]));
  try {
    for (let run = 0; run <= runs; run++) {
      for (const peer of peers) {
        const reply = await peer.prove();
        if (!reply.verified) throw new Error(`${peer.name}'s proof for ${circuit.name} is not valid`);
        replies.get(peer.name)?.push(reply);
      }
    }
  } finally {
    for (const peer of peers) peer.close();
  }
  const warmOf = (name: string, what: 'ms' | 'cpuMs' = 'ms'): number[] => (replies.get(name) ?? []).slice(1).map((reply) => reply[what]);
  const cpuOf = (name: string): number => median(warmOf(name, 'cpuMs'));
  return peers.map(({ name }) => {
    const all = replies.get(name) as PeerReply[];
    const warm = warmOf(name);
    const last = all[all.length - 1] as PeerReply;
    return {
      circuit: circuit.name,
      prover: name,
      threads,
      runs,
      firstMs: Math.round((all[0] as PeerReply).ms),
      warmMs: Math.round(median(warm)),
      spreadMs: [Math.round(Math.min(...warm)), Math.round(Math.max(...warm))],
      cpuMs: Math.round(cpuOf(name)),
      peakMemoryMb: Math.round((all[0] as PeerReply).peakMemoryMb),
      timesFasterThanSnarkjs: Number((median(warmOf('snarkjs')) / median(warm)).toFixed(2)),
      timesLessCpuThanSnarkjs: Number((cpuOf('snarkjs') / cpuOf(name)).toFixed(2)),
      ...(name === 'engine'
        ? { phasesMs: Object.fromEntries(Object.entries(last.phasesMs).map(([phase, ms]) => [phase, Math.round(ms)])) }
        : {}),
    };
  });
}

export async function benchProver(args: string[]): Promise<void> {
  const names = textOption(args, '--circuits', CIRCUIT_NAMES.join(',')).split(',');
  const threadCounts = textOption(args, '--threads', '1,2').split(',').map(Number);
  const runs = Number(textOption(args, '--runs', String(DEFAULT_RUNS)));
  const rows: ProverRow[] = [];
  for (const name of names) {
    const circuit = await benchCircuit(name);
    for (const threads of threadCounts) {
      const more = await compareProvers(circuit, threads, runs);
      rows.push(...more);
      if (!args.includes('--json')) for (const row of more) process.stdout.write(`${describe(row)}\n`);
    }
  }
  if (args.includes('--json'))
    process.stdout.write(`${JSON.stringify({ commit: commit(), cpu: cpus()[0]?.model, node: process.version, rows }, null, 1)}\n`);
}

function describe(row: ProverRow): string {
  const phases = row.phasesMs ? ` ${JSON.stringify(row.phasesMs)}` : '';
  // A command tells neither its processor time nor its memory.
  const own = Number.isNaN(row.cpuMs)
    ? ''
    : ` (processor time ${row.cpuMs} ms, ${row.timesLessCpuThanSnarkjs}×), peak ${row.peakMemoryMb} MB`;
  return (
    `${row.circuit} ${row.prover} threads=${row.threads}: first ${row.firstMs} ms, warm ${row.warmMs} ms ` +
    `[${row.spreadMs.join('–')}], ${row.timesFasterThanSnarkjs}× snarkjs${own}${phases}`
  );
}
