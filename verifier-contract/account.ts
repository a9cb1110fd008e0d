/** An L1 account that signs and sends: from a raw private key, on a connection that is open already. */
import { type Provider, type Signer, Wallet } from 'ethers';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';

/** @param privateKey 32 bytes. @throws TacitError KEY_MALFORMED; the key itself is not repeated */
export function openAccount(provider: Provider, privateKey: Hex): Signer {
  if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey))
    throw new TacitError('KEY_MALFORMED', 'not a private key', { expected: '0x and 64 hexadecimal digits' });
  try {
    return new Wallet(privateKey, provider);
  } catch {
    throw new TacitError('KEY_MALFORMED', 'not a private key of secp256k1', { expected: 'a number from 1 to n − 1' });
  }
}
