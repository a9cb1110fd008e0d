/**
 * The node's chain port: the one of the ledger, and the contract's history with it.
 */
import type { ChainPort } from '../ledger/effects.js';
import type { BlockRef } from '../ledger/schema.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import type { TransferRecord } from '../protocol/record.js';

/** What the contract did, in the order in which it did it. */
export type ChainEvent =
  | {
      readonly kind: 'deposit';
      readonly item: number;
      readonly block: BlockRef;
      readonly queuedAtSeconds: number;
      readonly commitment: Field;
    }
  | {
      readonly kind: 'forced';
      readonly item: number;
      readonly block: BlockRef;
      readonly queuedAtSeconds: number;
      readonly record: TransferRecord;
      readonly prover: EvmAddress;
      readonly refund: EvmAddress;
    }
  /** By `drop()`; what a settlement drops is in its bytes. */
  | { readonly kind: 'dropped'; readonly item: number; readonly block: BlockRef }
  | {
      readonly kind: 'settlement';
      readonly block: BlockRef;
      readonly tx: Hex;
      readonly bytes: Uint8Array;
      readonly noteRoot: Field;
      readonly nullRoot: Field;
    };

export interface NodeChain extends ChainPort {
  /** Block time in seconds since the epoch. */
  headSeconds(number: number): Promise<number>;
  /** Events of blocks from..to, both included. */
  history(from: number, to: number): Promise<ChainEvent[]>;
  /** Wei that the node's own account holds. */
  balanceWei(): Promise<bigint>;
  /** Gas of a call from the node's own account. @throws TacitError what the contract would revert with */
  estimateGas(data: Hex): Promise<bigint>;
}
