/**
 * What a settlement costs, part by part, in gas: what grouping decides by and what quotes are made from.
 *
 *   gas of a settlement = settlement + transferProof · m + record · n + updateProof · u
 *
 * for n private records under m transfer proofs and u updates. The figures are fitted to the gas benchmark
 * (bench/results/gas.json), which is the judge of them; a test holds the one against the other.
 */
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';

/** Gas by what it is spent on. */
export interface GasShare {
  /** Bytes of the transaction. */
  readonly data: number;
  /** Pairing and curve arithmetic. */
  readonly proof: number;
  /** Transaction, storage, hashing, decoding. */
  readonly state: number;
}

export interface GasModel {
  /** Once a settlement: transaction, pairings that every fold has, roots, credits. */
  readonly settlement: GasShare;
  /** One transfer proof, whatever it covers. */
  readonly transferProof: GasShare;
  /** One update proof, with its roots. */
  readonly updateProof: GasShare;
  /** One private record with an eight-byte fee. */
  readonly record: GasShare;
}

export const GAS_MODEL: GasModel = {
  settlement: { data: 400, proof: 216_600, state: 97_900 },
  transferProof: { data: 4_570, proof: 46_150, state: 2_780 },
  updateProof: { data: 5_900, proof: 46_150, state: 4_350 },
  record: { data: 3_730, proof: 0, state: 1_800 },
};

/**
 * What a withdrawal adds at most: its forty bytes, and paying it out. A push has a gas limit (Withdrawals.sol), and a recipient or a
 * token may use all of it, then to be credited instead; less is what an honest one takes. Held against the contract by
 * test/verifier-contract/money.test.ts.
 */
export const WITHDRAWAL_GAS: Readonly<Record<'native' | 'token', GasShare>> = {
  native: { data: 640, proof: 0, state: 79_360 },
  token: { data: 640, proof: 0, state: 184_360 },
};

export interface SettlementShape {
  readonly records: number;
  readonly transferProofs: number;
  readonly updates: number;
}

export function gasOf({ data, proof, state }: GasShare): number {
  return data + proof + state;
}

export function settlementGas(model: GasModel, { records, transferProofs, updates }: SettlementShape): number {
  const { settlement, transferProof, updateProof, record } = model;
  return gasOf(settlement) + gasOf(transferProof) * transferProofs + gasOf(updateProof) * updates + gasOf(record) * records;
}

/** What a record more costs where updates are full: its own gas and its share of an update's proof. */
export function slotGas(model: GasModel, update: CircuitName): number {
  return gasOf(model.record) + gasOf(model.updateProof) / CIRCUITS[update].size;
}

export interface TransferTerms {
  /** Transfers that share the transfer's proof. */
  readonly shareProof: number;
  /** Slots of an update, taken as full. */
  readonly updateSlots: number;
  /** Transfers that share a settlement. */
  readonly shareSettlement: number;
}

/** What one transfer costs as a member of a settlement. Fractions of gas are kept. */
export function transferGas(model: GasModel, { shareProof, updateSlots, shareSettlement }: TransferTerms): GasShare {
  const part = (kind: keyof GasShare): number =>
    model.record[kind] +
    model.transferProof[kind] / shareProof +
    model.updateProof[kind] / updateSlots +
    model.settlement[kind] / shareSettlement;
  return { data: part('data'), proof: part('proof'), state: part('state') };
}
