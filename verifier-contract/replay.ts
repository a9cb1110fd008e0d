/**
 * From the contract's past to the rollup's state: queue, slots, both trees, settlement by settlement.
 *
 * Roots are recomputed from the slots and compared with those that the settlement claims and the contract announced,
 * so that a node or an auditor standing on the result stands on L1 data alone. Proofs are not verified here: each
 * settlement comes with its fold items for whoever wants to.
 */

import { LedgerState } from '../ledger/state.js';
import { hexToBytes } from '../protocol/bytes.js';
import { circuitById } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { AssetId, EvmAddress, Field } from '../protocol/flavor.js';
import { type Domain, decodeRecord } from '../protocol/record.js';
import { decodeSettlement, type Settlement } from '../protocol/settlement.js';
import { type QueueItem, type QueueItemKind, settlementSlots } from '../protocol/slots.js';
import type { Slot } from '../protocol/update.js';
import { type DepositEvent, type ForcedEvent, type History, type HistoryEvent, type SettledEvent, settlementBytes } from './history.js';
import { type SettlementStatements, settlementStatements } from './statements.js';

/** A queue item with what is known of it. */
export interface ReplayedItem {
  readonly event: DepositEvent | ForcedEvent;
  readonly state: 'waiting' | 'dropped' | 'settled';
}

export interface ReplayedSettlement {
  readonly event: SettledEvent;
  readonly settlement: Settlement;
  /** The consumed queue items are [firstItem, firstItem + queueItems). */
  readonly firstItem: number;
  /** In order; update i takes the next `used` of them. */
  readonly slots: readonly Slot[];
  readonly statements: SettlementStatements;
}

export interface Replay {
  readonly domain: Domain;
  readonly state: LedgerState;
  readonly settlements: readonly ReplayedSettlement[];
  /** All items ever queued, by index. */
  readonly queue: readonly ReplayedItem[];
  readonly queueHead: number;
  /** Token by asset id; index 0, the native coin, has none. */
  readonly assets: ReadonlyMap<AssetId, EvmAddress>;
  /** Note roots that transfers may be anchored to, oldest first; the first is the empty tree's. */
  readonly knownRoots: readonly Field[];
}

/**
 * Replays a history that begins at or before the contract's deployment.
 * @throws TacitError REPLAY_QUEUE, REPLAY_SETTLEMENT, REPLAY_ROOT: each names block and transaction
 */
export function replayHistory(history: History): Replay {
  const replayer = new Replayer(history.domain);
  for (const event of history.events) replayer.apply(event);
  return replayer.result();
}

/** The same, event by event, for a reader that keeps up with the chain. */
export class Replayer {
  readonly #state = LedgerState.genesis();
  readonly #queue: { event: DepositEvent | ForcedEvent; state: ReplayedItem['state'] }[] = [];
  readonly #settlements: ReplayedSettlement[] = [];
  readonly #assets = new Map<AssetId, EvmAddress>();
  readonly #knownRoots: Field[] = [this.#state.noteRoot];
  #head = 0;
  /** Dropped events wait for the next event: those of a settlement come right before it, in its transaction. */
  #drops: { index: number; transactionHash: string }[] = [];

  constructor(private readonly domain: Domain) {}

  /** @throws TacitError as replayHistory */
  apply(event: HistoryEvent): void {
    switch (event.kind) {
      case 'deposit':
      case 'forced':
        if (event.queueIndex !== this.#queue.length)
          throw broken('REPLAY_QUEUE', event, 'a queue item is missing', `${this.#queue.length}`, `${event.queueIndex}`);
        this.#queue.push({ event, state: 'waiting' });
        return;
      case 'dropped':
        this.#drops.push({ index: event.queueIndex, transactionHash: event.transactionHash });
        return;
      case 'asset':
        this.#assets.set(event.id, event.token);
        return;
      case 'settled':
        this.#settle(event);
        return;
      default:
        return; // deferred withdrawals and claims do not touch the rollup's state
    }
  }

  result(): Replay {
    this.#applyDrops();
    return {
      domain: this.domain,
      state: this.#state,
      settlements: this.#settlements,
      queue: this.#queue,
      queueHead: this.#head,
      assets: this.#assets,
      knownRoots: this.#knownRoots,
    };
  }

  #settle(event: SettledEvent): void {
    if (event.index !== this.#settlements.length)
      throw broken('REPLAY_SETTLEMENT', event, 'a settlement is missing', `${this.#settlements.length}`, `${event.index}`);
    this.#applyDrops(event.transactionHash);
    const firstItem = this.#head;
    const waiting = this.#queue.slice(firstItem);
    const { settlement, slots, statements } = this.#read(event, waiting);
    this.#advance(event, settlement, statements);
    waiting.slice(0, settlement.queueItems).forEach((item) => {
      if (item.state === 'waiting') item.state = 'settled';
    });
    settlement.drops.forEach(({ item }) => {
      (waiting[item] as { state: ReplayedItem['state'] }).state = 'dropped';
    });
    this.#head += settlement.queueItems;
    if (this.#head !== event.queueHead)
      throw broken('REPLAY_QUEUE', event, 'the queue head is elsewhere', `${event.queueHead}`, `${this.#head}`);
    this.#settlements.push({ event, settlement, firstItem, slots, statements });
  }

  /** Decodes calldata, lays out the slots and states what is to be proven. */
  #read(
    event: SettledEvent,
    waiting: readonly ReplayedItem[],
  ): { settlement: Settlement; slots: Slot[]; statements: SettlementStatements } {
    try {
      const kinds = waiting.map(({ event: item, state }): QueueItemKind => (state === 'dropped' ? 'dropped' : item.kind));
      const settlement = decodeSettlement(settlementBytes(event), kinds);
      const dropped = new Set(settlement.drops.map(({ item }) => item));
      const items = waiting
        .slice(0, settlement.queueItems)
        .map((item, i): QueueItem => (dropped.has(i) ? { kind: 'dropped' } : contentOf(item)));
      const slots = settlementSlots(
        items,
        settlement.transfers.flatMap(({ records }) => records),
      );
      const base = {
        domain: this.domain,
        noteRoot: this.#state.noteRoot,
        nullifierRoot: this.#state.nullifierRoot,
        leafCount: this.#state.leafCount,
      };
      return { settlement, slots, statements: settlementStatements(settlement, slots, base) };
    } catch (cause) {
      throw broken(
        'REPLAY_SETTLEMENT',
        event,
        `the calldata is not a settlement (${cause instanceof Error ? cause.message : String(cause)})`,
        undefined,
        undefined,
        cause,
      );
    }
  }

  /** Applies the updates and compares every root. */
  #advance(event: SettledEvent, settlement: Settlement, statements: SettlementStatements): void {
    settlement.updates.forEach(({ circuitId, keepRoot, used, noteRootNew, nullRootNew }, i) => {
      const slots = (statements.updates[i] as { slots: readonly Slot[] }).slots.slice(0, used);
      try {
        this.#state.advance(circuitById(circuitId).size, slots);
      } catch (cause) {
        throw broken(
          'REPLAY_SETTLEMENT',
          event,
          `update ${i} cannot be applied (${cause instanceof Error ? cause.message : String(cause)})`,
          undefined,
          undefined,
          cause,
        );
      }
      if (this.#state.noteRoot !== noteRootNew)
        throw broken('REPLAY_ROOT', event, `update ${i} claims another note root`, `${this.#state.noteRoot}`, `${noteRootNew}`);
      if (this.#state.nullifierRoot !== nullRootNew)
        throw broken('REPLAY_ROOT', event, `update ${i} claims another nullifier root`, `${this.#state.nullifierRoot}`, `${nullRootNew}`);
      if (keepRoot || i === settlement.updates.length - 1) this.#knownRoots.push(noteRootNew);
    });
    if (this.#state.noteRoot !== event.noteRoot)
      throw broken('REPLAY_ROOT', event, 'the contract announced another note root', `${this.#state.noteRoot}`, `${event.noteRoot}`);
    if (this.#state.nullifierRoot !== event.nullRoot)
      throw broken(
        'REPLAY_ROOT',
        event,
        'the contract announced another nullifier root',
        `${this.#state.nullifierRoot}`,
        `${event.nullRoot}`,
      );
    if (this.#state.leafCount !== event.leafCount)
      throw broken('REPLAY_ROOT', event, 'the contract announced another leaf count', `${this.#state.leafCount}`, `${event.leafCount}`);
  }

  /** Marks items dropped by earlier transactions; a settlement's own drops are in its calldata. */
  #applyDrops(settlementTx?: string): void {
    for (const { index, transactionHash } of this.#drops) {
      const item = this.#queue[index];
      if (transactionHash !== settlementTx && item !== undefined) item.state = 'dropped';
    }
    this.#drops = [];
  }
}

/** What a waiting or dropped item puts into its slot. */
export function contentOf({ event, state }: ReplayedItem): QueueItem {
  if (state === 'dropped') return { kind: 'dropped' };
  return event.kind === 'deposit'
    ? { kind: 'deposit', commitment: event.commitment }
    : { kind: 'forced', record: decodeRecord(hexToBytes(event.record)) };
}

function broken(code: string, event: HistoryEvent, what: string, expected?: string, got?: string, cause?: unknown): TacitError {
  const where = `block ${event.blockNumber}, transaction ${event.transactionHash}`;
  return new TacitError(code, `${where}: ${what}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    cause,
  });
}
