/**
 * A soft confirmation held against L1: what the operator promised with its signature, and what became of it.
 *
 *   honoured     the record is in the rollup
 *   pending      it is not, and nothing speaks against it: the promise names no day
 *   superseded   a forced transfer took one of its nullifiers, or a settlement that somebody else made while the queue was
 *                overdue: whoever owns the note did that, through L1, and not the operator
 *   broken       a settlement of the operator's spent one of its nullifiers with another record; or the operator has signed two
 *                confirmations that cannot both be true
 *
 * A confirmation names a record by its hash. That one of its nullifiers is gone shows only to whoever has the record
 * itself, as payer and node do: without it a broken promise looks pending.
 */
import { z } from 'zod';
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import { type Domain, decodeRecord, recordHash, type TransferRecord } from '../protocol/record.js';
import { type SignedSoftConfirmation, verifySoftConfirmation } from '../protocol/softConfirmation.js';
import { count, hex32, hexBytes, parseJson } from '../verifier-contract/jsonFile.js';
import type { EventOf, History } from './archive.js';
import { type OnProgress, replayHistory } from './audit.js';
import type { Finding, Place } from './finding.js';
import type { CheckedSettlement } from './settlement.js';

export type ConfirmationVerdict = 'honoured' | 'pending' | 'superseded' | 'broken' | 'undecided';

export interface ConfirmationReport extends Place {
  readonly verdict: ConfirmationVerdict;
  readonly code: string;
  readonly reason: string;
  /** Why the history could not be relied on, with verdict `undecided`. */
  readonly findings: readonly Finding[];
}

export const confirmationSchema = z.strictObject({ recordHash: hex32, sequence: count.min(1), sealedIndex: count, signature: hexBytes });

/** Reads the JSON that a node answers. @throws TacitError CONFIRMATION_FORMAT */
export function parseConfirmation(text: string): SignedSoftConfirmation {
  return parseJson(text, confirmationSchema, 'CONFIRMATION_FORMAT', 'this is no soft confirmation');
}

/**
 * @param record packed bytes of the record that was confirmed, where at hand
 * @throws TacitError SOFT_CONFIRMATION_SIGNER, SIGNATURE_INVALID, CONFIRMATION_RECORD (another record), and as decodeRecord
 */
export function judgeConfirmation(history: History, confirmation: SignedSoftConfirmation, record?: Hex): ConfirmationReport {
  return judgeAgainst(readSettled(history), history, confirmation, record);
}

/** What the history says of settled records, and what speaks against the history. */
export interface SettledHistory {
  readonly records: SettledRecords;
  readonly holds: boolean;
  readonly findings: readonly Finding[];
}

/** One pass over the history, for any number of confirmations. */
export function readSettled(history: History, onProgress: OnProgress = () => {}): SettledHistory {
  const records = new SettledRecords(domainOf(history), history.parameters.aggregator);
  const { findings, replay } = replayHistory(history, onProgress, (event, checked) => records.note(event, checked));
  return { records, holds: replay !== undefined && findings.brokenCount === 0, findings: findings.all };
}

/** judgeConfirmation, against a history that has been read. @throws TacitError as judgeConfirmation */
export function judgeAgainst(
  { records, holds, findings }: SettledHistory,
  history: History,
  confirmation: SignedSoftConfirmation,
  record?: Hex,
): ConfirmationReport {
  const domain = domainOf(history);
  verifySoftConfirmation(confirmation, domain, history.parameters.aggregator);
  const promised = record === undefined ? undefined : recordOf(record, confirmation, domain);
  // What was settled before the history broke off or went wrong is settled all the same.
  const own = records.byHash.get(confirmation.recordHash);
  if (own !== undefined) return report('honoured', 'CONFIRMATION_HONOURED', 'the record is in the rollup', own.place);
  if (!holds) return { ...report('undecided', 'CONFIRMATION_UNDECIDED', 'the history itself does not hold'), findings };
  const rival = promised === undefined ? undefined : records.rivalOf(promised);
  if (rival === undefined)
    return report('pending', 'CONFIRMATION_PENDING', 'the record is not in the rollup yet, and its notes are not spent');
  const reason = `nullifier 0x${rival.nullifier.toString(16)} was to be spent by record ${confirmation.recordHash}: expected that record, got ${rival.hash}`;
  return rival.excuse !== undefined
    ? report('superseded', 'CONFIRMATION_SUPERSEDED', `${reason}, ${rival.excuse}`, rival.place)
    : report('broken', 'CONFIRMATION_BROKEN', reason, rival.place);
}

/**
 * Whether two confirmations contradict one another: one number for two records, or two numbers for one record. (Two seals
 * for one number are no contradiction: a seal may be withdrawn, and the transfer sealed anew.)
 * @throws TacitError SOFT_CONFIRMATION_SIGNER, SIGNATURE_INVALID where one is not the operator's
 */
export function judgePair(a: SignedSoftConfirmation, b: SignedSoftConfirmation, domain: Domain, operator: EvmAddress): ConfirmationReport {
  for (const confirmation of [a, b]) verifySoftConfirmation(confirmation, domain, operator);
  const text = ({ recordHash: hash, sequence }: SignedSoftConfirmation) => `number ${sequence} for record ${hash}`;
  const contradict = (a.sequence === b.sequence) !== (a.recordHash === b.recordHash);
  return contradict
    ? report('broken', 'CONFIRMATION_EQUIVOCAL', `the operator has signed two promises of which one is false: ${text(a)}, and ${text(b)}`)
    : report('pending', 'CONFIRMATION_CONSISTENT', 'the two do not contradict one another');
}

/** A record in the rollup. */
export interface Settled {
  readonly hash: Hex;
  readonly record: TransferRecord;
  /** Why it is not the operator's doing, where it is not. */
  readonly excuse: string | undefined;
  readonly place: Place;
}

/** Every record in the rollup, by hash and by nullifier. */
export class SettledRecords {
  readonly byHash = new Map<Hex, Settled>();
  readonly #byNullifier = new Map<Field, Settled>();

  constructor(
    readonly domain: Domain,
    readonly aggregator: EvmAddress,
  ) {}

  note({ block, tx, ordinal, sender }: EventOf<'settled'>, { settlement, items }: CheckedSettlement): void {
    const place = { block, tx, settlement: ordinal };
    const dropped = new Set(settlement.drops.map(({ item }) => item));
    items.forEach((item, i) => {
      if (item.kind === 'forced' && !dropped.has(i)) this.#add(item.record, 'a forced transfer', place);
    });
    const excuse = sender === this.aggregator ? undefined : 'settled by somebody else while the queue was overdue';
    for (const { records } of settlement.transfers) for (const record of records) this.#add(record, excuse, place);
  }

  rivalOf({ nf1, nf2 }: TransferRecord): (Settled & { nullifier: Field }) | undefined {
    const nullifier = [nf1, nf2].find((nf) => this.#byNullifier.has(nf));
    const rival = nullifier === undefined ? undefined : this.#byNullifier.get(nullifier);
    return rival === undefined || nullifier === undefined ? undefined : { ...rival, nullifier };
  }

  #add(record: TransferRecord, excuse: string | undefined, place: Place): void {
    const settled = { hash: recordHash(record, this.domain), record, excuse, place };
    this.byHash.set(settled.hash, settled);
    for (const nf of [record.nf1, record.nf2]) this.#byNullifier.set(nf, settled);
  }
}

function recordOf(bytes: Hex, { recordHash: promised }: SignedSoftConfirmation, domain: Domain): TransferRecord {
  const record = decodeRecord(hexToBytes(bytes));
  const hash = recordHash(record, domain);
  if (hash !== promised)
    throw new TacitError('CONFIRMATION_RECORD', 'the confirmation is about another record', { expected: promised, got: hash });
  return record;
}

export function domainOf({ chainId, contract }: History): Domain {
  return { chainId: BigInt(chainId), contract };
}

function report(verdict: ConfirmationVerdict, code: string, reason: string, place: Place = {}): ConfirmationReport {
  return { verdict, code, reason, findings: [], ...place };
}
