/**
 * Paying somebody inside the rollup. Payments of one wallet may run side by side: each takes its own notes.
 */
import { decodeAddress } from '../protocol/address.js';
import { encodeMemo } from '../protocol/encryption.js';
import type { Amount, AssetId } from '../protocol/flavor.js';
import { assertHome, type WalletEnvironment } from './environment.js';
import { type SendOptions, type SentTransfer, send } from './transfer.js';
import type { Wallet } from './wallet.js';

export interface PayParameters extends SendOptions {
  /** A Tacit address of this network. */
  readonly to: string;
  readonly asset: AssetId;
  /** In the asset's smallest unit, above 0. */
  readonly value: Amount;
  /** At most 12 bytes of UTF-8; the payee sees it. */
  readonly memo?: string;
}

/**
 * The wallet must have been synced. Returns when a node has accepted the transfer; `awaitSettled` follows it from there.
 * @throws TacitError ADDRESS_CHECKSUM, ADDRESS_NETWORK, ADDRESS_POINT, ADDRESS_VIEW_KEY, MEMO_SIZE, ASSET_UNKNOWN, AMOUNT_RANGE,
 *   INSUFFICIENT_FUNDS, NOTES_PENDING, NOTES_FRAGMENTED, FARM_RECEIVED_NOTE: nothing is reserved;
 *   ARTIFACT_…, PROVE_…, ROSTER_…, ANCHOR_STALE, RPC_UNREACHABLE: nothing was sent, the notes are free again;
 *   NODE_UNREACHABLE, NODE_BUSY, ANCHOR_UNKNOWN: perhaps sent, the notes stay reserved, see `resume`;
 *   NULLIFIER_SPENT, FEE_TOO_LOW, …: refused for good, the notes are free again
 */
export async function pay(
  wallet: Wallet,
  environment: WalletEnvironment,
  { to, asset, value, memo = '', ...options }: PayParameters,
): Promise<SentTransfer> {
  assertHome(wallet.state, environment);
  const address = decodeAddress(to, wallet.state.network);
  const intention = { kind: 'payment' as const, to: address, memo: encodeMemo(memo), money: { asset, value } };
  return send(wallet, environment, intention, { kind: 'payment', to, memo }, options);
}
