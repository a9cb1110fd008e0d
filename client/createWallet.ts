/** A new wallet with a new recovery phrase. */
import { bytesToHex } from '../protocol/bytes.js';
import { generateMnemonic, mnemonicToSeed } from '../protocol/mnemonic.js';
import type { WalletHome } from './state.js';
import { Wallet } from './wallet.js';
import type { KdfCost } from './walletFile.js';

export interface CreateWalletParameters {
  readonly path: string;
  readonly passphrase: string;
  readonly home: WalletHome;
  /** Default: 128 MiB of scrypt. */
  readonly kdfCost?: KdfCost;
}

/**
 * @returns the open wallet, and the phrase: it is shown once and kept nowhere
 * @throws TacitError WALLET_EXISTS, WALLET_LOCKED, PASSPHRASE_EMPTY
 */
export async function createWallet({
  path,
  passphrase,
  home,
  kdfCost,
}: CreateWalletParameters): Promise<{ wallet: Wallet; mnemonic: string }> {
  const mnemonic = generateMnemonic();
  const state = {
    ...home,
    seed: bytesToHex(mnemonicToSeed(mnemonic)),
    addresses: 1,
    restored: false,
    cursor: undefined,
    notes: [],
    transfers: [],
    deposits: [],
  };
  return { wallet: await Wallet.create(path, passphrase, state, kdfCost), mnemonic };
}
