/**
 * The one table that maps a circuit to its id, size and list length. An id is never paired with a key, a size or a
 * length chosen elsewhere: contract, fold, fingerprint and circuits all read it (Solidity and circom copies are
 * compared with it by tests).
 */
import { TacitError } from './errors.js';

export type CircuitName = 'transfer_1' | 'transfer_8' | 'update_2' | 'update_8' | 'update_32';

export interface CircuitInfo {
  readonly name: CircuitName;
  /** 1..5; first element absorbed by the sponge after its domain. */
  readonly id: number;
  readonly kind: 'transfer' | 'update';
  /** Transfers a proof (K) or slots an update (N). */
  readonly size: number;
  /** Elements in the public list x: 2 + 9K or 6 + 4N. */
  readonly listLength: number;
  /** Fewest slots an update may use; 1 for transfers. A tree of 2^32 leaves must not be cheap to fill. */
  readonly minSlots: number;
}

export const CIRCUITS: Readonly<Record<CircuitName, CircuitInfo>> = {
  transfer_1: transfer('transfer_1', 1, 1),
  transfer_8: transfer('transfer_8', 2, 8),
  update_2: update('update_2', 3, 2, 1),
  update_8: update('update_8', 4, 8, 1),
  update_32: update('update_32', 5, 32, 9),
};

/** @throws TacitError CIRCUIT_UNKNOWN */
export function circuitById(id: number): CircuitInfo {
  for (const info of Object.values(CIRCUITS)) if (info.id === id) return info;
  throw new TacitError('CIRCUIT_UNKNOWN', 'no circuit has this id', { expected: '1 to 5', got: String(id) });
}

function transfer(name: CircuitName, id: number, size: number): CircuitInfo {
  return { name, id, kind: 'transfer', size, listLength: 2 + 9 * size, minSlots: 1 };
}

function update(name: CircuitName, id: number, size: number, minSlots: number): CircuitInfo {
  return { name, id, kind: 'update', size, listLength: 6 + 4 * size, minSlots };
}
