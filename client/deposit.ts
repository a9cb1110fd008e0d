/**
 * Paying in from an L1 account, to oneself or to any Tacit address. The contract sees asset, value and the L1 account; the
 * owner is a one-time key that leads to no address. The one-time secret is random: two deposits never share one.
 */
import { decodeAddress } from '../protocol/address.js';
import { bytesToHex } from '../protocol/bytes.js';
import { encodeMemo, encryptNote } from '../protocol/encryption.js';
import { TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import type { Amount, AssetId, Hex } from '../protocol/flavor.js';
import { assertAmount, commitment } from '../protocol/note.js';
import { deriveForSender, streamKey, x25519Public } from '../protocol/onetime.js';
import { openAccount } from '../verifier-contract/account.js';
import { approveToken, tokenBalance } from '../verifier-contract/token.js';
import { assertHome, type WalletEnvironment } from './environment.js';
import { FundsError } from './fundsError.js';
import type { Wallet } from './wallet.js';

export interface DepositParameters {
  /** L1 private key, 32 bytes as hex; pays value, slot fee and gas. Used and forgotten. */
  readonly privateKey: Hex;
  readonly asset: AssetId;
  /** In the asset's smallest unit, above 0. */
  readonly value: Amount;
  /** Default: this wallet's first address. */
  readonly to?: string;
  /** At most 12 bytes of UTF-8. */
  readonly memo?: string;
}

export interface DepositResult {
  readonly commitment: Hex;
  readonly queueIndex: number;
  readonly tx: Hex;
  readonly block: number;
}

const SECRET_BYTES = 32;

/**
 * Returns when the deposit is mined; it can be spent once a settlement has taken it in. Deposits from one L1 account must
 * not run side by side.
 * @throws TacitError ADDRESS_…, MEMO_SIZE, AMOUNT_RANGE, KEY_MALFORMED, ASSET_UNKNOWN, INSUFFICIENT_FUNDS, FUNDS_TOO_LOW, RPC_UNREACHABLE, CONTRACT_…
 */
export async function deposit(
  wallet: Wallet,
  environment: WalletEnvironment,
  { privateKey, asset, value, to = wallet.address(), memo = '' }: DepositParameters,
): Promise<DepositResult> {
  assertHome(wallet.state, environment);
  const address = decodeAddress(to, wallet.state.network);
  if (assertAmount(value) === 0n)
    throw new TacitError('AMOUNT_RANGE', 'a deposit of nothing', { expected: '1 or more of the smallest unit', got: '0' });
  const memoBytes = encodeMemo(memo);
  const signer = openAccount(environment.rollup.provider, privateKey);
  const rollup = environment.rollup.connect(signer);
  if (asset !== 0) await allow(environment, signer, asset, value);

  const e = globalThis.crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const E = x25519Public(e);
  const oneTime = deriveForSender(e, address, 0, 'deposit');
  const cm = commitment({ owner: oneTime.owner, asset, value });
  const ciphertext = encryptNote({ asset, value, memo: memoBytes }, streamKey(oneTime.sharedSecret, E, address.V, 0, cm, 'deposit'));
  const entry = { cm: bytesToHex(fieldToBytes(cm)), to, asset, value: String(value), memo, createdMs: Date.now() };
  await wallet.change((state) => state.deposits.push(entry));
  const mined = await rollup.deposit({ asset, value, owner: oneTime.owner, ephemeral: E, ciphertext });
  await wallet.change((state) => {
    const stored = state.deposits.find((candidate) => candidate.cm === entry.cm);
    if (stored !== undefined) stored.mined = { block: mined.blockNumber, tx: mined.hash, queueIndex: mined.queueIndex };
  });
  return { commitment: entry.cm, queueIndex: mined.queueIndex, tx: mined.hash, block: mined.blockNumber };
}

async function allow(environment: WalletEnvironment, signer: ReturnType<typeof openAccount>, asset: AssetId, value: Amount): Promise<void> {
  const count = await environment.rollup.assetCount();
  if (!Number.isInteger(asset) || asset < 0 || asset > count)
    throw new TacitError('ASSET_UNKNOWN', 'the rollup has no such asset', { expected: `0 to ${count}`, got: String(asset) });
  const token = await environment.rollup.asset(asset);
  const held = await tokenBalance(signer, token, await signer.getAddress());
  if (held < value)
    throw new FundsError('INSUFFICIENT_FUNDS', 'the L1 account does not hold so many tokens', {
      asset,
      need: value,
      available: held,
      hint: '',
    });
  await approveToken(signer, token, environment.rollup.address, value);
}
