/**
 * Inputs to try a circuit with, of the size that a farm's jobs have: transfers of nothing, an update whose every slot is taken.
 * They tell nothing and belong to nobody; a proof takes the same work whatever is proven.
 */
import { randomBytes } from 'node:crypto';
import { applyBatch } from '../ledger/applyBatch.js';
import { LedgerState } from '../ledger/state.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { NULLIFIER_MAX } from '../protocol/constants.js';
import type { PublicInputs } from '../protocol/fingerprint.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { H } from '../protocol/hash.js';
import { paddingWitness } from '../protocol/padding.js';
import type { Domain } from '../protocol/record.js';
import { transferCircuitInput } from '../protocol/transfer.js';

export interface SampleInput {
  readonly input: Record<string, unknown>;
  readonly publicInputs: PublicInputs;
}

export function sampleInput(circuit: CircuitName, prover: EvmAddress, domain: Domain): SampleInput {
  const { kind, size } = CIRCUITS[circuit];
  if (kind === 'update') return updateSample(circuit, size, prover, domain);
  const anchor = LedgerState.genesis().noteRoot;
  const witnesses = Array.from({ length: size }, () => paddingWitness(anchor, domain, (count) => new Uint8Array(randomBytes(count))));
  return transferCircuitInput(circuit, witnesses, anchor, prover, domain);
}

function updateSample(circuit: CircuitName, size: number, prover: EvmAddress, domain: Domain): SampleInput {
  const number = (slot: number, k: number): bigint => H(BigInt(4 * slot + k + 1));
  const nullifier = (slot: number, k: number): bigint => (number(slot, k) % (NULLIFIER_MAX - 1n)) + 1n;
  const slots = Array.from({ length: size }, (_, i) => ({
    nf1: nullifier(i, 0),
    nf2: nullifier(i, 1),
    cm1: number(i, 2),
    cm2: number(i, 3),
  }));
  return applyBatch(LedgerState.genesis(), circuit, slots, prover, domain);
}
