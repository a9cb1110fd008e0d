/** Taking money out to an L1 account. Amount, asset and recipient become public; which notes it came from does not. */
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { Amount, AssetId, EvmAddress } from '../protocol/flavor.js';
import { assertHome, type WalletEnvironment } from './environment.js';
import { type SendOptions, type SentTransfer, send } from './transfer.js';
import type { Wallet } from './wallet.js';

export interface WithdrawParameters extends SendOptions {
  readonly recipient: EvmAddress;
  readonly asset: AssetId;
  /** In the asset's smallest unit, above 0. */
  readonly value: Amount;
}

/** @throws TacitError EVM_ADDRESS_INVALID, and as `pay` */
export async function withdraw(
  wallet: Wallet,
  environment: WalletEnvironment,
  { recipient, asset, value, ...options }: WithdrawParameters,
): Promise<SentTransfer> {
  assertHome(wallet.state, environment);
  const to = assertEvmAddress(recipient.toLowerCase(), 'recipient');
  if (to === ZERO_ADDRESS)
    throw new TacitError('EVM_ADDRESS_INVALID', 'a withdrawal to nobody', { expected: 'an address other than zero' });
  return send(
    wallet,
    environment,
    { kind: 'withdrawal', recipient: to, money: { asset, value } },
    { kind: 'withdrawal', to, memo: '' },
    options,
  );
}
