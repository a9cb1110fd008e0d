/**
 * The whole history of a contract, event by event: queue, trees, known roots and credits as they must be afterwards.
 *
 * The first settlement that does not hold ends the replay, because everything behind it stands on a wrong state; what
 * was found until then is in the findings.
 */
import { LedgerState } from '../ledger/state.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import { publicInputsOf, transferList } from '../protocol/fingerprint.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import type { KeyTable } from '../protocol/fold.js';
import { decodeProof } from '../protocol/proof.js';
import type { Domain, TransferRecord } from '../protocol/record.js';
import { kindsAfterDrops } from '../protocol/settlement.js';
import { queueSlots } from '../protocol/slots.js';
import type { ArchiveEvent, ContractParameters, EventOf, History } from './archive.js';
import { CreditBook } from './creditBook.js';
import type { AuditCounts, Findings, Place } from './finding.js';
import { AuditedQueue } from './queue.js';
import { assertProofs, type CheckedSettlement, checkSettlement } from './settlement.js';

export class Replay {
  readonly counts: AuditCounts = {
    settlements: 0,
    updates: 0,
    transfers: 0,
    withdrawals: 0,
    deposits: 0,
    forced: 0,
    dropped: 0,
    proofs: 0,
    calldataBytes: 0,
  };
  readonly queue: AuditedQueue;
  readonly credits: CreditBook;
  ledger = LedgerState.genesis();
  /** Note roots that transfers may be anchored to. */
  readonly knownRoots = new Set<Field>([LedgerState.genesis().noteRoot]);
  /** Every note root that was ever made. */
  readonly madeRoots = new Set<Field>(this.knownRoots);
  readonly domain: Domain;
  /** Drops that a settlement did itself, by its transaction; their events wait for it and are compared then. */
  readonly #settleTransactions: ReadonlySet<Hex>;
  #settledDrops: { readonly tx: Hex; readonly drops: readonly string[] } | undefined;
  #stopped = false;

  constructor(
    readonly history: History,
    readonly keys: KeyTable,
    readonly findings: Findings,
    /** Told of each settlement that holds. */
    readonly onSettlement: (event: EventOf<'settled'>, checked: CheckedSettlement, replay: Replay) => void = () => {},
  ) {
    const parameters: ContractParameters = history.parameters;
    this.domain = { chainId: BigInt(history.chainId), contract: history.contract };
    this.queue = new AuditedQueue(parameters.queueDelaySeconds);
    this.credits = new CreditBook(parameters);
    this.#settleTransactions = new Set(history.events.filter(({ kind }) => kind === 'settled').map(({ tx }) => tx));
  }

  /** True when a broken settlement ended the replay. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Replays everything; `onProgress` is told the fraction done. */
  run(onProgress: (fraction: number) => void = () => {}): void {
    const { events } = this.history;
    events.forEach((event, i) => {
      if (this.#stopped) return;
      const before = this.findings.brokenCount;
      this.#assertOrder(events[i - 1], event);
      this.findings.check(placeOf(event), `${event.kind}`, () => this.#apply(event));
      if (this.findings.brokenCount > before) this.#stopped = true;
      onProgress((i + 1) / events.length);
    });
  }

  #assertOrder(before: ArchiveEvent | undefined, event: ArchiveEvent): void {
    const { fromBlock, toBlock } = this.history;
    if (event.block < fromBlock || event.block > toBlock) {
      this.findings.broken(placeOf(event), 'EVENT_RANGE', `the event lies outside blocks ${fromBlock} to ${toBlock}`);
    }
    if (before === undefined) return;
    const after = event.block > before.block || (event.block === before.block && event.logIndex > before.logIndex);
    if (!after) this.findings.broken(placeOf(event), 'EVENT_ORDER', 'events do not stand in the order of the chain');
    const time = event.timeSeconds - before.timeSeconds;
    if (time < 0 || (event.block === before.block && time !== 0))
      this.findings.broken(placeOf(event), 'EVENT_TIME', 'block times run backwards');
  }

  #apply(event: ArchiveEvent): void {
    switch (event.kind) {
      case 'deposit':
        this.#deposit(event);
        break;
      case 'forced':
        this.#forced(event);
        break;
      case 'dropped':
        this.#dropped(event);
        break;
      case 'settled':
        this.#settled(event);
        break;
      case 'claimed':
        this.credits.claimed(event.account, event.asset, BigInt(event.amount));
        break;
      case 'deferred':
        this.#deferred(event);
        break;
      case 'asset':
        break; // the registry is not part of the rollup's state
    }
  }

  #deposit(event: EventOf<'deposit'>): void {
    this.queue.deposit(event);
    this.credits.received(event.asset, BigInt(event.value));
    this.credits.received(0, BigInt(this.history.parameters.slotFeeWei));
    this.counts.deposits++;
  }

  #forced(event: EventOf<'forced'>): void {
    const record = this.queue.force(event);
    this.#forcedProof(event, record);
    this.credits.received(0, BigInt(this.history.parameters.slotFeeWei) + BigInt(this.history.parameters.bondWei));
    this.counts.forced++;
  }

  /** The contract has verified the proof of a forced transfer on entry; so does the audit. */
  #forcedProof(event: EventOf<'forced'>, record: TransferRecord): void {
    const { id } = CIRCUITS.transfer_1;
    const [anchor, h] = [BigInt(event.anchor), BigInt(event.h)];
    if (!this.knownRoots.has(anchor)) {
      throw new TacitError('ANCHOR_UNKNOWN', 'the forced transfer is anchored to a root that the rollup never kept', {
        got: event.anchor,
      });
    }
    const publicInputs = publicInputsOf(id, h, transferList(anchor, event.prover, [record], this.domain), this.domain);
    assertProofs(this.keys, [{ circuitId: id, publicInputs, proof: decodeProof(hexToBytes(event.proof)) }], 1);
    this.counts.proofs++;
  }

  #dropped(event: EventOf<'dropped'>): void {
    this.counts.dropped++;
    if (this.#settleTransactions.has(event.tx)) {
      this.#settledDrops = { tx: event.tx, drops: [...this.#dropsTold(event.tx), dropText(event.item, event.rewarded)] };
      return;
    }
    const item = this.queue.waitingForced(event.item);
    const { nf1, nf2 } = item.record;
    if (!this.ledger.nullifiers.has(nf1) && !this.ledger.nullifiers.has(nf2)) {
      throw new TacitError('DROP_WRONG', 'a forced transfer was dropped though neither of its nullifiers is spent', {
        got: `item ${event.item}`,
      });
    }
    item.kind = 'dropped';
    this.credits.drop(item.refund, event.rewarded);
  }

  #settled(event: EventOf<'settled'>): void {
    if (event.ordinal !== this.counts.settlements) {
      throw new TacitError('SETTLEMENT_ORDER', 'settlements do not follow one another', {
        expected: String(this.counts.settlements),
        got: String(event.ordinal),
      });
    }
    const { keys, queue, ledger, knownRoots } = this;
    const checked = checkSettlement(event, { domain: this.domain, keys, parameters: this.history.parameters, queue, ledger, knownRoots });
    this.#compareDrops(event, checked);
    this.#book(checked);
    this.ledger = checked.next;
    for (const root of checked.newRoots) this.knownRoots.add(root);
    for (const root of checked.madeRoots) this.madeRoots.add(root);
    queue.head += checked.settlement.queueItems;
    this.#count(checked);
    this.onSettlement(event, checked, this);
  }

  /** What the events of a settlement's transaction say that it dropped. */
  #dropsTold(tx: Hex): readonly string[] {
    return this.#settledDrops?.tx === tx ? this.#settledDrops.drops : [];
  }

  #compareDrops(event: EventOf<'settled'>, checked: CheckedSettlement): void {
    const { proverOf } = slotProvers(checked);
    const told = this.#dropsTold(event.tx);
    const own = checked.settlement.drops.map(({ item, by }) => dropText(item + this.queue.head, proverOf(by)));
    if (told.length !== own.length || own.some((drop, i) => drop !== told[i])) {
      throw new TacitError('DROP_WRONG', 'the drops of the settlement are not those of its events', {
        expected: own.join(', ') || 'none',
        got: told.join(', ') || 'none',
      });
    }
  }

  #count({ settlement, slots, folded, bytes }: CheckedSettlement): void {
    this.counts.settlements++;
    this.counts.updates += settlement.updates.length;
    this.counts.transfers += slots.filter(({ nf1 }) => nf1 !== 0n).length;
    this.counts.proofs += folded.length;
    this.counts.calldataBytes += bytes;
  }

  /** Fees, bonds, rewards and withdrawals of one settlement, as the contract shares them. */
  #book(checked: CheckedSettlement): void {
    const { settlement, items } = checked;
    const { provers, proverOf, queueSlotCount } = slotProvers(checked);
    const dropped = new Map(settlement.drops.map(({ item, by }) => [item, by]));
    for (const [i, item] of items.entries()) {
      this.credits.slotFee(proverOf(i));
      if (item.kind !== 'forced') continue;
      const by = dropped.get(i);
      if (by !== undefined) this.credits.drop(item.refund, proverOf(by));
      else {
        this.credits.bond(item.refund);
        this.#bookRecord(item.record, item.prover, proverOf(i));
      }
    }
    let slot = queueSlotCount;
    for (const { prover, records } of settlement.transfers) {
      for (const record of records) this.#bookRecord(record, prover, provers[slot++] as EvmAddress);
    }
  }

  #bookRecord(record: TransferRecord, prover: EvmAddress, updateProver: EvmAddress): void {
    this.credits.fee(record, prover === ZERO_ADDRESS ? updateProver : prover, updateProver);
    if (record.outValue === 0n) return;
    this.counts.withdrawals++;
    this.credits.paid(record.outAsset, record.outValue);
  }

  /** A push that failed: the money stayed and is owed. */
  #deferred({ recipient, asset, value }: EventOf<'deferred'>): void {
    this.credits.received(asset, BigInt(value));
    this.credits.credit(recipient, asset, BigInt(value));
  }
}

interface SlotProvers {
  /** Prover of the update that holds each slot. */
  readonly provers: readonly EvmAddress[];
  /** The same for a queue item, counted from the settlement's first; the first update's for one that fills no slot. */
  readonly proverOf: (item: number) => EvmAddress;
  /** Slots that queue items fill. */
  readonly queueSlotCount: number;
}

function slotProvers({ settlement, items }: CheckedSettlement): SlotProvers {
  const provers = settlement.updates.flatMap(({ used, prover }) => Array.from({ length: used }, () => prover));
  const kinds = items.map(({ kind }) => kind);
  const slots = queueSlots(kindsAfterDrops(kinds, settlement.drops));
  const slotOf = new Map(slots.flatMap((slot, index) => slot.items.map((item) => [item, index] as const)));
  const proverOf = (item: number): EvmAddress => provers[slotOf.get(item) ?? -1] ?? (provers[0] as EvmAddress);
  return { provers, proverOf, queueSlotCount: slots.length };
}

/** A drop as it is compared and told. @param item index in the queue */
function dropText(item: number, rewarded: EvmAddress): string {
  return `item ${item} for ${rewarded}`;
}

function placeOf(event: ArchiveEvent): Place {
  return {
    block: event.block,
    tx: event.tx,
    ...(event.kind === 'settled' ? { settlement: event.ordinal } : {}),
    ...('item' in event ? { item: event.item } : {}),
  };
}
