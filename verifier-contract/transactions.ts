/**
 * Single facts of the chain that the contract's events do not carry: a transaction's sender and input as they are, the
 * time of a block, what an account owns.
 */
import type { Provider } from 'ethers';
import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { evmAddressToBytes } from '../protocol/evmAddress.js';
import type { Amount, EvmAddress, Hex } from '../protocol/flavor.js';
import { onChain } from './contractError.js';
import type { BlockTag } from './rollup.js';

export interface RawTransaction {
  readonly from: EvmAddress;
  readonly input: Hex;
}

/** Gas for a token to say what an account owns. */
const BALANCE_GAS = 10_000_000;
const WORD_CHARS = 64;

/** @throws TacitError HISTORY_INCOMPLETE when the node does not have it in that block (retryable), RPC_UNREACHABLE */
export async function readTransaction(provider: Provider, hash: Hex, blockNumber: number): Promise<RawTransaction> {
  const transaction = await onChain('read a transaction', () => provider.getTransaction(hash));
  if (transaction === null || transaction.blockNumber !== blockNumber) {
    throw new TacitError('HISTORY_INCOMPLETE', 'the node does not give this transaction', {
      expected: `${hash} in block ${blockNumber}`,
      retryable: true,
    });
  }
  return { from: transaction.from.toLowerCase(), input: transaction.data };
}

/** Seconds since the epoch. @throws TacitError HISTORY_INCOMPLETE (retryable), RPC_UNREACHABLE */
export async function readBlockTime(provider: Provider, blockNumber: number): Promise<number> {
  const block = await onChain('read a block', () => provider.getBlock(blockNumber));
  if (block === null)
    throw new TacitError('HISTORY_INCOMPLETE', 'the node does not have this block', { got: `${blockNumber}`, retryable: true });
  return block.timestamp;
}

/**
 * What an account owns: of the native coin, or of a token. A token that gives no number, whether it reverts, runs for ever or
 * is gone, has nothing: anybody may register a token, and none of them may stop whoever asks all.
 * @param token undefined for the native coin
 * @throws TacitError only for what is the RPC's fault
 */
export async function readBalance(
  provider: Provider,
  account: EvmAddress,
  token: EvmAddress | undefined,
  blockTag: BlockTag,
): Promise<Amount> {
  if (token === undefined) return onChain('read a balance', () => provider.getBalance(account, blockTag));
  const answer = await onChain('read a token balance', () => provider.call({ data: balanceProgram(token, account), blockTag }));
  const words = answer.slice(2);
  if (words.length !== 2 * WORD_CHARS)
    throw new TacitError('RPC_FAILED', 'the chain’s RPC does not run a program', { expected: 'two words', got: answer.slice(0, 200) });
  const [isNumber, balance] = [BigInt(`0x${words.slice(0, WORD_CHARS)}`), BigInt(`0x${words.slice(WORD_CHARS)}`)];
  return isNumber === 1n ? balance : 0n;
}

/**
 * Creation code that asks the token and returns two words: 1 if it has answered with a word or more, and that word. Run as a call
 * without a receiver it never fails itself, so that a token's failure and its choice of words cannot be taken for the RPC's.
 */
function balanceProgram(token: EvmAddress, account: EvmAddress): Hex {
  const [ofToken, ofAccount] = [token, account].map((address) => bytesToHex(evmAddressToBytes(address)).slice(2));
  const gas = BALANCE_GAS.toString(16).padStart(8, '0');
  return [
    '0x6370a08231', // PUSH4 balanceOf(address)
    '60e01b5f52', // at 0
    `73${ofAccount}600452`, // the account as a word at 4
    `6020604060245f73${ofToken}63${gas}fa`, // STATICCALL, 36 bytes from 0, a word of the answer to 64
    '3d601f1016602052', // succeeded, and 31 < RETURNDATASIZE: at 32
    '60406020f3', // RETURN 64 bytes from 32
  ].join('');
}
