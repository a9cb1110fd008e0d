/** A transfer's row as the outside sees it. */
import type { SealRow, TransferRow } from '../ledger/schema.js';
import type { SoftConfirmation, TransferStatus } from '../queue/service.js';
import type { NodeContext } from './context.js';

/** Reason that marks a sealed transfer which nobody can open any more: the wallet shall seal it again. */
export const RESEAL_PREFIX = 'RESEAL';

export function statusOf(ctx: Pick<NodeContext, 'journal' | 'view'>, row: TransferRow): TransferStatus {
  const seal = row.seal === undefined ? undefined : ctx.journal.read.seals.get(row.seal);
  const confirmation = confirmationOf(row);
  const block = ctx.view.settled.ofRecord(row.id)?.block.number;
  const proof = row.proofId === undefined ? undefined : ctx.journal.read.proofs.get(row.proofId);
  const { proving, failed: _, ...times } = row.times;
  return {
    id: row.id,
    status: row.state === 'queued' && row.reason?.startsWith(RESEAL_PREFIX) ? 'reseal' : row.state,
    times: { ...times, ...(proving === undefined ? {} : { proving }) },
    ...(confirmation === undefined ? {} : { confirmation }),
    ...(seal === undefined ? {} : { position: positionOf(seal, row) }),
    ...(row.settlementTx === undefined ? {} : { settlementTx: row.settlementTx }),
    ...(block === undefined || row.state !== 'settled' ? {} : { settlementBlock: block }),
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    ...(proof === undefined ? {} : { prover: proof.prover }),
  };
}

export function confirmationOf({ id, sequence, confirmation }: TransferRow): SoftConfirmation | undefined {
  if (sequence === undefined || confirmation === undefined) return undefined;
  const { sealedIndex, signature } = confirmation;
  return { recordHash: id, sequence, sealedIndex: sealedIndex === undefined ? 0 : sealedIndex + 1, signature };
}

/** Index of the first commitment of the transfer's slot. */
function positionOf(seal: SealRow, { id }: TransferRow): string {
  const slot = seal.slots.findIndex(({ source }) => source.kind === 'transfer' && source.id === id);
  return String(seal.startIndex + 2 * slot);
}
