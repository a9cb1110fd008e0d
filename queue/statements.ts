/**
 * What a worker signs about a job: its result, and its report that it has looked and goes on to prove.
 *
 *   FarmProof(bytes32 job,bytes32 content,bytes32 result)      FarmProgress(bytes32 job,string stage)
 *
 * Only what is signed speaks for or against a worker: anybody with a way to Redis can put words into a job. The content is
 * signed with a result, as in a refusal, for a worker answers for the job that it was given, and not for the one that the node
 * put there before somebody changed it. A proof that verifies needs no signature: it names its prover inside.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { type DigestSigner, recoverSigner, typedDigest } from '../protocol/eip712.js';
import type { Domain } from '../protocol/record.js';
import type { FarmJob, FarmProgress, FarmResult } from './contracts.js';
import { contentText } from './refusal.js';

const PROOF_TYPE = 'FarmProof(bytes32 job,bytes32 content,bytes32 result)';
const PROGRESS_TYPE = 'FarmProgress(bytes32 job,string stage)';

export async function signResult(job: FarmJob, result: FarmResult, domain: Domain, sign: DigestSigner): Promise<FarmResult> {
  return { ...result, signature: await sign(resultDigest(job, result, domain)) };
}

/** True where the prover that the result names signed exactly this, of exactly this job. */
export function isGenuineResult(job: FarmJob, result: FarmResult, domain: Domain): boolean {
  return signedBy(result.prover, resultDigest(job, result, domain), result.signature);
}

/** @param job its id: no two pieces of work have the same */
export async function signProgress(
  job: string,
  { stage, worker }: Omit<FarmProgress, 'signature'>,
  domain: Domain,
  sign: DigestSigner,
): Promise<FarmProgress> {
  return { stage, worker, signature: await sign(progressDigest(job, stage, domain)) };
}

export function isGenuineProgress(job: string, { stage, worker, signature }: FarmProgress, domain: Domain): boolean {
  return signedBy(worker, progressDigest(job, stage, domain), signature);
}

function signedBy(worker: string, hash: Uint8Array, signature: string | undefined): boolean {
  if (signature === undefined) return false;
  try {
    return recoverSigner(hash, signature) === worker;
  } catch {
    return false;
  }
}

function resultDigest(job: FarmJob, result: FarmResult, domain: Domain): Uint8Array {
  return typedDigest(domain, PROOF_TYPE, [hashText(job.id), hashText(jobText(job)), hashText(resultText(result))]);
}

function progressDigest(job: string, stage: string, domain: Domain): Uint8Array {
  return typedDigest(domain, PROGRESS_TYPE, [hashText(job), hashText(stage)]);
}

/** Signals by name: in which order an object has them is whoever's wrote it. */
function jobText(job: FarmJob): string {
  if (job.kind === 'transfer') return contentText(job);
  const signals = Object.entries(job.input).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([job.circuit, signals]);
}

function resultText({ circuit, proof, h, prover, anchor }: FarmResult): string {
  return JSON.stringify([circuit, proof, h, prover, anchor ?? '']);
}

function hashText(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text));
}
