/**
 * A verified transfer proof enters: its nullifiers are reserved, its place in the promised order is taken. One
 * transaction, so that of two rivals exactly one is admitted.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import type { WriteTables } from '../ledger/effects.js';
import type { NullifierRow, RecordHash, TransferProofRow, TransferRow } from '../ledger/schema.js';
import { bytesToHex, concatBytes, hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import { publicInputsOf, publicSignals, transferList } from '../protocol/fingerprint.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import { decodeProof } from '../protocol/proof.js';
import type { TransferRecord } from '../protocol/record.js';
import type { VerifyingKey } from '../protocol/vkey.js';
import { verifyGroth16 } from '../prover/engine/verify.js';
import { assertUsableAnchor } from './anchors.js';
import { waitingForced } from './chainView.js';
import { commitTransfers, moved } from './commit.js';
import type { NodeContext } from './context.js';
import { fieldHex, fieldOf, nullifierHex } from './hex.js';

/** What a prover hands over for one or several records. */
export interface ProofClaim {
  readonly circuit: CircuitName;
  readonly anchor: Hex;
  readonly prover: EvmAddress;
  readonly h: Hex;
  readonly proof: Hex;
}

/**
 * The proof as it goes into the journal, verified.
 * @throws TacitError PROOF_INVALID, CIRCUIT_KIND, FIELD_RANGE, HEX_INVALID, KEY_MISSING, ANCHOR_UNKNOWN and as verifyGroth16
 */
export function checkTransferProof(
  ctx: NodeContext,
  ids: readonly RecordHash[],
  records: readonly TransferRecord[],
  claim: ProofClaim,
): TransferProofRow {
  const { id: circuitId, kind, size } = CIRCUITS[claim.circuit];
  if (kind !== 'transfer' || size !== records.length)
    throw new TacitError('CIRCUIT_KIND', 'the proof is of another circuit', {
      expected: `transfer of ${records.length}`,
      got: claim.circuit,
    });
  const key: VerifyingKey | undefined = ctx.keys.get(circuitId);
  if (key === undefined) throw new TacitError('KEY_MISSING', 'this rollup has no key for the circuit', { got: claim.circuit });
  const [anchor, h]: Field[] = [fieldOf(claim.anchor, 'anchor'), fieldOf(claim.h, 'h')];
  assertUsableAnchor(ctx, anchor as Field);
  const prover = claim.prover.toLowerCase();
  const inputs = publicInputsOf(circuitId, h as Field, transferList(anchor as Field, prover, records, ctx.domain), ctx.domain);
  verifyGroth16(key, publicSignals(inputs), decodeProof(hexToBytes(claim.proof)));
  const id = bytesToHex(keccak_256(concatBytes(hexToBytes(claim.proof), hexToBytes(claim.h), ...ids.map((hash) => hexToBytes(hash)))));
  return { id, circuit: claim.circuit, anchor: claim.anchor, prover, h: claim.h, proof: claim.proof, transfers: ids };
}

export interface Admission {
  /** As it is taken in where the journal has none of its id yet. */
  readonly row: TransferRow;
  readonly record: TransferRecord;
}

/**
 * Journals the proof, reserves nullifiers, gives the next numbers in the promised order. Nothing happens to transfers that
 * have a proof already: a second proof of the same record is a duplicate. All of a proof's transfers are admitted or none.
 * @throws TacitError NULLIFIER_SPENT, NULLIFIER_RESERVED, NULLIFIER_FORCED
 */
export async function admitProof(
  ctx: NodeContext,
  members: readonly Admission[],
  proof: TransferProofRow,
  change: Pick<TransferRow, 'quotedAs'> = {},
): Promise<readonly TransferRow[]> {
  const nowMs = ctx.nowMs();
  return commitTransfers(ctx, (tables) => {
    const present = members.map(({ row }) => tables.transfers.get(row.id) ?? row);
    if (present.some(({ proofId, state }) => proofId !== undefined || state === 'failed')) return present;
    for (const { row, record } of members) reserve(ctx, tables, row.id, record, { holder: 'proof' });
    tables.proofs.put(proof.id, proof);
    return present.map((row) => {
      const sequence = row.sequence ?? nextPromise(tables, row.id);
      const sealed = members.length > 1 ? row.sealed : undefined;
      return moved(row, 'proven', nowMs, { ...change, proofId: proof.id, sequence, sealed, reason: undefined });
    });
  });
}

/** A record has one number for ever, also when it is proven a second time: two would be two promises of which one is false. */
function nextPromise(tables: WriteTables, id: RecordHash): number {
  // The first has number 1: 0 would read as "none".
  const sequence = tables.next('sequence') + 1;
  tables.sequence.add(sequence, id);
  return sequence;
}

/** A lease does not take the place of what has no end. @throws TacitError NULLIFIER_SPENT, NULLIFIER_RESERVED, NULLIFIER_FORCED */
export function reserve(
  ctx: NodeContext,
  tables: WriteTables,
  id: RecordHash,
  record: TransferRecord,
  hold: Pick<NullifierRow, 'holder' | 'expiresMs'>,
): void {
  assertUnspent(ctx, record);
  for (const nf of [record.nf1, record.nf2]) {
    const key = nullifierHex(nf);
    const held = tables.nullifiers.get(key);
    assertFree(held, id, ctx.nowMs());
    if (hold.holder === 'lease' && held?.transfer === id && held.holder === 'proof') continue;
    tables.nullifiers.put(key, { nf: key, transfer: id, ...hold });
  }
}

/** Gives back what the transfer holds. */
export function release(tables: WriteTables, id: RecordHash, record: TransferRecord): void {
  for (const nf of [record.nf1, record.nf2]) {
    const key = nullifierHex(nf);
    if (tables.nullifiers.get(key)?.transfer === id) tables.nullifiers.remove(key);
  }
}

/** Not in the tree, and not in the contract's queue. @throws TacitError NULLIFIER_SPENT, NULLIFIER_FORCED */
export function assertUnspent(ctx: NodeContext, { nf1, nf2 }: TransferRecord): void {
  for (const nf of [nf1, nf2]) {
    if (ctx.view.state.nullifiers.has(nf))
      throw new TacitError('NULLIFIER_SPENT', 'a note of this transfer is spent', { got: fieldHex(nf) });
    if (waitingForced(ctx.view).some(({ record }) => record?.nf1 === nf || record?.nf2 === nf)) {
      throw new TacitError('NULLIFIER_FORCED', 'a forced transfer in the contract’s queue spends this note', { got: fieldHex(nf) });
    }
  }
}

/** @throws TacitError NULLIFIER_RESERVED */
export function assertFree(holder: NullifierRow | undefined, id: RecordHash, nowMs: number): void {
  if (holder === undefined || holder.transfer === id) return;
  if (holder.holder === 'lease' && (holder.expiresMs ?? 0) <= nowMs) return;
  throw new TacitError('NULLIFIER_RESERVED', 'another transfer under way spends this note', {
    got: holder.transfer ?? holder.holder,
    retryable: holder.holder === 'lease',
  });
}
