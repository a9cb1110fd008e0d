/** What a scenario and the worker that it runs in a child process tell each other. */
import type { Lane } from '../../queue/farmOptions.js';
import type { WorkerPhase } from '../aggregator/simulatedFarm.js';

/** How a worker misbehaves. */
export type Misdeed =
  /** Waits at a phase until it is told to behave; the event loop lives, so the lock is renewed. */
  | { readonly kind: 'hang'; readonly at: WorkerPhase }
  /** Blocks the event loop for so long: no lock is renewed. */
  | { readonly kind: 'peg'; readonly forMs: number }
  /** Hands over noise. */
  | { readonly kind: 'garbage' }
  /** Hands over the result of the job that it had before. */
  | { readonly kind: 'other' }
  /** Fails the jobs of this transfer, as if its witness broke the prover. */
  | { readonly kind: 'choke'; readonly on: string };

export interface WorkerChildConfig {
  readonly redisUrl: string;
  /** Comes by its jobs through this node's gateway, in place of Redis. */
  readonly nodeUrl?: string;
  readonly domain: { readonly chainId: string; readonly contract: string };
  /** Private key, hex. */
  readonly key: string;
  readonly lanes?: readonly Lane[];
  readonly misdeed?: Misdeed;
  /** The first jobs are done honestly. */
  readonly honestJobs?: number;
  /** How long a proof takes. */
  readonly proofMs?: number;
}

export type WorkerRequest =
  | { readonly kind: 'start'; readonly config: WorkerChildConfig }
  | { readonly kind: 'behave' }
  | { readonly kind: 'drain' };

export type WorkerReply =
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'phase'; readonly phase: WorkerPhase; readonly job: string; readonly atMs: number };
