/** Two transfers that are admitted, promised, sealed and settled together: the second pays the fee of both. */
import type { RecordHash, TransferRow } from '../ledger/schema.js';
import type { NodeContext } from './context.js';

/** The other half of a pair, where it is here and names this one too. */
export function partnerOf(
  { live }: Pick<NodeContext, 'live'>,
  { id, pairedWith }: { readonly id: RecordHash; readonly pairedWith?: RecordHash },
): TransferRow | undefined {
  const partner = pairedWith === undefined ? undefined : live.get(pairedWith);
  return partner?.pairedWith === id ? partner : undefined;
}

/** A promise was signed, or may have been before a crash. Half of a pair has its number before it is promised (confirm.ts). */
export function isPromised({ sequence, pairedWith, times }: TransferRow): boolean {
  return pairedWith === undefined ? sequence !== undefined : times.confirmed !== undefined;
}
