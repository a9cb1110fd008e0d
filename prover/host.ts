/**
 * The proving process: asked over IPC, answers over IPC, ends when its parent does.
 *
 * Started by `ProvingHost` (thread.ts) and never imported. A process rather than a thread, because a crash or an exhausted
 * memory in here must not take the event loop that renews job locks with it, because it can be killed in the middle
 * of a proof, and because snarkjs' own threads do not start inside a worker thread.
 * It writes nothing anywhere: inputs and witnesses are secrets.
 */
import { setPriority } from 'node:os';
import { TacitError } from '../protocol/errors.js';
import type { GpuRequest, HostError, HostReply, HostRequest, KeyRequest, WitnessSource } from './hostProtocol.js';
import { Prover, reportGpu } from './prove.js';

const WITNESS_STAGE_FRACTION = 0;
/** On a scale where 0 is usual and 19 last: behind event loops, but not starved by whatever else the machine does. */
const PROVING_PRIORITY = 4;
/** Node tells resident memory in these. */
const KIBIBYTE = 1_024;
/** In a millisecond. */
const MICROSECONDS = 1_000;
const prover = new Prover();

function main(): void {
  if (process.send === undefined) {
    process.exitCode = 2;
    return;
  }
  yieldToEventLoops();
  let turn: Promise<void> = Promise.resolve();
  process.on('message', (request: HostRequest) => {
    turn = turn.then(() => serve(request));
  });
  process.on('disconnect', () => process.exit(0));
  // A console's interrupt goes to the whole group; the parent decides what becomes of a proof in hand.
  process.on('SIGINT', () => {});
}

/** Proving takes every cycle it can get; the processes that renew locks and answer clients go first. */
function yieldToEventLoops(): void {
  try {
    setPriority(PROVING_PRIORITY);
  } catch {
    // not allowed here: it only costs latency
  }
}

function isGpuRequest(request: HostRequest): request is GpuRequest & { id: number } {
  return request.source.kind === 'gpu';
}

async function serve(request: HostRequest): Promise<void> {
  const { id } = request;
  try {
    if (isGpuRequest(request)) {
      const { threads, source } = request;
      return reply({ id, kind: 'gpu', report: await reportGpu({ threads, measure: source.measure }) });
    }
    const { source } = request;
    if (source.kind === 'prepare') {
      await prepare(request, source.wasmPath);
      return reply({ id, kind: 'prepared' });
    }
    const [startedAt, usedBefore] = [performance.now(), process.cpuUsage()];
    const witness = await witnessOf(id, source);
    const witnessMs = performance.now() - startedAt;
    const result = await prover.prove(request.key, witness, {
      threads: request.threads,
      backend: request.backend,
      onProgress: (progress) => reply({ id, kind: 'progress', progress }),
    });
    const used = process.cpuUsage(usedBefore);
    const cpu = (used.user + used.system) / MICROSECONDS;
    const timesMs = { ...result.timesMs, witness: witnessMs, total: performance.now() - startedAt, cpu };
    const peakMemoryBytes = process.resourceUsage().maxRSS * KIBIBYTE;
    reply({ id, kind: 'result', result: { ...result, timesMs }, peakMemoryBytes });
  } catch (error) {
    reply({ id, kind: 'error', error: portable(error) });
  }
}

async function prepare({ key, threads, backend }: KeyRequest, wasmPath: string): Promise<void> {
  const { prepareWitness } = await import('../circuits/witness.js');
  await prepareWitness(wasmPath);
  await prover.prepare(key, { threads, backend });
}

async function witnessOf(id: number, source: WitnessSource): Promise<string | Uint8Array> {
  if (source.kind === 'witness') return source.witness;
  reply({ id, kind: 'progress', progress: { stage: 'witness', fraction: WITNESS_STAGE_FRACTION } });
  const { calculateWitness } = await import('../circuits/witness.js');
  try {
    return await calculateWitness(source.wasmPath, source.input);
  } catch (error) {
    if (error instanceof TacitError) throw error;
    // The calculator's own text may quote signals.
    throw new TacitError('WITNESS_INVALID', 'the circuit refuses this input');
  }
}

function portable(error: unknown): HostError {
  if (error instanceof TacitError) {
    const { code, message, expected, got, retryable } = error;
    return { code, message, retryable, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }) };
  }
  return { code: 'PROVE_FAILED', message: `the prover failed (${error instanceof Error ? error.name : typeof error})`, retryable: true };
}

function reply(message: HostReply): void {
  if (process.connected) process.send?.(message);
}

main();
