/**
 * What the steps of a node share. Durable truth is in the journal; `view` and `tip` are rebuilt from it and the chain;
 * `live` mirrors the journal's unfinished transfers, so that no step has to read all of history.
 */

import type { CircuitInput } from '../ledger/applyBatch.js';
import type { Effects, JournalPort } from '../ledger/effects.js';
import type { FarmTaskRow, RecordHash, SealRow, TransferRow } from '../ledger/schema.js';
import type { LedgerState } from '../ledger/state.js';
import type { DigestSigner } from '../protocol/eip712.js';
import type { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { KeyTable } from '../protocol/fold.js';
import type { Domain } from '../protocol/record.js';
import type { BullLeases } from '../queue/bullLeases.js';
import type { FarmQueue } from '../queue/farm.js';
import type { NodeChain } from './chainPort.js';
import type { ChainView } from './chainView.js';
import type { NodeConfig, NodePolicy } from './config.js';
import type { EventHub } from './eventHub.js';
import type { QuoteBook } from './quote.js';
import type { RestingWorkers } from './resting.js';
import type { RosterKeeper } from './rosterKeeper.js';
import type { Turn } from './turn.js';
import type { WaryLanes } from './waryLanes.js';
import type { WorkerRecords } from './workerRecords.js';

export type FarmPort = Pick<
  FarmQueue,
  'publish' | 'outcome' | 'activeSinceMs' | 'forget' | 'progress' | 'workers' | 'onEvent' | 'close' | 'counts' | 'recentProvingMs' | 'check'
>;

/** For workers over HTTP. */
export type LeasesPort = Omit<BullLeases, 'close' | 'check'>;

export interface NodeContext {
  readonly config: NodeConfig;
  readonly policy: NodePolicy;
  readonly domain: Domain;
  readonly keys: KeyTable;
  /** The node's own account. */
  readonly settler: EvmAddress;
  /** The contract's: another account than `settler` where the node is a successor (succession.ts). */
  readonly aggregator: EvmAddress;
  readonly journal: JournalPort;
  readonly effects: Effects<FarmPort, NodeChain> & { readonly leases: LeasesPort };
  readonly sign: DigestSigner;
  readonly turn: Turn;
  readonly events: EventHub;
  readonly quotes: QuoteBook;
  readonly roster: RosterKeeper;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Unfinished transfers: all but settled and failed. */
  readonly live: Map<RecordHash, TransferRow>;
  /** How many of the wallets' transfers ended so; the journal's rows, counted once. */
  readonly finished: { settled: number; failed: number };
  /** What the contract holds. */
  view: ChainView;
  /** What it will hold when every standing seal is settled. */
  tip: LedgerState;
  /** Standing seals, neither settled nor withdrawn, by index. */
  seals: SealRow[];
  /** What the farm needs to prove each standing seal without a proof, by seal; made when it is asked for. */
  inputs: Map<number, () => CircuitInput>;
  /** Farm tasks that are planned or queued, by job id. */
  readonly tasks: Map<string, FarmTaskRow>;
  /** Workers that refused a transfer which another then proved: passed over while there are others, until a restart. */
  readonly contradicted: Set<EvmAddress>;
  readonly records: WorkerRecords;
  readonly resting: RestingWorkers;
  readonly wary: WaryLanes;
  /** To whom this run's gateway gave a task last, and whether that lease still holds, by task. */
  readonly handed: Map<string, { readonly worker: EvmAddress; holds(): Promise<boolean> }>;
  /** When a task's job was taken, as its worker says, and when the node first saw that, by task. */
  readonly takenMs: Map<string, { readonly saidMs: number; readonly seenMs: number }>;
  /** Tasks that the queue has news of. */
  readonly dirtyTasks: Set<string>;
  /** Why the farm's queue cannot be relied on now; undefined while it can (queueWatch.ts). */
  queueTrouble: TacitError | undefined;
  /** The last thing begun on the chain was a drop: a settlement that can start has the next turn (settle.ts). */
  hasDropped: boolean;
  /** When each waiting queue item was first seen, by item. */
  readonly seenMs: Map<number, number>;
  /** The contract's: after so long a queue item is overdue. */
  readonly queueDelaySeconds: number;
}
