/**
 * A job done again outside the farm, to see what becomes of it: the same steps as worker.ts, nothing taken, nothing handed in.
 *
 *   1 addressed   transfers only: is this worker among those it was sealed to?
 *   2 opened      unseal all as of the moment at which the job failed; check every statement natively
 *   3 proved      witness and proof in the proving process
 *   4 verified    the proof, strictly
 *
 * The report has hashes, codes and times. Witness and proof stay in memory and end with it.
 */
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { PublicInputs } from '../protocol/fingerprint.js';
import type { Hex } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { type TransferWitness, transferCircuitInput } from '../protocol/transfer.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { verifyingKeyHash } from '../protocol/vkeyHash.js';
import type { FarmJob, FarmRefusal } from '../queue/contracts.js';
import type { ExportedJob } from '../queue/exportedJob.js';
import { isAddressedTo } from '../queue/lease.js';
import { openTransfers } from './openTransfer.js';
import type { BackendName } from './prove.js';
import { ProvingHost } from './thread.js';
import { ownUpdate } from './updateJob.js';
import { verifyProof } from './verify.js';
import type { ProvingArtifacts } from './worker.js';
import type { WorkerKeys } from './workerKeys.js';

export type ReplayStep = 'addressed' | 'opened' | 'proved' | 'verified';

export interface ReplayReport {
  readonly job: string;
  readonly circuit: FarmJob['circuit'];
  /** Hashes of the records that it proves; empty for an update. */
  readonly payments: readonly Hex[];
  /** Steps that went well, in order; all of them where the job can be done here. */
  readonly done: readonly ReplayStep[];
  /** Why the next one did not. */
  readonly code?: string;
  /** Members that cannot be proven, with the code of each. */
  readonly refused?: FarmRefusal['refused'];
  readonly provingMs?: number;
}

export interface ReplayOptions {
  readonly artifacts: ProvingArtifacts;
  readonly backend: BackendName;
  readonly threads?: number;
}

const MS = 1_000;

export async function replayJob({ job, failure, ...place }: ExportedJob, keys: WorkerKeys, options: ReplayOptions): Promise<ReplayReport> {
  const domain: Domain = { chainId: BigInt(place.chainId), contract: place.contract };
  const payments = job.kind === 'transfer' ? job.sealed.map(({ recordHash }) => recordHash) : [];
  const about = { job: job.id, circuit: job.circuit, payments };
  const done: ReplayStep[] = [];
  try {
    if (job.key !== undefined && job.key !== verifyingKeyHash(vkeyFromSnarkjs(options.artifacts.vkey)))
      throw new TacitError('ARTIFACT_KEY', 'the job is of another version of the circuit');
    let task: Task;
    if (job.kind === 'transfer') {
      if (!isAddressedTo(job, keys.address)) throw new TacitError('SEAL_RECIPIENT', 'the job is sealed to others');
      done.push('addressed');
      const { witnesses, refused } = openTransfers(job, keys, domain, Math.floor(failure.failedAtMs / MS));
      if (refused.length > 0) return { ...about, done, code: 'REFUSED', refused };
      const { anchor } = witnesses[0] as TransferWitness;
      task = transferCircuitInput(job.circuit, witnesses, anchor, keys.address, domain);
    } else task = ownUpdate(job, keys.address, domain);
    done.push('opened');
    const { provingMs, verify } = await prove(task, options);
    done.push('proved');
    verify();
    done.push('verified');
    return { ...about, done, provingMs };
  } catch (error) {
    return { ...about, done, code: isTacitError(error) ? error.code : 'UNEXPECTED' };
  }
}

interface Task {
  readonly input: Record<string, unknown>;
  readonly publicInputs: PublicInputs;
}

async function prove({ input, publicInputs: { h, z, y } }: Task, { artifacts, backend, threads }: ReplayOptions) {
  const { zkeyPath, wasmPath, vkey } = artifacts;
  const host = new ProvingHost();
  try {
    const startedAt = performance.now();
    const { proof, publicSignals } = await host.prove(zkeyPath, { kind: 'input', wasmPath, input }, { backend, threads });
    const provingMs = Math.round(performance.now() - startedAt);
    const verify = (): void => {
      const expected = [h, z, y].map(String);
      if (publicSignals.join() !== expected.join()) throw new TacitError('PROOF_FOR_OTHER', 'the prover proved another statement');
      verifyProof(vkey, expected, proof);
    };
    return { provingMs, verify };
  } finally {
    await host.close();
  }
}
