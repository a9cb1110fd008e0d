/**
 * A worker's signed word that members of a transfer job cannot be proven.
 *
 * A refusal costs a payment its place in a group, and two of them send it back to its wallet. So it is signed: whoever can
 * write to Redis, or another worker, cannot refuse in a worker's name.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { type DigestSigner, recoverSigner, typedDigest } from '../protocol/eip712.js';
import type { Domain } from '../protocol/record.js';
import type { FarmRefusal } from './contracts.js';

const TYPE = 'FarmRefusal(bytes32 job,bytes32 refused)';

/** @param jobId the job's id in the queue: a refusal of one job is worth nothing for another */
export async function signRefusal(
  jobId: string,
  content: Omit<FarmRefusal, 'signature'>,
  domain: Domain,
  sign: DigestSigner,
): Promise<FarmRefusal> {
  return { ...content, signature: await sign(digest(jobId, content, domain)) };
}

/** True where the named worker signed exactly this, of this job. */
export function isGenuineRefusal(jobId: string, refusal: FarmRefusal, domain: Domain): boolean {
  try {
    return recoverSigner(digest(jobId, refusal, domain), refusal.signature) === refusal.worker;
  } catch {
    return false;
  }
}

function digest(jobId: string, { refused }: Pick<FarmRefusal, 'refused'>, domain: Domain): Uint8Array {
  const list = refused.map(({ index, code }) => `${index}:${code}`).join(',');
  return typedDigest(domain, TYPE, [hashText(jobId), hashText(list)]);
}

function hashText(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text));
}
