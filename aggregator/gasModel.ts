/**
 * What a settlement costs, part by part, in gas: what grouping decides by and what quotes are made from.
 *
 * Gas of a settlement ≈ settlement + transferProof · m + record · n + updateProof · u, for n records under m transfer proofs
 * and u updates. The figures are fitted to the gas benchmark (bench/results/gas.json), which is the judge of them; a test
 * holds the one against the other.
 */
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';

export interface GasModel {
  /** Transaction, pairing's base, state that is written once. */
  readonly settlement: number;
  /** One transfer proof, whatever it covers: a pairing, two multiplications, its bytes. */
  readonly transferProof: number;
  /** One update proof, with the root it writes. */
  readonly updateProof: number;
  /** One private record: its bytes, its hashing, its place in both lists. */
  readonly record: number;
}

export const GAS_MODEL: GasModel = { settlement: 270_000, transferProof: 54_000, updateProof: 56_000, record: 9_900 };

export interface SettlementShape {
  readonly records: number;
  readonly transferProofs: number;
  readonly updates: number;
}

export function settlementGas(model: GasModel, { records, transferProofs, updates }: SettlementShape): number {
  return model.settlement + model.transferProof * transferProofs + model.updateProof * updates + model.record * records;
}

/** What one record more costs where updates are full: its own gas and its share of an update's proof. */
export function slotGas(model: GasModel, update: CircuitName): number {
  return model.record + model.updateProof / CIRCUITS[update].size;
}
