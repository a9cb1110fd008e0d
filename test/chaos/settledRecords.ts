/** What the chain says has been paid. */
import { hexToBytes } from '../../protocol/bytes.js';
import { decodeRecord, recordHash } from '../../protocol/record.js';
import type { Replay } from '../../verifier-contract/replay.js';

/** Every record that is in the trees, forced ones included, in order; one that is there twice is there twice. */
export function settledRecords({ settlements, queue, domain }: Replay): string[] {
  const forced = queue.flatMap(({ event, state }) =>
    state === 'settled' && event.kind === 'forced' ? [recordHash(decodeRecord(hexToBytes(event.record)), domain)] : [],
  );
  return [
    ...settlements.flatMap(({ settlement }) => settlement.transfers.flatMap(({ records }) => records)).map((r) => recordHash(r, domain)),
    ...forced,
  ];
}
