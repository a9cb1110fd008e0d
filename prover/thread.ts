/**
 * Proving off the event loop: a process of its own, with progress, cancellation and keys that stay resident.
 *
 * One proof at a time; further ones wait. A cancelled proof kills the process, the only stop that is certain in the
 * middle of a WASM loop; the next proof starts another and loads its key again. A process that dies by itself fails
 * the proof in hand as retryable; if it was using a GPU, whose driver may have done it, the proof is made once more
 * without one, and so are all later ones. The process is asleep between proofs and does not keep its parent alive.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { ProveProgress, ProveResult } from './backend.js';
import type { GpuReport } from './backends/gpuReport.js';
import type { CircuitFiles, GpuRequest, HostReply, HostRequest, KeyRequest, WitnessSource } from './hostProtocol.js';
import type { BackendName } from './prove.js';
import { cancelled } from './source.js';

export interface HostProveOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ProveProgress) => void) | undefined;
  threads?: number | undefined;
  backend?: BackendName | undefined;
}

/** Measuring takes some seconds; a slow driver may compile for half a minute. */
const GPU_DEADLINE_MS = 120_000;

export class ProvingHost {
  #child: ChildProcess | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #closed = false;
  #peakMemoryBytes = 0;
  /** `used`: the process has a GPU in use. `avoided`: a process that had one died. */
  #gpu: 'unknown' | 'used' | 'avoided' = 'unknown';

  /** @throws TacitError as `prove`; PROVE_CANCELLED, PROVER_DIED (retryable), PROVER_CLOSED */
  prove(key: string | Uint8Array, source: WitnessSource, options: HostProveOptions = {}): Promise<ProveResult> {
    const { threads, backend } = options;
    return this.#inTurn(() => this.#proveWithOrWithoutGpu({ key, source, threads, backend }, options));
  }

  /** Reads a circuit's files before the first proof needs them. Waits its turn like a proof. @throws TacitError as `prove` does of a key */
  prepare({ zkeyPath, wasmPath }: CircuitFiles, options: Pick<HostProveOptions, 'threads' | 'backend'> = {}): Promise<void> {
    const { threads, backend } = options;
    const request: KeyRequest = { key: zkeyPath, source: { kind: 'prepare', wasmPath }, threads, backend: this.#allowed(backend) };
    return this.#inTurn(() => this.#ask(request)).then(() => {});
  }

  /**
   * What this machine has of a GPU. Asked of the process, because a driver that crashes takes its process with it, and
   * one that hangs can be left with it: then no GPU is used here any more.
   * @param options.measure measures the crossover where nobody has
   */
  async gpu({ threads, measure }: { threads?: number | undefined; measure: boolean }): Promise<GpuReport> {
    try {
      const signal = AbortSignal.timeout(GPU_DEADLINE_MS);
      const answer = await this.#inTurn(() => this.#ask({ source: { kind: 'gpu', measure }, threads }, { signal }));
      const { report } = answer as Extract<HostReply, { kind: 'gpu' }>;
      if (report.state === 'used' && this.#gpu === 'unknown') this.#gpu = 'used';
      return report;
    } catch (error) {
      if (!isTacitError(error)) throw error;
      this.#gpu = 'avoided';
      return { state: 'failed', failure: { code: error.code, message: error.message } };
    }
  }

  /** The most memory that the process has held in any proof so far; 0 before the first. */
  get peakMemoryBytes(): number {
    return this.#peakMemoryBytes;
  }

  /** Ends the process at once; a proof in hand fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const answer = this.#turn.then(work);
    this.#turn = answer.catch(() => {});
    return answer;
  }

  #allowed(backend: BackendName | undefined): BackendName | undefined {
    return this.#gpu === 'avoided' && backend !== 'snarkjs' ? 'wasm' : backend;
  }

  async #proveWithOrWithoutGpu(request: KeyRequest, options: HostProveOptions): Promise<ProveResult> {
    const ask = async (): Promise<ProveResult> => {
      const answer = await this.#ask({ ...request, backend: this.#allowed(request.backend) }, options);
      const { result } = answer as Extract<HostReply, { kind: 'result' }>;
      if (this.#gpu === 'unknown' && Object.values(result.sums ?? {}).includes('webgpu')) this.#gpu = 'used';
      return result;
    };
    if (request.backend === 'webgpu' && this.#gpu === 'unknown') this.#gpu = 'used';
    try {
      return await ask();
    } catch (error) {
      if (this.#gpu !== 'used' || !isTacitError(error, 'PROVER_DIED')) throw error;
      this.#gpu = 'avoided';
      const result = await ask();
      return { ...result, gpuFailures: [{ code: error.code, message: error.message }, ...(result.gpuFailures ?? [])] };
    }
  }

  async #ask(asked: KeyRequest | GpuRequest, { signal, onProgress }: HostProveOptions = {}): Promise<HostReply> {
    if (this.#closed) throw new TacitError('PROVER_CLOSED', 'this proving host was closed');
    if (signal?.aborted) throw cancelled();
    const child = this.#started();
    const request: HostRequest = { id: this.#nextId++, ...asked };
    child.ref();
    child.channel?.ref();
    try {
      return await this.#exchange(child, request, onProgress, signal);
    } finally {
      child.unref();
      child.channel?.unref();
    }
  }

  #exchange(
    child: ChildProcess,
    request: HostRequest,
    onProgress: HostProveOptions['onProgress'],
    signal: AbortSignal | undefined,
  ): Promise<HostReply> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        child.off('message', onMessage);
        child.off('exit', onExit);
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const onMessage = (reply: HostReply): void => {
        if (reply.id !== request.id) return;
        if (reply.kind === 'result') this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, reply.peakMemoryBytes);
        if (reply.kind === 'progress') onProgress?.(reply.progress);
        else if (reply.kind === 'error') settle(() => reject(errorFrom(reply.error)));
        else settle(() => resolve(reply));
      };
      const onExit = (code: number | null, signalName: string | null): void => {
        const got = signalName ?? `exit code ${code}`;
        settle(() => reject(new TacitError('PROVER_DIED', 'the proving process ended in the middle of a proof', { got, retryable: true })));
      };
      const onAbort = (): void => settle(() => void this.#end().then(() => reject(cancelled())));
      child.on('message', onMessage);
      child.on('exit', onExit);
      signal?.addEventListener('abort', onAbort);
      child.send(request, (error) => {
        if (error !== null)
          settle(() => reject(new TacitError('PROVER_DIED', 'the proving process cannot be reached', { retryable: true, cause: error })));
      });
    });
  }

  #started(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    // Standard error is dropped with the rest: what a prover prints may quote a witness.
    const child = fork(hostFile(), [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
    child.on('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    child.on('error', () => {}); // reported by send and exit
    this.#child = child;
    return child;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.ref();
    child.kill('SIGKILL');
    await ended;
  }
}

/** The compiled host: beside this file, or under dist/ when this file runs as TypeScript (tests). */
function hostFile(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = join(here, 'host.js');
  if (existsSync(beside)) return beside;
  const root = here.slice(0, here.lastIndexOf(`${sep}prover`));
  const built = join(root, 'dist', 'prover', 'host.js');
  if (existsSync(built)) return built;
  throw new TacitError('BUILD_MISSING', 'the proving process is not built', { expected: built });
}

function errorFrom({ code, message, expected, got, retryable }: Extract<HostReply, { kind: 'error' }>['error']): TacitError {
  // The message already ends with the details, which the constructor adds again.
  const short = expected === undefined && got === undefined ? message : message.replace(/: (expected|got) .*$/s, '');
  return new TacitError(code, short, { retryable, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }) });
}
