/**
 * A wallet from its recovery phrase. Notes and spends come back with the first sync, and so do address indexes in use;
 * the proofs of earlier payments (their one-time secrets) were only in the lost file.
 */
import { bytesToHex } from '../protocol/bytes.js';
import { mnemonicToSeed } from '../protocol/mnemonic.js';
import type { CreateWalletParameters } from './createWallet.js';
import { Wallet } from './wallet.js';

export interface RestoreWalletParameters extends CreateWalletParameters {
  readonly mnemonic: string;
  /** Address indexes known to be in use; more are found by looking. Default 1. */
  readonly addresses?: number;
}

/** @throws TacitError MNEMONIC_INVALID, WALLET_EXISTS, WALLET_LOCKED, PASSPHRASE_EMPTY */
export async function restoreWallet({
  path,
  passphrase,
  home,
  mnemonic,
  addresses = 1,
  kdfCost,
}: RestoreWalletParameters): Promise<Wallet> {
  const seed = bytesToHex(mnemonicToSeed(mnemonic));
  return Wallet.create(
    path,
    passphrase,
    { ...home, seed, addresses, restored: true, cursor: undefined, notes: [], transfers: [], deposits: [] },
    kdfCost,
  );
}
