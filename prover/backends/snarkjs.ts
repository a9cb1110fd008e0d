/**
 * Proofs by snarkjs: the reference backend, and the peer that our own engine is compared with.
 *
 * snarkjs is GPL-3.0 and an optional peer: nothing here is loaded before the first proof, and 'auto' prefers the own
 * engine. Three of its habits are dealt with in this file. It starts a thread pool per concurrent first call, so
 * proofs run one after another. Its pool keeps the process alive, so it is ended once idle. It cannot be told to
 * stop, so a cancelled proof is thrown out of at its next log line.
 */
import { TacitError } from '../../protocol/errors.js';
import type { SnarkjsProof } from '../../protocol/proof.js';
import type { BackendOptions, KeyMaterial, ProveResult, ProvingBackend } from '../backend.js';
import { assertMatching } from '../fileFormat.js';
import { Residents } from '../residents.js';
import { cancelled, readSource } from '../source.js';

interface Logger {
  debug(line: string): void;
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}
interface Snarkjs {
  groth16: {
    prove(
      zkey: { type: 'mem'; data: Uint8Array },
      wtns: { type: 'mem'; data: Uint8Array },
      logger: Logger,
      options: { singleThread?: boolean },
    ): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
  };
}

/** A worker proves transfers and updates by turns: two keys resident cover it. */
const RESIDENT_KEYS = 2;

/** A warm pool saves some 0.1 s a proof, ending one costs 0.5 s: so it is kept while proofs follow one another. */
const IDLE_BEFORE_END_MS = 250;

/**
 * What snarkjs logs when a stage begins, the name we give it, and the share of the work then done. The shares are
 * measured on a circuit of 2^17 constraints in one thread and only shape the progress bar.
 */
const STAGES: readonly (readonly [line: string, stage: string, fraction: number])[] = [
  ['Reading Wtns', 'read', 0],
  ['Building ABC', 'products', 0.02],
  ['IFFT_A', 'transform', 0.04],
  ['Join ABC', 'quotient', 0.1],
  ['Reading A Points', 'msm A', 0.11],
  ['Reading B1 Points', 'msm B1', 0.25],
  ['Reading B2 Points', 'msm B2', 0.35],
  ['Reading C Points', 'msm C', 0.71],
  ['Reading H Points', 'msm H', 0.85],
];

export class SnarkjsBackend implements ProvingBackend {
  readonly name = 'snarkjs';
  readonly #keys = new Residents<Uint8Array>(RESIDENT_KEYS, async () => {});
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;
  #idle: NodeJS.Timeout | undefined;

  prove(key: KeyMaterial, witness: Uint8Array, options: BackendOptions): Promise<ProveResult> {
    clearTimeout(this.#idle);
    this.#running++;
    const turn = this.#last.then(async () => this.#proveNow(await this.#bytesOf(key, options.signal), witness, options));
    this.#last = turn.catch(() => {}).then(() => this.#finished());
    return turn;
  }

  async close(): Promise<void> {
    await this.#keys.clear();
    await this.#endThreads();
  }

  #bytesOf({ source, residentAs }: KeyMaterial, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const read = (): Promise<Uint8Array> => readSource(source, 'proving key', signal);
    return residentAs === undefined ? read() : this.#keys.use(residentAs, read, async (bytes) => bytes);
  }

  async #endThreads(): Promise<void> {
    clearTimeout(this.#idle);
    const curve = (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128;
    if (curve) await curve.terminate();
  }

  #finished(): void {
    this.#running--;
    if (this.#running === 0) this.#idle = setTimeout(() => void this.#endThreads(), IDLE_BEFORE_END_MS);
  }

  async #proveNow(zkey: Uint8Array, witness: Uint8Array, { signal, onProgress, threads }: BackendOptions): Promise<ProveResult> {
    if (signal?.aborted) throw cancelled();
    assertMatching(zkey, witness);
    const snarkjs = await load();
    const startedAt = performance.now();
    const stages = new StageClock(onProgress);
    const step = (line: string): void => {
      if (signal?.aborted) throw cancelled();
      stages.see(line);
    };
    const logger: Logger = { debug: step, info: step, warn: step, error: step };
    try {
      const options = threads === 1 ? { singleThread: true } : {};
      const { proof, publicSignals } = await snarkjs.groth16.prove(
        { type: 'mem', data: zkey },
        { type: 'mem', data: witness },
        logger,
        options,
      );
      if (signal?.aborted) throw cancelled();
      const timesMs = { ...stages.end(), total: performance.now() - startedAt };
      return { proof, publicSignals: publicSignals.map(String), timesMs };
    } catch (error) {
      if (error instanceof TacitError) throw error;
      throw new TacitError('PROVE_FAILED', 'snarkjs could not make the proof', {
        got: error instanceof Error ? error.message : String(error),
        cause: error,
      });
    }
  }
}

/** Turns log lines into stages, their times and a fraction that only rises. */
class StageClock {
  readonly #times: Record<string, number> = {};
  readonly #onProgress: BackendOptions['onProgress'];
  #index = -1;
  #since = performance.now();

  constructor(onProgress: BackendOptions['onProgress']) {
    this.#onProgress = onProgress;
  }

  see(line: string): void {
    const next = STAGES.findIndex(([start]) => line.startsWith(start));
    if (next <= this.#index) return;
    this.#close();
    this.#index = next;
    const [, stage, fraction] = STAGES[next]!;
    this.#onProgress?.({ stage, fraction });
  }

  end(): Record<string, number> {
    this.#close();
    this.#onProgress?.({ stage: 'done', fraction: 1 });
    return this.#times;
  }

  #close(): void {
    const now = performance.now();
    const current = STAGES[this.#index];
    if (current !== undefined) this.#times[current[1]] = now - this.#since;
    this.#since = now;
  }
}

async function load(): Promise<Snarkjs> {
  // Named by a variable, so that neither the compiler nor a bundler follows it.
  const optionalPeer = 'snarkjs';
  try {
    return (await import(optionalPeer)) as Snarkjs;
  } catch (cause) {
    throw new TacitError('BACKEND_MISSING', 'the snarkjs backend needs the package snarkjs', { expected: 'snarkjs installed', cause });
  }
}
