/**
 * The farm worker: takes a job, looks before it works, proves it off the event loop, checks its own proof, hands it back.
 *
 *   1 open      transfers only: unseal all, check every statement natively; name the false ones, or report `checked`
 *   2 own       put the worker's address in as the prover, compute h, z, y
 *   3 prove     witness and proof in the proving process
 *   4 verify    its own proof, strictly, against the h, z, y of step 2
 *
 * A witness is in memory only, and only while its job is in hand. A worker that dies loses nothing: its lock runs out
 * and another takes the job. Nothing a worker does can move money: it never sees a spend key, and the proof binds the record.
 */
import { bytesToHex } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { signerFromKey } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import type { PublicInputs } from '../protocol/fingerprint.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { encodeProof, proofFromSnarkjs } from '../protocol/proof.js';
import type { Domain } from '../protocol/record.js';
import { type TransferWitness, transferCircuitInput } from '../protocol/transfer.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { verifyingKeyHash } from '../protocol/vkeyHash.js';
import type { FarmAnswer, FarmJob, FarmProgress, FarmRefusal, FarmResult, TransferJob } from '../queue/contracts.js';
import type { Lane } from '../queue/farmOptions.js';
import { consumeFarm, type FarmHandler, PassOn } from '../queue/farmWorker.js';
import { isFor, type LeasePort } from '../queue/lease.js';
import type { LogLine } from '../queue/redis.js';
import { signRefusal } from '../queue/refusal.js';
import { signProgress, signResult } from '../queue/statements.js';
import { startAnnouncing } from './announcing.js';
import { mayHaveGpu } from './backends/gpuDevice.js';
import { describeGpu } from './backends/gpuReport.js';
import { observed, type WorkerObserver } from './observer.js';
import { openTransfers } from './openTransfer.js';
import type { BackendName } from './prove.js';
import { ProvingHost } from './thread.js';
import { ownUpdate } from './updateJob.js';
import { verifyProof } from './verify.js';
import type { WorkerKeys } from './workerKeys.js';

/**
 * A proof that takes longer hangs: the largest circuit takes a minute on two slow cores. Without an end a stuck prover would
 * keep its job for ever, since its event loop goes on renewing the lock.
 */
const PROOF_DEADLINE_MS = 600_000;

/** What proving a circuit takes; whoever resolves it has checked the files' hashes. */
export interface ProvingArtifacts {
  wasmPath: string;
  zkeyPath: string;
  /** verification_key.json, parsed. */
  vkey: unknown;
}

export interface WorkerParameters {
  /** Where its jobs come from; closed when the worker ends. */
  leases: LeasePort;
  domain: Domain;
  keys: WorkerKeys;
  /** Circuits this worker proves. */
  lanes: readonly Lane[];
  /** Called once a lane before the first job. */
  artifacts: (circuit: CircuitName) => Promise<ProvingArtifacts>;
  /** Proofs at a time, each in a process of its own; 1 where absent. */
  concurrency?: number;
  /** What a proof takes on this machine, by lane, as it was measured. */
  provingMs?: Partial<Record<Lane, number>>;
  /** Of each proof. */
  threads?: number;
  backend?: BackendName;
  log?: LogLine;
  /** Told of every job that is taken and ended. */
  observer?: WorkerObserver;
}

export interface RunningWorker {
  readonly address: EvmAddress;
  /** Finishes what is in hand, takes no other job, leaves the board. Safe to call twice. */
  drain(): Promise<void>;
  /** Breaks off what is in hand and gives it back at once. */
  stop(): Promise<void>;
}

/** @throws TacitError of the artifact resolver, and of the first announcement */
export async function startWorker(parameters: WorkerParameters): Promise<RunningWorker> {
  const { leases, domain, keys, lanes, concurrency = 1, provingMs = {}, log = () => {} } = parameters;
  const artifacts = new Map<CircuitName, ProvingArtifacts>();
  for (const lane of lanes) artifacts.set(lane, await parameters.artifacts(lane));
  const announcing = await startAnnouncing({ leases, domain, keys, lanes, concurrency, provingMs, log });
  const benches = Array.from({ length: concurrency }, () => new Workbench(parameters, artifacts));
  const consumers = benches.map((bench) => {
    const handler: FarmHandler = (job, report, lost) => observed(job, parameters.observer, () => bench.work(job, report, lost));
    return consumeFarm({ leases, lanes, log, handler });
  });
  log(`worker ${keys.address} serves ${lanes.join(', ')}`);
  // One of them measures; what it finds is stored for all.
  void benches[0]?.lookAtGpu().then(() => Promise.all(benches.map((bench) => bench.warmUp())));
  let ending: Promise<void> | undefined;
  const drain = (): Promise<void> => {
    ending ??= announcing
      .stop()
      .then(() => Promise.all(consumers.map((consumer) => consumer.drain())))
      .then(() => leases.close())
      .then(() => Promise.all(benches.map((bench) => bench.close())))
      .then(() => {});
    return ending;
  };
  return {
    address: keys.address,
    drain,
    stop: async () => {
      for (const bench of benches) bench.breakOff();
      await drain();
    },
  };
}

interface Task {
  input: Record<string, unknown>;
  publicInputs: PublicInputs;
  anchor?: bigint;
}

class Workbench {
  readonly #parameters: WorkerParameters;
  readonly #artifacts: ReadonlyMap<CircuitName, ProvingArtifacts>;
  readonly #host = new ProvingHost();
  readonly #abort = new AbortController();
  /** A job has come. */
  #asked = false;

  constructor(parameters: WorkerParameters, artifacts: ReadonlyMap<CircuitName, ProvingArtifacts>) {
    this.#parameters = parameters;
    this.#artifacts = artifacts;
  }

  /** @param lost aborted when somebody else has the job */
  async work(job: FarmJob, report: (progress: FarmProgress) => Promise<void>, lost: AbortSignal): Promise<FarmAnswer> {
    this.#asked = true;
    const { keys, domain, log = () => {} } = this.#parameters;
    this.#assertOwnVersion(job);
    const startedAt = performance.now();
    const task: Task | FarmRefusal = job.kind === 'transfer' ? await this.#openTransferJob(job) : ownUpdate(job, keys.address, domain);
    if ('refused' in task) {
      log(`refused of ${job.id}: ${task.refused.map(({ index, code }) => `${index} ${code}`).join(', ')}`);
      return task;
    }
    const sign = signerFromKey(keys.account);
    await report(await signProgress(job.id, { stage: 'checked', worker: keys.address }, domain, sign));
    const proof = await this.#prove(job.circuit, task, lost);
    const provingMs = Math.round(performance.now() - startedAt);
    const result: FarmResult = {
      circuit: job.circuit,
      proof,
      h: bytesToHex(fieldToBytes(task.publicInputs.h)),
      prover: keys.address,
      ...(task.anchor === undefined ? {} : { anchor: bytesToHex(fieldToBytes(task.anchor)) }),
      provingMs,
    };
    return signResult(job, result, domain, sign);
  }

  /**
   * Reads the keys that are likely to be asked for first, unless a job is there already: what cannot be read fails the job
   * that needs it, not the worker.
   */
  async warmUp(): Promise<void> {
    const { threads, backend } = this.#parameters;
    for (const circuit of firstAskedFor([...this.#artifacts.keys()])) {
      if (this.#asked) return;
      await this.#host.prepare(this.#artifacts.get(circuit)!, { threads, backend }).catch(() => {});
    }
  }

  /** Measures a GPU that nobody has measured yet, and says what will be done with it. */
  async lookAtGpu(): Promise<void> {
    const { threads, backend = 'auto', log = () => {} } = this.#parameters;
    if (!usesGpu(backend)) return;
    const report = await this.#host.gpu({ threads, measure: backend === 'auto' }).catch(() => undefined);
    if (report && (report.state !== 'none' || backend === 'webgpu')) log(`gpu: ${describeGpu(report)}`);
  }

  breakOff(): void {
    this.#abort.abort();
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  /** Another version of the circuit is for workers that have its key. */
  #assertOwnVersion({ circuit, key }: FarmJob): void {
    if (key === undefined) return;
    const { vkey } = this.#artifacts.get(circuit)!;
    if (verifyingKeyHash(vkeyFromSnarkjs(vkey)) !== key) throw new PassOn();
  }

  async #openTransferJob(job: TransferJob): Promise<Task | FarmRefusal> {
    const { keys, domain } = this.#parameters;
    if (!isFor(job, keys.address)) throw new PassOn();
    const { witnesses, refused } = openTransfers(job, keys, domain, Math.floor(Date.now() / 1000));
    if (refused.length > 0) return signRefusal(job, { worker: keys.address, refused }, domain, signerFromKey(keys.account));
    const { anchor } = witnesses[0] as TransferWitness;
    const { input, publicInputs } = transferCircuitInput(job.circuit, witnesses, anchor, keys.address, domain);
    return { input, publicInputs, anchor };
  }

  async #prove(circuit: CircuitName, { input, publicInputs }: Task, lost: AbortSignal): Promise<string> {
    const { zkeyPath, wasmPath, vkey } = this.#artifacts.get(circuit)!;
    const { threads, backend } = this.#parameters;
    const deadline = AbortSignal.timeout(PROOF_DEADLINE_MS);
    const signal = AbortSignal.any([this.#abort.signal, lost, deadline]);
    try {
      const made = await this.#host.prove(zkeyPath, { kind: 'input', wasmPath, input }, { signal, threads, backend });
      const { proof, publicSignals, sums = {}, gpuFailures = [] } = made;
      this.#parameters.observer?.proved?.({ circuit, sums, gpuFailures });
      const expected = [publicInputs.h, publicInputs.z, publicInputs.y].map(String);
      if (publicSignals.join() !== expected.join())
        throw new TacitError('PROOF_FOR_OTHER', 'the prover proved another statement', { retryable: true });
      verifyProof(vkey, expected, proof);
      return bytesToHex(encodeProof(proofFromSnarkjs(proof)));
    } catch (error) {
      if (this.#abort.signal.aborted || lost.aborted) throw new PassOn();
      if (deadline.aborted)
        throw new TacitError('PROVE_TIMEOUT', 'the proof did not come to an end', {
          expected: `at most ${PROOF_DEADLINE_MS} ms`,
          retryable: true,
        });
      // Faulty memory shows up as a proof that does not verify: worth another machine's try.
      if (error instanceof TacitError && error.code === 'PROOF_INVALID')
        throw new TacitError('PROOF_INVALID', 'our own proof does not verify', { retryable: true });
      throw error;
    }
  }
}

function usesGpu(backend: BackendName): boolean {
  return backend === 'webgpu' || (backend === 'auto' && mayHaveGpu());
}

/** An update, because deposits come first, and a transfer; of each kind the smallest, and no more than stay resident. */
function firstAskedFor(circuits: readonly CircuitName[]): CircuitName[] {
  return (['update', 'transfer'] as const).flatMap((kind) => {
    const [smallest] = circuits.filter((name) => CIRCUITS[name].kind === kind).sort((a, b) => CIRCUITS[a].size - CIRCUITS[b].size);
    return smallest === undefined ? [] : [smallest];
  });
}
