/**
 * What the journal holds: one row type a table, keys, and the version of the whole.
 *
 * The journal is the truth about everything that the node has promised; the queue and every in-memory structure can be
 * rebuilt from it and from the chain. Rows are JSON: bytes and hashes are `0x` hex, times are milliseconds since the
 * epoch, amounts of wei and field elements are `0x` hex, small counts are numbers. Rows are replaced whole, never changed
 * in place.
 *
 * Adding a table or an optional field keeps the version. Anything that an older program would misread raises it.
 *
 *   1  rows as bare JSON
 *   2  each row behind a check of its own (journalRow.ts)
 */
import type { CircuitName } from '../protocol/circuit.js';
import type { EvmAddress, Flavor, Hex } from '../protocol/flavor.js';

export const JOURNAL_SCHEMA_VERSION = 2;

/** Keccak-256 of a record under a domain: the idempotency key of a transfer. */
export type RecordHash = Flavor<Hex, 'RecordHash'>;
/** Milliseconds since the epoch. */
export type TimeMs = Flavor<number, 'TimeMs'>;

export interface BlockRef {
  readonly number: number;
  readonly hash: Hex;
}

/** Written once, when the directory is created: a journal belongs to one contract on one chain. */
export interface JournalIdentity {
  readonly schema: number;
  readonly chainId: string;
  readonly contract: EvmAddress;
}

export type TransferState = 'queued' | 'proving' | 'proven' | 'confirmed' | 'sealed' | 'settled' | 'failed';

/** A proof over K records, as it goes into a settlement. Several transfers may name the same one. */
export interface TransferProofRow {
  /** Keccak-256 of the proof and its statement; the key. */
  readonly id: Hex;
  readonly circuit: CircuitName;
  readonly anchor: Hex;
  /** Who is paid for it; the zero address where the client proved alone. */
  readonly prover: EvmAddress;
  readonly h: Hex;
  /** 256 bytes. */
  readonly proof: Hex;
  /** The records it covers, in order. */
  readonly transfers: readonly RecordHash[];
}

export interface TransferRow {
  readonly id: RecordHash;
  /** Packed record. */
  readonly record: Hex;
  readonly state: TransferState;
  readonly times: Partial<Record<TransferState, TimeMs>>;
  /**
   * The sealed witness for the farm, as JSON. Dropped once a proof of its own stands; kept until the settlement under a proof
   * that it shares with others, for that proof is void as soon as one of them cannot settle.
   */
  readonly sealed?: string;
  /** Root that the sealed witness is anchored to, as its wallet says in clear. */
  readonly anchor?: Hex;
  /** Workers that opened the sealed witness and signed that it is false. */
  readonly refusals?: readonly { readonly worker: EvmAddress; readonly code: string }[];
  /** Made by the node itself to fill a proof: pays nothing, belongs to nobody. */
  readonly padding?: true;
  /** Key in `proofs`. */
  readonly proofId?: Hex;
  /** Which of the two quoted fees it was taken in at: of a transfer that brings its proof, or of one that the farm proves. */
  readonly quotedAs?: 'proven' | 'sealed';
  /** Another transfer that is admitted, sealed and settled together with this one. */
  readonly pairedWith?: RecordHash;
  /** Proving attempts so far. */
  readonly attempts: number;
  /** Position in the node's promised order; present from the soft confirmation on. */
  readonly sequence?: number;
  /** Signed soft confirmation. */
  readonly confirmation?: { readonly sealedIndex: number | undefined; readonly signature: Hex };
  /** Key in `seals`. */
  readonly seal?: number;
  readonly settlementTx?: Hex;
  /** Why it failed. */
  readonly reason?: string;
}

/**
 * Who holds a nullifier. `lease`: a worker has opened and checked a sealed transfer, runs out at `expiresMs`;
 * `proof`: a verified proof; `queue`: a forced transfer in the contract's queue; `settled`: it is in the tree.
 */
export interface NullifierRow {
  readonly nf: Hex;
  readonly holder: 'lease' | 'proof' | 'queue' | 'settled';
  readonly transfer?: RecordHash;
  readonly queueItem?: number;
  readonly expiresMs?: TimeMs;
}

/** What fills one slot of a sealed batch. */
export type SlotSource =
  | { readonly kind: 'transfer'; readonly id: RecordHash }
  | { readonly kind: 'deposit'; readonly item: number }
  | { readonly kind: 'deposits'; readonly items: readonly [number, number] }
  | { readonly kind: 'forced'; readonly item: number };

export interface SlotRow {
  readonly source: SlotSource;
  readonly nf1: Hex;
  readonly nf2: Hex;
  readonly cm1: Hex;
  readonly cm2: Hex;
}

/**
 * One update, its order fixed. Positions may be told once this row is durable, for a restart or a reorg then replays the
 * same slots. `withdrawn` is the journaled unseal: the positions are void and its slots are free again.
 */
export interface SealRow {
  readonly index: number;
  readonly state: 'sealed' | 'proven' | 'settling' | 'settled' | 'withdrawn';
  readonly circuit: CircuitName;
  readonly slots: readonly SlotRow[];
  readonly startIndex: number;
  readonly noteRootOld: Hex;
  readonly noteRootNew: Hex;
  readonly nullRootOld: Hex;
  readonly nullRootNew: Hex;
  readonly sealedMs: TimeMs;
  /** Queue items that were dropped right before this seal's slots, and the item whose nullifier they repeat. */
  readonly drops?: readonly { readonly item: number; readonly by: number }[];
  readonly attempts: number;
  readonly reason?: string;
}

export interface UpdateProofRow {
  /** Key in `seals`. */
  readonly seal: number;
  readonly prover: EvmAddress;
  readonly h: Hex;
  readonly proof: Hex;
  readonly provenMs: TimeMs;
}

/** Work given to the farm. The queue forgets; this does not. */
export interface FarmTaskRow {
  /** Job id in the queue. */
  readonly id: string;
  readonly kind: 'transfer' | 'update';
  /** The records of a transfer proof, or the seal of an update. */
  readonly transfers?: readonly RecordHash[];
  readonly seal?: number;
  readonly attempt: number;
  /** Workers that shall leave it to others. */
  readonly avoid?: readonly EvmAddress[];
  readonly state: 'planned' | 'queued' | 'done' | 'failed' | 'abandoned';
  readonly queuedMs: TimeMs;
  readonly reason?: string;
}

/**
 * One settlement: the seals it carries and the calldata, fixed before anything is signed. Its transactions (the first
 * and each fee bump) are in `transactions`.
 */
export interface SettlementRow {
  readonly index: number;
  readonly seals: readonly number[];
  readonly transfers: readonly RecordHash[];
  readonly queueItems: number;
  /** Argument of `settle(bytes)`. */
  readonly bytes: Hex;
  readonly state: 'planned' | 'sent' | 'mined' | 'final' | 'abandoned';
  readonly nonce?: number;
  readonly settledTx?: Hex;
  readonly block?: BlockRef;
  readonly createdMs: TimeMs;
  readonly reason?: string;
}

/** A signed transaction, journaled before it is broadcast. The key is its hash. */
export interface TransactionRow {
  readonly hash: Hex;
  readonly nonce: number;
  /** Key in `settlements`; absent for a transaction of another purpose. */
  readonly settlement?: number;
  readonly purpose: 'settle' | 'cancel' | 'drop' | 'other';
  /** Serialised and signed. */
  readonly raw: Hex;
  readonly maxFeePerGas: Hex;
  readonly maxPriorityFeePerGas: Hex;
  readonly state: 'signed' | 'broadcast' | 'mined' | 'reverted' | 'replaced' | 'dropped';
  readonly signedMs: TimeMs;
  readonly block?: BlockRef;
}

/** A queue item of the contract, as seen on the chain. */
export interface QueueItemRow {
  readonly item: number;
  readonly kind: 'deposit' | 'forced';
  readonly block: BlockRef;
  /** Seconds since the epoch: the contract judges delay by block time. */
  readonly queuedAtSeconds: number;
  readonly state: 'waiting' | 'sealed' | 'settled' | 'dropped';
  readonly seal?: number;
  /** Deposit: its commitment. */
  readonly cm?: Hex;
  /** Forced: packed record, prover, refund address. */
  readonly record?: Hex;
  readonly prover?: EvmAddress;
  readonly refund?: EvmAddress;
  /** Whatever else the event carried, as JSON. */
  readonly event?: string;
}

/** A settlement seen on the chain, ours or another's. The key is its ordinal number in the contract's history. */
export interface SettledRow {
  readonly ordinal: number;
  readonly tx: Hex;
  readonly block: BlockRef;
  readonly noteRoot: Hex;
  readonly nullRoot: Hex;
  readonly leafCount: number;
  /** Key in `settlements` where it is ours. */
  readonly settlement?: number;
}

/** A part of the stored view of the chain (the node's own encoding), and a check that it is what was written. */
export interface CheckpointRow {
  readonly body: string;
  readonly check: Hex;
}

/** What was found false of what a worker signed (aggregator/reputation.ts). */
export type WorkerFault = 'invalid' | 'denied' | 'contradicted' | 'lapsed';

/** A worker's record. The key is its address. */
export interface WorkerRow {
  readonly address: EvmAddress;
  /** Proofs that verified. */
  readonly accepted: number;
  readonly faults: Readonly<Record<WorkerFault, number>>;
  /** As they were at `pointsMs`. */
  readonly points: number;
  readonly pointsMs: TimeMs;
  readonly removed: boolean;
  /** The operator's word. */
  readonly verdict?: 'admitted' | 'banned';
}

/** Row type and key type of every table. */
export interface Tables {
  transfers: { key: RecordHash; row: TransferRow };
  /** Promised order: sequence → record. */
  sequence: { key: number; row: RecordHash };
  proofs: { key: Hex; row: TransferProofRow };
  nullifiers: { key: Hex; row: NullifierRow };
  seals: { key: number; row: SealRow };
  updateProofs: { key: number; row: UpdateProofRow };
  tasks: { key: string; row: FarmTaskRow };
  workers: { key: EvmAddress; row: WorkerRow };
  settlements: { key: number; row: SettlementRow };
  transactions: { key: Hex; row: TransactionRow };
  /** Nonce ledger: nonce → hashes of the transactions signed with it, oldest first. */
  nonces: { key: number; row: readonly Hex[] };
  queueItems: { key: number; row: QueueItemRow };
  settled: { key: number; row: SettledRow };
  /** Hash of each scanned block within reach of a reorg, by number. */
  blocks: { key: number; row: Hex };
  /** The last block scanned, under the key `l1`; other readers may keep their own. */
  cursors: { key: string; row: BlockRef };
  /** Next value of each counter, by name. */
  counters: { key: string; row: number };
  /** A view of the chain to start from; may be missing, and is never believed unseen. */
  checkpoint: { key: string; row: CheckpointRow };
  /** Small facts without a table of their own, JSON under a name. */
  facts: { key: string; row: string };
}

export type TableName = keyof Tables;

/** Every table by name; the type makes a forgotten one a compile error. */
const NAMES: Record<TableName, true> = {
  transfers: true,
  sequence: true,
  proofs: true,
  nullifiers: true,
  seals: true,
  updateProofs: true,
  tasks: true,
  workers: true,
  settlements: true,
  transactions: true,
  nonces: true,
  queueItems: true,
  settled: true,
  blocks: true,
  cursors: true,
  checkpoint: true,
  counters: true,
  facts: true,
};

export const TABLE_NAMES = Object.keys(NAMES) as TableName[];
