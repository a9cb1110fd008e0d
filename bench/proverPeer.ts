/**
 * A process that proves on request, so that each prover's memory and first proof are its own.
 *
 * Started with (kind, zkey, wtns, vkey, threads); for every message it proves once and answers with the time, its peak
 * memory so far, and whether snarkjs accepts the proof (checked on the first one, outside the time).
 */
import { readFile } from 'node:fs/promises';

/** One answer of a peer. */
export interface PeerReply {
  readonly ms: number;
  /** Processor time of all threads. */
  readonly cpuMs: number;
  readonly peakMemoryMb: number;
  readonly verified: boolean;
  readonly phasesMs: Readonly<Record<string, number>>;
}

interface Proof {
  readonly proof: unknown;
  readonly publicSignals: string[];
  readonly timesMs?: Record<string, number>;
}

interface Snarkjs {
  groth16: {
    prove(zkey: string, wtns: string, logger: undefined, options: { singleThread: boolean }): Promise<Proof>;
    verify(vkey: unknown, publicSignals: string[], proof: unknown): Promise<boolean>;
  };
}

async function loadSnarkjs(threads: number): Promise<Snarkjs> {
  // ffjavascript asks the browser's name for the number of cores; Node 20 has none.
  Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: threads }, configurable: true });
  // @ts-expect-error snarkjs has no types
  return (await import('snarkjs')) as Snarkjs;
}

async function prover(kind: string, zkey: string, wtns: string, threads: number): Promise<() => Promise<Proof>> {
  if (kind === 'snarkjs') {
    const snarkjs = await loadSnarkjs(threads);
    return () => snarkjs.groth16.prove(zkey, wtns, undefined, { singleThread: threads === 1 });
  }
  const { loadProvingKey, proveWithKey } = await import('../prover/engine/prove.js');
  let key: ReturnType<typeof loadProvingKey> | undefined;
  return async () => {
    key ??= loadProvingKey(zkey, { threads });
    return proveWithKey(await key, wtns, { threads });
  };
}

async function serve(): Promise<void> {
  const [kind, zkey, wtns, vkey, threads] = process.argv.slice(2) as [string, string, string, string, string];
  const prove = await prover(kind, zkey, wtns, Number(threads));
  let verified: boolean | undefined;
  process.on('message', async () => {
    const before = process.cpuUsage();
    const start = performance.now();
    const result = await prove();
    const ms = performance.now() - start;
    const used = process.cpuUsage(before);
    const cpuMs = (used.user + used.system) / 1000;
    const peakMemoryMb = process.resourceUsage().maxRSS / 1024;
    if (verified === undefined) {
      const { groth16 } = await loadSnarkjs(1);
      verified = await groth16.verify(JSON.parse(await readFile(vkey, 'utf8')), result.publicSignals, result.proof);
    }
    process.send?.({ ms, cpuMs, peakMemoryMb, verified, phasesMs: result.timesMs ?? {} } satisfies PeerReply);
  });
}

await serve();
