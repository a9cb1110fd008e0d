/**
 * A worker's signed word that members of a transfer job cannot be proven.
 *
 * A refusal costs a payment its place in a group, and two of them send it back to its wallet. So it is signed: whoever can
 * write to Redis, or another worker, cannot refuse in a worker's name. And what was refused is signed with it: a worker is not
 * taken at its word for a job that somebody has changed in Redis.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { type DigestSigner, recoverSigner, typedDigest } from '../protocol/eip712.js';
import type { Domain } from '../protocol/record.js';
import type { FarmRefusal, TransferJob } from './contracts.js';

const TYPE = 'FarmRefusal(bytes32 job,bytes32 content,bytes32 refused)';

/** What a refusal is of: its id in the queue, and what was in it. */
export type RefusedJob = Pick<TransferJob, 'id' | 'sealed' | 'anchor'>;

/** @param job a refusal of one job is worth nothing for another, nor for other content under the same id */
export async function signRefusal(
  job: RefusedJob,
  content: Omit<FarmRefusal, 'signature'>,
  domain: Domain,
  sign: DigestSigner,
): Promise<FarmRefusal> {
  return { ...content, signature: await sign(digest(job, content, domain)) };
}

/** True where the named worker signed exactly this, of this job. */
export function isGenuineRefusal(job: RefusedJob, refusal: FarmRefusal, domain: Domain): boolean {
  try {
    return recoverSigner(digest(job, refusal, domain), refusal.signature) === refusal.worker;
  } catch {
    return false;
  }
}

function digest(job: RefusedJob, { refused }: Pick<FarmRefusal, 'refused'>, domain: Domain): Uint8Array {
  const list = refused.map(({ index, code }) => `${index}:${code}`).join(',');
  return typedDigest(domain, TYPE, [hashText(job.id), hashText(contentText(job)), hashText(list)]);
}

/** Lists, not objects: the order of an object's members is whoever's wrote it. */
export function contentText({ sealed, anchor }: RefusedJob): string {
  const members = sealed.map(({ recordHash, rosterId, expiry, recipients, nonce, ciphertext }) => [
    [recordHash, rosterId, expiry, nonce, ciphertext],
    recipients.map(({ address, ephemeral, wrapped }) => [address, ephemeral, wrapped]),
  ]);
  return JSON.stringify([anchor ?? '', members]);
}

function hashText(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text));
}
