/** An existing wallet. It stays locked against other processes until it is closed. */
import { Wallet } from './wallet.js';

export interface OpenWalletParameters {
  readonly path: string;
  readonly passphrase: string;
}

/** @throws TacitError WALLET_MISSING, WALLET_LOCKED, WALLET_FORMAT, PASSPHRASE_WRONG */
export function openWallet({ path, passphrase }: OpenWalletParameters): Promise<Wallet> {
  return Wallet.open(path, passphrase);
}
