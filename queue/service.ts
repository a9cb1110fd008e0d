/**
 * The node as the gateway sees it: one interface, and the JSON-safe shapes that cross the wire.
 *
 * The aggregator implements `GatewayService`, the HTTP gateway serves it, the gateway client speaks it
 * from a wallet. Everything here survives `JSON.stringify` unchanged: amounts are decimal strings, bytes
 * and field elements are 0x-hex, instants are milliseconds since the epoch. This file has no runtime code
 * and imports types only, so a browser may load it.
 */
import type { SealedJob } from '../protocol/seal.js';
import type { SignedSoftConfirmation } from '../protocol/softConfirmation.js';

/** Bytes, an address or a field element: `0x` and lower-case digits, fixed width where the field says so. */
export type Hex = string;
/** A non-negative integer in decimal digits, in the smallest unit of its asset. */
export type DecimalString = string;
/** Hash of a record under its domain (32 bytes): the idempotency key of a transfer. */
export type TransferId = Hex;
/** Milliseconds since the epoch. */
export type EpochMs = number;

/** One asset the rollup knows. `token` is the zero address for the native coin (id 0). */
export interface AssetInfo {
  id: number;
  token: Hex;
  symbol: string;
  decimals: number;
}

/** What a wallet must know before it trusts anything else this node says; check it against the chain. */
export interface NodeInfo {
  software: string;
  version: string;
  chainId: number;
  contract: Hex;
  deploymentBlock: number;
  network: 'main' | 'test' | 'dev';
  /** Blocks on top of a settlement before its root is used as an anchor. */
  confirmationDepth: number;
  /** Address that settles. */
  aggregator: Hex;
  /** Address whose signature soft confirmations and the roster carry. */
  operator: Hex;
  /** Circuit names accepted in submissions and used for updates. */
  circuits: string[];
  assets: AssetInfo[];
  /** Largest memo a note carries, the leaf page size, and the largest accepted request body. */
  limits: { leafPageSize: number; bodyBytes: number };
}

/** A transfer proven at home. `anchor`, `h` are field elements (32 bytes), `proof` is 256 bytes, EIP-197 order. */
export interface HomeProof {
  circuit: 'transfer_1';
  anchor: Hex;
  /** Zero address where the client asks no fee share. */
  prover: Hex;
  h: Hex;
  proof: Hex;
}

interface SubmissionBase {
  /** Must equal the hash of `record` under the node's domain. */
  id: TransferId;
  /** Packed record. */
  record: Hex;
  /** The other half of a pair that is to be admitted together or not at all. */
  pairedWith?: TransferId;
}
export type ProvenSubmission = SubmissionBase & { proof: HomeProof; sealed?: never; anchor?: never };
/**
 * A transfer for the farm. `anchor` (32 bytes) is the root that the sealed witness leans on, in clear: transfers with one
 * anchor share a proof. It says how new the wallet's view of the tree is, which the settlement says anyway.
 */
export type SealedSubmission = SubmissionBase & { sealed: SealedJob; anchor: Hex; proof?: never };
export type Submission = ProvenSubmission | SealedSubmission;

/** The operator's signed promise; `sealedIndex` 0 says "not sealed yet", else index + 1. */
export type SoftConfirmation = SignedSoftConfirmation;

/**
 * queued → proving → proven → confirmed → sealed → settled; `failed` only where a conflicting nullifier has
 * settled or the record can never be valid. `reseal` says that the seal expired before anyone proved it.
 */
export type TransferStage = 'queued' | 'proving' | 'reseal' | 'proven' | 'confirmed' | 'sealed' | 'settled' | 'failed';

export interface TransferStatus {
  id: TransferId;
  status: TransferStage;
  times: { queued?: EpochMs; proving?: EpochMs; proven?: EpochMs; confirmed?: EpochMs; sealed?: EpochMs; settled?: EpochMs };
  confirmation?: SoftConfirmation;
  /** Index of this transfer's first commitment in the note tree; told only after the seal is journaled. */
  position?: DecimalString;
  settlementTx?: Hex;
  settlementBlock?: number;
  reason?: string;
  prover?: Hex;
}

/** What a fee is made of, in the asset's smallest unit; the parts add up to the fee. */
export interface FeeParts {
  /** The transfer's bytes in the settlement, at the gas price of the quote. */
  data: DecimalString;
  /** Its share of the verification of proofs. */
  proof: DecimalString;
  /** Its share of transaction, storage and hashing; of a withdrawal, paying it out. */
  state: DecimalString;
  /** What the contract credits to the provers. */
  provers: DecimalString;
  /** What is left to the operator, rounding included. */
  margin: DecimalString;
}

/** Fees are quantised, so that a fee says little about who asked and when. */
export interface FeeQuote {
  asset: number;
  /** Fee for a transfer that comes with its proof. */
  feeProven: DecimalString;
  /** Fee for a transfer that the farm proves. */
  feeSealed: DecimalString;
  /** On top of either, for a transfer that withdraws the native coin, or a token: the contract pays it out by a call. */
  withdrawals: { native: DecimalString; token: DecimalString };
  validUntil: EpochMs;
  gasPriceWei: DecimalString;
  parts: { proven: FeeParts; sealed: FeeParts; native: FeeParts; token: FeeParts };
}

/** One farm worker: the address it is paid at and the X25519 key jobs are sealed to (32 bytes). */
export interface RosterWorker {
  address: Hex;
  sealKey: Hex;
}

/** At most `MAX_ROSTER_WORKERS` workers; `id` is the keccak of the rest under its domain (queue/roster.ts). */
export interface Roster {
  id: Hex;
  /** Seconds since the epoch, as on chain. */
  expires: number;
  workers: RosterWorker[];
}
export interface SignedRoster extends Roster {
  /** 65 bytes, EIP-712 by the operator. */
  signature: Hex;
}

/** A page of the note tree; immutable once `complete`. */
export interface LeafPage {
  page: number;
  /** Leaves from index page·leafPageSize on, 32 bytes each; empty leaves are zero. */
  leaves: Hex[];
  /** Root of the subtree of these leaves (depth 6), empty places counted as zero. */
  root: Hex;
  complete: boolean;
}

export interface SettlementNotice {
  txHash: Hex;
  block: number;
  noteRoot: Hex;
  nullifierRoot: Hex;
  transfers: TransferId[];
  queueItems: number;
}

/** What the node tells the outside, in the order it happened. */
export type NodeEvent =
  | { type: 'transfer'; transfer: TransferStatus }
  | { type: 'confirmation'; confirmation: SoftConfirmation }
  | { type: 'settlement'; settlement: SettlementNotice };

export interface HealthReport {
  ok: boolean;
  /** One line per part (redis, chain, journal, workers …): `ok` or what is wrong. */
  checks: Record<string, string>;
  /** Transfers accepted but not settled, and farm workers alive. */
  pending: number;
  workers: number;
}

/**
 * Errors are `TacitError`s; the gateway maps codes to HTTP. `submit` is idempotent by `id`:
 * same content gives the present status, other content throws SUBMISSION_CONFLICT; a full node throws
 * NODE_BUSY (retryable).
 */
export interface GatewayService {
  info(): Promise<NodeInfo>;
  submit(submission: Submission): Promise<TransferStatus>;
  status(id: TransferId): Promise<TransferStatus | undefined>;
  quote(asset: number): Promise<FeeQuote>;
  roster(): Promise<SignedRoster>;
  /** Undefined where the page does not exist yet. */
  leafPage(page: number): Promise<LeafPage | undefined>;
  health(): Promise<HealthReport>;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: NodeEvent) => void): () => void;
}
