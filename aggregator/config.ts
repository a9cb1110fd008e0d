/**
 * What a node is told at its start: whom it serves, when it seals, what it charges. Everything else is in its journal and
 * on the chain.
 */

import type { FaultHook } from '../ledger/effects.js';
import type { CircuitName } from '../protocol/circuit.js';
import type { Hex } from '../protocol/flavor.js';
import type { KeyTable } from '../protocol/fold.js';
import type { Network } from '../protocol/keys.js';
import type { Domain } from '../protocol/record.js';
import type { AssetInfo } from '../queue/service.js';

export interface NodeConfig {
  readonly domain: Domain;
  readonly network: Network;
  /** Block that holds the contract's creation. */
  readonly deploymentBlock: number;
  readonly rpcUrl: string;
  readonly redisUrl: string;
  /** Folder of the journal; belongs to this contract and one process. */
  readonly journalDir: string;
  /** Private key (32 bytes) of the aggregator's account: signs settlements, soft confirmations and the roster. */
  readonly settlerKey: Hex;
  /** True: the key may be of another account than the contract's aggregator, in whose place the node then settles (succession.ts). */
  readonly successor?: boolean;
  /** Verifying keys, as the contract has them. */
  readonly keys: KeyTable;
  /** Assets accepted for fees and withdrawals. */
  readonly assets: readonly AssetInfo[];
  /** Where the HTTP gateway listens; port 0 takes a free one. */
  readonly host?: string;
  readonly port?: number;
  /** Hosts (with port) under which the gateway is reached from outside: workers' logins must name one. Any where absent. */
  readonly publicHosts?: readonly string[];
  readonly policy?: Partial<NodePolicy>;
  /** Addresses of workers that may stand in the roster; all that announce themselves where absent. */
  readonly admittedWorkers?: readonly string[];
  readonly log?: (line: string) => void;
  /** For tests: called around each outside effect. */
  readonly faultHook?: FaultHook;
}

export interface NodePolicy {
  /** Circuits that updates are proven with; the smallest that fits is taken, else the largest. */
  readonly updateCircuits: readonly CircuitName[];
  /** A batch is sealed when it is full or when its oldest member has waited so long. */
  readonly sealAfterMs: number;
  /** Sealed and proven updates wait at most so long for the next ones before they are settled. */
  readonly settleAfterMs: number;
  readonly updatesPerSettlement: number;
  /** Keeps a settlement below the gas limit of a transaction. */
  readonly transfersPerSettlement: number;
  /** Part of the contract's queue delay after which a queue item must be taken; 0 takes it with the next seal. */
  readonly queueDelayFraction: number;
  /** How often chain, farm and clock are looked at. */
  readonly tickMs: number;
  /** Transfers accepted and not yet settled; one more is refused (room.ts). */
  readonly pendingTransfers: number;
  /** Sealed transfers wait at most so long for others to share a proof with (grouping.ts). */
  readonly groupAfterMs: number;
  /** A worker that has taken a job says within this, signed, that it has looked and goes on to prove; else it is taken for silent. */
  readonly reportLimitMs: number;
  /** A worker that has kept a job longer than this is taken for silent, and the work is given out again. */
  readonly proofLimitMs: Readonly<Record<CircuitName, number>>;
  /** How long a worker's check of a sealed transfer reserves its nullifiers. */
  readonly leaseMs: number;
  /** Half of a pair waits so long for the other half. */
  readonly pairWaitMs: number;
  /** What the queue has not answered after so long is tried again later. */
  readonly queueTimeoutMs: number;
  /** A transaction that is not mined after so long is sent again with a higher fee. */
  readonly bumpAfterMs: number;
  /** Blocks on top of a settlement before it counts as final, and before its root is offered as an anchor. */
  readonly confirmationDepth: number;
  /** The view of the chain is stored when it is so many blocks further: what a restart has to read again, and a little more. */
  readonly checkpointBlocks: number;
  /** Seconds that a roster, and so a seal made with it, is good for. */
  readonly rosterSeconds: number;
  readonly fees: FeePolicy;
}

/** What a transfer pays; see quote.ts. */
export interface FeePolicy {
  /** On top of the settlement's gas, in 1/10,000 of it. */
  readonly marginBps: number;
  /** Transfers that are expected in a settlement, and share what it costs once. */
  readonly expectedTransfers: number;
  /** By asset id, its price in the native coin: units = wei · numerator / denominator. Assets without a price take no fee in them. */
  readonly prices: Readonly<Record<number, { readonly numerator: bigint; readonly denominator: bigint }>>;
  /** How long a quote is honoured. */
  readonly quoteMs: number;
  /** False: any fee will do, also none. */
  readonly required: boolean;
}

/** Fits a devnet: nothing waits long, nothing costs. */
export const DEFAULT_POLICY: NodePolicy = {
  updateCircuits: ['update_2'],
  sealAfterMs: 1_000,
  settleAfterMs: 5_000,
  updatesPerSettlement: 16,
  transfersPerSettlement: 128,
  queueDelayFraction: 0,
  tickMs: 200,
  pendingTransfers: 4_096,
  groupAfterMs: 10_000,
  // Some ten times what two slow cores take.
  proofLimitMs: { transfer_1: 60_000, transfer_8: 180_000, update_2: 90_000, update_8: 180_000, update_32: 600_000 },
  // Opening and checking eight transfers takes a second or two.
  reportLimitMs: 30_000,
  leaseMs: 60_000,
  pairWaitMs: 60_000,
  queueTimeoutMs: 5_000,
  bumpAfterMs: 30_000,
  confirmationDepth: 1,
  checkpointBlocks: 16,
  rosterSeconds: 1_800,
  fees: { marginBps: 1_000, expectedTransfers: 32, prices: { 0: { numerator: 1n, denominator: 1n } }, quoteMs: 120_000, required: false },
};
