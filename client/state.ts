/**
 * What a wallet remembers, as it stands (in JSON) inside the encrypted file. Amounts are decimal strings, bytes and
 * field elements 0x-hex.
 *
 * Everything about notes can be rebuilt from the seed and the chain. What cannot: the transfers, with the one-time
 * secret e that lets a payment be proven to others later, and the submissions that a crash may have left half-way.
 */
import { shown, TacitError } from '../protocol/errors.js';
import type { AssetId, EvmAddress, Hex } from '../protocol/flavor.js';
import type { Network } from '../protocol/keys.js';
import type { NoteLabel, OutputIndex } from '../protocol/onetime.js';
import type { Submission } from '../queue/service.js';

/** Where a wallet's money is: one contract on one chain. */
export interface WalletHome {
  readonly network: Network;
  /** Decimal. */
  readonly chainId: string;
  readonly contract: EvmAddress;
  readonly deploymentBlock: number;
}

/** A note that the wallet found on the chain. */
export interface StoredNote {
  /** Nullifier; names the note, also among several with the same commitment. */
  readonly nf: Hex;
  readonly account: number;
  readonly label: NoteLabel;
  readonly k: OutputIndex;
  /** E of the record or deposit that made it. */
  readonly ephemeral: Hex;
  readonly asset: AssetId;
  readonly value: string;
  /** 12 bytes. */
  readonly memo: Hex;
  readonly cm: Hex;
  readonly position: number;
  readonly block: number;
  readonly tx: Hex;
  /** Hash of the transfer that made it; absent for deposits. */
  readonly from?: Hex;
  /** Set when its nullifier has been settled. */
  spent?: { readonly by: Hex; readonly block: number; readonly tx: Hex };
}

/**
 * reserved   signed, its notes are taken, perhaps sent
 * submitted  a node has accepted it
 * rejected   refused by the node for good, or never sent; its notes are free again (it may still settle if a node lied)
 * settled    its record is on the chain
 * failed     another transfer spent one of its notes
 */
export type TransferProgress = 'reserved' | 'submitted' | 'rejected' | 'settled' | 'failed';

export interface StoredTransfer {
  /** Hash of the record. */
  readonly id: Hex;
  readonly kind: 'payment' | 'withdrawal' | 'fee';
  /** Payee: a Tacit address, or for a withdrawal an EVM address. */
  readonly to: string;
  readonly asset: AssetId;
  readonly value: string;
  readonly memo: string;
  readonly feeAsset: AssetId;
  readonly fee: string;
  /** nf of the wallet's own notes that it spends, dummies left out. */
  readonly inputs: readonly Hex[];
  readonly record: Hex;
  /** The sender's X25519 secret: shows to a third party what was paid to whom. */
  readonly e: Hex;
  readonly createdMs: number;
  prove: 'home' | 'farm';
  readonly pairedWith?: Hex;
  /** As encodeTransferWitness gives it; dropped when the end is known. */
  witness?: string;
  /** What was or is to be sent; dropped when the end is known. */
  submission?: Submission;
  status: TransferProgress;
  reason?: string;
  settled?: { readonly block: number; readonly tx: Hex };
}

/** A deposit that this wallet made, whoever it was for. */
export interface StoredDeposit {
  readonly cm: Hex;
  readonly to: string;
  readonly asset: AssetId;
  readonly value: string;
  readonly memo: string;
  readonly createdMs: number;
  /** Set once the transaction is mined. */
  mined?: { readonly block: number; readonly tx: Hex; readonly queueIndex: number };
}

/** How far the chain was read. */
export interface ScanCursor {
  readonly block: number;
  readonly blockHash: Hex;
}

export interface WalletState extends WalletHome {
  readonly seed: Hex;
  /** Address indexes in use are 0 .. addresses − 1. */
  addresses: number;
  /** True after a restore: the scan looks some indexes further. */
  readonly restored: boolean;
  cursor: ScanCursor | undefined;
  notes: StoredNote[];
  transfers: StoredTransfer[];
  deposits: StoredDeposit[];
}

const VERSION = 1;

export function encodeState(state: WalletState): string {
  return JSON.stringify({ version: VERSION, ...state });
}

/** The bytes come out of an authenticated box, so only their version is doubted. @throws TacitError WALLET_FORMAT */
export function decodeState(text: string): WalletState {
  const { version, ...state } = (parse(text) ?? {}) as WalletState & { version: number };
  if (version !== VERSION)
    throw new TacitError('WALLET_FORMAT', 'the wallet was written by another version', {
      expected: String(VERSION),
      got: typeof version === 'number' ? String(version) : shown(version),
    });
  return { ...state, cursor: state.cursor };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: its message quotes what it could not read, and these are secrets.
    throw new TacitError('WALLET_FORMAT', 'the contents of the wallet cannot be read', { expected: 'JSON' });
  }
}

/** Not settled and not failed: its end is open. */
export function isOpen(transfer: StoredTransfer): boolean {
  return transfer.status === 'reserved' || transfer.status === 'submitted';
}

/** nf of every note that an open transfer holds. */
export function reservedNotes(state: WalletState): Set<Hex> {
  return new Set(state.transfers.filter(isOpen).flatMap((transfer) => transfer.inputs));
}
