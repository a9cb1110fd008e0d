/**
 * What the steps of a node share. Durable truth is in the journal; `view` and `tip` are rebuilt from it and the chain;
 * `live` mirrors the journal's unfinished transfers, so that no step has to read all of history.
 */
import type { Effects, JournalPort, WriteTables } from '../ledger/effects.js';
import type { CircuitInput } from '../ledger/applyBatch.js';
import type { FarmTaskRow, RecordHash, SealRow, TransferRow } from '../ledger/schema.js';
import type { LedgerState } from '../ledger/state.js';
import type { DigestSigner } from '../protocol/eip712.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { KeyTable } from '../protocol/fold.js';
import type { Domain } from '../protocol/record.js';
import type { FarmQueue } from '../queue/farm.js';
import type { NodeChain } from './chainPort.js';
import type { ChainView } from './chainView.js';
import type { NodeConfig, NodePolicy } from './config.js';
import type { EventHub } from './eventHub.js';
import type { QuoteBook } from './quote.js';
import type { RosterKeeper } from './rosterKeeper.js';
import { statusOf } from './status.js';
import type { Turn } from './turn.js';

export type FarmPort = Pick<FarmQueue, 'publish' | 'outcome' | 'forget' | 'progress' | 'workers' | 'onEvent' | 'close'>;

export interface NodeContext {
  readonly config: NodeConfig;
  readonly policy: NodePolicy;
  readonly domain: Domain;
  readonly keys: KeyTable;
  readonly settler: EvmAddress;
  readonly journal: JournalPort;
  readonly effects: Effects<FarmPort, NodeChain>;
  readonly sign: DigestSigner;
  readonly turn: Turn;
  readonly events: EventHub;
  readonly quotes: QuoteBook;
  readonly roster: RosterKeeper;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Unfinished transfers: all but settled and failed. */
  readonly live: Map<RecordHash, TransferRow>;
  /** What the contract holds. */
  view: ChainView;
  /** What it will hold when every standing seal is settled. */
  tip: LedgerState;
  /** Standing seals, neither settled nor withdrawn, by index. */
  seals: SealRow[];
  /** What the farm needs to prove each standing seal without a proof, by seal. */
  inputs: Map<number, CircuitInput>;
  /** Farm tasks that are planned or queued, by job id. */
  readonly tasks: Map<string, FarmTaskRow>;
  /** Tasks that the queue has news of. */
  readonly dirtyTasks: Set<string>;
  /** When each waiting queue item was first seen, by item. */
  readonly seenMs: Map<number, number>;
  /** The contract's: after so long a queue item is overdue. */
  readonly queueDelaySeconds: number;
}

const FINISHED: ReadonlySet<TransferRow['state']> = new Set(['settled', 'failed']);

/**
 * One journal transaction that changes transfers: `body` answers the rows as they shall be. Afterwards memory follows, and
 * listeners hear of it.
 */
export async function commitTransfers(ctx: NodeContext, body: (tables: WriteTables) => readonly TransferRow[]): Promise<readonly TransferRow[]> {
  const rows = await ctx.journal.transaction((tables) => {
    const changed = body(tables);
    for (const row of changed) tables.transfers.put(row.id, row);
    return changed;
  });
  for (const row of rows) {
    if (FINISHED.has(row.state)) ctx.live.delete(row.id);
    else ctx.live.set(row.id, row);
    ctx.events.tell({ type: 'transfer', transfer: statusOf(ctx, row) });
  }
  return rows;
}

/** The row in a later state, stamped with the time it got there. Optional members given as undefined are taken away. */
export function moved(row: TransferRow, state: TransferRow['state'], nowMs: number, change: { [K in keyof TransferRow]?: TransferRow[K] | undefined } = {}): TransferRow {
  const merged = { ...row, ...change, state, times: { ...row.times, [state]: nowMs } };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as unknown as TransferRow;
}
