/**
 * How a worker comes by its jobs, whatever lies between it and the queue: BullMQ in the farm's Redis (bullLeases.ts), or HTTP
 * through the node's gateway (httpLeases.ts). Both are held to one contract, test/queue/leases.test.ts.
 *
 *   take → a job under a lease of LOCK_DURATION_MS, which lasts as long as it is renewed
 *        → answered, refused within an answer, failed, or given back; or it runs out, and another worker takes the job
 *
 * Invariants: at most one worker holds the lease of a job; who has lost it can neither answer, fail nor give back; nothing is
 * lost with a lease but the time spent on it. Whoever takes a job answers for it himself: a lease is no evidence against
 * anybody, statements.ts says what is.
 */
import type { EvmAddress } from '../protocol/flavor.js';
import type { WorkerAnnouncement } from './announce.js';
import type { FarmAnswer, FarmJob, FarmProgress } from './contracts.js';
import type { Lane } from './farmOptions.js';

/** Names a lease: the job, and the secret that whoever took it was given. */
export interface LeaseRef {
  readonly lane: Lane;
  readonly id: string;
  readonly token: string;
}

export interface Lease extends LeaseRef {
  readonly job: FarmJob;
}

/** Who was given a lease: its token begins with the address (bullLeases.ts). */
export function workerOfToken({ token }: Pick<LeaseRef, 'token'>): EvmAddress {
  return token.slice(0, token.indexOf('.'));
}

/** Why a job could not be done: no more than this leaves the worker, for a message might quote a witness. */
export interface JobFailure {
  readonly code: string;
  /** True: worth another try. False: dead letter at once. */
  readonly retryable: boolean;
}

/** Every method throws LEASE_LOST where the lease has run out, and retryable errors where the other side cannot be reached. */
export interface LeasePort {
  /** Puts the worker's line on the farm's board, or keeps it there. */
  announce(announcement: WorkerAnnouncement): Promise<void>;
  withdraw(): Promise<void>;
  /** The next job of these lanes that is for this worker, however long it takes; undefined when `signal` is aborted. */
  take(lanes: readonly Lane[], signal: AbortSignal): Promise<Lease | undefined>;
  renew(lease: LeaseRef): Promise<void>;
  report(lease: LeaseRef, progress: FarmProgress): Promise<void>;
  /** Safe to repeat: the same answer to the same job is the same answer. */
  answer(lease: LeaseRef, answer: FarmAnswer): Promise<void>;
  fail(lease: LeaseRef, failure: JobFailure): Promise<void>;
  /** For others, at once; counts as no attempt. */
  giveBack(lease: LeaseRef): Promise<void>;
  /** Can jobs be had now? @throws TacitError that says why not */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** False where the job is sealed to others, or is to be left to them. */
export function isFor(job: FarmJob, worker: EvmAddress): boolean {
  return job.avoid?.includes(worker) !== true && isAddressedTo(job, worker);
}

/** True where its wallets chose this worker as one that may read the job, or there is nothing secret in it. */
export function isAddressedTo(job: FarmJob, worker: EvmAddress): boolean {
  return job.kind === 'update' || job.sealed.every(({ recipients }) => recipients.some(({ address }) => address === worker));
}
