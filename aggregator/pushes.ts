/**
 * Gas that the withdrawals of a settlement may take at most. A recipient, or a token, can be cheap while the node estimates
 * and use all that its push gets once the transaction is in sight. The contract reverts where it could not pay for the next push
 * in full (`PushStarved`), so with a limit that rests on the estimate alone anybody could spoil settlement after settlement.
 */
import type { SealRow } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { NATIVE_ASSET } from '../protocol/constants.js';
import type { Hex } from '../protocol/flavor.js';
import { decodeRecord, type TransferRecord } from '../protocol/record.js';
import { waitingItem } from './chainView.js';
import type { NodeContext } from './context.js';
import { GAS_MODEL, gasOf, settlementGas, WITHDRAWAL_GAS } from './gasModel.js';

type Known = Pick<NodeContext, 'journal' | 'live' | 'view'>;
type Slots = Pick<SealRow, 'slots'>;

/** Every push of a seal's withdrawals, transfers' and forced ones', as dear as it can be. */
export function mostPushGas(ctx: Known, seal: Slots): number {
  return pushGas(recordsOf(ctx, seal));
}

/** What a seal adds to a settlement at most: each transfer under a proof of its own, each push as dear as it can be. */
export function mostSealGas(ctx: Known, seal: Slots): number {
  const records = recordsOf(ctx, seal);
  const shape = { records: seal.slots.length, transferProofs: records.length, updates: 1 };
  return settlementGas(GAS_MODEL, shape) - gasOf(GAS_MODEL.settlement) + pushGas(records);
}

function pushGas(records: readonly TransferRecord[]): number {
  return records
    .filter(({ outValue }) => outValue !== 0n)
    .reduce((sum, { outAsset }) => sum + gasOf(outAsset === NATIVE_ASSET ? WITHDRAWAL_GAS.native : WITHDRAWAL_GAS.token), 0);
}

function recordsOf(ctx: Known, { slots }: Slots): TransferRecord[] {
  return slots.flatMap(({ source }): TransferRecord[] => {
    if (source.kind === 'forced') return listed(waitingItem(ctx.view, source.item)?.record);
    return source.kind === 'transfer' ? listed(packed(ctx, source.id)).map((record) => decodeRecord(hexToBytes(record))) : [];
  });
}

function packed({ live, journal }: Known, id: string): Hex | undefined {
  return live.get(id)?.record ?? journal.read.transfers.get(id)?.record;
}

function listed<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
